"""Intervals: what stands in quotes and its units, as months and microseconds."""

import re

from sqlglot import exp

from millpond.engines.streams.interface import Refused
from millpond.engines.streams.sql.dialect import position_of

_UNITS_US = {
    "DAY": 86_400_000_000,
    "HOUR": 3_600_000_000,
    "MINUTE": 60_000_000,
    "SECOND": 1_000_000,
    "WEEK": 7 * 86_400_000_000,
}
_UNITS_MONTHS = {"YEAR": 12, "QUARTER": 3, "MONTH": 1}
_ORDER = ("DAY", "HOUR", "MINUTE", "SECOND")
_LIMITS = {"HOUR": 24, "MINUTE": 60, "SECOND": 60}


def read_interval(node: exp.Interval) -> tuple[int, int]:
    """Months and microseconds of an interval, such as `INTERVAL '1:30' MINUTE TO SECOND`; one of
    the two is 0.

    Raises:
        Refused: what is quoted is not of these units.
    """
    text = node.this.name.strip()
    sign = -1 if text.startswith("-") else 1
    body = text.lstrip("+-")
    unit = node.args["unit"]
    units = (
        (unit.this.name, unit.expression.name)
        if isinstance(unit, exp.IntervalSpan)
        else (unit.name,)
    )
    if units == ("YEAR", "MONTH"):
        match = re.fullmatch(r"(\d+)-(\d+)", body)
        if match is None or int(match[2]) > 11:
            raise _wrong(node, units)
        return sign * (int(match[1]) * 12 + int(match[2])), 0
    if len(units) == 1:
        return _single(node, units[0], body, sign)
    first, last = units
    if first not in _ORDER or last not in _ORDER or _ORDER.index(first) >= _ORDER.index(last):
        raise _wrong(node, units)
    names = _ORDER[_ORDER.index(first) : _ORDER.index(last) + 1]
    pattern = r"(\d+)" + "".join(
        (" +" if name == "HOUR" else ":")
        + (r"(\d+(?:\.\d{1,6})?)" if name == "SECOND" else r"(\d+)")
        for name in names[1:]
    )
    match = re.fullmatch(pattern, body)
    if match is None:
        raise _wrong(node, units)
    micros = 0
    for index, name in enumerate(names):
        part = match[index + 1]
        if index and float(part) >= _LIMITS[name]:
            raise _wrong(node, units)
        micros += _micros(part, name)
    return 0, sign * micros


def _single(node: exp.Interval, unit: str, body: str, sign: int) -> tuple[int, int]:
    pattern = r"\d+(?:\.\d{1,6})?" if unit == "SECOND" else r"\d+"
    if not re.fullmatch(pattern, body):
        raise _wrong(node, (unit,))
    if unit in _UNITS_MONTHS:
        return sign * int(body) * _UNITS_MONTHS[unit], 0
    return 0, sign * _micros(body, unit)


def _micros(text: str, unit: str) -> int:
    whole, _, fraction = text.partition(".")
    return int(whole) * _UNITS_US[unit] + int((fraction or "0").ljust(6, "0"))


def _wrong(node: exp.Interval, units: tuple[str, ...]) -> Refused:
    place = position_of(node)
    return Refused(
        f"Illegal interval literal format '{node.this.name}' for INTERVAL {' TO '.join(units)}",
        place.line,
        place.column,
    )
