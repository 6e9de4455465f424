"""Predicates over partitions, in SQL: `year = '2017' and month in ('04', '05')`.

They are read here rather than by the engine, so that nothing is listed that is not wanted.
Comparisons, `in`, `between`, `like`, `is null`, `and`, `or`, `not`, brackets.

Source: "Managing partitions for ETL output in AWS Glue" (developer guide).
"""

from __future__ import annotations

import decimal
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from .refusals import NotSupported

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^'\\]|''|\\.)*'|\"(?:[^\"\\]|\\.)*\")|(?P<number>-?\d+(?:\.\d+)?)"
    r"|(?P<name>`[^`]+`|[A-Za-z_][\w.]*)|(?P<sign><=|>=|<>|!=|==|=|<|>|\(|\)|,))"
)
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "==": operator.eq, "!=": operator.ne, "<>": operator.ne,
    "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge,
}  # fmt: skip
Values = Mapping[str, str | None]
Check = Callable[[Values], bool]


def read_predicate(text: str) -> Check:
    """A function that says whether a partition's values, by lower-case names, meet it.

    Raises:
        NotSupported: it has something else than the above.
    """
    reader = _Reader(text)
    check = reader.either()
    reader.end()
    return check


class _Reader:
    def __init__(self, text: str) -> None:
        self._whole = text
        self._tokens: list[tuple[str, str]] = []
        at = 0
        while at < len(text.rstrip()):
            found = _TOKEN.match(text, at)
            if found is None:
                raise self._wrong()
            self._tokens.append((str(found.lastgroup), str(found.group(str(found.lastgroup)))))
            at = found.end()
        self._at = 0

    def _wrong(self) -> NotSupported:
        return NotSupported(f"The predicate {self._whole} is not supported.")

    def _is(self, word: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at][1].lower() == word:
            self._at += 1
            return True
        return False

    def _need(self, word: str) -> None:
        if not self._is(word):
            raise self._wrong()

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise self._wrong()
        self._at += 1
        return self._tokens[self._at - 1]

    def end(self) -> None:
        if self._at != len(self._tokens):
            raise self._wrong()

    def either(self) -> Check:
        checks = [self._both()]
        while self._is("or"):
            checks.append(self._both())
        return lambda values: any(check(values) for check in checks)

    def _both(self) -> Check:
        checks = [self._one()]
        while self._is("and"):
            checks.append(self._one())
        return lambda values: all(check(values) for check in checks)

    def _one(self) -> Check:
        if self._is("not"):
            inner = self._one()
            return lambda values: not inner(values)
        if self._is("("):
            check = self.either()
            self._need(")")
            return check
        return self._comparison()

    def _comparison(self) -> Check:
        left = self._operand()
        if self._is("is"):
            wanted = not self._is("not")
            self._need("null")
            return lambda values: (left(values) is None) is wanted
        negated = self._is("not")
        if self._is("in"):
            check = self._within(left)
        elif self._is("between"):
            low = self._operand()
            self._need("and")
            high = self._operand()

            def check(values: Values) -> bool:
                value = left(values)
                return _holds(operator.ge, value, low(values)) and _holds(
                    operator.le, value, high(values)
                )

        elif self._is("like"):
            kind, literal = self._next()
            pattern = re.compile(_like(_unquoted(literal)))
            check = lambda v: bool(pattern.match(str(left(v) or "")))  # noqa: E731
        else:
            kind, sign = self._next()
            if kind != "sign" or sign not in _COMPARE:
                raise self._wrong()
            right = self._operand()
            check = lambda v: _holds(_COMPARE[sign], left(v), right(v))  # noqa: E731
        return (lambda values: not check(values)) if negated else check

    def _within(self, left: Callable[[Values], Any]) -> Check:
        self._need("(")
        options = [self._operand()]
        while self._is(","):
            options.append(self._operand())
        self._need(")")
        return lambda v: any(_holds(operator.eq, left(v), option(v)) for option in options)

    def _operand(self) -> Callable[[Values], Any]:
        kind, word = self._next()
        if kind == "text":
            text = _unquoted(word)
            return lambda values: text
        if kind == "number":
            number = decimal.Decimal(word)
            return lambda values: number
        if kind != "name":
            raise self._wrong()
        name = word.strip("`").lower()

        def value(values: Values) -> Any:
            if name not in values:
                raise ValueError(f"The predicate {self._whole} names {name}, no partition key.")
            return values[name]

        return value


def _holds(compare: Callable[[Any, Any], bool], left: Any, right: Any) -> bool:
    if left is None or right is None:
        return False
    if isinstance(left, decimal.Decimal) or isinstance(right, decimal.Decimal):
        try:
            return compare(decimal.Decimal(left), decimal.Decimal(right))
        except decimal.InvalidOperation:
            return False
    return compare(left, right)


def _unquoted(literal: str) -> str:
    inner = literal[1:-1].replace("''", "'") if literal[0] == "'" else literal[1:-1]
    return re.sub(r"\\(.)", r"\1", inner)


def _like(pattern: str) -> str:
    parts = (".*" if c == "%" else "." if c == "_" else re.escape(c) for c in pattern)
    return "(?s)" + "".join(parts) + "$"
