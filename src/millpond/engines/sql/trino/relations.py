"""FROM: tables, views, subqueries, UNNEST and joins, to DuckDB text and the fields of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from millpond.engines.sql.trino.convert import coerce
from millpond.engines.sql.trino.errors import StatementError, not_supported
from millpond.engines.sql.trino.operators import comparable, compared
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
    Scope,
    Table,
    Typed,
    View,
    column_reference,
)
from millpond.engines.sql.trino.types import (
    BIGINT,
    BOOLEAN,
    VARCHAR,
    Type,
    can_coerce,
    common_type,
    quote_name,
)


@dataclass(frozen=True, slots=True)
class Source:
    """A FROM clause or a part of one."""

    sql: str
    fields: tuple[Field, ...]


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
            return _table(context, node, parent)
        case exp.Subquery() if isinstance(node.this, exp.Table):
            return _parenthesised(context, node, parent)
        case exp.Subquery():
            only(node, "this", "alias", "sample", "joins", "with_", "order", "limit", "offset")
            inner = node.copy()
            for name in ("alias", "sample", "joins"):
                inner.set(name, None)
            made = context.compiler.query(context, _same_places(node, inner), parent)
            source = _aliased(context, made, node)
            return _with_inner_joins(context, source, node, parent)
        case exp.Values():
            return _aliased(context, context.compiler.query(context, node, parent), node)
        case exp.Unnest():
            return _unnest(context, node, left, parent)
        case exp.Lateral():
            only(node, "this", "alias")
            scope = Scope(left.fields, parent)
            made = context.compiler.query(context, node.this, scope)
            source = _aliased(context, made, node)
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


# Tables, views and named queries


def _table(context: Context, node: exp.Expr, parent: Scope | None) -> Source:
    only(node, "this", "db", "catalog", "alias", "sample", "joins")
    if not isinstance(node.this, exp.Identifier):
        raise _table_function(node)
    parts = [part.name.lower() for part in node.parts]
    if len(parts) > 3:
        raise StatementError(
            "SYNTAX_ERROR", f"Too many dots in table name: {'.'.join(parts)}", position_of(node)
        )
    source = _named(context, parts, node)
    return _with_inner_joins(context, source, node, parent)


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
        return _aliased(context, cte.compile(), node, cte.name)
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


def _aliased(context: Context, made: Query, node: exp.Expr, name: str | None = None) -> Source:
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


# UNNEST


def _unnest(context: Context, node: exp.Expr, left: Source, parent: Scope | None) -> Source:
    only(node, "expressions", "alias", "offset")
    scope = Scope(left.fields, parent)
    inner: list[str] = []
    outer: list[tuple[str, Type, str | None]] = []
    lengths: list[str] = []
    for item in node.expressions:
        value = context.compiler.expression(context, scope, item)
        _unnest_one(value, item, inner, outer, lengths)
    if node.args.get("offset"):
        inner.append(f"unnest(range(1, greatest({', '.join(lengths)}) + 1)) AS o")
        outer.append(("CAST(x.o AS BIGINT)", BIGINT, None))
    alias = context.fresh("r")
    items = ", ".join(f"{sql} AS c{place}" for place, (sql, _, _) in enumerate(outer))
    word = "LATERAL " if left.sql else ""
    sql = f"{word}(SELECT {items} FROM (SELECT {', '.join(inner)}) x) AS {alias}"
    names = (
        [one.name for one in (node.args["alias"].args.get("columns") or [])]
        if (node.args.get("alias"))
        else []
    )
    if isinstance(node.args.get("offset"), exp.Identifier):
        names.append(node.args["offset"].name)
    if names and len(names) != len(outer):
        raise StatementError(
            "MISMATCHED_COLUMN_ALIASES",
            f"Column alias list has {len(names)} entries but '{node.alias}' has {len(outer)}"
            " columns available",
            position_of(node),
        )
    qualifiers = (node.alias.lower(),) if node.alias else ()
    fields = tuple(
        Field(names[place] if names else name, kind, f"{alias}.c{place}", qualifiers)
        for place, (_, kind, name) in enumerate(outer)
    )
    return Source(sql, fields)


def _unnest_one(
    value: Typed,
    node: exp.Expr,
    inner: list[str],
    outer: list[tuple[str, Type, str | None]],
    lengths: list[str],
) -> None:
    place = len(inner)
    match value.type.name:
        case "array" if value.type.element.name == "row":
            inner.append(f"unnest({value.sql}) AS u{place}")
            element = value.type.element
            for field, kind, name in zip(
                element.field_names, element.arguments, element.fields, strict=True
            ):
                outer.append((f"(x.u{place}).{quote_name(field)}", kind, name))
            lengths.append(f"len({value.sql})")
        case "array":
            inner.append(f"unnest({value.sql}) AS u{place}")
            outer.append((f"x.u{place}", value.type.element, None))
            lengths.append(f"len({value.sql})")
        case "map":
            for side, kind in zip(("keys", "values"), value.type.arguments, strict=True):
                inner.append(f"unnest(map_{side}({value.sql})) AS u{len(inner)}")
                outer.append((f"x.u{len(inner) - 1}", kind, None))
            lengths.append(f"CAST(cardinality({value.sql}) AS BIGINT)")
        case _:
            raise StatementError(
                "TYPE_MISMATCH", f"Cannot unnest type: {value.type}", position_of(node)
            )


# Joins


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
