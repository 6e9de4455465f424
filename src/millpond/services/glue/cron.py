"""AWS's cron expressions: `cron(minutes hours day-of-month month day-of-week year)`, in UTC unless
a time zone follows (`cron(0 9 * * ? *) Europe/Berlin`).

Each field takes values, ranges (`1-5`), lists (`1,3`), steps (`0/15`, `1-10/2`) and `*`; months and
days of the week also have names. One of the two day fields is `?`. `L` is the last day of the
month, `15W` the weekday nearest the 15th, `LW` the last weekday; in the day of the week (1 is
Sunday), `6L` is the month's last Friday and `2#1` its first Monday.

Source: Glue developer guide, "Time-based schedules for jobs and crawlers".
"""

import calendar
import datetime
import itertools
import re
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass

YEAR_MIN, YEAR_MAX = 1970, 2199
PRECISION_MINUTES_MIN = 5

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


class BadCron(ValueError):
    """The text is not a cron expression; the message says why."""


@dataclass(frozen=True, slots=True)
class Cron:
    """A schedule. The day rules keep their text where they depend on the month."""

    minutes: frozenset[int]
    hours: frozenset[int]
    month_days: str
    months: frozenset[int]
    week_days: str
    years: frozenset[int]

    def next_after(self, now_ms: int, zone: datetime.tzinfo = datetime.UTC) -> int | None:
        """The next time in epoch milliseconds that is after `now_ms`; None when there is none.

        Fields are those of clocks in `zone`: a time that a clock shows twice counts once, one that
        it passes over is that much later.
        """
        now = datetime.datetime.fromtimestamp(now_ms // 1000, zone)
        moment = now.replace(second=0, tzinfo=None)
        for year in sorted(year for year in self.years if year >= moment.year):
            for month in sorted(self.months):
                if (year, month) < (moment.year, moment.month):
                    continue
                for found in self._in_month(year, month, moment):
                    due_ms = int(found.replace(tzinfo=zone).timestamp() * 1000)
                    if due_ms > now_ms:
                        return due_ms
        return None

    def _in_month(
        self, year: int, month: int, earliest: datetime.datetime
    ) -> Iterator[datetime.datetime]:
        for day in sorted(self._days(year, month)):
            if (year, month, day) < (earliest.year, earliest.month, earliest.day):
                continue
            for hour in sorted(self.hours):
                for minute in sorted(self.minutes):
                    found = datetime.datetime(year, month, day, hour, minute)
                    if found >= earliest:
                        yield found

    def _days(self, year: int, month: int) -> set[int]:
        if self.month_days != "?":
            return _days_of_month(self.month_days, year, month)
        return _days_of_week(self.week_days, year, month)


@dataclass(frozen=True, slots=True)
class Schedule:
    """A cron expression and whose clocks it goes by."""

    cron: Cron
    zone: datetime.tzinfo

    def next_after(self, now_ms: int) -> int | None:
        """The next time in epoch milliseconds that is after `now_ms`; None when there is none."""
        return self.cron.next_after(now_ms, self.zone)


def parse_schedule(text: str) -> Schedule:
    """Read `cron(…)`, and the name of a time zone after it, if there is one.

    Raises:
        BadCron: it is not one, or there is no such time zone.
    """
    expression, parenthesis, name = text.strip().partition(")")
    zone: datetime.tzinfo = datetime.UTC
    if name.strip():
        try:
            zone = zoneinfo.ZoneInfo(name.strip())
        except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
            raise BadCron(f"{name.strip()} is not the name of a time zone.") from None
    return Schedule(parse_cron(expression + parenthesis), zone)


def parse_cron(text: str) -> Cron:
    """Read `cron(…)`.

    Raises:
        BadCron: it is not one, or it comes due more often than every five minutes.
    """
    found = re.fullmatch(r"cron\(([^()]*)\)", text.strip())
    fields = found[1].upper().split() if found else []
    if len(fields) != 6:
        raise BadCron("A schedule has the form cron(minutes hours day month weekday year).")
    minutes, hours, month_days, months, week_days, years = fields
    if (month_days == "?") == (week_days == "?"):
        raise BadCron("Exactly one of day-of-month and day-of-week must be ?.")
    cron = Cron(
        minutes=_values(minutes, 0, 59),
        hours=_values(hours, 0, 23),
        month_days=_checked_month_days(month_days),
        months=_values(months, 1, 12, _MONTHS),
        week_days=_checked_week_days(week_days),
        years=_values(years, YEAR_MIN, YEAR_MAX),
    )
    _check_precision(cron)
    return cron


def _check_precision(cron: Cron) -> None:
    ordered = sorted(cron.minutes)
    gaps = [later - earlier for earlier, later in itertools.pairwise(ordered)]
    if len(cron.hours) > 1:
        gaps.append(ordered[0] + 60 - ordered[-1])
    if gaps and min(gaps) < PRECISION_MINUTES_MIN:
        raise BadCron(f"The minimum precision for a schedule is {PRECISION_MINUTES_MIN} minutes.")


def _values(field: str, low: int, high: int, names: tuple[str, ...] = ()) -> frozenset[int]:
    values: set[int] = set()
    for part in field.split(","):
        spread, slash, step_text = part.partition("/")
        step = _number(step_text, 1, high - low + 1, ()) if slash else 1
        if spread == "*":
            first, last = low, high
        elif "-" in spread:
            first_text, _, last_text = spread.partition("-")
            first = _number(first_text, low, high, names)
            last = _number(last_text, low, high, names)
        else:
            first = _number(spread, low, high, names)
            last = high if slash else first
        if first > last:
            raise BadCron(f"The range {spread} goes backwards.")
        values.update(range(first, last + 1, step))
    return frozenset(values)


def _number(text: str, low: int, high: int, names: tuple[str, ...]) -> int:
    if text in names:
        return names.index(text) + low
    if not re.fullmatch(r"[0-9]{1,4}", text) or not low <= int(text) <= high:
        raise BadCron(f"{text or 'Nothing'} is not a value from {low} to {high}.")
    return int(text)


def _checked_month_days(field: str) -> str:
    weekday = re.fullmatch(r"([0-9]{1,2})W", field)
    if weekday:
        _number(weekday[1], 1, 31, ())
    elif field not in ("?", "L", "LW"):
        _values(field, 1, 31)
    return field


def _checked_week_days(field: str) -> str:
    if field in ("?", "L"):
        return field
    special = re.fullmatch(r"([0-9A-Z]{1,3})(?:L|#([1-5]))", field)
    if special:
        _number(special[1], 1, 7, _DAYS)
    else:
        _values(field, 1, 7, _DAYS)
    return field


def _days_of_month(field: str, year: int, month: int) -> set[int]:
    last = calendar.monthrange(year, month)[1]
    if field == "L":
        return {last}
    if field == "LW":
        return {_nearest_weekday(year, month, last)}
    weekday = re.fullmatch(r"([0-9]{1,2})W", field)
    if weekday:
        day = int(weekday[1])
        return {_nearest_weekday(year, month, day)} if day <= last else set()
    return {day for day in _values(field, 1, 31) if day <= last}


def _nearest_weekday(year: int, month: int, day: int) -> int:
    last = calendar.monthrange(year, month)[1]
    weekday = calendar.weekday(year, month, day)
    if weekday == calendar.SATURDAY:
        return day - 1 if day > 1 else day + 2
    if weekday == calendar.SUNDAY:
        return day + 1 if day < last else day - 2
    return day


def _days_of_week(field: str, year: int, month: int) -> set[int]:
    last = calendar.monthrange(year, month)[1]
    by_day: dict[int, list[int]] = {}
    for day in range(1, last + 1):
        by_day.setdefault((calendar.weekday(year, month, day) + 1) % 7 + 1, []).append(day)
    if field == "L":
        return set(by_day[7])
    special = re.fullmatch(r"([0-9A-Z]{1,3})(L|#([1-5]))", field)
    if special:
        days = by_day[_number(special[1], 1, 7, _DAYS)]
        if special[2] == "L":
            return {days[-1]}
        ordinal = int(special[3])
        return {days[ordinal - 1]} if ordinal <= len(days) else set()
    return {day for number in _values(field, 1, 7, _DAYS) for day in by_day[number]}
