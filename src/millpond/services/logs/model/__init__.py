"""What log groups and streams are, and the rules for them. Pure."""
