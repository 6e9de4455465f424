"""Functions of many events.

Source: CloudWatch Logs user guide, "stats".
"""

from collections.abc import Callable, Mapping

from millpond.services.logs.insights.compiling.values import (
    Kind,
    Value,
    natural,
    number_of,
    text_of,
)
from millpond.services.logs.insights.language.malformed import Malformed
from millpond.services.logs.insights.language.tree import Call, Expression, Literal

Compile = Callable[[Expression], Value]


def _number(sql: str) -> Value:
    return Value(sql, Kind.NUMBER)


def _count_distinct(value: Value) -> Value:
    shown = value.sql if value.kind in (Kind.NUMBER, Kind.TIME) else text_of(value)
    return _number(f"CAST(count(DISTINCT {shown}) AS double)")


def _extreme(name: str) -> Callable[[Value], Value]:
    """The least or the greatest: of the numbers, or of texts where there is no number."""

    def emit(value: Value) -> Value:
        if value.kind in (Kind.NUMBER, Kind.TIME):
            return Value(f"{name}({value.sql})", value.kind)
        text, number = text_of(value), number_of(value)
        of_numbers = f"{name}_by({text}, {number}) FILTER (WHERE {number} IS NOT NULL)"
        return Value(f"coalesce({of_numbers}, {name}({text}))", Kind.TEXT)

    return emit


def _at(name: str) -> Callable[[Value], Value]:
    """The value in the event with the earliest or latest time that has one."""

    def emit(value: Value) -> Value:
        shown = value.sql if value.kind in (Kind.NUMBER, Kind.TIME) else text_of(value)
        kind = value.kind if value.kind in (Kind.NUMBER, Kind.TIME) else Kind.TEXT
        test = f"FILTER (WHERE {shown} IS NOT NULL)"
        return Value(f'{name}_by({shown}, r."timestamp") {test}', kind)

    return emit


def _sorted(name: str) -> Callable[[Value], Value]:
    """The value that sorts first or last: texts that are no numbers sort before numbers."""

    def emit(value: Value) -> Value:
        if value.kind in (Kind.NUMBER, Kind.TIME):
            return Value(f"{name}({value.sql})", value.kind)
        text, number = text_of(value), number_of(value)
        of_texts = (
            f"{name}_by({text}, {natural(text)})"
            f" FILTER (WHERE {number} IS NULL AND {text} IS NOT NULL)"
        )
        of_numbers = f"{name}_by({text}, {number}) FILTER (WHERE {number} IS NOT NULL)"
        both = (of_texts, of_numbers) if name == "min" else (of_numbers, of_texts)
        return Value(f"coalesce({', '.join(both)})", Kind.TEXT)

    return emit


_AGGREGATES: Mapping[str, Callable[[Value], Value]] = {
    "count_distinct": _count_distinct,
    "sum": lambda value: _number(f"sum({number_of(value)})"),
    "avg": lambda value: _number(f"avg({number_of(value)})"),
    "stddev": lambda value: _number(f"stddev_pop({number_of(value)})"),
    "min": _extreme("min"),
    "max": _extreme("max"),
    "earliest": _at("min"),
    "latest": _at("max"),
    "sortsfirst": _sorted("min"),
    "sortslast": _sorted("max"),
}
NAMES = ("count", "pct", "percentile", *_AGGREGATES)
_OF_TIME = ("earliest", "latest")


def is_aggregate(node: Call) -> bool:
    return node.name.lower() in NAMES


def aggregate(node: Call, compiled: Compile, *, has_time: bool) -> Value:
    """A call of a function of many events.

    Raises:
        Malformed: it takes other arguments.
    """
    name = node.name.lower()
    if name == "count" and (not node.arguments or node.arguments == [None]):
        return _number("CAST(count(*) AS double)")
    arguments = [one for one in node.arguments if one is not None]
    if len(arguments) != len(node.arguments):
        raise Malformed(f"The function {node.name} takes no *.", node.start, node.end)
    wanted = 2 if name in ("pct", "percentile") else 1
    if len(arguments) != wanted:
        raise Malformed(
            f"Invalid arguments for function: {node.name} takes {wanted} of them.",
            node.start,
            node.end,
        )
    value = compiled(arguments[0])
    if name == "count":
        return _number(f"CAST(count({text_of(value)}) AS double)")
    if wanted == 2:
        return _percentile(value, arguments[1])
    if name in _OF_TIME and not has_time:
        raise Malformed(f"{node.name} needs the times of events.", node.start, node.end)
    return _AGGREGATES[name](value)


def _percentile(value: Value, percent: Expression) -> Value:
    if not isinstance(percent, Literal) or not isinstance(percent.value, float):
        raise Malformed("A percentage is a number from 0 to 100.", percent.start, percent.end)
    if not 0 <= percent.value <= 100:
        raise Malformed("A percentage is a number from 0 to 100.", percent.start, percent.end)
    return _number(f"approx_percentile({number_of(value)}, {percent.value / 100!r}e0)")
