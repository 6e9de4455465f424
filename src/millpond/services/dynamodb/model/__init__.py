"""What tables, items and expressions are, and the rules for them; pure."""
