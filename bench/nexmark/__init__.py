"""Nexmark: an auction site's events, and questions about them, for stream engines."""
