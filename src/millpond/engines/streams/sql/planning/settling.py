"""What waits in a relation becomes nodes: rows get their windows, and their numbers."""

from dataclasses import replace

from sqlglot import exp

from millpond.engines.streams.plan import Aggregate, AssignWindows, Frame, Over
from millpond.engines.streams.sql.planning.planner import Planner, refuse, where_of
from millpond.engines.streams.sql.planning.relation import Field, Ranking, Relation
from millpond.engines.streams.sql.planning.windows import TIME, window_columns
from millpond.engines.streams.types import BIGINT, Column

NOT_TIME = "OVER windows' ordering in stream mode must be defined on a time attribute."


def settle(planner: Planner, relation: Relation, at: exp.Expr) -> Relation:
    """The relation with nodes for what waited: windows and ranks become columns of the node."""
    if relation.ranking:
        relation = _numbered(planner, relation)
    if relation.assigned is None:
        return relation
    window, keys = relation.assigned.window, relation.assigned.keys
    node = relation.node
    time = relation.column(window.time)
    columns = window_columns(Field("", window.time, time.type))
    made = AssignWindows(
        node.columns + columns,
        node,
        window,
        keys,
        rowtime=None if window.processing else TIME,
        where=where_of(at),
    )
    return replace(relation, node=made, assigned=None)


def settled_for(planner: Planner, relation: Relation, trees: list[exp.Expr]) -> Relation:
    """Settled, if any of these reads a column that waits to be made."""
    if relation.assigned is None and relation.ranking is None:
        return relation
    used = planner.fields_in(trees, relation)
    if all(each.column in relation.node.names for each in used):
        return relation
    return settle(planner, relation, trees[0])


def _numbered(planner: Planner, relation: Relation) -> Relation:
    """A rank that nothing filters, as an OVER."""
    ranking = relation.ranking
    assert ranking
    if relation.assigned:
        relation = settle(planner, replace(relation, ranking=None), place_of(ranking))
    time = ranking.ordered[0]
    if time.time is None:
        refuse(NOT_TIME, ranking.at)
    if len(ranking.order) > 1:
        refuse("The window can only be ordered by a single time column.", ranking.at)
    if ranking.order[0].descending:
        refuse("The window can only be ordered in ASCENDING mode.", ranking.at)
    if relation.changes:
        refuse("OVER over a result that changes is not supported.", ranking.at, needs_flink=True)
    node = relation.node
    made = Over(
        (*node.columns, Column(ranking.name, BIGINT)),
        node,
        tuple(each.column for each in ranking.keys),
        time.column,
        Frame(is_rows=True),
        (Aggregate(ranking.name, ranking.function, (), BIGINT),),
        time.time == "processing",
        rowtime=node.rowtime,
        where=where_of(ranking.at),
    )
    return replace(relation, node=made, ranking=None)


def place_of(ranking: Ranking) -> exp.Expr:
    """A part of the text that stands where the rank does."""
    node = exp.Identifier(this=ranking.name)
    node.meta.update({"line": ranking.at.line, "col": ranking.at.column})
    return node
