"""What a connector says about itself: its options, its metadata columns and what it can do."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from millpond.engines.streams.connectors import options
from millpond.engines.streams.plan import Table
from millpond.engines.streams.types import DataType


@dataclass(frozen=True, slots=True)
class Option:
    """One option, or, with `*` (anything) or `#` (a column) in its name, a family of them.

    `read` turns its text into a value and raises ValueError for a wrong one. `choices` are the
    values it may have, in any case. `refused`: it is known and cannot be used, and why. `inert`: it
    is taken because programs for Flink have it, and changes nothing here.
    """

    name: str
    read: Callable[[str], Any] = str
    choices: tuple[str, ...] = ()
    least: int | None = None
    most: int | None = None
    refused: str = ""
    inert: bool = False

    def matches(self, name: str) -> bool:
        if "*" not in self.name and "#" not in self.name:
            return self.name == name
        pattern = re.escape(self.name).replace(r"\*", ".+").replace(r"\#", ".+")
        return re.fullmatch(pattern, name) is not None

    def check(self, text: str) -> None:
        """Raises:
        ValueError: this value cannot be; the text says why.
        """
        if self.refused:
            raise ValueError(self.refused)
        if self.choices and text.strip().upper() not in (each.upper() for each in self.choices):
            raise ValueError(f"Expected one of {', '.join(self.choices)}")
        value = self.read(text)
        if self.least is not None and value < self.least:
            raise ValueError(f"It must be at least {self.least}")
        if self.most is not None and value > self.most:
            raise ValueError(f"It must be at most {self.most}")


@dataclass(frozen=True, slots=True)
class MetadataKey:
    """A metadata column that a connector offers, and whether it can be written."""

    key: str
    type: DataType
    writable: bool = False


@dataclass(frozen=True, slots=True)
class Connector:
    """A connector: `source`, `sink` and `lookup` name its classes (`module:Class`, imported when
    they are needed), empty where it cannot serve as that.

    `required`: of each group at least one option must be there. `formats` are those that it can
    carry, empty where a table has no `format`. `holds_changes`: its sink takes rows that replace
    earlier ones; `commits`: what its sink wrote appears with the checkpoint, once. `check` looks
    at what options say together and raises ValueError.
    """

    name: str
    source: str = ""
    sink: str = ""
    lookup: str = ""
    options: tuple[Option, ...] = ()
    required: tuple[tuple[str, ...], ...] = ()
    metadata: tuple[MetadataKey, ...] = ()
    formats: tuple[str, ...] = ()
    holds_changes: bool = False
    commits: bool = False
    check: Callable[[Table, str], None] | None = None

    def option(self, name: str) -> Option | None:
        return next((option for option in self.options if option.matches(name)), None)


def switches(*names: str) -> tuple[Option, ...]:
    """Options that are true or false."""
    return tuple(Option(name, options.boolean) for name in names)


def wholes(*names: str, least: int | None = 0, most: int | None = None) -> tuple[Option, ...]:
    """Options that are whole numbers."""
    return tuple(Option(name, options.whole, least=least, most=most) for name in names)


def durations(*names: str) -> tuple[Option, ...]:
    """Options that are durations."""
    return tuple(Option(name, options.duration_ms) for name in names)


def texts(*names: str) -> tuple[Option, ...]:
    """Options of any text."""
    return tuple(Option(name) for name in names)


def inert(*given: Option | tuple[Option, ...]) -> tuple[Option, ...]:
    """These options, and groups of them, as such that change nothing."""
    alone = (option for each in given for option in ((each,) if isinstance(each, Option) else each))
    return tuple(replace(option, inert=True) for option in alone)
