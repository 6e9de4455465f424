"""What names mean where: the fields of a FROM clause, the variables of a lambda, the outer query.

`Context` is what one statement shares while it is compiled; a `Scope` is what one place in it
sees. Names are compared without case, quoted or not, as Trino does.
"""

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

from sqlglot import exp

from millpond.engines.sql.trino.errors import Position, StatementError
from millpond.engines.sql.trino.parse import position_of
from millpond.engines.sql.trino.types import UNKNOWN, Type, quote_name

NOT_CONSTANT: Final = object()
VIEW_DEPTH_MAX = 30


@dataclass(frozen=True, slots=True)
class Typed:
    """A compiled expression: DuckDB's text, Trino's type, and its value where it is a literal."""

    sql: str
    type: Type
    value: Any = NOT_CONSTANT

    @property
    def is_constant(self) -> bool:
        return self.value is not NOT_CONSTANT


NULL = Typed("NULL", UNKNOWN, None)


@dataclass(frozen=True, slots=True)
class Condition:
    """A necessary condition on a partition column, for a catalog to narrow its listing by.

    `operator` is one of `=`, `<`, `<=`, `>`, `>=` (one value) and `in`. Values are text as a
    catalog holds partition values.
    """

    column: str
    operator: str
    values: tuple[str, ...]


@dataclass(slots=True)
class Scan:
    """One reading of a table: the relation that the executor provides under `relation`.

    `filters` are DuckDB expressions over the partition columns alone, each of which a partition
    must satisfy; `columns` are those that are needed, `path` and `size` whether the hidden columns
    `$path` and `$file_size` are.
    """

    relation: str
    table: int
    columns: set[str] = field(default_factory=set)
    filters: list[str] = field(default_factory=list)
    conditions: list[Condition] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Table:
    """A table as the compiler knows it; `index` is its place among the statement's tables."""

    name: tuple[str, str, str]
    index: int
    columns: tuple[tuple[str, Type], ...]
    partition_columns: tuple[tuple[str, Type], ...] = ()


@dataclass(frozen=True, slots=True)
class Missing:
    """What is not there: `"table"` or the `"schema"` that it would be in."""

    what: str


@dataclass(frozen=True, slots=True)
class View:
    """A stored query, with the catalog and schema that its names are of."""

    name: tuple[str, str, str]
    sql: str
    catalog: str
    schema: str
    columns: tuple[tuple[str, Type], ...]


@dataclass(frozen=True, slots=True)
class Field:
    """A column that can be named: `qualifiers` are the parts that may stand before its name."""

    name: str | None
    type: Type
    sql: str
    qualifiers: tuple[str, ...] = ()
    hidden: bool = False
    scan: Scan | None = None
    column: str = ""
    is_partition: bool = False
    """It is a partition column of `scan`, unchanged, and filtering it filters the scan."""

    def matches(self, parts: Sequence[str]) -> bool:
        if self.name is None or self.name.lower() != parts[-1]:
            return False
        before = tuple(parts[:-1])
        return not before or self.qualifiers[-len(before) :] == before

    def use(self) -> Typed:
        """Refer to it, so that its scan knows that it is needed."""
        if self.scan is not None:
            self.scan.columns.add(self.column)
        return Typed(self.sql, self.type)


@dataclass(frozen=True, slots=True)
class Cte:
    """A WITH query: `relation` names it in DuckDB; one that is used once has `compile` instead."""

    name: str
    relation: str | None
    fields: tuple[tuple[str | None, Type], ...] = ()
    compile: "Callable[[], Query] | None" = None


@dataclass(frozen=True, slots=True)
class Column:
    """An output column. `scan` and `column` say which partition column of a table it is,
    unchanged, where filtering it filters the table."""

    name: str | None
    type: Type
    scan: Scan | None = None
    column: str = ""


@dataclass(frozen=True, slots=True)
class Query:
    """A compiled query: its text selects `c0`, `c1`, …"""

    sql: str
    columns: tuple[Column, ...]


class Compiler(Protocol):
    """The parts of the compiler that refer to one another, reached through the context."""

    def expression(self, context: "Context", scope: "Scope", node: exp.Expr) -> Typed: ...

    def query(self, context: "Context", node: exp.Expr, parent: "Scope | None") -> "Query": ...

    def scalar(self, context: "Context", scope: "Scope", node: exp.Expr) -> Typed:
        """A subquery as a value."""
        ...

    def exists(self, context: "Context", scope: "Scope", node: exp.Expr) -> Typed: ...

    def contained(self, context: "Context", scope: "Scope", node: exp.Expr, value: Typed) -> Typed:
        """`value IN (subquery)`."""
        ...

    def quantified(
        self, context: "Context", scope: "Scope", node: exp.Expr, value: Typed, operator: str
    ) -> Typed:
        """`value operator ANY | ALL (subquery)`."""
        ...


@dataclass(slots=True)
class Context:
    """What one statement shares."""

    compiler: Compiler

    catalog: str
    schema: str
    tables: Mapping[tuple[str, str, str], Table | View | Missing]
    parameters: Sequence[exp.Expr] = ()
    now_us: int = 0
    user: str = ""
    scans: list[Scan] = field(default_factory=list)
    parameter_places: Mapping[int, int] = field(default_factory=dict)
    """Which parameter each placeholder is, by where it stands in the text."""
    view_depth: int = 0
    ctes: tuple[Cte, ...] = ()
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def fresh(self, prefix: str) -> str:
        """A name that nothing else in the statement has."""
        return f"{prefix}{next(self.numbers)}"

    def within(self, view: View) -> "Context":
        """The context in which a view's text is compiled; scans and fresh names are shared."""
        return replace(
            self,
            catalog=view.catalog,
            schema=view.schema,
            ctes=(),
            parameters=(),
            view_depth=self.view_depth + 1,
        )


@dataclass(slots=True)
class Grouping:
    """An aggregated query: keys and aggregates computed inside, known outside by their aliases."""

    source: "Scope"
    keys: dict[str, Typed] = field(default_factory=dict)
    """Canonical text of a key → the key's value outside."""
    aggregates: dict[str, tuple[str, Typed]] = field(default_factory=dict)
    """Canonical text of an aggregate → its text, and its value outside."""
    alias: str = "g"
    key_texts: dict[str, Typed] = field(default_factory=dict)
    """Text of each key, in the order of their aliases."""

    def add_key(self, inner: Typed) -> str:
        """Group by a value; what stands for it in the GROUP BY clause."""
        text = canonical(inner.sql)
        if text not in self.keys:
            outside = Typed(f"{self.alias}.k{len(self.key_texts)}", inner.type)
            self.keys[text] = outside
            self.key_texts[inner.sql] = outside
        first = next(sql for sql in self.key_texts if canonical(sql) == text)
        return f"({first}).t" if inner.type.name == "timestamp with time zone" else first

    def add_aggregate(self, inner: Typed) -> Typed:
        text = canonical(inner.sql)
        if text not in self.aggregates:
            name = f"a{len(self.aggregates)}"
            self.aggregates[text] = (inner.sql, Typed(f"{self.alias}.{name}", inner.type))
        return self.aggregates[text][1]


@dataclass(slots=True)
class Scope:
    """What can be named in one place."""

    fields: Sequence[Field] = ()
    parent: "Scope | None" = None
    variables: Mapping[str, Typed] = field(default_factory=dict)
    grouping: Grouping | None = None
    windows: Mapping[str, exp.Expr] = field(default_factory=dict)
    allows_windows: bool = False
    in_aggregate: bool = False

    def with_variables(self, variables: Mapping[str, Typed]) -> "Scope":
        return replace(self, variables={**self.variables, **variables})

    def find(self, parts: Sequence[str], position: Position | None) -> Field | None:
        """The field of this scope alone that the parts name."""
        found = [one for one in self.fields if one.matches(parts)]
        if len(found) > 1:
            raise StatementError(
                "AMBIGUOUS_NAME", f"Column '{'.'.join(parts)}' is ambiguous", position
            )
        return found[0] if found else None


def resolve(scope: Scope, names: Sequence[str], node: exp.Expr) -> tuple[Typed, int]:
    """What a chain of names `a.b.c` means: a value, and how many of the names it took.

    Raises:
        StatementError: COLUMN_NOT_FOUND, AMBIGUOUS_NAME, EXPRESSION_NOT_AGGREGATE.
    """
    position = position_of(node)
    parts = [name.lower() for name in names]
    if parts[0] in scope.variables:
        return scope.variables[parts[0]], 1
    place: Scope | None = scope
    while place is not None:
        source = place.grouping.source if place.grouping else place
        for taken in range(len(parts), 0, -1):
            found = source.find(parts[:taken], position)
            if found is not None:
                return _outside(place, found, names[:taken], position), taken
        place = place.parent
    raise StatementError(
        "COLUMN_NOT_FOUND",
        f"Column '{'.'.join(names)}' cannot be resolved or requester is not authorized to access "
        "requested resources",
        position,
    )


def _outside(place: Scope, found: Field, names: Sequence[str], position: Position | None) -> Typed:
    if place.grouping is None:
        return found.use()
    key = place.grouping.keys.get(canonical(found.sql))
    if key is None:
        raise not_grouped(".".join(names), position)
    return key


def not_grouped(text: str, position: Position | None) -> StatementError:
    return StatementError(
        "EXPRESSION_NOT_AGGREGATE",
        f"'{text}' must be an aggregate expression or appear in GROUP BY clause",
        position,
    )


_NUMBERED = re.compile(r"\b(v|l)(\d+)\b")


def canonical(sql: str) -> str:
    """An expression's text with its own variables renumbered, for comparing two of them."""
    seen: dict[str, str] = {}
    return _NUMBERED.sub(lambda m: seen.setdefault(m[0], f"{m[1]}_{len(seen)}"), sql)


def column_reference(relation: str, name: str) -> str:
    return f"{relation}.{quote_name(name)}"
