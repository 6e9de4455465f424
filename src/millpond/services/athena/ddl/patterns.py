"""Hive's patterns of names: `*` for any characters, `|` for a choice, case ignored."""

import re
from collections.abc import Callable


def like(pattern: str | None) -> Callable[[str], bool]:
    """Whether a name matches; everything does without a pattern."""
    if pattern is None:
        return lambda name: True
    choices = (
        ".*".join(re.escape(part) for part in choice.strip().split("*"))
        for choice in pattern.split("|")
    )
    compiled = re.compile("|".join(f"(?:{choice})" for choice in choices), re.IGNORECASE)
    return lambda name: compiled.fullmatch(name) is not None
