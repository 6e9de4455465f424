"""Reads timestamps by the patterns of Joda-Time's DateTimeFormat, as the Hive JSON SerDe does.

Pure. A pattern becomes a regular expression once. What it names beyond the letters below is
refused by name.

Source: Joda-Time, DateTimeFormat; Firehose API reference, HiveJsonSerDe.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_PIECE = re.compile(r"'((?:[^']|'')*)'|([a-zA-Z])\2*|([^a-zA-Z'])")
_DAY = r"(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?"
_ZONE = re.compile(r"([+-])(\d\d):?(\d\d)", re.ASCII)

Reader = Callable[[str], datetime | None]


class BadPattern(ValueError):
    """A pattern that cannot be read by; the text names the letter."""


def reader(pattern: str) -> Reader:
    """What reads a text by `pattern`: to UTC, without a zone; None when the text is not of it.

    Raises:
        BadPattern: see there.
    """
    expression = re.compile(_expression(pattern), re.ASCII | re.IGNORECASE)

    def read(text: str) -> datetime | None:
        found = expression.fullmatch(text)
        return None if found is None else _build(found.groupdict())

    return read


def _expression(pattern: str) -> str:
    parts: list[str] = []
    seen: set[str] = set()
    at = 0
    while at < len(pattern):
        found = _PIECE.match(pattern, at)
        if found is None:
            raise BadPattern(f"The pattern {pattern} has a quote that is not closed.")
        at = found.end()
        if found[2] is None:
            literal = found[3] if found[3] is not None else found[1].replace("''", "'") or "'"
            parts.append(re.escape(literal))
            continue
        name, part = _letter(pattern, found[2], len(found[0]))
        if name and name in seen:
            raise BadPattern(f"The pattern {pattern} names {name} twice.")
        seen.add(name)
        parts.append(f"(?P<{name}>{part})" if name else part)
    return "".join(parts)


def _letter(pattern: str, letter: str, count: int) -> tuple[str, str]:
    """What a run of a letter stands for, and how it looks."""
    digits = rf"\d{{1,{max(2, count)}}}"
    match letter:
        case "y" | "Y" | "x":
            return ("short_year", r"\d\d") if count == 2 else ("year", r"[+-]?\d{1,4}")
        case "M" if count >= 3:
            return "month_name", r"[a-z]+"
        case "M":
            return "month", digits
        case "d":
            return "day", digits
        case "D":
            return "day_of_year", r"\d{1,3}"
        case "H":
            return "hour", digits
        case "k":
            return "hour_to_24", digits
        case "h":
            return "half_day_hour_to_12", digits
        case "K":
            return "half_day_hour", digits
        case "a":
            return "half", "am|pm"
        case "m":
            return "minute", digits
        case "s":
            return "second", digits
        case "S":
            return "fraction", rf"\d{{1,{max(9, count)}}}"
        case "E":
            return "", _DAY
        case "Z":
            return "zone", r"Z|[+-]\d\d:?\d\d"
    raise BadPattern(f"The letter {letter} of the pattern {pattern} is not implemented.")


def _build(found: dict[str, str]) -> datetime | None:
    try:
        year = int(found["year"]) if "year" in found else _long_year(found.get("short_year"))
        day = datetime(year, _month(found), int(found.get("day", 1)), tzinfo=UTC)
        if "day_of_year" in found:
            day = datetime(year, 1, 1, tzinfo=UTC) + timedelta(int(found["day_of_year"]) - 1)
        when = day.replace(
            hour=_hour(found),
            minute=int(found.get("minute", 0)),
            second=int(found.get("second", 0)),
            microsecond=int(found.get("fraction", "0")[:6].ljust(6, "0")),
        )
        return (when - _offset(found.get("zone"))).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None


def _long_year(short: str | None) -> int:
    """Joda's pivot is 30 years around the present; here it is fixed: 1970 to 2069."""
    if short is None:
        return 1970
    return int(short) + (1900 if int(short) >= 70 else 2000)


def _month(found: dict[str, str]) -> int:
    name = found.get("month_name", "").lower()
    if not name:
        return int(found.get("month", 1))
    for number, month in enumerate(_MONTHS, 1):
        if name in {month, month[:3]}:
            return number
    raise ValueError(name)


def _hour(found: dict[str, str]) -> int:
    if "hour_to_24" in found:
        return int(found["hour_to_24"]) % 24
    hour = int(found.get("hour", 0))
    if "half_day_hour_to_12" in found:
        hour = int(found["half_day_hour_to_12"]) % 12
    elif "half_day_hour" in found:
        hour = int(found["half_day_hour"])
    is_half = "half_day_hour_to_12" in found or "half_day_hour" in found
    return hour + 12 if is_half and found.get("half", "").lower() == "pm" else hour


def _offset(zone: str | None) -> timedelta:
    if zone is None or zone in {"Z", "z"}:
        return timedelta()
    found = _ZONE.fullmatch(zone)
    assert found is not None
    offset = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return timezone(offset if found[1] == "+" else -offset).utcoffset(None)
