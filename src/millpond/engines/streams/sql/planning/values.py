"""VALUES: rows that are there at the start, and no others."""

from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp

from millpond.engines.streams.plan import Source, Table
from millpond.engines.streams.sql.planning.planner import Planner, refuse, where_of
from millpond.engines.streams.sql.planning.projection import Output, project
from millpond.engines.streams.sql.planning.relation import Relation, fields_of
from millpond.engines.streams.sql.typed import Typed
from millpond.engines.streams.sql.types import common_type
from millpond.engines.streams.types import BIGINT, Column, DataType, quoted

ROW_NUMBER = "$row"


def plan_values(planner: Planner, tree: exp.Values) -> Relation:
    """The rows of VALUES."""
    rows = [
        list(row.expressions) if isinstance(row, exp.Tuple) else [_unwrapped(row)]
        for row in tree.expressions
    ]
    numbers = numbered(len(rows))
    typed = [[planner.translate(value, numbers) for value in row] for row in rows]
    if len({len(row) for row in rows}) > 1:
        refuse("Values passed to VALUES operator must have compatible types", tree)
    alias = tree.args.get("alias")
    names = [each.name for each in (alias.args.get("columns") or ())] if alias else []
    outputs = []
    for place in range(len(rows[0])):
        kind = common_type([row[place].type for row in typed])
        if kind is None:
            refuse("Values passed to VALUES operator must have compatible types", tree)
        name = names[place] if names else f"EXPR${place}"
        outputs.append(Output(name, _chosen([row[place] for row in typed], kind)))
    relation = project(numbers, outputs, where_of(tree))
    return relation.aliased(alias.name if alias and alias.name else None)


def _unwrapped(tree: exp.Expr) -> exp.Expr:
    return tree.this if isinstance(tree, exp.Paren) else tree


def _chosen(values: Sequence[Typed], kind: DataType) -> Typed:
    """One of these by the number of the row."""
    functions = frozenset(name for value in values for name in value.functions)
    if len(values) == 1:
        return replace(values[0], type=kind)
    arms = " ".join(f"WHEN {place} THEN {value.sql}" for place, value in enumerate(values))
    return Typed(f"CASE {quoted(ROW_NUMBER)} {arms} END", kind, functions)


def numbered(count: int) -> Relation:
    """So many rows without columns: a generator that ends."""
    column = Column(ROW_NUMBER, BIGINT)
    options = (
        ("connector", "datagen"),
        (f"fields.{ROW_NUMBER}.end", str(count - 1)),
        (f"fields.{ROW_NUMBER}.kind", "sequence"),
        (f"fields.{ROW_NUMBER}.start", "0"),
    )
    node = Source((column,), Table("VALUES", (column,), options=options))
    return replace(Relation(node, fields_of(node)), fields=())
