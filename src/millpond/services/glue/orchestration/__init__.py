"""Triggers and workflows: what starts jobs and crawlers when, and after what."""
