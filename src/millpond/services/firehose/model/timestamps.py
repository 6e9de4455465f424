"""Java's DateTimeFormatter patterns, as prefixes of S3 objects use them.

Source: java.time.format.DateTimeFormatter, Patterns for Formatting and Parsing; weeks as in the
United States (from Sunday on; the first week of a year is the one with 1 January).
"""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta

_TOKEN = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|([\[\]])|([{}#'])|(.)", re.DOTALL)
_MONTHS = ["January", "February", "March", "April", "May", "June"]
_MONTHS += ["July", "August", "September", "October", "November", "December"]
_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_COUNT_MAX = 19


class BadPattern(ValueError):
    """Not a pattern, or one with a letter that is not known; the text says which."""


def format_time(pattern: str, when: datetime) -> str:
    """`when`, which has a time zone, in the words of `pattern`.

    Raises:
        BadPattern: the pattern cannot be used.
    """
    parts: list[str] = []
    for match in _TOKEN.finditer(pattern):
        quoted, letter, optional, reserved, other = match.groups()
        if quoted is not None:
            parts.append(quoted.replace("''", "'") or "'")
        elif letter is not None:
            parts.append(_field(letter, len(match.group()), when))
        elif reserved is not None:
            raise BadPattern(f"Pattern includes reserved character: '{reserved}'")
        elif optional is None:
            parts.append(other)
    return "".join(parts)


def _field(letter: str, count: int, when: datetime) -> str:
    write = _FIELDS.get(letter)
    if write is None:
        raise BadPattern(f"Unknown pattern letter: {letter}")
    if count > _COUNT_MAX:
        raise BadPattern(f"Too many pattern letters: {letter}")
    return write(count, when)


def _padded(value: Callable[[datetime], int]) -> Callable[[int, datetime], str]:
    return lambda count, when: f"{value(when):0{count}d}"


def _year(value: int, count: int) -> str:
    return f"{value % 100:02d}" if count == 2 else f"{value:0{count}d}"


def _text(names: list[str], index: int, count: int) -> str:
    if count == 5:
        return names[index][0]
    return names[index] if count == 4 else names[index][:3]


def _month(count: int, when: datetime) -> str:
    return f"{when.month:0{count}d}" if count < 3 else _text(_MONTHS, when.month - 1, count)


def _quarter(count: int, when: datetime) -> str:
    quarter = (when.month + 2) // 3
    if count < 3:
        return f"{quarter:0{count}d}"
    return f"Q{quarter}" if count == 3 else ("1st", "2nd", "3rd", "4th")[quarter - 1] + " quarter"


def _week(when: datetime) -> tuple[int, int]:
    """The week-based year, and the week in it."""
    day = when.date()
    for year in (day.year + 1, day.year):
        first = _sunday_before(date(year, 1, 1))
        if day >= first:
            return year, (day - first).days // 7 + 1
    raise AssertionError("a day lies in its own year or the next one's first week")


def _sunday_before(day: date) -> date:
    return day - timedelta(days=day.isoweekday() % 7)


def _week_of_month(when: datetime) -> int:
    return (when.date() - _sunday_before(when.date().replace(day=1))).days // 7 + 1


def _day_number(count: int, when: datetime) -> str:
    if count < 3:
        return f"{when.isoweekday() % 7 + 1:0{count}d}"
    return _text(_DAYS, when.weekday(), count)


def _offset(count: int, when: datetime, zero: str) -> str:
    minutes = _offset_minutes(when)
    if zero and not minutes:
        return zero
    sign = "-" if minutes < 0 else "+"
    hours, rest = divmod(abs(minutes), 60)
    if count == 1:
        return f"{sign}{hours:02d}{rest:02d}" if rest else f"{sign}{hours:02d}"
    return f"{sign}{hours:02d}{':' if count in (3, 5) else ''}{rest:02d}"


def _offset_minutes(when: datetime) -> int:
    offset = when.utcoffset()
    return round(offset.total_seconds() / 60) if offset is not None else 0


def _offset_words(count: int, when: datetime) -> str:
    minutes = _offset_minutes(when)
    if not minutes:
        return "GMT"
    sign = "-" if minutes < 0 else "+"
    hours, rest = divmod(abs(minutes), 60)
    if count == 4:
        return f"GMT{sign}{hours:02d}:{rest:02d}"
    return f"GMT{sign}{hours}:{rest:02d}" if rest else f"GMT{sign}{hours}"


def _basic_offset(count: int, when: datetime) -> str:
    if count == 4:
        return _offset_words(4, when)
    return _offset(5, when, "Z") if count == 5 else _offset(2, when, "")


def _nanos(when: datetime) -> int:
    return when.microsecond * 1000


def _second_of_day(when: datetime) -> int:
    return (when.hour * 60 + when.minute) * 60 + when.second


_FIELDS: Mapping[str, Callable[[int, datetime], str]] = {
    "G": lambda count, _: "A" if count == 5 else "Anno Domini" if count == 4 else "AD",
    "u": lambda count, when: _year(when.year, count),
    "y": lambda count, when: _year(when.year, count),
    "Y": lambda count, when: _year(_week(when)[0], count),
    "D": _padded(lambda when: when.timetuple().tm_yday),
    "M": _month,
    "L": _month,
    "d": _padded(lambda when: when.day),
    "Q": _quarter,
    "q": _quarter,
    "w": _padded(lambda when: _week(when)[1]),
    "W": _padded(_week_of_month),
    "E": lambda count, when: _text(_DAYS, when.weekday(), count),
    "e": _day_number,
    "c": _day_number,
    "F": _padded(lambda when: (when.day - 1) // 7 + 1),
    "a": lambda _, when: "AM" if when.hour < 12 else "PM",
    "h": _padded(lambda when: (when.hour - 1) % 12 + 1),
    "K": _padded(lambda when: when.hour % 12),
    "k": _padded(lambda when: (when.hour - 1) % 24 + 1),
    "H": _padded(lambda when: when.hour),
    "m": _padded(lambda when: when.minute),
    "s": _padded(lambda when: when.second),
    "S": lambda count, when: f"{_nanos(when):09d}"[:count].ljust(count, "0"),
    "A": _padded(lambda when: _second_of_day(when) * 1000 + when.microsecond // 1000),
    "n": _padded(_nanos),
    "N": _padded(lambda when: _second_of_day(when) * 10**9 + _nanos(when)),
    "V": lambda _, when: str(when.tzinfo),
    "z": lambda _, when: when.tzname() or "UTC",
    "O": _offset_words,
    "X": lambda count, when: _offset(count, when, "Z"),
    "x": lambda count, when: _offset(count, when, ""),
    "Z": _basic_offset,
}
