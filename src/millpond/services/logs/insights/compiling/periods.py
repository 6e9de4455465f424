"""Periods of time, and times rounded to them."""

from millpond.services.logs.insights.language.malformed import Malformed
from millpond.services.logs.insights.language.tree import Expression, Period

_UNITS_MS = {
    "ms": 1, "msec": 1,
    "s": 1000, "sec": 1000,
    "m": 60_000, "min": 60_000,
    "h": 3_600_000, "hr": 3_600_000,
    "d": 86_400_000,
    "w": 604_800_000,
}  # fmt: skip
_CALENDAR = {"mo": "month", "mon": "month", "q": "quarter", "qtr": "quarter", "y": "year",
             "yr": "year"}  # fmt: skip
_MONDAY_MS = 4 * 86_400_000
"""The first Monday after the beginning of the epoch."""


def floor_of(time: str, period: Expression | None, start: int, end: int) -> str:
    """The beginning of the period that a time (SQL, epoch ms) lies in.

    Raises:
        Malformed: it is no period, or one that is not implemented.
    """
    size, unit = _read(period, start, end)
    if unit:
        return _calendar(time, unit)
    shift = _MONDAY_MS if size % _UNITS_MS["w"] == 0 else 0
    moved = f"({time} - {shift})" if shift else f"({time})"
    return f"({time} - {moved} % {size})"


def ceiling_of(time: str, period: Expression | None, start: int, end: int) -> str:
    """The end of the period that a time lies in; a time at its beginning stays.

    Raises:
        Malformed: it is no period, or one that is not implemented.
    """
    size, unit = _read(period, start, end)
    floor = floor_of(time, period, start, end)
    if unit:
        months = {"month": 1, "quarter": 3, "year": 12}[unit]
        moved = f"date_add('month', {months}, from_unixtime({floor} / 1000))"
        after = f"CAST(to_unixtime({moved}) * 1000 AS bigint)"
    else:
        after = f"({floor} + {size})"
    return f"CASE WHEN {floor} = {time} THEN {time} ELSE {after} END"


def _read(period: Expression | None, start: int, end: int) -> tuple[int, str]:
    """The length of a period in milliseconds, or the part of the calendar that it is."""
    if not isinstance(period, Period) or period.count < 1:
        raise Malformed("A period of time is expected, such as 5m.", start, end)
    for unit in (period.unit, period.unit.removesuffix("s")):
        if unit in _UNITS_MS:
            return period.count * _UNITS_MS[unit], ""
        if unit in _CALENDAR:
            if period.count > 1:
                raise Malformed(
                    f"A period of several {_CALENDAR[unit]}s is not implemented.",
                    period.start,
                    period.end,
                )
            return 0, _CALENDAR[unit]
    raise Malformed(f"{period.unit} is no unit of time.", period.start, period.end)


def _calendar(time: str, unit: str) -> str:
    truncated = f"date_trunc('{unit}', from_unixtime(({time}) / 1000))"
    return f"CAST(to_unixtime({truncated}) * 1000 AS bigint)"
