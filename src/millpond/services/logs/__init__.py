"""Amazon CloudWatch Logs: groups and streams of log events."""
