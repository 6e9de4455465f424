"""Signatures of functions: `(array(T), function(T, R)) -> array(R)`, and which one a call means.

A pattern is a type's name (any length, precision or scale of it), a type variable (one capital
letter), or a type made of patterns. `number` stands for any number. A result may also be `=0`: the
type of that argument.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from millpond.engines.sql.trino.types import (
    INTEGERS,
    NUMBERS,
    UNKNOWN,
    VARCHAR,
    Type,
    can_coerce,
    common_type,
    decimal,
    parse_type,
)

_TOKEN = re.compile(r"\s*([A-Za-z_][\w]*|=\d|[(),])")
_ALIASES = {"zoned": "timestamp with time zone", "days": "interval day to second",
            "months": "interval year to month"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pattern:
    """A type's pattern; `name` is a type's name, a variable, `number`, `function` or `=n`."""

    name: str
    arguments: tuple["Pattern", ...] = ()

    @property
    def is_variable(self) -> bool:
        return len(self.name) == 1 and self.name.isupper()


@dataclass(frozen=True, slots=True)
class Signature:
    """Parameters (the last one any number of times where `is_variadic`) and the result."""

    parameters: tuple[Pattern, ...]
    result: Pattern
    is_variadic: bool = False

    def parameter(self, index: int) -> Pattern:
        return self.parameters[min(index, len(self.parameters) - 1)]

    def takes(self, count: int) -> bool:
        if self.is_variadic:
            return count >= len(self.parameters)
        return count == len(self.parameters)


@lru_cache(maxsize=1024)
def parse_signature(text: str) -> Signature:
    parameters, _, result = text.partition("->")
    is_variadic = parameters.rstrip().endswith("...)")
    reader = _Reader(_TOKEN.findall(parameters.replace("...", "")))
    reader.take("(")
    found = reader.list_until(")")
    return Signature(tuple(found), _Reader(_TOKEN.findall(result)).pattern(), is_variadic)


class _Reader:
    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens

    def take(self, token: str) -> None:
        assert self.tokens.pop(0) == token

    def pattern(self) -> Pattern:
        name = self.tokens.pop(0)
        arguments: list[Pattern] = []
        if self.tokens and self.tokens[0] == "(":
            self.tokens.pop(0)
            arguments = self.list_until(")")
        return Pattern(_ALIASES.get(name, name), tuple(arguments))

    def list_until(self, end: str) -> list[Pattern]:
        found: list[Pattern] = []
        while self.tokens[0] != end:
            found.append(self.pattern())
            if self.tokens[0] == ",":
                self.tokens.pop(0)
        self.tokens.pop(0)
        return found


Bindings = dict[str, Type]


def match(pattern: Pattern, kind: Type, bindings: Bindings) -> int | None:
    """How far `kind` is from the pattern (0: it is one), binding variables; None: it cannot be."""
    if pattern.is_variable:
        bound = bindings.get(pattern.name)
        merged = kind if bound is None else common_type(bound, kind)
        if merged is None:
            return None
        bindings[pattern.name] = merged
        return 0 if bound is None or bound == kind else 1
    if kind.name == "unknown":
        return 2 if pattern.arguments else 1
    if pattern.name == "number":
        return 0 if kind.name in NUMBERS else None
    if pattern.arguments:
        if kind.name != pattern.name or len(kind.arguments) != len(pattern.arguments):
            return None
        costs = [
            match(inner, one, bindings)
            for inner, one in zip(pattern.arguments, kind.arguments, strict=True)
        ]
        return None if any(cost is None for cost in costs) else sum(c for c in costs if c)
    if kind.name == pattern.name:
        return 0
    return _distance(kind, pattern.name)


_ORDER = (*INTEGERS, "decimal", "real", "double")
_TIMES = ("date", "timestamp", "timestamp with time zone")


def _distance(kind: Type, name: str) -> int | None:
    for order in (_ORDER, _TIMES):
        if kind.name in order and name in order:
            steps = order.index(name) - order.index(kind.name)
            return steps if steps > 0 else None
    return 1 if (kind.name, name) == ("char", "varchar") else None


def target_type(pattern: Pattern, kind: Type, bindings: Bindings) -> Type:
    """What an argument of type `kind` is coerced to before the call."""
    if pattern.is_variable:
        return bindings[pattern.name]
    if pattern.arguments:
        inner = kind.arguments or (UNKNOWN,) * len(pattern.arguments)
        found = [target_type(p, k, bindings) for p, k in zip(pattern.arguments, inner, strict=True)]
        return _built(pattern.name, found, kind.fields)
    if pattern.name in (kind.name, "number"):
        return kind
    if pattern.name == "decimal":
        return decimal(19, 0) if kind.name == "bigint" else decimal(10, 0)
    return concrete(pattern.name)


def _built(name: str, arguments: list[Type], fields: tuple[str | None, ...] = ()) -> Type:
    if name == "row":
        fields = fields or (None,) * len(arguments)
        return Type(name, arguments=tuple(arguments), fields=fields)
    return Type(name, arguments=tuple(arguments))


def concrete(name: str) -> Type:
    """The plainest type of a name: unbounded text, timestamps to the millisecond."""
    if name == "varchar":
        return VARCHAR
    return parse_type(name.replace("timestamp with", "timestamp(3) with"))


def result_type(pattern: Pattern, arguments: Sequence[Type], bindings: Bindings) -> Type:
    if pattern.name.startswith("="):
        return arguments[int(pattern.name[1:])]
    if pattern.is_variable:
        return bindings.get(pattern.name, UNKNOWN)
    if pattern.arguments:
        return _built(
            pattern.name, [result_type(p, arguments, bindings) for p in pattern.arguments]
        )
    return concrete(pattern.name)


def choose(
    signatures: Sequence[Signature], kinds: Sequence[Type | None]
) -> tuple[int, Bindings] | None:
    """The signature that takes arguments of these types with the least coercion; a lambda's type
    is None. Its place and the bindings of its variables, or None when there is none."""
    best: tuple[int, int, Bindings] | None = None
    for place, signature in enumerate(signatures):
        if not signature.takes(len(kinds)):
            continue
        cost = _cost(signature, kinds)
        if cost is not None and (best is None or cost[0] < best[0]):
            best = (cost[0], place, cost[1])
    return None if best is None else (best[1], best[2])


def _cost(signature: Signature, kinds: Sequence[Type | None]) -> tuple[int, Bindings] | None:
    bindings: Bindings = {}
    total = 0
    for index, kind in enumerate(kinds):
        pattern = signature.parameter(index)
        if (kind is None) != (pattern.name == "function"):
            return None
        if kind is not None:
            cost = match(pattern, kind, bindings)
            if cost is None:
                return None
            total += cost
    for index, kind in enumerate(kinds):
        if kind is not None:
            target = target_type(signature.parameter(index), kind, bindings)
            if not can_coerce(kind, target):
                return None
    return total, bindings
