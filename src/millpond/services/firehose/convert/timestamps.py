"""Reads dates and times from JSON values: what both JSON SerDes of Firehose take.

Pure. Times come out in UTC and without a zone, in microseconds: further digits are cut off.

Source: Firehose Developer Guide, Choose the JSON deserializer.
"""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from millpond.services.firehose.convert import joda

_EPOCH = datetime(1970, 1, 1)
_MILLIS_FROM = 10**12
"""From 13 digits on a whole number counts milliseconds, below that seconds."""
_NUMBER_MAX = 10**18
_TEXT = re.compile(
    r"(\d{4})-(\d\d?)-(\d\d?)[ T](\d\d?):(\d\d):(\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:?\d\d)?", re.ASCII
)
_NUMBER = re.compile(r"-?\d{1,18}(\.\d{1,9})?", re.ASCII)
_WHOLE = re.compile(r"-?\d{1,18}", re.ASCII)

ReadTime = Callable[[Any], datetime]


def read_date(value: Any) -> date:
    """A date written as `yyyy-MM-dd`.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, str) and len(value) == 10 and value[4] == value[7] == "-":
        return date.fromisoformat(value)
    raise ValueError(f"{value!r:.64} is no date of the form yyyy-MM-dd.")


def read_openx(value: Any) -> datetime:
    """A time as the OpenX SerDe reads it: text, or seconds or milliseconds since the epoch.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, str):
        if _NUMBER.fullmatch(value):
            return _from_number(Decimal(value))
        return _from_text(value)
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return _from_number(value)
    raise _unread(value)


def hive_reader(patterns: Sequence[str] | None) -> ReadTime:
    """What reads times as the Hive SerDe does: by these patterns, without any as
    `yyyy-MM-dd HH:mm:ss[.fff]`.

    Raises:
        joda.BadPattern: a pattern cannot be read by.
    """
    if not patterns:
        return _read_sql
    takes_millis = "millis" in patterns
    readers = [joda.reader(pattern) for pattern in patterns if pattern != "millis"]

    def read(value: Any) -> datetime:
        if isinstance(value, str):
            for one in readers:
                if (found := one(value)) is not None:
                    return found
            if takes_millis and _WHOLE.fullmatch(value):
                return _after(milliseconds=int(value))
        elif takes_millis and isinstance(value, int) and not isinstance(value, bool):
            return _after(milliseconds=value)
        raise _unread(value)

    return read


def _read_sql(value: Any) -> datetime:
    if isinstance(value, str) and "T" not in value and not value.endswith("Z"):
        return _from_text(value)
    raise _unread(value)


def _from_number(value: float | Decimal) -> datetime:
    if not -_NUMBER_MAX < value < _NUMBER_MAX:
        raise _unread(value)
    whole = int(value)
    if whole != value:
        return _after(microseconds=int(value * 1_000_000))
    if abs(whole) >= _MILLIS_FROM:
        return _after(milliseconds=whole)
    return _after(seconds=whole)


def _after(**since: int) -> datetime:
    try:
        return _EPOCH + timedelta(**since)
    except OverflowError:
        raise ValueError("The time is out of range.") from None


def _from_text(text: str) -> datetime:
    found = _TEXT.fullmatch(text)
    if found is None:
        raise _unread(text)
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    micros = int(fraction[:6].ljust(6, "0")) if fraction else 0
    when = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), micros)
    if zone is None or zone == "Z":
        return when
    try:
        shifted = datetime.fromisoformat(f"{when.isoformat()}{zone}").astimezone(UTC)
    except OverflowError:
        raise _unread(text) from None
    return shifted.replace(tzinfo=None)


def _unread(value: Any) -> ValueError:
    return ValueError(f"{value!r:.64} is no timestamp.")
