"""What applications and job runs are, and the rules for them. Pure."""
