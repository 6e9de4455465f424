"""What a compiled filter pattern can be asked."""

from collections.abc import Mapping
from typing import Protocol

Value = str | int | float | bool | None
"""A value of an event's field; None: it is there, and null."""


class InvalidPattern(ValueError):
    """The pattern cannot be read; the message says why."""


class Pattern(Protocol):
    @property
    def regexes(self) -> int:
        """How many regular expressions it holds."""
        ...

    def matches(self, message: bytes) -> bool:
        """Whether the message of an event is meant."""
        ...

    def extracted(self, message: bytes) -> Mapping[str, str]:
        """The fields of a matching message that the pattern speaks of, by its names for them."""
        ...

    def values(self, message: bytes, references: tuple[str, ...]) -> tuple[Value, ...]:
        """The values of `$.selector` or `$name` in a matching message, in order.

        None stands for what the message has not, or has as null or a structure.
        """
        ...

    def check_reference(self, reference: str) -> None:
        """Look whether `values` may be asked for a reference.

        Raises:
            InvalidPattern: events that match have no such field.
        """
        ...
