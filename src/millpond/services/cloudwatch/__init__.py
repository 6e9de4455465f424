"""Amazon CloudWatch metrics: what services and users measure, by the minute."""
