"""Values as SQL: an expression over one row, and what kind of thing it makes.

Fields hold text; what is a number is seen when one is asked for, and text that is none counts as
missing. NULL is a missing value. Times are epoch milliseconds.
"""

import enum
from collections.abc import Sequence
from dataclasses import dataclass


class Kind(enum.Enum):
    TEXT = "text"
    NUMBER = "number"
    TIME = "time"
    TRUTH = "truth"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Value:
    """`path` is a place inside a JSON text."""

    sql: str
    kind: Kind
    path: tuple[str | int, ...] = ()


def quoted(text: str) -> str:
    """A text literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def json_path(path: Sequence[str | int]) -> str:
    """A path as the engine's JSON functions have it."""
    return "$" + "".join(
        f"[{step}]" if isinstance(step, int) else '["' + step.replace('"', '\\"') + '"]'
        for step in path
    )


def text_of(value: Value) -> str:
    """The value as text."""
    match value.kind:
        case Kind.NUMBER:
            return number_text(value.sql)
        case Kind.TIME:
            return (
                f"date_format(from_unixtime(({value.sql}) / 1000), '%Y-%m-%d %H:%i:%s') || '.'"
                f" || lpad(CAST(({value.sql}) % 1000 AS varchar), 3, '0')"
            )
        case Kind.TRUTH:
            return f"CASE WHEN {value.sql} THEN '1' ELSE '0' END"
        case Kind.JSON:
            return f'"$json_shown"({value.sql}, {quoted(json_path(value.path))})'
    return value.sql


def number_text(sql: str) -> str:
    """A number with up to four decimals, as results show it."""
    return f"regexp_replace(format('%.4f', {sql}), '\\.?0+$', '')"


def number_of(value: Value) -> str:
    """The value as a double; NULL where it is none."""
    match value.kind:
        case Kind.NUMBER:
            return value.sql
        case Kind.TIME:
            return f"CAST({value.sql} AS double)"
        case Kind.TRUTH:
            return f"CASE WHEN {value.sql} THEN 1e0 ELSE 0e0 END"
    return f'"$number"({text_of(value)})'


def time_of(value: Value) -> str:
    """The value as epoch milliseconds."""
    return value.sql if value.kind is Kind.TIME else f"CAST({number_of(value)} AS bigint)"


def truth_of(value: Value) -> str:
    """Whether the value counts as true: it is, or it is a number other than 0."""
    return value.sql if value.kind is Kind.TRUTH else f"({number_of(value)} <> 0e0)"


def json_of(value: Value) -> str:
    """The value as a JSON text; NULL where it is none."""
    if value.kind is Kind.JSON:
        return f'"$json_found"({value.sql}, {quoted(json_path(value.path))})'
    return f"\"$json_found\"({text_of(value)}, '$')"


def natural(sql: str) -> str:
    """A text by which texts sort with the numbers in them by their sizes."""
    padded = f"regexp_replace({sql}, '(\\d+)', '{'0' * 30}$1')"
    return f"regexp_replace({padded}, '\\d*(\\d{{30}})', '$1')"


def sort_keys(value: Value) -> list[str]:
    """By what a value is sorted: texts that are no numbers come first, as in AWS."""
    if value.kind in (Kind.NUMBER, Kind.TIME):
        return [value.sql]
    if value.kind is Kind.TRUTH:
        return [number_of(value)]
    number, text = number_of(value), text_of(value)
    return [
        f"CASE WHEN {text} IS NOT NULL THEN {number} IS NOT NULL END",
        number,
        f"CASE WHEN {number} IS NULL THEN {natural(text)} END",
    ]
