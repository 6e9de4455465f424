"""UNNEST: arrays and maps as rows."""

from sqlglot import exp

from millpond.engines.sql.trino.errors import StatementError
from millpond.engines.sql.trino.parse import position_of
from millpond.engines.sql.trino.reading import only
from millpond.engines.sql.trino.scope import (
    Context,
    Field,
    Scope,
    Typed,
)
from millpond.engines.sql.trino.tables import Source
from millpond.engines.sql.trino.types import (
    BIGINT,
    Type,
    quote_name,
)


def unnest(context: Context, node: exp.Expr, left: Source, parent: Scope | None) -> Source:
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
