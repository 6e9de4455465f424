"""Who may call what, as pure functions."""

from millpond.policy.actions import allows

__all__ = ["allows"]
