"""FROM: tables, subqueries, UNNEST and joins, to DuckDB text and the fields of it."""

from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp

from millpond.engines.sql.trino.convert import coerce
from millpond.engines.sql.trino.errors import StatementError, not_supported
from millpond.engines.sql.trino.operators import (
    comparable,
    compared,
)
from millpond.engines.sql.trino.parse import position_of
from millpond.engines.sql.trino.reading import only
from millpond.engines.sql.trino.scope import (
    Context,
    Field,
    Scope,
)
from millpond.engines.sql.trino.tables import Source, aliased, table_source
from millpond.engines.sql.trino.types import (
    BOOLEAN,
    can_coerce,
    common_type,
)
from millpond.engines.sql.trino.unnest import unnest


def compile_from(context: Context, node: exp.Expr, parent: Scope | None) -> Source:
    """The FROM of a SELECT with its joins; without one, nothing."""
    clause = node.args.get("from_")
    if clause is None:
        return Source("", ())
    return _joined(context, clause.this, node.args.get("joins") or [], parent)


def _joined(
    context: Context, first: exp.Expr, joins: Sequence[exp.Expr], parent: Scope | None
) -> Source:
    left = _relation(context, first, Source("", ()), parent)
    for join in joins:
        left = _join(context, left, join, parent)
    return left


def _relation(context: Context, node: exp.Expr, left: Source, parent: Scope | None) -> Source:
    match node:
        case exp.Table():
            source = table_source(context, node)
            return _with_inner_joins(context, source, node, parent)
        case exp.Subquery() if isinstance(node.this, exp.Table):
            return _parenthesised(context, node, parent)
        case exp.Subquery():
            only(node, "this", "alias", "sample", "joins", "with_", "order", "limit", "offset")
            inner = node.copy()
            for name in ("alias", "sample", "joins"):
                inner.set(name, None)
            made = context.compiler.query(context, _same_places(node, inner), parent)
            source = aliased(context, made, node)
            return _with_inner_joins(context, source, node, parent)
        case exp.Values():
            return aliased(context, context.compiler.query(context, node, parent), node)
        case exp.Unnest():
            return unnest(context, node, left, parent)
        case exp.Lateral():
            only(node, "this", "alias")
            scope = Scope(left.fields, parent)
            made = context.compiler.query(context, node.this, scope)
            source = aliased(context, made, node)
            return replace(source, sql=f"LATERAL {source.sql}")
    raise not_supported(f"'{node.sql('trino')[:100]}' in FROM", position_of(node))


def _same_places(node: exp.Expr, copied: exp.Expr) -> exp.Expr:
    """The inside of a parenthesis, so that its placeholders keep their identity."""
    inside = node.this
    if any(copied.args.get(name) for name in ("order", "limit", "offset", "with_")):
        made = exp.Subquery(this=inside)
        for name in ("order", "limit", "offset", "with_"):
            if node.args.get(name):
                made.args[name] = node.args[name]
        made.args["this"] = inside
        return made
    return inside


def _parenthesised(context: Context, node: exp.Expr, parent: Scope | None) -> Source:
    """`(a JOIN b ON …)`."""
    only(node, "this", "joins")
    inner = node.this
    first = inner.copy()
    first.set("joins", None)
    source = _joined(context, first, inner.args.get("joins") or [], parent)
    source = replace(source, sql=f"({source.sql})")
    return _with_inner_joins(context, source, node, parent)


def _with_inner_joins(
    context: Context, source: Source, node: exp.Expr, parent: Scope | None
) -> Source:
    for join in node.args.get("joins") or []:
        source = _join(context, source, join, parent)
    return source


def _join(context: Context, left: Source, node: exp.Expr, parent: Scope | None) -> Source:
    only(node, "this", "kind", "side", "method", "on", "using")
    if node.args.get("method"):
        raise not_supported(f"{node.args['method']} JOIN".title(), position_of(node))
    side, kind = node.args.get("side") or "", node.args.get("kind") or ""
    if side not in ("", "LEFT", "RIGHT", "FULL") or kind not in ("", "INNER", "CROSS", "OUTER"):
        raise not_supported(f"{side} {kind} JOIN".strip(), position_of(node))
    right = _relation(context, node.this, left, parent)
    on, using = node.args.get("on"), node.args.get("using")
    if side in ("RIGHT", "FULL"):
        left = _nullable(left)
    if side in ("LEFT", "FULL"):
        right = _nullable(right)
    if using:
        return _using(left, right, side, using, node)
    fields = (*left.fields, *right.fields)
    if on is None:
        if side or kind == "INNER":
            raise StatementError("SYNTAX_ERROR", "mismatched input '<EOF>'. Expecting: 'ON'",
                                 position_of(node))  # fmt: skip
        return Source(f"{left.sql} CROSS JOIN {right.sql}", fields)
    value = context.compiler.expression(context, Scope(fields, parent), on)
    if not can_coerce(value.type, BOOLEAN):
        raise StatementError(
            "TYPE_MISMATCH", f"JOIN ON clause must evaluate to a boolean: actual type {value.type}",
            position_of(on),
        )  # fmt: skip
    condition = coerce(value, BOOLEAN).sql
    return Source(_on(left, side, right, condition), fields)


def _on(left: Source, side: str, right: Source, condition: str) -> str:
    return f"{left.sql} {f'{side} JOIN'.strip()} {right.sql} ON {condition}"


def _nullable(source: Source) -> Source:
    """A side whose rows may be missing: a filter above the join is not one of its tables."""
    return replace(source, fields=tuple(replace(one, is_partition=False) for one in source.fields))


def _using(
    left: Source, right: Source, side: str, using: Sequence[exp.Expr], node: exp.Expr
) -> Source:
    tests: list[str] = []
    merged: list[Field] = []
    hidden: set[int] = set()
    for item in using:
        name = item.name.lower()
        pair = []
        for source, word in ((left, "left"), (right, "right")):
            found = Scope(source.fields).find([name], position_of(item))
            if found is None:
                raise StatementError(
                    "COLUMN_NOT_FOUND",
                    f"Column '{item.name}' is missing from {word} side of join", position_of(item),
                )  # fmt: skip
            hidden.add(id(found))
            pair.append(found.use())
        one, other = comparable(pair[0], "=", pair[1], position_of(node))
        tests.append(compared(one, "=", other))
        kind = common_type(pair[0].type, pair[1].type)
        assert kind is not None
        values = [coerce(value, kind).sql for value in pair]
        shown = {"RIGHT": values[1], "FULL": f"coalesce({', '.join(values)})"}
        merged.append(Field(item.name, kind, shown.get(side, values[0])))
    rest = [one for one in (*left.fields, *right.fields) if id(one) not in hidden]
    return Source(_on(left, side, right, " AND ".join(tests)), (*merged, *rest))
