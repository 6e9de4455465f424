"""UNION, INTERSECT and EXCEPT, DISTINCT, VALUES."""

from collections.abc import Sequence

from sqlglot import exp

from millpond.engines.sql.trino.convert import coerce
from millpond.engines.sql.trino.errors import StatementError, not_supported
from millpond.engines.sql.trino.operators import (
    refuse_maps,
)
from millpond.engines.sql.trino.ordering import finish
from millpond.engines.sql.trino.parse import position_of
from millpond.engines.sql.trino.reading import only
from millpond.engines.sql.trino.scope import (
    Column,
    Context,
    Query,
    Scope,
    Typed,
)
from millpond.engines.sql.trino.types import (
    UNKNOWN,
    Type,
    common_type,
)


def cast_columns(made: Query, kinds: Sequence[Type]) -> str:
    """A query with its columns in these types."""
    if [one.type for one in made.columns] == list(kinds):
        return f"(SELECT * FROM ({made.sql}))"
    items = ", ".join(
        f"{coerce(Typed(f'u.c{place}', one.type), kind).sql} AS c{place}"
        for place, (one, kind) in enumerate(zip(made.columns, kinds, strict=True))
    )
    return f"(SELECT {items} FROM ({made.sql}) u)"


def column_counts(
    word: str, left: Sequence[Column], right: Sequence[Column], node: exp.Expr
) -> StatementError:
    return StatementError(
        "TYPE_MISMATCH",
        f"{word} query has different number of fields: {len(left)}, {len(right)}",
        position_of(node),
    )


def set_operation(context: Context, node: exp.Expr, parent: Scope | None) -> Query:
    only(node, "this", "expression", "distinct", "order", "limit", "offset", "with_")
    word = type(node).__name__.upper()
    sides = [context.compiler.query(context, one, parent) for one in _sides(node)]
    kinds = _common_kinds(word, sides, node)
    names = [one.name for one in sides[0].columns]
    columns = tuple(Column(name, kind) for name, kind in zip(names, kinds, strict=True))
    distinct = node.args.get("distinct")
    texts = [cast_columns(one, kinds) for one in sides]
    zoned = any(kind.name == "timestamp with time zone" for kind in kinds)
    if distinct and zoned and word != "UNION":
        raise not_supported(f"{word} of timestamp with time zone", position_of(node))
    for kind in kinds if distinct or word != "UNION" else ():
        refuse_maps(kind, word, position_of(node))
    if distinct and zoned:
        sql = distinct(" UNION ALL ".join(texts), columns, node)
    else:
        sql = f" {word if distinct else f'{word} ALL'} ".join(texts)
    return finish(context, node, f"SELECT * FROM ({sql})", columns, None)


def _sides(node: exp.Expr) -> list[exp.Expr]:
    """The queries of a chain of equal UNIONs (chains may be long), or the two of another one."""
    sides = [node.expression]
    inner = node.this
    while (
        isinstance(node, exp.Union)
        and type(inner) is type(node)
        and bool(inner.args.get("distinct")) == bool(node.args.get("distinct"))
        and not any(inner.args.get(name) for name in ("order", "limit", "offset", "with_"))
    ):
        only(inner, "this", "expression", "distinct")
        sides.append(inner.expression)
        inner = inner.this
    return [inner, *reversed(sides)]


def _common_kinds(word: str, sides: Sequence[Query], node: exp.Expr) -> list[Type]:
    kinds = [one.type for one in sides[0].columns]
    for side in sides[1:]:
        if len(side.columns) != len(kinds):
            raise column_counts(word, sides[0].columns, side.columns, node)
        for place, other in enumerate(side.columns):
            kind = common_type(kinds[place], other.type)
            if kind is None:
                raise StatementError(
                    "TYPE_MISMATCH",
                    f"column {place + 1} in {word} query has incompatible types:"
                    f" {kinds[place]}, {other.type}",
                    position_of(node),
                )
            kinds[place] = kind
    return kinds


def distinct(sql: str, columns: Sequence[Column], node: exp.Expr) -> str:
    """Each row once; timestamps with a zone are one when their instants are."""
    for one in columns:
        refuse_maps(one.type, "DISTINCT", position_of(node))
    if not any(one.type.name == "timestamp with time zone" for one in columns):
        return f"SELECT DISTINCT * FROM ({sql})"
    items, keys = [], []
    for place, one in enumerate(columns):
        if one.type.name == "timestamp with time zone":
            items.append(f"first(c{place}) AS c{place}")
            keys.append(f"c{place}.t")
        else:
            items.append(f"c{place}")
            keys.append(f"c{place}")
    return f"SELECT {', '.join(items)} FROM ({sql}) GROUP BY {', '.join(keys)}"


def value_rows(context: Context, node: exp.Expr, parent: Scope | None) -> Query:
    only(node, "expressions", "order", "limit", "offset", "with_", "alias")
    scope = Scope(parent=parent)
    rows = [
        [context.compiler.expression(context, scope, one) for one in item.expressions]
        if isinstance(item, exp.Tuple)
        else [context.compiler.expression(context, scope, item)]
        for item in node.expressions
    ]
    if len({len(one) for one in rows}) != 1:
        raise StatementError(
            "TYPE_MISMATCH", "Values rows have mismatched types", position_of(node)
        )
    kinds = []
    for column in zip(*rows, strict=True):
        kind = UNKNOWN
        for value in column:
            merged = common_type(kind, value.type)
            if merged is None:
                raise StatementError(
                    "TYPE_MISMATCH",
                    f"Values rows have mismatched types: {kind} vs {value.type}",
                    position_of(node),
                )
            kind = merged
        kinds.append(kind)
    text = ", ".join(
        "(" + ", ".join(coerce(v, k).sql for v, k in zip(one, kinds, strict=True)) + ")"
        for one in rows
    )
    names = ", ".join(f"c{place}" for place in range(len(kinds)))
    columns = tuple(Column(None, kind) for kind in kinds)
    return finish(context, node, f"SELECT * FROM (VALUES {text}) AS t({names})", columns, None)
