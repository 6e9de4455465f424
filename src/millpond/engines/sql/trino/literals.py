"""Values that are written out, and those of the session (`current_date`, …)."""

import re
from decimal import Decimal

from sqlglot import exp

from millpond.engines.sql.trino.errors import StatementError
from millpond.engines.sql.trino.parse import position_of
from millpond.engines.sql.trino.reading import interval_value
from millpond.engines.sql.trino.scope import (
    NULL,
    Context,
    Scope,
    Typed,
)
from millpond.engines.sql.trino.types import (
    BIGINT,
    BOOLEAN,
    DATE,
    DOUBLE,
    INTEGER,
    TIMESTAMP,
    TIMESTAMP_TZ,
    VARBINARY,
    VARCHAR,
    Type,
    decimal,
    quote_text,
    varchar,
)


def literal(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    assert isinstance(node, exp.Literal)
    text = node.this
    if node.is_string:
        return Typed(quote_text(text), varchar(len(text)), text)
    if re.fullmatch(r"\d+", text):
        value = int(text)
        if value >= 1 << 63:
            raise StatementError(
                "INVALID_LITERAL", f"Invalid numeric literal: {text}", position_of(node)
            )
        kind = INTEGER if value < 1 << 31 else BIGINT
        return Typed(f"CAST({value} AS {kind.duck})", kind, value)
    if re.fullmatch(r"\d*\.\d*", text):
        return decimal_literal(text)
    if re.fullmatch(r"(\d+\.?\d*|\.\d+)[eE][+-]?\d+", text):
        return Typed(f"CAST('{text}' AS DOUBLE)", DOUBLE, float(text))
    raise StatementError("INVALID_LITERAL", f"Invalid numeric literal: {text}", position_of(node))


def decimal_literal(text: str) -> Typed:
    """`10.25` as the smallest decimal that holds it."""
    sign = "-" if text.startswith("-") else ""
    whole, _, fraction = text.lstrip("+-").partition(".")
    whole = whole.lstrip("0")
    precision = max(1, len(whole) + len(fraction))
    if precision > 38:
        raise StatementError("INVALID_LITERAL", f"Decimal literal is too long: {text}")
    kind = decimal(precision, len(fraction))
    number = f"{sign}{whole or '0'}.{fraction}".rstrip(".")
    return Typed(f"CAST('{number}' AS {kind.duck})", kind, Decimal(number))


def boolean(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    return Typed("true" if node.this else "false", BOOLEAN, bool(node.this))


def null(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    return NULL


def hexadecimal(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    digits = re.sub(r"\s", "", str(node.this))
    if len(digits) % 2 or not re.fullmatch("[0-9A-Fa-f]*", digits):
        raise StatementError(
            "INVALID_LITERAL", "Binary literal must contain an even number of digits",
            position_of(node),
        )  # fmt: skip
    return Typed(f"unhex('{digits}')", VARBINARY)


def unicode_text(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    escape = node.args.get("escape")
    mark = re.escape(escape.this if isinstance(escape, exp.Expr) else "\\")
    pattern = rf"{mark}(?:({mark})|\+([0-9A-Fa-f]{{6}})|([0-9A-Fa-f]{{4}}))"
    text = re.sub(pattern, lambda m: m[1] or chr(int(m[2] or m[3], 16)), str(node.this))
    return Typed(quote_text(text), varchar(len(text)), text)


def interval(context: Context, scope: Scope, node: exp.Expr) -> Typed:
    assert isinstance(node, exp.Interval)
    value, name = interval_value(node)
    kind = Type(name)
    return Typed(f"CAST({value} AS {kind.duck})", kind, value)


SESSION_NAMES = ("current_schema", "current_catalog", "current_user", "localtime")


def session_value(context: Context, name: str) -> Typed:
    """`current_date` and its kin: the same all through one statement."""
    micros = f"make_timestamp(CAST({context.now_us // 1000 * 1000} AS BIGINT))"
    match name:
        case "current_date":
            return Typed(f"CAST({micros} AS DATE)", DATE)
        case "localtimestamp":
            return Typed(micros, TIMESTAMP)
        case "localtime":
            return Typed(f"CAST({micros} AS TIME)", Type("time", 3))
        case "current_catalog":
            return Typed(quote_text(context.catalog), VARCHAR, context.catalog)
        case "current_schema":
            return Typed(quote_text(context.schema), VARCHAR, context.schema)
        case "current_user":
            return Typed(quote_text(context.user), VARCHAR, context.user)
    return Typed(f"struct_pack(t := {micros}, z := 'UTC')", TIMESTAMP_TZ)
