"""What STS is lent: nothing. All it answers stands in the call."""

from dataclasses import dataclass

CALLS: tuple[tuple[str, str], ...] = ()
"""The operations of other services that this one calls."""


@dataclass(frozen=True, slots=True)
class Needs:
    """No engine, clock or caller."""
