"""Making typed values of typed values, in DuckDB's SQL."""

import re
from collections.abc import Sequence

from millpond.engines.streams.sql.typed import Typed
from millpond.engines.streams.types import DataType

INTERVAL = DataType("INTERVAL")
"""Of a difference of time, while an expression is computed; no column has it."""


def text_literal(text: str) -> str:
    """A string in DuckDB's SQL; every character of it stands for itself."""
    quoted = "'" + text.replace("'", "''") + "'"
    return (
        f"({quoted.replace(chr(0), chr(39) + ' || chr(0) || ' + chr(39))})"
        if "\0" in text
        else quoted
    )


def made(sql: str, kind: DataType, parts: Sequence[Typed] = ()) -> Typed:
    """A value computed from `parts`, with the functions that they call."""
    functions = frozenset[str]().union(*(part.functions for part in parts))
    return Typed(sql, kind, functions)


def filled(template: str, kind: DataType, *parts: Typed) -> Typed:
    """`template` with `$0`, `$1` … as the parts' SQL."""
    sql = re.sub(r"\$(\d)", lambda match: parts[int(match.group(1))].sql, template)
    return made(sql, kind, parts)


def unscaled(sql: str) -> str:
    """A DECIMAL without its point, as a HUGEINT."""
    return f"CAST(replace(CAST({sql} AS VARCHAR), '.', '') AS HUGEINT)"


def scaled(sql: str, scale: int, kind: DataType) -> str:
    """A whole number with a point `scale` digits from its end, as a DECIMAL."""
    if not scale:
        return f"CAST({sql} AS {kind.duckdb()})"
    step = f"CAST('0.{'0' * (scale - 1)}1' AS DECIMAL({scale}, {scale}))"
    return f"CAST(CAST({sql} AS DECIMAL(38, 0)) * {step} AS {kind.duckdb()})"
