"""Aggregate and window functions: which there are, and the types that they give.

Source: Apache Flink 2.x, System (Built-in) Functions, Aggregate Functions; FlinkTypeSystem
(deriveSumType, deriveAvgAggType).
"""

from collections.abc import Sequence

from millpond.engines.streams.interface import Refused
from millpond.engines.streams.sql.typed import Position
from millpond.engines.streams.sql.types import APPROXIMATE, INTEGERS, NUMBERS, STRINGS, bare
from millpond.engines.streams.types import BIGINT, STRING, DataType

AGGREGATES: dict[str, str] = {
    "COUNT": "COUNT(*), COUNT([DISTINCT] value)",
    "SUM": "SUM([DISTINCT] number)",
    "AVG": "AVG([DISTINCT] number)",
    "MIN": "MIN(value)",
    "MAX": "MAX(value)",
    "STDDEV_POP": "STDDEV_POP(number)",
    "STDDEV_SAMP": "STDDEV_SAMP(number)",
    "STDDEV": "STDDEV(number)",
    "VAR_POP": "VAR_POP(number)",
    "VAR_SAMP": "VAR_SAMP(number)",
    "VARIANCE": "VARIANCE(number)",
    "FIRST_VALUE": "FIRST_VALUE(value)",
    "LAST_VALUE": "LAST_VALUE(value)",
    "LISTAGG": "LISTAGG(string [, separator])",
    "COLLECT": "COLLECT([DISTINCT] value)",
    "ARRAY_AGG": "ARRAY_AGG([DISTINCT] value)",
    "APPROX_COUNT_DISTINCT": "APPROX_COUNT_DISTINCT(value)",
}
"""The aggregate functions and how they are written."""

WINDOW_ONLY: dict[str, str] = {
    "ROW_NUMBER": "ROW_NUMBER()",
    "RANK": "RANK()",
    "DENSE_RANK": "DENSE_RANK()",
    "LAG": "LAG(value [, offset [, default]])",
}
"""What stands only before OVER."""

ALIASES = {"STDDEV": "STDDEV_SAMP", "VARIANCE": "VAR_SAMP"}

REFUSED = {
    "LEAD": "it would wait for rows that come later; use LAG",
    "JSON_ARRAYAGG": "it is not supported",
    "JSON_OBJECTAGG": "it is not supported",
    "PERCENTILE": "it is not supported",
    "NTILE": "it needs all rows of a partition, and a stream does not end",
    "PERCENT_RANK": "it needs all rows of a partition, and a stream does not end",
    "CUME_DIST": "it needs all rows of a partition, and a stream does not end",
}
"""Those that only Flink has, and why."""
_OF_NUMBERS = (
    "SUM", "AVG", "STDDEV_POP", "STDDEV_SAMP", "STDDEV", "VAR_POP", "VAR_SAMP", "VARIANCE",
)  # fmt: skip
_ORDERED = (*NUMBERS, *STRINGS, "BOOLEAN", "DATE", "TIME", "TIMESTAMP", "TIMESTAMP_LTZ")
_COUNTS = {"LISTAGG": (1, 2), "LAG": (1, 3)}


def is_aggregate(name: str) -> bool:
    """Whether a call of this name (in any case) is one of an aggregate or window function, be it
    supported or not."""
    name = name.upper()
    return name in AGGREGATES or name in WINDOW_ONLY or name in REFUSED


def aggregate_type(function: str, arguments: Sequence[DataType], at: Position) -> DataType:
    """What an aggregate or window function gives for arguments of these types; COUNT(*) has none.

    Raises:
        Refused: it is unknown or not supported, or does not take these.
    """
    name = function.upper()
    if name in REFUSED:
        raise Refused(
            f"The aggregate function {name} cannot run: {REFUSED[name]}",
            at.line, at.column, needs_flink=True,
        )  # fmt: skip
    if name not in AGGREGATES and name not in WINDOW_ONLY:
        raise Refused(f"Unknown aggregate function {function}", at.line, at.column)
    kinds = [bare(kind) for kind in arguments]
    found = _result(name, kinds)
    if found is None:
        shown = ", ".join(f"<{kind.flink()}>" for kind in kinds)
        raise Refused(
            f"Invalid function call: {name}({shown}) fits no signature of {name}",
            at.line, at.column,
        )  # fmt: skip
    return found


def _result(name: str, kinds: list[DataType]) -> DataType | None:
    if name == "COUNT":
        return BIGINT
    if name in ("ROW_NUMBER", "RANK", "DENSE_RANK"):
        return BIGINT if not kinds else None
    least, most = _COUNTS.get(name, (1, 1))
    if not least <= len(kinds) <= most:
        return None
    kind = kinds[0]
    if name in _OF_NUMBERS:
        return _of_numbers(name, kind)
    match name:
        case "APPROX_COUNT_DISTINCT":
            return BIGINT if not kind.fields else None
        case "MIN" | "MAX":
            return kind if kind.name in _ORDERED else None
        case "LISTAGG":
            return STRING if all(one.name in STRINGS for one in kinds) else None
        case "COLLECT":
            return DataType("MULTISET", fields=(("", kind),))
        case "ARRAY_AGG":
            return DataType("ARRAY", fields=(("", kind),))
    return kind


def _of_numbers(name: str, kind: DataType) -> DataType | None:
    if kind.name in INTEGERS or kind.name in APPROXIMATE:
        return kind
    if kind.name != "DECIMAL":
        return None
    scale = kind.parameters[1]
    return DataType("DECIMAL", (38, scale if name == "SUM" else max(6, scale)))
