"""What a script asks for and this library does not have is refused by its name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


class NotSupported(NotImplementedError):
    """The text names what was asked for, and says what there is instead if there is something."""


def refuse_others(what: str, given: Mapping[str, Any], known: Iterable[str]) -> None:
    """Refuse the first option that is not known.

    Raises:
        NotSupported: an option is none of `known`; one that is None was not asked for.
    """
    allowed = set(known)
    for name, value in given.items():
        if name not in allowed and value is not None:
            raise NotSupported(f"{what}: the option {name} is not supported.")


def is_true(value: Any) -> bool:
    """Options come as booleans or as their words."""
    return value is True or str(value).strip().lower() == "true"
