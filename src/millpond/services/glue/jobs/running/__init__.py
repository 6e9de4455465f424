"""Runs at work: their files, their process, their logs, and how they ended."""
