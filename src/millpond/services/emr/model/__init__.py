"""What clusters and steps are, and the rules for them. Pure."""
