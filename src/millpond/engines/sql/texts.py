"""Values as Athena shows them: a VARCHAR expression for each of Trino's types.

Source: observed results of Athena (console, GetQueryResults and the result files are the same):
`2024-01-01 00:00:00.000`, `1.0E7`, `[a, b]`, `{k=v}`, `{a=1, b=2}`, `65 68 3f`.
"""

from itertools import count

from millpond.engines.sql.trino.types import Type, quote_name, quote_text

_numbers = count()


def athena_text(x: str, kind: Type) -> str:
    """The text of a value; NULL for NULL."""
    match kind.name:
        case "varchar" | "json":
            return x
        case "char":
            return f"rpad({x}, {kind.precision}, ' ')"
        case "double":
            return f"t_java_double({x})"
        case "real":
            return f"t_java_double(CAST(CAST({x} AS VARCHAR) AS DOUBLE))"
        case "timestamp":
            return f"t_timestamp_text({x}, {max(3, kind.precision)})"
        case "time":
            return f"t_time_text({x}, {max(3, kind.precision)})"
        case "timestamp with time zone":
            return (
                f"CASE WHEN {x} IS NULL THEN NULL ELSE"
                f" t_zoned_text({x}, {max(3, kind.precision)}) END"
            )
        case "interval day to second":
            return f"t_days_text({x})"
        case "interval year to month":
            return f"t_months_text({x})"
        case "varbinary":
            return f"t_hex_text({x})"
        case "array":
            return f"'[' || t_join({_items(x, kind.element)}, ', ') || ']'"
        case "map":
            return _map(x, kind)
        case "row":
            return _row(x, kind)
    return f"CAST({x} AS VARCHAR)"


def _items(x: str, kind: Type) -> str:
    name = f"s{next(_numbers)}"
    return f"list_transform({x}, lambda {name}: coalesce({athena_text(name, kind)}, 'null'))"


def _map(x: str, kind: Type) -> str:
    name = f"s{next(_numbers)}"
    key, value = kind.arguments
    entry = (
        f"{athena_text(f'{name}.key', key)} || '=' ||"
        f" coalesce({athena_text(f'{name}.value', value)}, 'null')"
    )
    inner = f"list_transform(map_entries({x}), lambda {name}: {entry})"
    return f"CASE WHEN {x} IS NULL THEN NULL ELSE '{{' || t_join({inner}, ', ') || '}}' END"


def _row(x: str, kind: Type) -> str:
    parts = [
        f"{quote_text(f'{name}=')} || coalesce({athena_text(f'{x}.{quote_name(name)}', inner)},"
        " 'null')"
        for name, inner in zip(kind.field_names, kind.arguments, strict=True)
    ]
    inner = " || ', ' || ".join(parts) or "''"
    return f"CASE WHEN {x} IS NULL THEN NULL ELSE '{{' || {inner} || '}}' END"
