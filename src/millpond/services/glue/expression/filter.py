"""A tree becomes a function over a partition's values, with SQL's three truths.

A null value (`__HIVE_DEFAULT_PARTITION__`) makes a comparison unknown; what is unknown at the end
does not match. Literals are read once; values once each, since partitions repeat them.
"""

import operator
import re
from collections.abc import Callable, Sequence
from typing import Any

from millpond.services.glue.expression.grammar import (
    All,
    AnyOf,
    Between,
    Compare,
    In,
    IsNull,
    Like,
    Not,
    Tree,
)
from millpond.services.glue.expression.values import NULL, BadLiteral, BadValue, KeyType, key_type

Filter = Callable[[Sequence[str]], bool]
_Truth = Callable[[Sequence[str]], bool | None]

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_CACHED_VALUES_MAX = 100_000


def compile_filter(tree: Tree, keys: Sequence[tuple[str, str]]) -> Filter:
    """Tells whether a partition matches. `keys` are the partition keys as (name, declared type).

    Raises:
        BadLiteral: an unknown key, or a literal that its type cannot read. The filter itself
            raises BadValue for a stored value that the type cannot read.
    """
    columns = {name.lower(): _Column(index, kind) for index, (name, kind) in enumerate(keys)}
    truth = _compile(tree, columns)
    return lambda values: truth(values) is True


class _Column:
    """Reads one key's value of a partition."""

    def __init__(self, index: int, declared: str) -> None:
        self.index = index
        self.declared = declared
        self._cache: dict[str, Any] = {NULL: None}

    def kind(self) -> KeyType:
        return key_type(self.declared)

    def literal(self, text: str) -> Any:
        try:
            return self.kind().read(text)
        except BadLiteral:
            raise
        except ValueError as error:
            raise BadLiteral(str(error)) from None

    def reader(self) -> Callable[[Sequence[str]], Any]:
        """Gives the value, None when it is null."""
        read, index, cache = self.kind().read, self.index, self._cache

        def value(values: Sequence[str]) -> Any:
            text = values[index]
            try:
                return cache[text]
            except KeyError:
                pass
            try:
                found = read(text)
            except ValueError as error:
                raise BadValue(str(error)) from None
            if len(cache) < _CACHED_VALUES_MAX:
                cache[text] = found
            return found

        return value


def _compile(tree: Tree, columns: dict[str, _Column]) -> _Truth:
    if isinstance(tree, All):
        return _compile_all([_compile(part, columns) for part in tree.parts])
    if isinstance(tree, AnyOf):
        return _compile_any([_compile(part, columns) for part in tree.parts])
    if isinstance(tree, Not):
        return _compile_not(_compile(tree.inner, columns))
    column = columns.get(tree.key)
    if column is None:
        raise BadLiteral("Invalid partition expression!")
    return _compile_test(tree, column)


def _compile_all(parts: Sequence[_Truth]) -> _Truth:
    def truth(values: Sequence[str]) -> bool | None:
        unknown = False
        for part in parts:
            found = part(values)
            if found is False:
                return False
            unknown = unknown or found is None
        return None if unknown else True

    return truth


def _compile_any(parts: Sequence[_Truth]) -> _Truth:
    def truth(values: Sequence[str]) -> bool | None:
        unknown = False
        for part in parts:
            found = part(values)
            if found is True:
                return True
            unknown = unknown or found is None
        return None if unknown else False

    return truth


def _compile_not(inner: _Truth) -> _Truth:
    def truth(values: Sequence[str]) -> bool | None:
        found = inner(values)
        return None if found is None else not found

    return truth


def _compile_test(tree: Compare | In | Between | Like | IsNull, column: _Column) -> _Truth:
    test: Callable[[Any], bool]
    if isinstance(tree, IsNull):
        index = column.index
        return lambda values: values[index] == NULL
    if isinstance(tree, Like):
        test = _like_test(tree, column)
    elif isinstance(tree, In):
        choices = frozenset(column.literal(text) for text in tree.literals)
        test = choices.__contains__
    elif isinstance(tree, Between):
        low, high = column.literal(tree.low), column.literal(tree.high)

        def test(value: Any) -> bool:
            return bool(low <= value <= high)
    else:
        compare, literal = _OPERATORS[tree.operator], column.literal(tree.literal)

        def test(value: Any) -> bool:
            return compare(value, literal)

    read = column.reader()

    def truth(values: Sequence[str]) -> bool | None:
        value = read(values)
        return None if value is None else test(value)

    return truth


def _like_test(tree: Like, column: _Column) -> Callable[[str], bool]:
    family = column.kind().family
    if family != "string":
        raise BadLiteral(f"{family.capitalize()} data type doesn't support operation 'LIKE'")
    parts = re.split(r"(%+|_)", tree.pattern)
    expression = "".join(
        ".*" if part.startswith("%") else "." if part == "_" else re.escape(part) for part in parts
    )
    pattern = re.compile(expression, re.DOTALL)
    return lambda value: pattern.fullmatch(value) is not None
