"""A partition key's type: how its texts are compared.

Glue compares partition values by the key's declared type, although they are stored as text.
"""

import datetime
import decimal
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

NULL = "__HIVE_DEFAULT_PARTITION__"
"""What Hive writes in place of a null partition value."""

_INTEGERS = frozenset({"int", "integer", "bigint", "long", "smallint", "tinyint"})
_TEXTS = frozenset({"string", "char", "varchar"})
_INTEGER = re.compile(r"[+-]?[0-9]{1,40}")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]{1,80}(?:\.[0-9]{0,80})?|\.[0-9]{1,80})")
_TIMESTAMP = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?"
)


class BadLiteral(ValueError):
    """A literal cannot be read in the key's type, or the key has a type that is not filtered."""


class BadValue(ValueError):
    """A stored partition value cannot be read in the key's type."""


@dataclass(frozen=True, slots=True)
class KeyType:
    """`read` turns text into something that compares; it raises ValueError with Glue's words."""

    family: str
    read: Callable[[str], Any]


def key_type(declared: str) -> KeyType:
    """How values of a declared Hive type compare.

    Raises:
        BadLiteral: the type is not one that Glue filters by.
    """
    name = re.sub(r"\s*\(.*\)\s*$", "", declared.strip().lower())
    if name in _TEXTS:
        return KeyType("string", str)
    if name in _INTEGERS:
        return KeyType("integral", _read_integer)
    if name == "decimal":
        return KeyType("decimal", _read_decimal)
    if name == "date":
        return KeyType("date", _read_date)
    if name == "timestamp":
        return KeyType("timestamp", _read_timestamp)
    raise BadLiteral(f"Unknown type : '{declared}'")


def _read_integer(text: str) -> int:
    if not _INTEGER.fullmatch(text.strip()):
        raise ValueError(f'"{text}" is not an integer.')
    return int(text)


def _read_decimal(text: str) -> decimal.Decimal:
    if not _DECIMAL.fullmatch(text.strip()):
        raise ValueError(f"{text} is not a decimal.")
    return decimal.Decimal(text.strip())


def _read_date(text: str) -> datetime.date:
    try:
        return datetime.datetime.strptime(text.strip(), "%Y-%m-%d").date()
    except ValueError:
        raise ValueError(f"{text} is not a date.") from None


def _read_timestamp(text: str) -> tuple[str, str]:
    """The text to the second, and the fraction: both compare as text."""
    found = _TIMESTAMP.fullmatch(text.strip())
    try:
        if found:
            datetime.datetime.strptime(found[1], "%Y-%m-%d %H:%M:%S")
            return found[1], (found[2] or "").ljust(9, "0")
    except ValueError:
        pass
    raise ValueError(
        f"Timestamp format must be yyyy-mm-dd hh:mm:ss[.fffffffff] {text} is not a timestamp."
    )
