"""Date and time functions.

Source: trino.io/docs/current/functions/datetime.html.
"""

from collections.abc import Callable, Sequence

from millpond.engines.sql.trino.convert import let
from millpond.engines.sql.trino.functions.patterns import (
    joda_parse_pattern,
    joda_parts,
    mysql_pattern,
)
from millpond.engines.sql.trino.functions.registry import constant_of, invalid_argument, scalar
from millpond.engines.sql.trino.scope import Typed
from millpond.engines.sql.trino.types import quote_text

Emitter = Callable[..., str]

_FIELDS = {
    "year": "year({0})",
    "quarter": "quarter({0})",
    "month": "month({0})",
    "week week_of_year": "week({0})",
    "day day_of_month": "day({0})",
    "day_of_week dow": "isodow({0})",
    "day_of_year doy": "dayofyear({0})",
    "year_of_week yow": "isoyear({0})",
}
_CLOCK = {
    "hour": "hour({0})",
    "minute": "minute({0})",
    "second": "second({0})",
    "millisecond": "(millisecond({0}) % 1000)",
}


def _zoned(template: str) -> Emitter:
    """A function of the local time of a value with a zone."""
    return lambda v: let(v.sql, lambda x: template.format(f"t_local({x})"))


for _names, _template in _FIELDS.items():
    scalar(_names, "(date) -> bigint", _template)
    scalar(_names, "(timestamp) -> bigint", _template)
    scalar(_names, "(zoned) -> bigint", _zoned(_template))
for _names, _template in _CLOCK.items():
    scalar(_names, "(time) -> bigint", _template)
    scalar(_names, "(timestamp) -> bigint", _template)
    scalar(_names, "(zoned) -> bigint", _zoned(_template))
for _name, _size, _bound in (
    ("day", 86_400_000, 0), ("hour", 3_600_000, 24), ("minute", 60_000, 60),
    ("second", 1000, 60), ("millisecond", 1, 1000),
):  # fmt: skip
    scalar(_name, "(days) -> bigint",
           f"(({{0}} // {_size}){f' % {_bound}' if _bound else ''})")  # fmt: skip
scalar("year", "(months) -> bigint", "CAST({0} // 12 AS BIGINT)")
scalar("month", "(months) -> bigint", "CAST({0} % 12 AS BIGINT)")

scalar("date", "(varchar) -> date", "CAST(t_check_value(t_is_date({0}), {0}, 'date') AS DATE)")
scalar("date", "(timestamp) -> date", "CAST({0} AS DATE)")
scalar("date", "(zoned) -> date", _zoned("CAST({0} AS DATE)"))
scalar("last_day_of_month", "(date) -> date", "last_day({0})")
scalar("last_day_of_month", "(timestamp) -> date", "last_day({0})")
scalar("last_day_of_month", "(zoned) -> date", _zoned("last_day({0})"))
scalar("current_timezone", "() -> varchar", "'UTC'")
scalar("timezone_hour", "(zoned) -> bigint",
       lambda v: let(v.sql, lambda x: f"CAST(t_offset_minutes({x}) // 60 AS BIGINT)"))  # fmt: skip
scalar("timezone_minute", "(zoned) -> bigint",
       lambda v: let(v.sql, lambda x: f"CAST(t_offset_minutes({x}) % 60 AS BIGINT)"))  # fmt: skip
scalar("timezone", "(zoned) -> varchar", "{0}.z")
scalar("to_milliseconds", "(days) -> bigint", "{0}")

_UNITS = ("millisecond", "second", "minute", "hour", "day", "week", "month", "quarter", "year")
_MS = {"millisecond": 1, "second": 1000, "minute": 60_000, "hour": 3_600_000, "day": 86_400_000,
       "week": 604_800_000}  # fmt: skip
_MONTHS = {"month": 1, "quarter": 3, "year": 12}


def _unit(argument: Typed, allowed: Sequence[str], what: str) -> str:
    unit = str(constant_of(argument, "A unit")).lower()
    if unit not in allowed:
        raise invalid_argument(f"'{argument.value}' is not a valid {what} field")
    return unit


def _shift(x: str, amount: str, unit: str) -> str:
    if unit in _MONTHS:
        return f"({x} + to_months(CAST({amount} * {_MONTHS[unit]} AS INTEGER)))"
    return f"({x} + to_milliseconds({amount} * {_MS[unit]}))"


def _add_to_date(unit: Typed, amount: Typed, x: Typed) -> str:
    name = _unit(unit, _UNITS[4:], "DATE")
    return f"CAST({_shift(x.sql, amount.sql, name)} AS DATE)"


def _add_to_timestamp(unit: Typed, amount: Typed, x: Typed) -> str:
    return _shift(x.sql, amount.sql, _unit(unit, _UNITS, "Timestamp"))


def _add_to_zoned(unit: Typed, amount: Typed, x: Typed) -> str:
    name = _unit(unit, _UNITS, "Timestamp")
    if name in _MONTHS or name in ("day", "week"):
        return let(
            x.sql,
            lambda v: (
                f"CASE WHEN {v} IS NULL OR {amount.sql} IS NULL THEN NULL ELSE"
                f" t_zoned({_shift(f't_local({v})', amount.sql, name)}, {v}.z) END"
            ),
        )
    return let(
        x.sql,
        lambda v: (
            f"CASE WHEN {v} IS NULL OR {amount.sql} IS NULL THEN NULL ELSE"
            f" struct_pack(t := {_shift(f'{v}.t', amount.sql, name)}, z := {v}.z) END"
        ),
    )


def _add_to_time(unit: Typed, amount: Typed, x: Typed) -> str:
    return _shift(x.sql, amount.sql, _unit(unit, _UNITS[:4], "Time"))


scalar("date_add", "(varchar, bigint, date) -> date", _add_to_date)
scalar("date_add", "(varchar, bigint, timestamp) -> =2", _add_to_timestamp)
scalar("date_add", "(varchar, bigint, zoned) -> =2", _add_to_zoned)
scalar("date_add", "(varchar, bigint, time) -> =2", _add_to_time)


def _difference(allowed: Sequence[str], what: str) -> Emitter:
    def emit(unit: Typed, start: Typed, end: Typed) -> str:
        name = _unit(unit, allowed, what)
        if start.type.name == "timestamp with time zone":
            if name in _MS and name not in ("day", "week"):
                return f"date_sub('{name}', ({start.sql}).t, ({end.sql}).t)"
            return let(
                start.sql,
                lambda a: let(
                    end.sql,
                    lambda b: (
                        f"date_sub('{name}', t_local({a}),"
                        f" t_local(struct_pack(t := {b}.t, z := {a}.z)))"
                    ),
                ),
            )
        return f"date_sub('{name}', {start.sql}, {end.sql})"

    return emit


scalar("date_diff", "(varchar, date, date) -> bigint", _difference(_UNITS[4:], "DATE"))
scalar("date_diff", "(varchar, timestamp, timestamp) -> bigint", _difference(_UNITS, "Timestamp"))
scalar("date_diff", "(varchar, zoned, zoned) -> bigint", _difference(_UNITS, "Timestamp"))
scalar("date_diff", "(varchar, time, time) -> bigint", _difference(_UNITS[:4], "Time"))


def _truncate(allowed: Sequence[str], what: str) -> Emitter:
    def emit(unit: Typed, x: Typed) -> str:
        name = _unit(unit, allowed, what)
        if x.type.name == "timestamp with time zone":
            return let(
                x.sql,
                lambda v: (
                    f"CASE WHEN {v} IS NULL THEN NULL ELSE"
                    f" t_zoned(date_trunc('{name}', t_local({v})), {v}.z) END"
                ),
            )
        if x.type.name == "time":
            return f"CAST(date_trunc('{name}', DATE '1970-01-01' + {x.sql}) AS TIME)"
        return f"CAST(date_trunc('{name}', {x.sql}) AS {x.type.duck})"

    return emit


scalar("date_trunc", "(varchar, date) -> date", _truncate(_UNITS[4:], "DATE"))
scalar("date_trunc", "(varchar, timestamp) -> =1", _truncate(_UNITS, "Timestamp"))
scalar("date_trunc", "(varchar, zoned) -> =1", _truncate(_UNITS, "Timestamp"))
scalar("date_trunc", "(varchar, time) -> =1", _truncate(_UNITS[:4], "Time"))


def _date_format(x: Typed, pattern: Typed) -> str:
    text = quote_text(mysql_pattern(constant_of(pattern, "A date format"), parsing=False))
    if x.type.name == "timestamp with time zone":
        return let(x.sql, lambda v: f"strftime(t_local({v}), {text})")
    return f"strftime({x.sql}, {text})"


def parsed(text: str, pattern: str) -> str:
    """The timestamp in a text, by a strptime pattern. What the pattern lacks is of 1970-01-01."""
    if "%Y" not in pattern and "%y" not in pattern and "%G" not in pattern:
        text, pattern = f"('1970 ' || {text})", f"%Y {pattern}"
    found = f"CAST(try_strptime({text}, {quote_text(pattern)}) AS TIMESTAMP)"
    return f"t_parsed({found}, {text})"


def _date_parse(text: Typed, pattern: Typed) -> str:
    known = mysql_pattern(constant_of(pattern, "A date format"), parsing=True)
    return f"t_round_us({parsed(text.sql, known)}, 3)"


scalar("date_format", "(timestamp, varchar) -> varchar", _date_format)
scalar("date_format", "(zoned, varchar) -> varchar", _date_format)
scalar("date_parse", "(varchar, varchar) -> timestamp", _date_parse)


def _format_datetime(x: Typed, pattern: Typed) -> str:
    zoned = x.type.name == "timestamp with time zone"

    def body(v: str) -> str:
        local = f"t_local({v})" if zoned else v
        whole = v if zoned else f"struct_pack(t := {v}, z := 'UTC')"
        parts = [
            f"strftime({local}, {quote_text(text)})"
            if kind == "time"
            else quote_text(text)
            if kind == "text"
            else text.replace("{x}", local).replace("{v}", f"({whole})")
            for kind, text in joda_parts(constant_of(pattern, "A date format"))
        ]
        joined = " || ".join(parts) or "''"
        return f"CASE WHEN {v} IS NULL THEN NULL ELSE {joined} END"

    return let(x.sql, body)


def _parse_datetime(text: Typed, pattern: Typed) -> str:
    known = joda_parse_pattern(constant_of(pattern, "A date format"))

    def body(s: str) -> str:
        zone = "'UTC'"
        if "%z" in known:
            offset = f"regexp_extract({s}, '([+-]\\d\\d):?(\\d\\d)\\s*$', 1)"
            minutes = f"regexp_extract({s}, '([+-]\\d\\d):?(\\d\\d)\\s*$', 2)"
            named = f"{offset} || ':' || {minutes}"
            zone = f"t_zone_name(CASE WHEN {offset} = '' THEN 'UTC' ELSE {named} END)"
        at = parsed(s, known)
        return (
            f"CASE WHEN {s} IS NULL THEN NULL ELSE"
            f" struct_pack(t := t_round_us({at}, 3), z := {zone}) END"
        )

    return let(text.sql, body)


scalar("format_datetime", "(timestamp, varchar) -> varchar", _format_datetime)
scalar("format_datetime", "(zoned, varchar) -> varchar", _format_datetime)
scalar("parse_datetime", "(varchar, varchar) -> zoned", _parse_datetime)


def _from_iso(text: Typed) -> str:
    return let(text.sql, lambda s: f"p_from_iso8601({s})")


scalar("from_iso8601_timestamp", "(varchar) -> zoned", _from_iso)
scalar("from_iso8601_date", "(varchar) -> date",
       lambda s: let(s.sql, lambda x: f"CAST(p_from_iso8601({x}).t AS DATE)"))  # fmt: skip
scalar("to_iso8601", "(date) -> varchar", "CAST({0} AS VARCHAR)")
scalar(
    "to_iso8601",
    "(timestamp) -> varchar",
    lambda x: (
        f"(strftime({x.sql}, '%Y-%m-%dT%H:%M:%S') ||"
        f" t_fraction(date_part('microsecond', {x.sql}) % 1000000, {x.type.precision}))"
    ),
)
scalar("to_iso8601", "(zoned) -> varchar", lambda x: let(
    x.sql,
    lambda v: f"(strftime(t_local({v}), '%Y-%m-%dT%H:%M:%S') ||"
    f" t_fraction(date_part('microsecond', {v}.t) % 1000000, {x.type.precision}) ||"
    f" CASE WHEN {v}.z = 'UTC' THEN 'Z' ELSE t_offset_text({v}) END)",
))  # fmt: skip


def _zoned_of(instant: str, zone: str) -> str:
    return (
        f"CASE WHEN {instant} IS NULL OR {zone} IS NULL THEN NULL ELSE"
        f" struct_pack(t := {instant}, z := t_zone_name({zone})) END"
    )


scalar("from_unixtime", "(double) -> zoned",
       lambda s: let(f"t_epoch_timestamp({s.sql})", lambda t: _zoned_of(t, "'UTC'")))  # fmt: skip
scalar("from_unixtime", "(double, varchar) -> zoned",
       lambda s, zone: let(f"t_epoch_timestamp({s.sql})",
                           lambda t: _zoned_of(t, zone.sql)))  # fmt: skip
scalar("from_unixtime_nanos", "(bigint) -> zoned",
       lambda n: let(f"make_timestamp({n.sql} // 1000)",
                     lambda t: _zoned_of(t, "'UTC'")))  # fmt: skip
scalar("to_unixtime", "(timestamp) -> double", "(CAST(epoch_us({0}) AS DOUBLE) / 1000000)")
scalar("to_unixtime", "(zoned) -> double", "(CAST(epoch_us(({0}).t) AS DOUBLE) / 1000000)")
scalar("at_timezone", "(zoned, varchar) -> =0",
       lambda x, zone: let(x.sql, lambda v: _zoned_of(f"{v}.t", zone.sql)))  # fmt: skip
scalar("with_timezone", "(timestamp, varchar) -> zoned",
       lambda x, zone: f"CASE WHEN {x.sql} IS NULL OR {zone.sql} IS NULL THEN NULL ELSE"
       f" t_zoned({x.sql}, t_zone_name({zone.sql})) END")  # fmt: skip
scalar("human_readable_seconds", "(double) -> varchar", "p_human_seconds({0})")
scalar("parse_duration", "(varchar) -> days", "p_parse_duration({0})")
