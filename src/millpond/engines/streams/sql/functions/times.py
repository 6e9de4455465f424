"""Functions of dates and times. The session's time zone is UTC.

Source: Apache Flink 2.x, System (Built-in) Functions, Temporal Functions; the patterns of
DATE_FORMAT and TO_TIMESTAMP are Java's (DateTimeFormatter).
"""

from millpond.engines.streams.sql.casts import cast, shortened
from millpond.engines.streams.sql.functions.calls import Call, Function
from millpond.engines.streams.sql.functions.java_patterns import to_strftime
from millpond.engines.streams.sql.functions.maths import whole_number
from millpond.engines.streams.sql.typed import Typed
from millpond.engines.streams.sql.types import INTEGERS, STRINGS, bare
from millpond.engines.streams.sql.values import filled, made, text_literal
from millpond.engines.streams.types import (
    BIGINT,
    INT,
    STRING,
    TIMESTAMP,
    TIMESTAMP_LTZ,
    DataType,
)

_KIND = "Temporal functions"
_DATE = DataType("DATE")
_EXTRACTED = {
    "MILLENNIUM": "millennium", "CENTURY": "century", "DECADE": "decade", "YEAR": "year",
    "QUARTER": "quarter", "MONTH": "month", "WEEK": "week", "DAY": "day", "DOY": "dayofyear",
    "ISODOW": "isodow", "ISOYEAR": "isoyear", "HOUR": "hour", "MINUTE": "minute",
}  # fmt: skip
_OF_TIME = ("HOUR", "MINUTE", "SECOND", "MILLISECOND", "MICROSECOND")
_ADDED = {
    "YEAR": "YEARS", "QUARTER": "QUARTERS", "MONTH": "MONTHS", "WEEK": "WEEKS", "DAY": "DAYS",
    "HOUR": "HOURS", "MINUTE": "MINUTES", "SECOND": "SECONDS", "MILLISECOND": "MILLISECONDS",
    "MICROSECOND": "MICROSECONDS",
}  # fmt: skip
_MICROS = {
    "WEEK": 604_800_000_000, "DAY": 86_400_000_000, "HOUR": 3_600_000_000, "MINUTE": 60_000_000,
    "SECOND": 1_000_000, "MILLISECOND": 1000, "MICROSECOND": 1,
}  # fmt: skip
_TRUNCATED = {
    "MILLENNIUM": "millennium", "CENTURY": "century", "DECADE": "decade", "YEAR": "year",
    "QUARTER": "quarter", "MONTH": "month", "DAY": "day", "HOUR": "hour",
    "MINUTE": "minute", "SECOND": "second", "MILLISECOND": "millisecond",
}  # fmt: skip


def _local(value: Typed) -> Typed:
    """The time on the clock of the session's zone."""
    if value.type.name == "TIMESTAMP_LTZ":
        kind = DataType("TIMESTAMP", value.type.parameters)
        return filled("($0 AT TIME ZONE 'UTC')", kind, value)
    return value


def _unit(call: Call, index: int) -> str:
    return str(call.nodes[index].name).upper()


def _extract(call: Call) -> Typed:
    call.count(2)
    return _part(call, _unit(call, 0), call.take(1, "t"))


def _part(call: Call, unit: str, value: Typed) -> Typed:
    kind = value.type.name
    if kind == "TIME" and unit not in _OF_TIME:
        raise call.refused(f"a TIME has no {unit}")
    value = _local(value)
    if kind == "DATE" and (unit in _OF_TIME or unit == "EPOCH"):
        value = filled("CAST($0 AS TIMESTAMP)", TIMESTAMP, value)
    match unit:
        case "SECOND":
            return filled("CAST(second($0) AS BIGINT)", BIGINT, value)
        case "DOW":
            return filled("CAST(dayofweek($0) + 1 AS BIGINT)", BIGINT, value)
        case "EPOCH":
            return filled("(epoch_us($0) // 1000000)", BIGINT, value)
    if unit not in _EXTRACTED:
        raise call.refused(f"'{unit}' cannot be extracted", needs_flink=True)
    return filled(f"CAST({_EXTRACTED[unit]}($0) AS BIGINT)", BIGINT, value)


def _shorthand(name: str, unit: str) -> Function:
    def translate(call: Call) -> Typed:
        call.count(1)
        return _part(call, unit, call.take(0, "t"))

    return Function(name, _KIND, (f"{name}(time)",), translate)


def _rounded(call: Call) -> Typed:
    """FLOOR and CEIL, of a time to a unit or of a number."""
    word = call.name.lower()
    if call.count(1, 2) == 1:
        return whole_number(call, word)
    unit, value = _unit(call, 1), call.take(0, "t")
    if value.type.name == "TIME":
        raise call.refused("a TIME cannot be rounded", needs_flink=True)
    kind = bare(value.type)
    value = _local(value)
    if unit == "WEEK":
        floor = "(date_trunc('day', $0) - to_days(CAST(dayofweek($0) AS INTEGER)))"
    elif unit in _TRUNCATED:
        floor = f"date_trunc('{_TRUNCATED[unit]}', $0)"
    else:
        raise call.refused(f"'{unit}' is not a unit of time to round to")
    sql = floor
    if word == "ceil":
        step = {"MILLENNIUM": "1000 YEARS", "CENTURY": "100 YEARS", "DECADE": "10 YEARS"}.get(
            unit, f"1 {unit}"
        )
        sql = f"(CASE WHEN {floor} = $0 THEN $0 ELSE {floor} + INTERVAL '{step}' END)"
    shown = "DATE" if kind.name == "DATE" else "TIMESTAMP"
    rounded = filled(f"CAST({sql} AS {shown})", kind, value)
    if kind.name == "TIMESTAMP_LTZ":
        return filled("($0 AT TIME ZONE 'UTC')", kind, rounded)
    return rounded


def _timestampadd(call: Call) -> Typed:
    call.count(3)
    unit, amount, value = _unit(call, 0), call.take(1, "i"), call.take(2, "t")
    if unit.startswith("SQL_TSI_"):
        unit = unit.removeprefix("SQL_TSI_")
    if unit not in _ADDED or (value.type.name == "TIME" and unit not in _OF_TIME):
        raise call.refused(f"'{unit}' cannot be added to {value.type.flink()}")
    micros = f"to_{_ADDED[unit].lower()}(CAST($1 AS {'BIGINT' if unit in _OF_TIME else 'INTEGER'}))"
    if value.type.name == "DATE":
        if unit in _OF_TIME:
            kind = DataType("TIMESTAMP", (0 if unit in ("HOUR", "MINUTE", "SECOND") else 3,))
            return filled(f"(CAST($0 AS TIMESTAMP) + {micros})", kind, value, amount)
        return filled(f"CAST($0 + {micros} AS DATE)", _DATE, value, amount)
    kind = bare(value.type)
    if unit in ("MILLISECOND", "MICROSECOND"):
        least = 3 if unit == "MILLISECOND" else 6
        kind = DataType(kind.name, (max(least, kind.parameters[0]),))
    if kind.name == "TIMESTAMP_LTZ":
        local = filled(f"(($0 AT TIME ZONE 'UTC') + {micros})", kind, value, amount)
        return filled("($0 AT TIME ZONE 'UTC')", kind, local)
    return filled(f"($0 + {micros})", kind, value, amount)


def _timestampdiff(call: Call) -> Typed:
    call.count(3)
    unit = _unit(call, 0).removeprefix("SQL_TSI_")
    first, second = (
        filled("CAST($0 AS TIMESTAMP)", TIMESTAMP, _local(call.take(index, "p")))
        for index in (1, 2)
    )
    if unit in _MICROS:
        return filled(
            f"CAST((epoch_us($1) - epoch_us($0)) // {_MICROS[unit]} AS INTEGER)",
            INT, first, second,
        )  # fmt: skip
    months = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}.get(unit)
    if months is None:
        raise call.refused(f"'{unit}' is not a unit of time")
    return filled(f"CAST(datesub('month', $0, $1) // {months} AS INTEGER)", INT, first, second)


def _date_format(call: Call) -> Typed:
    call.count(2)
    pattern = _java(call, 1)
    value = call.arguments[0]
    if value.type.name in STRINGS:
        value = cast(value, DataType("TIMESTAMP", (6,)), call.at)
    elif value.type.name not in ("TIMESTAMP", "TIMESTAMP_LTZ", "NULL"):
        raise call.wrong_arguments()
    value = _local(cast(value, TIMESTAMP, call.at) if value.type.name == "NULL" else value)
    return filled(to_strftime(pattern, call).formatted("$0"), STRING, value)


def _java(call: Call, index: int) -> str:
    pattern = call.constant(index)
    if pattern is None:
        raise call.refused("the pattern must be a literal", needs_flink=True)
    return pattern


def _to_timestamp(call: Call) -> Typed:
    """NULL for what cannot be read."""
    given = call.count(1, 2)
    text = call.take(0, "s")
    if given == 1:
        return filled(shortened("TRY_CAST(trim($0) AS TIMESTAMP)", 3), TIMESTAMP, text)
    read = to_strftime(_java(call, 1), call).parsed("$0")
    return filled(shortened(read, 3), TIMESTAMP, text)


def _to_timestamp_ltz(call: Call) -> Typed:
    given = call.count(1, 3)
    first = call.arguments[0]
    if first.type.name in STRINGS:
        if given == 3 and (call.constant(2) or "").upper() not in ("UTC", "GMT"):
            raise call.refused("the time zone must be 'UTC'", needs_flink=True)
        local = _to_timestamp(Call(call.name, call.arguments[:2], call.nodes[:2], call.at))
        return filled("($0 AT TIME ZONE 'UTC')", TIMESTAMP_LTZ, local)
    if given == 3:
        raise call.wrong_arguments()
    precision = call.constant(1) if given == 2 else "3"
    if precision not in ("0", "3"):
        raise call.refused("the precision must be 0 or 3, written out")
    value = call.take(0, "n")
    factor = 1_000_000 if precision == "0" else 1000
    micros = f"CAST(trunc($0 * {factor}) AS BIGINT)"
    if value.type.name in INTEGERS:
        micros = f"(CAST($0 AS BIGINT) * {factor})"
    return filled(f"(make_timestamp({micros}) AT TIME ZONE 'UTC')", TIMESTAMP_LTZ, value)


def _to_date(call: Call) -> Typed:
    given = call.count(1, 2)
    text = call.take(0, "s")
    if given == 1:
        return filled("TRY_CAST(trim($0) AS DATE)", _DATE, text)
    read = to_strftime(_java(call, 1), call).parsed("$0")
    return filled(f"CAST({read} AS DATE)", _DATE, text)


def _from_unixtime(call: Call) -> Typed:
    given = call.count(1, 2)
    seconds = call.take(0, "l")
    pattern = _java(call, 1) if given == 2 else "yyyy-MM-dd HH:mm:ss"
    moment = "make_timestamp($0 * 1000000)"
    return filled(to_strftime(pattern, call).formatted(moment), STRING, seconds)


def _unix_timestamp(call: Call) -> Typed:
    given = call.count(0, 2)
    if not given:
        return Typed("(epoch_us(get_current_timestamp()) // 1000000)", BIGINT)
    text = call.take(0, "s")
    if given == 2:
        read = to_strftime(_java(call, 1), call).parsed("$0")
    else:
        # What follows the seconds is passed over, as Java's SimpleDateFormat does.
        read = to_strftime("yyyy-MM-dd HH:mm:ss", call).parsed("left($0, 19)")
    sql = f"coalesce(epoch_us({read}) // 1000000, -9223372036854775808)"
    return filled(f"(CASE WHEN $0 IS NOT NULL THEN {sql} END)", BIGINT, text)


def _convert_tz(call: Call) -> Typed:
    call.count(3)
    zones = [call.constant(index) for index in (1, 2)]
    if None in zones:
        raise call.refused("time zones must be literals", needs_flink=True)
    source, target = (text_literal(zone or "") for zone in zones)
    read = "TRY_CAST(trim($0) AS TIMESTAMP)"
    sql = f"strftime(({read} AT TIME ZONE {source}) AT TIME ZONE {target}, '%Y-%m-%d %H:%M:%S')"
    return filled(sql, STRING, call.take(0, "s"))


def _now(name: str, sql: str, kind: DataType, signature: str) -> Function:
    def translate(call: Call) -> Typed:
        call.count(0)
        return made(sql, kind)

    return Function(name, _KIND, (signature,), translate)


def _proctime(call: Call) -> Typed:
    call.count(0)
    return Typed(_NOW, TIMESTAMP_LTZ, processing=True)


_NOW = "get_current_timestamp()"
_NOW_LOCAL = f"({_NOW} AT TIME ZONE 'UTC')"

TIMES_FUNCTIONS = (
    Function("EXTRACT", _KIND, ("EXTRACT(unit FROM time)",), _extract),
    Function("FLOOR", _KIND, ("FLOOR(number)", "FLOOR(time TO unit)"), _rounded),
    Function("CEIL", _KIND, ("CEIL(number)", "CEIL(time TO unit)"), _rounded),
    _shorthand("YEAR", "YEAR"),
    _shorthand("QUARTER", "QUARTER"),
    _shorthand("MONTH", "MONTH"),
    _shorthand("WEEK", "WEEK"),
    _shorthand("DAYOFYEAR", "DOY"),
    _shorthand("DAYOFMONTH", "DAY"),
    _shorthand("DAYOFWEEK", "DOW"),
    _shorthand("HOUR", "HOUR"),
    _shorthand("MINUTE", "MINUTE"),
    _shorthand("SECOND", "SECOND"),
    Function("TIMESTAMPADD", _KIND, ("TIMESTAMPADD(unit, whole number, time)",), _timestampadd),
    Function("TIMESTAMPDIFF", _KIND, ("TIMESTAMPDIFF(unit, time, time)",), _timestampdiff),
    Function("DATE_FORMAT", _KIND, ("DATE_FORMAT(time or string, pattern)",), _date_format),
    Function("TO_DATE", _KIND, ("TO_DATE(string [, pattern])",), _to_date),
    Function("TO_TIMESTAMP", _KIND, ("TO_TIMESTAMP(string [, pattern])",), _to_timestamp),
    Function(
        "TO_TIMESTAMP_LTZ",
        _KIND,
        (
            "TO_TIMESTAMP_LTZ(number [, precision])",
            "TO_TIMESTAMP_LTZ(string [, pattern [, 'UTC']])",
        ),
        _to_timestamp_ltz,
    ),
    Function("FROM_UNIXTIME", _KIND, ("FROM_UNIXTIME(seconds [, pattern])",), _from_unixtime),
    Function("UNIX_TIMESTAMP", _KIND, ("UNIX_TIMESTAMP([string [, pattern]])",), _unix_timestamp),
    Function("CONVERT_TZ", _KIND, ("CONVERT_TZ(string, zone, zone)",), _convert_tz),
    _now("CURRENT_TIMESTAMP", _NOW, TIMESTAMP_LTZ, "CURRENT_TIMESTAMP"),
    _now("CURRENT_ROW_TIMESTAMP", _NOW, TIMESTAMP_LTZ, "CURRENT_ROW_TIMESTAMP()"),
    Function("PROCTIME", _KIND, ("PROCTIME()",), _proctime),
    _now("NOW", _NOW, TIMESTAMP_LTZ, "NOW()"),
    _now("LOCALTIMESTAMP", _NOW_LOCAL, TIMESTAMP, "LOCALTIMESTAMP"),
    _now("CURRENT_DATE", f"CAST({_NOW_LOCAL} AS DATE)", _DATE, "CURRENT_DATE"),
    _now(
        "CURRENT_TIME",
        f"CAST(date_trunc('second', {_NOW_LOCAL}) AS TIME)",
        DataType("TIME", (0,)),
        "CURRENT_TIME",
    ),
    _now(
        "LOCALTIME",
        f"CAST(date_trunc('second', {_NOW_LOCAL}) AS TIME)",
        DataType("TIME", (0,)),
        "LOCALTIME",
    ),
)
