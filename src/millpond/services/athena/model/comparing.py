"""How values of partition columns compare: as their types do, not as text."""

import datetime
import operator
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_NUMBERS = ("tinyint", "smallint", "int", "bigint", "float", "double", "decimal")


def holds(
    comparison: str,
    value: str,
    others: Sequence[str],
    hive_type: str,
    *,
    unreadable: bool = False,
) -> bool:
    """Whether `value` compares so with the only one of `others`, or (`in`) is one of them.
    `unreadable` is the answer where one of both is not of the type."""
    if comparison == "in":
        return any(holds("=", value, [other], hive_type, unreadable=unreadable) for other in others)
    try:
        return _OPERATORS[comparison](_typed(value, hive_type), _typed(others[0], hive_type))
    except (ValueError, InvalidOperation):
        return unreadable


def _typed(text: str, hive_type: str) -> Any:
    kind = hive_type.partition("(")[0]
    if kind in _NUMBERS:
        return Decimal(text)
    if kind == "date":
        return datetime.date.fromisoformat(text)
    return datetime.datetime.fromisoformat(text) if kind == "timestamp" else text
