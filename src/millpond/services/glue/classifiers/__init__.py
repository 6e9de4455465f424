"""Custom classifiers: what they are, and what they make of a file. Pure."""
