"""Logs in this process: one journal for all of them, and segments behind it."""

from millpond.engines.log.embedded.store import EmbeddedLog

__all__ = ["EmbeddedLog"]
