"""Table functions over a CURSOR: anomaly scores, the items that come most often, how many there
are, and ranks.

Source: Amazon Kinesis Data Analytics SQL Reference, RANDOM_CUT_FOREST,
RANDOM_CUT_FOREST_WITH_EXPLANATION, TOP_K_ITEMS_TUMBLING, COUNT_DISTINCT_ITEMS_TUMBLING, GROUP_RANK.
"""

from collections.abc import Callable
from dataclasses import replace

from sqlglot import exp

from millpond.engines.streams.plan import PerWindow, Project, RandomCutForest
from millpond.engines.streams.sql.dialect import parse_query
from millpond.engines.streams.sql.kda.dialect import TableFunction
from millpond.engines.streams.sql.kda.statements import ROWTIME
from millpond.engines.streams.sql.planning.planner import Planner, Queries, refuse, where_of
from millpond.engines.streams.sql.planning.queries import plan_query
from millpond.engines.streams.sql.planning.relation import Field, Relation, free_name
from millpond.engines.streams.sql.planning.settling import settle
from millpond.engines.streams.sql.typed import Position
from millpond.engines.streams.types import BIGINT, DOUBLE, TIMESTAMP, Column, DataType, quoted

_REFUSED = {
    "HOTSPOTS": "no maintained library finds hotspots in a stream; RANDOM_CUT_FOREST scores rows",
}
_FEATURES = ("TINYINT", "SMALLINT", "INT", "BIGINT", "FLOAT", "DOUBLE")
_FEATURES_MAX = 30
SCORE, EXPLANATION = "ANOMALY_SCORE", "ANOMALY_EXPLANATION"
_EXPLAINED = DataType("VARCHAR", (20480,))


def plan_table_function(planner: Planner, tree: TableFunction, queries: Queries) -> Relation:
    """The rows of `TABLE(F(CURSOR(…), …))`."""
    name = str(tree.this)
    plan = _FUNCTIONS.get(name)
    if plan is None:
        why = _REFUSED.get(name, "there is no such table function, or it is not supported")
        refuse(f"{name}: {why}.", tree)
    cursor = settle(planner, planner.query(tree.args["cursor"], queries), tree)
    if cursor.changes:
        refuse("The rows of a CURSOR do not change.", tree)
    return plan(planner, tree, cursor)


def _number(tree: TableFunction, place: int, default: int, least: int, most: int) -> int:
    arguments = tree.expressions
    if place >= len(arguments):
        return default
    node = arguments[place]
    if not isinstance(node, exp.Literal) or node.is_string or not node.name.isdigit():
        refuse(f"{tree.this} takes a whole number as argument {place + 2}.", tree)
    if not least <= int(node.name) <= most:
        refuse(f"{tree.this} takes {least} to {most} as argument {place + 2}.", tree)
    return int(node.name)


def _text(tree: TableFunction, place: int) -> tuple[str, exp.Expr]:
    arguments = tree.expressions
    node = arguments[place] if place < len(arguments) else None
    if not isinstance(node, exp.Literal) or not node.is_string:
        refuse(f"{tree.this} takes a text as argument {place + 2}.", tree)
    return str(node.name), node


def _count(tree: TableFunction, least: int, most: int) -> None:
    if not least <= len(tree.expressions) <= most:
        refuse(f"{tree.this} has {least + 1} to {most + 1} arguments.", tree)


def _column(tree: TableFunction, place: int, cursor: Relation) -> Field:
    text, node = _text(tree, place)
    name = text[1:-1] if text.startswith('"') and text.endswith('"') else text
    for wanted in (name, name.upper()):
        for each in cursor.fields:
            if each.name == wanted:
                return each
    return refuse(f"Column '{name}' not found in the CURSOR", node)


def _forest(planner: Planner, tree: TableFunction, cursor: Relation) -> Relation:
    explains = str(tree.this) == "RANDOM_CUT_FOREST_WITH_EXPLANATION"
    _count(tree, 0, 5 if explains else 4)
    trees = _number(tree, 0, 100, 1, 1_000)
    samples = _number(tree, 1, 256, 10, 1_000)
    decay = _number(tree, 2, 100_000, 1, 2_147_483_647)
    shingle = _number(tree, 3, 1, 1, 30)
    directed = len(tree.expressions) > 4
    if directed and not isinstance(tree.expressions[4], exp.Boolean):
        refuse("withDirectionality is TRUE or FALSE.", tree.expressions[4])
    is_directed = explains and (not directed or bool(tree.expressions[4].this))
    visible = [each for each in cursor.fields if not each.hidden]
    features = [each for each in visible if each.type.name in _FEATURES]
    for each in visible:
        if each.type.name == "DECIMAL":
            refuse(f"DECIMAL is not a type for {tree.this}: '{each.name}'; use DOUBLE.", tree)
    if not 1 <= len(features) <= _FEATURES_MAX:
        refuse(f"{tree.this} takes 1 to {_FEATURES_MAX} columns of numbers.", tree)
    kept = list(dict.fromkeys(each.column for each in cursor.fields))
    below = cursor.node
    shown = {each.column: each.name for each in features}
    if list(below.names) != kept or any(name != column for column, name in shown.items()):
        below = Project(
            tuple(Column(shown.get(name, name), cursor.column(name).type) for name in kept),
            below,
            tuple(quoted(name) for name in kept),
            rowtime=shown.get(below.rowtime, below.rowtime) if below.rowtime in kept else None,
            where=where_of(tree),
        )
    fields = [replace(each, column=shown.get(each.column, each.column)) for each in cursor.fields]
    added = [Column(free_name(SCORE, below.names), DOUBLE)]
    if explains:
        added.append(Column(free_name(EXPLANATION, below.names), _EXPLAINED))
    node = RandomCutForest(
        (*below.columns, *added),
        below,
        tuple(each.name for each in features),
        trees,
        samples,
        decay,
        shingle,
        explains,
        is_directed,
        rowtime=below.rowtime,
        where=where_of(tree),
    )
    new = [Field(each.name, each.name, each.type) for each in added]
    visible_fields = [each for each in fields if not each.hidden]
    hidden_fields = [each for each in fields if each.hidden]
    return Relation(node, (*visible_fields, *new, *hidden_fields), cursor.windowed)


def _top(planner: Planner, tree: TableFunction, cursor: Relation) -> Relation:
    _count(tree, 3, 3)
    column = _column(tree, 0, cursor)
    count = _number(tree, 1, 0, 1, 100_000)
    seconds = _number(tree, 2, 0, 1, 86_400)
    text = (
        "SELECT `ITEM`, CAST(`ITEM_COUNT` AS DOUBLE) AS `ITEM_COUNT`, `ROWTIME` FROM ("
        "SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY `ITEM_COUNT` "
        "DESC, `ITEM`) AS `$rank` FROM ("
        "SELECT CAST(`$item` AS VARCHAR(1024)) AS `ITEM`, COUNT(*) AS `ITEM_COUNT`, window_start, "
        "window_end, window_time AS `ROWTIME` FROM TABLE(TUMBLE(TABLE `$cursor`, "
        f"DESCRIPTOR(`ROWTIME`), INTERVAL '{seconds}' SECONDS)) WHERE `$item` IS NOT NULL "
        f"GROUP BY `$item`, window_start, window_end, window_time)) WHERE `$rank` <= {count}"
    )
    return _flink(planner, tree, cursor, column, text)


def _distinct(planner: Planner, tree: TableFunction, cursor: Relation) -> Relation:
    _count(tree, 2, 2)
    column = _column(tree, 0, cursor)
    seconds = _number(tree, 1, 0, 1, 86_400)
    text = (
        "SELECT COUNT(DISTINCT `$item`) AS `NUMBER_OF_DISTINCT_ITEMS`, window_time AS `ROWTIME` "
        "FROM TABLE(TUMBLE(TABLE `$cursor`, DESCRIPTOR(`ROWTIME`), "
        f"INTERVAL '{seconds}' SECONDS)) GROUP BY window_start, window_end, window_time"
    )
    return _flink(planner, tree, cursor, column, text)


def _flink(
    planner: Planner, tree: TableFunction, cursor: Relation, item: Field, text: str
) -> Relation:
    """A query of Flink SQL over the cursor, one of whose columns is `$item`."""
    moment = _rowtime(tree, cursor)
    seen = (replace(item, name="$item", table="$cursor"), replace(moment, table="$cursor"))
    flink = replace(planner, plan_query=plan_query)
    at = Position(*_place(tree))
    queries = {"$cursor": replace(cursor, fields=seen)}
    found = plan_query(flink, parse_query(text, at), queries)
    found = settle(planner, found, tree)
    fields = tuple(replace(each, hidden=each.name == ROWTIME) for each in found.fields)
    return replace(found, fields=fields)


def _place(tree: exp.Expr) -> tuple[int, int]:
    return tree.meta.get("line", 1), tree.meta.get("col", 1)


def _rowtime(tree: TableFunction, cursor: Relation) -> Field:
    moment = next((each for each in cursor.fields if each.name == ROWTIME), None)
    if moment is None or moment.time != "rowtime":
        refuse(f"{tree.this} takes rows with a ROWTIME.", tree)
    return moment


def _ranked(planner: Planner, tree: TableFunction, cursor: Relation) -> Relation:
    _count(tree, 6, 6)
    column = _column(tree, 0, cursor)
    name, _ = _text(tree, 1)
    orders = []
    for place in (2, 3):
        order, node = _text(tree, place)
        if order.lower() not in ("asc", "desc"):
            refuse("GROUP_RANK's orders are 'asc' and 'desc'.", node)
        orders.append(order.upper())
    _number(tree, 4, 0, 0, 2_147_483_647)
    most = _number(tree, 5, 0, 0, 2_147_483_647)
    moment = _rowtime(tree, cursor)
    node = cursor.node
    start, end = "$start", "$end"
    below = Project(
        (*node.columns, Column(start, TIMESTAMP), Column(end, TIMESTAMP)),
        node,
        (
            *(quoted(each) for each in node.names),
            quoted(moment.column),
            f"{quoted(moment.column)} + INTERVAL 1 MILLISECOND",
        ),
        rowtime=node.rowtime,
        where=where_of(tree),
    )
    rank = free_name(name, below.names)
    listed = ", ".join(quoted(each) for each in node.names)
    over = f"OVER (PARTITION BY {quoted(start)} ORDER BY {quoted(column.column)} {orders[0]})"
    limit = f' WHERE "$number" <= {most}' if most else ""
    sql = (
        f"SELECT {listed}, {quoted(rank)} FROM (SELECT *, rank() {over} AS {quoted(rank)}, "
        f'row_number() {over} AS "$number" FROM i0){limit} '
        f"ORDER BY {quoted(start)}, {quoted(rank)} {orders[1]}"
    )
    made = PerWindow(
        (*node.columns, Column(rank, BIGINT)),
        (below,),
        sql,
        (start,),
        (end,),
        rowtime=node.rowtime,
        where=where_of(tree),
    )
    visible = [each for each in cursor.fields if not each.hidden]
    hidden = [each for each in cursor.fields if each.hidden]
    return Relation(made, (*visible, Field(name, rank, BIGINT), *hidden))


_FUNCTIONS: dict[str, Callable[[Planner, TableFunction, Relation], Relation]] = {
    "RANDOM_CUT_FOREST": _forest,
    "RANDOM_CUT_FOREST_WITH_EXPLANATION": _forest,
    "TOP_K_ITEMS_TUMBLING": _top,
    "COUNT_DISTINCT_ITEMS_TUMBLING": _distinct,
    "GROUP_RANK": _ranked,
}
