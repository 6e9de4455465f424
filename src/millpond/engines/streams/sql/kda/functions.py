"""Scalar functions that SQL-1_0 has besides Flink SQL's, or means something else by.

Source: Amazon Kinesis Data Analytics SQL Reference, Functions.
"""

from collections.abc import Callable

from millpond.engines.streams.sql.casts import cast
from millpond.engines.streams.sql.functions.calls import Call
from millpond.engines.streams.sql.functions.java_patterns import to_strftime
from millpond.engines.streams.sql.planning.intervals import interval_ms
from millpond.engines.streams.sql.typed import Typed
from millpond.engines.streams.sql.types import bare
from millpond.engines.streams.sql.values import filled
from millpond.engines.streams.types import BIGINT, STRING, TIMESTAMP, DataType


def _moment(call: Call, index: int) -> Typed:
    value = call.take(index, "p")
    return cast(value, DataType("TIMESTAMP", (3,)), call.at)


def _step(call: Call) -> Typed:
    call.count(2)
    micros = interval_ms(call.nodes[1]) * 1000
    if micros <= 0:
        raise call.refused("the INTERVAL must be above zero")
    value = call.take(0, "p")
    kind = TIMESTAMP if value.type.name == "DATE" else bare(value.type)
    value = cast(value, kind, call.at)
    floor = f"make_timestamp(epoch_us($0) - (epoch_us($0) % {micros} + {micros}) % {micros})"
    return filled(floor, kind, value)


def _difference(call: Call) -> Typed:
    call.count(2)
    sql = "((epoch_us($1) - epoch_us($0)) // 1000)"
    return filled(sql, BIGINT, _moment(call, 0), _moment(call, 1))


def _unix_timestamp(call: Call) -> Typed:
    call.count(1)
    return filled("(epoch_us($0) // 1000)", BIGINT, _moment(call, 0))


def _to_timestamp(call: Call) -> Typed:
    call.count(1)
    return filled("make_timestamp($0 * 1000)", TIMESTAMP, call.take(0, "l"))


def _pattern(call: Call) -> str:
    found = call.constant(0)
    if found is None:
        raise call.refused("the format must be a literal")
    return found


def _read(kind: DataType) -> Callable[[Call], Typed]:
    def translate(call: Call) -> Typed:
        call.count(2)
        read = to_strftime(_pattern(call), call).parsed("$0")
        return cast(filled(read, TIMESTAMP, call.take(1, "s")), kind, call.at)

    return translate


def _written(call: Call) -> Typed:
    call.count(2)
    return filled(to_strftime(_pattern(call), call).formatted("$0"), STRING, _moment(call, 1))


def _same(call: Call) -> Typed:
    call.count(1)
    return call.arguments[0]


def _regex_replace(call: Call) -> Typed:
    """The original, the expression, the replacement, where to begin (1) and which of the matches:
    0, all, is what is supported."""
    call.count(5)
    if (call.constant(3), call.constant(4)) != ("1", "0"):
        raise call.refused("the position must be 1 and the occurrence 0, written out")
    texts = [call.take(index, "s") for index in range(3)]
    return filled("regexp_replace($0, $1, $2, 'g')", STRING, *texts)


KDA_FUNCTIONS: dict[str, Callable[[Call], Typed]] = {
    "STEP": _step,
    "TSDIFF": _difference,
    "UNIX_TIMESTAMP": _unix_timestamp,
    "TO_TIMESTAMP": _to_timestamp,
    "CHAR_TO_TIMESTAMP": _read(TIMESTAMP),
    "CHAR_TO_DATE": _read(DataType("DATE")),
    "CHAR_TO_TIME": _read(DataType("TIME", (0,))),
    "TIMESTAMP_TO_CHAR": _written,
    "DATE_TO_CHAR": _written,
    "MONOTONIC": _same,
    "REGEX_REPLACE": _regex_replace,
}

KDA_REFUSED = frozenset((
    "REGEX_LOG_PARSE", "FAST_REGEX_LOG_PARSE", "FAST_REGEX_LOG_PARSER", "W3C_LOG_PARSE",
    "SYS_LOG_PARSE", "VARIABLE_COLUMN_LOG_PARSE", "FIXED_COLUMN_LOG_PARSE",
    "COLUMN_LOG_PARSE", "EXP_AVG", "ANY_VALUE",
))  # fmt: skip
"""Functions of SQL-1_0 that this engine has not."""
