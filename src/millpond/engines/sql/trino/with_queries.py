"""WITH: named queries, once each or again and again."""

from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp

from millpond.engines.sql.trino.errors import StatementError
from millpond.engines.sql.trino.parse import position_of
from millpond.engines.sql.trino.reading import only
from millpond.engines.sql.trino.scope import (
    Column,
    Context,
    Cte,
    Query,
    Scope,
)
from millpond.engines.sql.trino.set_operations import cast_columns, column_counts
from millpond.engines.sql.trino.types import (
    common_type,
)


def apply_with(context: Context, node: exp.Expr, parent: Scope | None) -> tuple[Context, str]:
    clause = node.args.get("with_")
    if clause is None:
        return context, ""
    only(clause, "expressions", "recursive")
    parts: list[str] = []
    names: set[str] = set()
    is_recursive = False
    for one in clause.expressions:
        only(one, "this", "alias")
        name = one.alias.lower()
        if name in names:
            raise StatementError(
                "DUPLICATE_NAMED_QUERY", f"WITH query name '{name}' specified more than once",
                position_of(one),
            )  # fmt: skip
        names.add(name)
        if clause.args.get("recursive") and _refers(one.this, name):
            cte, text = _recursive_cte(context, one, name)
            is_recursive = True
        else:
            cte, text = _plain_cte(context, one, name, _count_uses(node, name))
        if text:
            parts.append(text)
        context = replace(context, ctes=(*context.ctes, cte))
    if not parts:
        return context, ""
    return context, f"WITH {'RECURSIVE ' if is_recursive else ''}{', '.join(parts)} "


def _refers(node: exp.Expr, name: str) -> bool:
    return any(_is_use(one, name) for one in node.find_all(exp.Table))


def _is_use(table: exp.Expr, name: str) -> bool:
    return not table.args.get("db") and table.name.lower() == name


def _count_uses(node: exp.Expr, name: str) -> int:
    """How often a name is read; once too often where an inner WITH has the name too."""
    return sum(_is_use(one, name) for one in node.find_all(exp.Table))


def _renamed(columns: Sequence[Column], node: exp.Expr) -> tuple[Column, ...]:
    names = [one.name for one in (node.args["alias"].args.get("columns") or [])]
    if names and len(names) != len(columns):
        raise StatementError(
            "MISMATCHED_COLUMN_ALIASES",
            f"Column alias list has {len(names)} entries but '{node.alias}' has {len(columns)}"
            " columns available",
            position_of(node),
        )
    if not names:
        return tuple(columns)
    return tuple(replace(one, name=name) for one, name in zip(columns, names, strict=True))


def _plain_cte(context: Context, node: exp.Expr, name: str, uses: int) -> tuple[Cte, str]:
    """A query used once is compiled where it is used, so that filters reach its tables."""
    if uses == 1:

        def compile_here() -> Query:
            made = context.compiler.query(context, node.this, None)
            return replace(made, columns=_renamed(made.columns, node))

        return Cte(name, None, compile=compile_here), ""
    scans = len(context.scans)
    made = context.compiler.query(context, node.this, None)
    columns = _renamed(made.columns, node)
    relation = context.fresh("w")
    fields = tuple((one.name, one.type) for one in columns)
    if uses == 0:
        del context.scans[scans:]
        return Cte(name, relation, fields), ""
    return Cte(name, relation, fields), f"{relation} AS ({made.sql})"


def _recursive_cte(context: Context, node: exp.Expr, name: str) -> tuple[Cte, str]:
    union = node.this
    if not isinstance(union, exp.Union) or union.args.get("order") or union.args.get("limit"):
        raise StatementError(
            "INVALID_RECURSIVE_REFERENCE",
            f"WITH RECURSIVE query '{name}' must be a UNION of its start and its recursive step",
            position_of(node),
        )
    if not node.args["alias"].args.get("columns"):
        raise StatementError(
            "MISSING_COLUMN_ALIASES", "missing column aliases in recursive WITH query",
            position_of(node),
        )  # fmt: skip
    start = context.compiler.query(context, union.this, None)
    columns = _renamed(start.columns, node)
    relation = context.fresh("w")
    fields = tuple((one.name, one.type) for one in columns)
    cte = Cte(name, relation, fields)
    step = context.compiler.query(
        replace(context, ctes=(*context.ctes, cte)), union.expression, None
    )
    if len(step.columns) != len(columns):
        raise column_counts("UNION", columns, step.columns, union)
    for one, other in zip(step.columns, columns, strict=True):
        if common_type(one.type, other.type) != other.type:
            raise StatementError(
                "TYPE_MISMATCH",
                f"recursion step relation output type ({one.type}) is not coercible to recursion"
                f" base relation output type ({other.type}) at column {other.name}",
                position_of(union),
            )
    word = "UNION" if union.args.get("distinct") else "UNION ALL"
    text = (
        f"{relation} AS ({cast_columns(start, [c.type for c in columns])} {word}"
        f" {cast_columns(step, [c.type for c in columns])})"
    )
    return cte, text
