"""What metrics are made of, and the rules for them. Pure."""
