"""What the README runs."""
