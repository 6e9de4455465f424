"""Planning queries: each kind of query and each clause of SELECT has its module; here is what they
share, and how they call one another.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from sqlglot import exp

from millpond.engines.streams.interface import Refused
from millpond.engines.streams.plan import ERROR_COLUMNS, Errors, PythonFunction
from millpond.engines.streams.sql.dialect import parse_query, position_of
from millpond.engines.streams.sql.expressions import translate
from millpond.engines.streams.sql.planning.calls import column_parts
from millpond.engines.streams.sql.planning.catalog import Catalog, View
from millpond.engines.streams.sql.planning.relation import Field, Relation, fields_of
from millpond.engines.streams.sql.planning.scope import RelationScope, find
from millpond.engines.streams.sql.planning.tables import DeclaredTable, scan
from millpond.engines.streams.sql.statements.model import Name
from millpond.engines.streams.sql.typed import Position, Typed

Queries = Mapping[str, Relation]
"""The queries of WITH, by name."""


def refuse(text: str, at: exp.Expr | Position, *, needs_flink: bool = False) -> NoReturn:
    """Refuse a part of the program, at its place."""
    if not isinstance(at, Position):
        at = position_of(at)
    raise Refused(text, at.line, at.column, needs_flink=needs_flink)


def where_of(at: exp.Expr | Position) -> str:
    """A place for people."""
    if not isinstance(at, Position):
        at = position_of(at)
    return f"line {at.line}, column {at.column}"


@dataclass
class Planner:
    """What the planning of a program's queries needs to know. Tables and views are read once;
    `read` and `looked_up` are those that queries used. `plan_query` is `queries.plan_query`, which
    stands above all that a query is made of."""

    catalog: Catalog
    plan_query: Callable[["Planner", exp.Expr, Queries], Relation]
    settings: Mapping[str, str] = field(default_factory=dict)
    read: dict[str, DeclaredTable] = field(default_factory=dict)
    looked_up: dict[str, DeclaredTable] = field(default_factory=dict)
    _seen: dict[object, Relation] = field(default_factory=dict)
    _open_views: list[str] = field(default_factory=list)

    def function(self, name: str) -> PythonFunction | None:
        return self.catalog.function(name)

    def translate(
        self,
        tree: exp.Expr,
        relation: Relation,
        *,
        extra: Mapping[str, Typed] | None = None,
        sides: Mapping[str, str] | None = None,
        ungrouped: Relation | None = None,
    ) -> Typed:
        """An expression over a relation's columns; see `RelationScope` for the rest."""
        scope = RelationScope(
            relation, self.function, extra=extra, sides=sides, ungrouped=ungrouped
        )
        return translate(tree, scope)

    def field_of(self, tree: exp.Expr, relation: Relation) -> Field | None:
        """The field that an expression is; None if it computes something (or finds nothing)."""
        parts = column_parts(tree)
        if parts is None:
            return None
        found = find(relation.fields, parts, position_of(tree))
        return found[0] if found and found[1] == len(parts) else None

    def fields_in(self, trees: Sequence[exp.Expr], relation: Relation) -> list[Field]:
        """The fields that expressions read."""
        found: dict[Field, None] = {}
        for tree in trees:
            for node in tree.walk():
                parts = column_parts(node) if isinstance(node, exp.Column | exp.Dot) else None
                each = find(relation.fields, parts, position_of(node)) if parts else None
                if each:
                    found[each[0]] = None
        return list(found)

    def query(self, tree: exp.Expr, queries: Queries) -> Relation:
        """A query's rows.

        Raises:
            Refused: it is wrong, or not for this engine.
        """
        return self.plan_query(self, tree, queries)

    def table(self, name: Name, at: Position) -> Relation:
        """The rows of a table or a view."""
        found = self.catalog.find(name, at)
        if found is None:
            node = Errors(ERROR_COLUMNS)
            return Relation(node, fields_of(node)).aliased(name[-1])
        key = id(found)
        if key not in self._seen:
            self._seen[key] = (
                self._view(found, at) if isinstance(found, View) else self._scan(found, at)
            )
        return self._seen[key].aliased(name[-1])

    def _scan(self, table: DeclaredTable, at: Position) -> Relation:
        if table.table.name not in self.read:
            self.read[table.table.name] = table
        return scan(table, self.function, f"table {table.table.name}")

    def _view(self, view: View, at: Position) -> Relation:
        if view.name in self._open_views:
            refuse(f"The view '{view.name}' reads itself.", at)
        self._open_views.append(view.name)
        relation = self.query(parse_query(view.query.text, view.query.at), {})
        self._open_views.pop()
        if view.columns and len(view.columns) != len(relation.fields):
            refuse(
                "VIEW definition and input fields not match:\n"
                f"\tDef fields: [{', '.join(view.columns)}].\n"
                f"\tInput fields: [{', '.join(each.name for each in relation.fields)}].",
                view.query.at,
            )
        return relation.aliased(None, view.columns)
