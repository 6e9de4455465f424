"""Partition projection: the partitions of a table told by its properties, with no catalog to ask.

    projection.enabled           true
    projection.<column>.type     enum (values) | integer (range, interval, digits)
                                 | date (range, format, interval, interval.unit) | injected
    storage.location.template    s3://bucket/${column}/…, else <table>/<column>=<value>/

Source: Athena User Guide, "Set up partition projection" and "Supported types for partition
projection".
"""

import datetime
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from millpond.engines.sql.interface import Condition
from millpond.services.athena.failure import QueryFailed
from millpond.services.athena.model.comparing import holds

PARTITIONS_MAX = 1_000_000
_DATE_WORD = re.compile(r"'([^']*)'|(yyyy|MM|dd|HH|mm|ss)|([^A-Za-z'])")
_DATE_CODES = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}
_DEFAULT_UNITS = {"dd": "DAYS", "MM": "MONTHS"}
_NOW = re.compile(r"NOW((?:\s*[+-]\s*\d+\s*[A-Z]+)*)", re.IGNORECASE)
_SHIFT = re.compile(r"([+-])\s*(\d+)\s*([A-Z]+)", re.IGNORECASE)
_SECONDS = {"WEEKS": 604800, "DAYS": 86400, "HOURS": 3600, "MINUTES": 60, "SECONDS": 1}
_MONTHS = {"YEARS": 12, "MONTHS": 1}


@dataclass(frozen=True, slots=True)
class Key:
    """A partition column and its Hive type."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Projected:
    """A partition: its values as the engine reads them, and where it lies."""

    values: Sequence[str]
    location: str


def is_projected(parameters: Mapping[str, str]) -> bool:
    return parameters.get("projection.enabled", "").lower() == "true"


def project(
    parameters: Mapping[str, str],
    location: str,
    keys: Sequence[Key],
    conditions: Sequence[Condition],
    now: datetime.datetime,
) -> list[Projected]:
    """The partitions for which all conditions may hold. `now` has no zone and is UTC.

    Raises:
        QueryFailed: a property is missing or wrong, an injected column has no value, or there are
            more than PARTITIONS_MAX partitions.
    """
    choices: list[list[tuple[str, str]]] = []
    count = 1
    for key in keys:
        asked = [one for one in conditions if one.column == key.name]
        settings = _Settings(parameters, key.name)
        values: list[tuple[str, str]] = []
        for value, written in _values(settings, key, asked, now):
            if all(
                holds(one.operator, value, one.values, key.type, unreadable=True) for one in asked
            ):
                values.append((value, written))
                if count * len(values) > PARTITIONS_MAX:
                    raise QueryFailed(
                        f"HIVE_EXCEEDED_PARTITION_LIMIT: More than {PARTITIONS_MAX} partitions are "
                        "projected: narrow the query by conditions on its partition columns."
                    )
        choices.append(values)
        count *= len(values)
    names = [key.name for key in keys]
    place = _placing(parameters, location, names)
    return [
        Projected([value for value, _ in each], place([written for _, written in each]))
        for each in itertools.product(*choices)
    ]


@dataclass(frozen=True, slots=True)
class _Settings:
    """The properties of one column."""

    parameters: Mapping[str, str]
    column: str

    def maybe(self, name: str) -> str | None:
        return self.parameters.get(f"projection.{self.column}.{name}")

    def needed(self, name: str) -> str:
        value = self.maybe(name)
        if value is None:
            raise self.wrong(name, "is missing")
        return value

    def number(self, name: str, default: int, least: int) -> int:
        text = self.maybe(name)
        if text is None:
            return default
        if not text.strip().isdigit() or int(text) < least:
            raise self.wrong(name, f"is not a whole number from {least} on: {text}")
        return int(text)

    def ends(self) -> tuple[str, str]:
        first, comma, last = self.needed("range").partition(",")
        if not comma:
            raise self.wrong("range", "is not two values with a comma between")
        return first.strip(), last.strip()

    def wrong(self, name: str, why: str) -> QueryFailed:
        return QueryFailed(
            f"INVALID_TABLE_PROPERTY: The property projection.{self.column}.{name} {why}."
        )


def _values(
    settings: _Settings, key: Key, asked: Sequence[Condition], now: datetime.datetime
) -> Iterator[tuple[str, str]]:
    """Each value of a column: as the engine reads it, and as it is written in locations."""
    kind = settings.needed("type").lower()
    match kind:
        case "enum":
            for value in settings.needed("values").split(","):
                yield value.strip(), value.strip()
        case "integer":
            yield from _integers(settings)
        case "date":
            yield from _dates(settings, key, now)
        case "injected":
            for value in _injected(key, asked):
                yield value, value
        case _:
            raise settings.wrong("type", f"is none of enum, integer, date, injected: {kind}")


def _integers(settings: _Settings) -> Iterator[tuple[str, str]]:
    digits = settings.number("digits", 1, 1)
    try:
        first, last = (int(end) for end in settings.ends())
    except ValueError as error:
        raise settings.wrong("range", "is not of integers") from error
    for number in range(first, last + 1, settings.number("interval", 1, 1)):
        written = f"{number:0{digits}d}"
        yield written, written


def _injected(key: Key, asked: Sequence[Condition]) -> Sequence[str]:
    for condition in asked:
        if condition.operator in ("=", "in"):
            return condition.values
    raise QueryFailed(
        f"CONSTRAINT_VIOLATION: For the injected projected partition column {key.name}, the WHERE "
        "clause must contain only static equality conditions, and at least one such condition must "
        "be present."
    )


def _dates(settings: _Settings, key: Key, now: datetime.datetime) -> Iterator[tuple[str, str]]:
    format_text = settings.needed("format")
    codes, finest = _date_codes(settings, format_text)
    given = settings.maybe("interval.unit")
    unit = _unit(given) if given is not None else _DEFAULT_UNITS.get(finest)
    if unit is None or (finest not in _DEFAULT_UNITS and settings.maybe("interval") is None):
        raise settings.wrong("interval", "and its unit are needed with this format and known units")
    step = settings.number("interval", 1, 1)
    first, last = (_date(settings, text, codes, now) for text in settings.ends())
    for count in itertools.count():
        try:
            moment = _shifted(first, count * step, unit)
        except (OverflowError, ValueError):
            return
        if moment > last:
            return
        if count > PARTITIONS_MAX:
            raise settings.wrong("range", f"has more than {PARTITIONS_MAX} values")
        written = moment.strftime(codes)
        yield _as_read(moment, written, key.type), written


def _as_read(moment: datetime.datetime, written: str, hive_type: str) -> str:
    if hive_type == "date":
        return moment.date().isoformat()
    return moment.isoformat(" ") if hive_type == "timestamp" else written


def _date_codes(settings: _Settings, text: str) -> tuple[str, str]:
    """A Java date pattern in Python's codes, and its finest part."""
    codes, at, finest = "", 0, ""
    while at < len(text):
        match = _DATE_WORD.match(text, at)
        if match is None:
            raise settings.wrong("format", f"is not supported: {text}")
        quoted, word, sign = match.groups()
        if word is not None:
            codes += _DATE_CODES[word]
            order = list(_DATE_CODES)
            finest = max(finest or word, word, key=order.index)
        else:
            codes += (sign if quoted is None else quoted or "'").replace("%", "%%")
        at = match.end()
    return codes, finest


def _date(settings: _Settings, text: str, codes: str, now: datetime.datetime) -> datetime.datetime:
    """An end of a range, cut to what the format shows."""
    try:
        match = _NOW.fullmatch(text)
        if match is None:
            return datetime.datetime.strptime(text, codes)
        moment = now
        for sign, count, unit in _SHIFT.findall(match[1]):
            known = _unit(unit)
            if known is None:
                raise settings.wrong("range", f"has the unknown unit {unit}")
            moment = _shifted(moment, int(sign + count), known)
        return datetime.datetime.strptime(moment.strftime(codes), codes)
    except (ValueError, OverflowError) as error:
        raise settings.wrong("range", f"has an end that does not fit its format: {text}") from error


def _unit(text: str) -> str | None:
    unit = text.upper().removesuffix("S") + "S"
    return unit if unit in _SECONDS or unit in _MONTHS else None


def _shifted(moment: datetime.datetime, count: int, unit: str) -> datetime.datetime:
    if unit in _SECONDS:
        return moment + datetime.timedelta(seconds=count * _SECONDS[unit])
    months = moment.year * 12 + moment.month - 1 + count * _MONTHS[unit]
    year, month = divmod(months, 12)
    first = moment.replace(year=year, month=month + 1, day=1)
    after = (first + datetime.timedelta(days=31)).replace(day=1)
    return first.replace(day=min(moment.day, (after - first).days))


def _placing(
    parameters: Mapping[str, str], location: str, names: Sequence[str]
) -> Callable[[Sequence[str]], str]:
    """What gives the location of a partition by its written values."""
    template = parameters.get("storage.location.template")
    if template is None:
        parts = "".join(f"{name}=${{{name}}}/" for name in names)
        template = f"{location.rstrip('/')}/{parts}"
    for name in names:
        if f"${{{name}}}" not in template:
            raise QueryFailed(
                "INVALID_TABLE_PROPERTY: The property storage.location.template has no place for "
                f"the partition column {name}."
            )

    def place(values: Sequence[str]) -> str:
        made = template
        for name, value in zip(names, values, strict=True):
            made = made.replace(f"${{{name}}}", value)
        return made.rstrip("/") + "/"

    return place
