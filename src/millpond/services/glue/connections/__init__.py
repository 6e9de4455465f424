"""Connections: where databases are, and how they are entered."""
