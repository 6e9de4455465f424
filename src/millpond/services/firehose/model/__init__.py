"""What delivery streams are, and the rules for them; pure."""
