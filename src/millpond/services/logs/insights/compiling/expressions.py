"""Expressions over rows. What is missing compares as false, and so its negation holds."""

import re
from collections.abc import Callable

from millpond.services.logs.insights.compiling.aggregates import aggregate, is_aggregate
from millpond.services.logs.insights.compiling.functions import call
from millpond.services.logs.insights.compiling.rows import Rows
from millpond.services.logs.insights.compiling.values import (
    Kind,
    Value,
    json_of,
    number_of,
    quoted,
    text_of,
    truth_of,
)
from millpond.services.logs.insights.language.malformed import Malformed
from millpond.services.logs.insights.language.tree import (
    Binary,
    Call,
    Expression,
    Field,
    In,
    Like,
    Literal,
    Member,
    Period,
    Unary,
)

_SPACES = re.compile(r"\s+")
_PLAIN = re.compile(r"[\w\s\"'=:;,<>@#%&~!`-]*")
"""A regular expression that stands for itself."""
_NUMERIC = re.compile(r"-?\d+(\.\d+)?")


class Expressions:
    """Compiles expressions over some rows. `text` is that of the query."""

    def __init__(self, text: str, rows: Rows, now_ms: int) -> None:
        self._text = text
        self._rows = rows
        self._now_ms = now_ms
        self.made: dict[str, Value] = {}
        """What a stats command has computed so far, which its later values may name."""

    def value(self, node: Expression) -> Value:
        """The value of an expression over one row.

        Raises:
            Malformed: it cannot be computed so.
        """
        return self._compile(node, self.value)

    def aggregated(self, node: Expression) -> Value:
        """The value of an expression over many rows: fields stand inside functions of many.

        Raises:
            Malformed: it cannot be computed so.
        """
        match node:
            case Call() if is_aggregate(node):
                return aggregate(node, self.value, has_time=self._rows.is_raw)
            case Field() if node.name in self.made:
                return self.made[node.name]
            case Field() | Member():
                raise Malformed(
                    f"{self._shown(node)} stands in stats outside of a function.",
                    node.start,
                    node.end,
                )
        return self._compile(node, self.aggregated)

    def _shown(self, node: Expression) -> str:
        return _SPACES.sub(" ", self._text[node.start : node.end])

    def _compile(self, node: Expression, inner: Callable[[Expression], Value]) -> Value:
        match node:
            case Literal(value=bool()):
                return Value("true" if node.value else "false", Kind.TRUTH)
            case Literal(value=str()):
                return Value(quoted(str(node.value)), Kind.TEXT)
            case Literal():
                return Value(f"CAST({node.value!r} AS double)", Kind.NUMBER)
            case Field():
                return self._rows.find(node.path)
            case Member():
                return Value(json_of(inner(node.of)), Kind.JSON, node.path)
            case Period():
                raise Malformed("A period stands where no period can be.", node.start, node.end)
            case Call():
                return self._call(node, inner)
            case Unary(operator="not"):
                return Value(f"(NOT coalesce({truth_of(inner(node.operand))}, false))", Kind.TRUTH)
            case Unary():
                return Value(f"(-{number_of(inner(node.operand))})", Kind.NUMBER)
            case Binary(operator="and" | "or"):
                tests = [truth_of(inner(one)) for one in _operands(node)]
                return Value(f"({f' {node.operator.upper()} '.join(tests)})", Kind.TRUTH)
            case Binary(operator="+" | "-" | "*" | "/" | "%" | "^"):
                left, right = number_of(inner(node.left)), number_of(inner(node.right))
                return Value(_arithmetic(node.operator, left, right), Kind.NUMBER)
            case Binary():
                return Value(_compare(node, inner), Kind.TRUTH)
            case Like():
                return Value(_like(node, text_of(inner(node.operand))), Kind.TRUTH)
            case In():
                operand = inner(node.operand)
                tests = [_equal(operand, inner(item)) for item in node.items]
                return Value(_maybe_not(f"({' OR '.join(tests)})", node.negated), Kind.TRUTH)

    def _call(self, node: Call, inner: Callable[[Expression], Value]) -> Value:
        if not self._rows.is_raw:
            known = self._rows.names.get(self._shown(node))
            if known is not None:
                return known
            if node.name.lower() == "bin":
                raise Malformed("bin needs the times of events.", node.start, node.end)
        if is_aggregate(node):
            raise Malformed(
                f"The function {node.name} can be used in stats only.", node.start, node.end
            )
        return call(node, inner, self._now_ms)


def _operands(node: Binary) -> list[Expression]:
    """What stands in a chain of one operator, however long."""
    found = [node.right]
    left = node.left
    while isinstance(left, Binary) and left.operator == node.operator:
        found.append(left.right)
        left = left.left
    return [left, *reversed(found)]


def _arithmetic(operator: str, left: str, right: str) -> str:
    match operator:
        case "^":
            return f"pow({left}, {right})"
        case "/":
            return f"({left} / nullif({right}, 0e0))"
        case "%":
            return f"mod({left}, nullif({right}, 0e0))"
    return f"({left} {operator} {right})"


def _compare(node: Binary, inner: Callable[[Expression], Value]) -> str:
    left, right = inner(node.left), inner(node.right)
    if node.operator in ("=", "!="):
        return _maybe_not(_equal(left, right), node.operator == "!=")
    if _is_number(left) or _is_number(right):
        return f"({number_of(left)} {node.operator} {number_of(right)})"
    a, b, m, n = text_of(left), text_of(right), number_of(left), number_of(right)
    if any(value.sql.startswith("'") for value in (left, right)):
        return f"({a} {node.operator} {b})"
    return (
        f"(CASE WHEN {m} IS NOT NULL AND {n} IS NOT NULL THEN {m} {node.operator} {n}"
        f" ELSE {a} {node.operator} {b} END)"
    )


def _is_number(value: Value) -> bool:
    """Whether a comparison with it is one of numbers: a text literal that is a number counts."""
    if value.kind in (Kind.NUMBER, Kind.TIME):
        return True
    literal = value.sql.startswith("'")
    return literal and _NUMERIC.fullmatch(value.sql[1:-1]) is not None


def _equal(left: Value, right: Value) -> str:
    numbers = (Kind.NUMBER, Kind.TIME)
    if left.kind in numbers or right.kind in numbers:
        return f"({number_of(left)} = {number_of(right)})"
    return f"({text_of(left)} = {text_of(right)})"


def _like(node: Like, operand: str) -> str:
    is_plain = not node.is_regex or _PLAIN.fullmatch(node.pattern) is not None
    test = (
        f"(strpos({operand}, {quoted(node.pattern)}) > 0)"
        if is_plain
        else f"regexp_like({operand}, {quoted(node.pattern)})"
    )
    return _maybe_not(test, node.negated)


def _maybe_not(test: str, negated: bool) -> str:
    return f"(NOT coalesce({test}, false))" if negated else test
