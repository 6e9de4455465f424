"""Tables, views and WITH queries in FROM: a scan, a view's query, a name."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from millpond.engines.sql.trino.convert import coerce
from millpond.engines.sql.trino.errors import StatementError
from millpond.engines.sql.trino.parse import parse_query, position_of
from millpond.engines.sql.trino.reading import only
from millpond.engines.sql.trino.scope import (
    VIEW_DEPTH_MAX,
    Context,
    Cte,
    Field,
    Missing,
    Query,
    Scan,
    Table,
    Typed,
    View,
    column_reference,
)
from millpond.engines.sql.trino.types import (
    BIGINT,
    VARCHAR,
    can_coerce,
)


@dataclass(frozen=True, slots=True)
class Source:
    """A FROM clause or a part of one."""

    sql: str
    fields: tuple[Field, ...]


def table_source(context: Context, node: exp.Expr) -> Source:
    only(node, "this", "db", "catalog", "alias", "sample", "joins")
    if not isinstance(node.this, exp.Identifier):
        raise _table_function(node)
    parts = [part.name.lower() for part in node.parts]
    if len(parts) > 3:
        raise StatementError(
            "SYNTAX_ERROR", f"Too many dots in table name: {'.'.join(parts)}", position_of(node)
        )
    return _named(context, parts, node)


def _table_function(node: exp.Expr) -> StatementError:
    called = node.this
    name = called.this if isinstance(called, exp.Anonymous) else called.sql("trino")
    return StatementError(
        "FUNCTION_NOT_FOUND", f"Table function '{str(name).lower()}' not registered",
        position_of(node),
    )  # fmt: skip


def _named(context: Context, parts: list[str], node: exp.Expr) -> Source:
    if len(parts) == 1:
        for cte in reversed(context.ctes):
            if cte.name == parts[0]:
                return _cte(context, cte, node)
    name = full_name(context, parts, node)
    found = context.tables.get(name, Missing("table"))
    match found:
        case Table():
            return _scan(context, found, node)
        case View():
            return _view(context, found, node)
    if found.what == "schema":
        raise StatementError(
            "SCHEMA_NOT_FOUND", f"Schema '{name[1]}' does not exist", position_of(node)
        )
    raise StatementError(
        "TABLE_NOT_FOUND", f"Table '{'.'.join(name)}' does not exist", position_of(node)
    )


def full_name(context: Context, parts: Sequence[str], node: exp.Expr) -> tuple[str, str, str]:
    """A table's name with the session's catalog and schema for what it lacks."""
    if len(parts) == 1 and not context.schema:
        raise StatementError(
            "MISSING_SCHEMA_NAME", "Schema must be specified when session schema is not set",
            position_of(node),
        )  # fmt: skip
    defaults = (context.catalog.lower(), context.schema.lower())
    filled = (*defaults[: 3 - len(parts)], *parts)
    return filled[0], filled[1], filled[2]


def _cte(context: Context, cte: Cte, node: exp.Expr) -> Source:
    if cte.compile is not None:
        return aliased(context, cte.compile(), node, cte.name)
    alias = context.fresh("r")
    fields = [
        Field(name, kind, f"{alias}.c{place}") for place, (name, kind) in enumerate(cte.fields)
    ]
    if cte.relation is None:
        raise StatementError("SYNTAX_ERROR", f"WITH query '{cte.name}' cannot be read here")
    names = ", ".join(f"c{place}" for place in range(len(fields)))
    sql = f"{_sampled(cte.relation, node)} AS {alias}({names})"
    return _qualified(Source(sql, tuple(fields)), node, (cte.name,))


def _scan(context: Context, table: Table, node: exp.Expr) -> Source:
    scan = Scan(f"scan_{len(context.scans)}", table.index)
    context.scans.append(scan)
    alias = context.fresh("r")
    keys = {name for name, _ in table.partition_columns}
    fields = [
        Field(
            name,
            kind,
            column_reference(alias, name),
            scan=scan,
            column=name,
            is_partition=name in keys,
        )
        for name, kind in (*table.columns, *table.partition_columns)
    ]
    fields += [
        Field(name, kind, column_reference(alias, name), hidden=True, scan=scan, column=name)
        for name, kind in (("$path", VARCHAR), ("$file_size", BIGINT))
    ]
    source = Source(f"{_sampled(scan.relation, node)} AS {alias}", tuple(fields))
    return _qualified(source, node, table.name)


def _view(context: Context, view: View, node: exp.Expr) -> Source:
    name = ".".join(view.name)
    if context.view_depth >= VIEW_DEPTH_MAX:
        raise StatementError("VIEW_IS_RECURSIVE", f"View '{name}' is recursive", position_of(node))
    try:
        made = context.compiler.query(context.within(view), parse_query(view.sql), None)
    except StatementError as error:
        if error.name in ("VIEW_IS_RECURSIVE", "NOT_SUPPORTED"):
            raise
        raise StatementError(
            "INVALID_VIEW",
            f"Failed analyzing stored view '{name}': {error.message}", position_of(node),
        ) from error  # fmt: skip
    if len(made.columns) != len(view.columns) or not all(
        can_coerce(one.type, kind)
        for one, (_, kind) in zip(made.columns, view.columns, strict=True)
    ):
        raise StatementError(
            "VIEW_IS_STALE",
            f"View '{name}' is stale or in invalid state: its columns are not those of its query;"
            " it must be re-created",
            position_of(node),
        )
    alias = context.fresh("r")
    fields = []
    for place, (one, (column, kind)) in enumerate(zip(made.columns, view.columns, strict=True)):
        value = coerce(Typed(f"{alias}.c{place}", one.type), kind)
        kept = one.scan is not None and value.sql == f"{alias}.c{place}"
        fields.append(
            Field(column, kind, value.sql, scan=one.scan if kept else None,
                  column=one.column, is_partition=kept)
        )  # fmt: skip
    sql = f"{_sampled(f'({made.sql})', node)} AS {alias}"
    return _qualified(Source(sql, tuple(fields)), node, view.name)


def aliased(context: Context, made: Query, node: exp.Expr, name: str | None = None) -> Source:
    """A query in FROM, under its alias (or a WITH query's name)."""
    alias = context.fresh("r")
    fields = tuple(
        Field(
            one.name,
            one.type,
            f"{alias}.c{place}",
            scan=one.scan,
            column=one.column,
            is_partition=one.scan is not None,
        )
        for place, one in enumerate(made.columns)
    )
    sql = f"{_sampled(f'({made.sql})', node)} AS {alias}"
    return _qualified(Source(sql, fields), node, (name,) if name else ())


def _qualified(source: Source, node: exp.Expr, name: tuple[str, ...]) -> Source:
    """The fields under the relation's alias and column aliases."""
    alias = node.args.get("alias")
    qualifiers = name
    fields = source.fields
    if alias is not None and alias.this is not None:
        qualifiers = (alias.name.lower(),)
    columns = [one.name for one in (alias.args.get("columns") or [])] if alias is not None else []
    if columns:
        visible = [one for one in fields if not one.hidden]
        if len(columns) != len(visible):
            raise StatementError(
                "MISMATCHED_COLUMN_ALIASES",
                f"Column alias list has {len(columns)} entries but '{alias.name}' has"
                f" {len(visible)} columns available",
                position_of(node),
            )
        fields = tuple(
            replace(one, name=column) for one, column in zip(visible, columns, strict=True)
        )
    return Source(source.sql, tuple(replace(one, qualifiers=tuple(qualifiers)) for one in fields))


def _sampled(sql: str, node: exp.Expr) -> str:
    sample = node.args.get("sample")
    if sample is None:
        return sql
    only(sample, "method", "percent")
    method, percent = sample.args.get("method"), sample.args.get("percent")
    if method is None or method.name.upper() not in ("BERNOULLI", "SYSTEM"):
        raise StatementError("SYNTAX_ERROR", "TABLESAMPLE needs BERNOULLI or SYSTEM",
                             position_of(node))  # fmt: skip
    if (
        not isinstance(percent, exp.Literal)
        or percent.is_string
        or not (0 <= float(percent.this) <= 100)
    ):
        raise StatementError(
            "NUMERIC_VALUE_OUT_OF_RANGE", "Sample percentage must be between 0 and 100, inclusive",
            position_of(node),
        )  # fmt: skip
    return f"(SELECT * FROM {sql} TABLESAMPLE {method.name}({float(percent.this)} PERCENT))"
