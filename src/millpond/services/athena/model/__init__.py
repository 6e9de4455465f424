"""What Athena's things are, and their rules; pure."""
