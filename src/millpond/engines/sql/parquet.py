"""Parquet files: columns by name, in the types that the catalog declares.

Files whose schemas agree are read together. A column that a file has not is NULL; one of a type
that cannot stand for the declared one fails the query, as Trino does.
"""

from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from millpond.engines.sql.messages import FetchedFile
from millpond.engines.sql.trino.errors import StatementError
from millpond.engines.sql.trino.types import INTEGERS, Type, quote_name, quote_text

if TYPE_CHECKING:
    from millpond.engines.sql.scans import ScanFiles

_numbers = count()


def read(
    connection: duckdb.DuckDBPyConnection,
    scan: "ScanFiles",
    paths: Sequence[Path],
    files: Sequence[tuple[int, FetchedFile]],
    place: str,
) -> tuple[list[str], int]:
    """A SELECT for each kind of schema, and the bytes that reading the needed columns takes."""
    uris = {str(path): file.uri for path, (_, file) in zip(paths, files, strict=True)}
    schemas = _schemas(connection, list(uris))
    selects: list[str] = []
    scanned = 0
    for group in schemas:
        types = _types(connection, group[0])
        items = []
        needed: list[str] = []
        for name, kind in scan.columns:
            found = types.get(name.lower())
            if found is None:
                items.append(f"CAST(NULL AS {kind.duck}) AS {quote_name(name)}")
                continue
            needed.append(found[0])
            try:
                value = declared(quote_name(found[0]), found[1], kind)
            except _Incompatible as error:
                raise StatementError(
                    "HIVE_BAD_DATA",
                    f"Field {name}'s type {error.actual} in parquet file {uris[group[0]]} is"
                    f" incompatible with type {kind} defined in table schema",
                ) from error
            items.append(f"{value} AS {quote_name(name)}")
        listed = ", ".join(quote_text(path) for path in group)
        source = (
            f"read_parquet([{listed}], hive_partitioning = true,"
            f" hive_types = {{'{place}': 'BIGINT'}})"
        )
        selects.append(f"SELECT {', '.join([*items, place])} FROM {source}")
        scanned += _size(connection, group, needed)
    return selects, scanned


def _schemas(connection: duckdb.DuckDBPyConnection, paths: list[str]) -> list[list[str]]:
    """The files, those with equal schemas together."""
    try:
        rows = connection.execute(
            "SELECT file_name, name, duckdb_type, num_children FROM parquet_schema($1)", [paths]
        ).fetchall()
    except duckdb.Error as error:
        raise StatementError("HIVE_BAD_DATA", f"Not valid Parquet file: {_short(error)}") from error
    schemas: dict[str, list[object]] = {}
    for name, *element in rows:
        schemas.setdefault(name, []).append(element)
    groups: dict[str, list[str]] = {}
    for name, schema in schemas.items():
        groups.setdefault(repr(schema), []).append(name)
    return list(groups.values())


def _short(error: duckdb.Error) -> str:
    return str(error).splitlines()[0][:300]


def _types(
    connection: duckdb.DuckDBPyConnection, path: str
) -> dict[str, tuple[str, "duckdb.sqltypes.DuckDBPyType"]]:
    relation = connection.sql(
        f"SELECT * FROM read_parquet({quote_text(path)}, hive_partitioning = false)"
    )
    found: dict[str, tuple[str, duckdb.sqltypes.DuckDBPyType]] = {}
    for name, kind in zip(relation.columns, relation.types, strict=True):
        found.setdefault(name.lower(), (name, kind))
    return found


class _Incompatible(Exception):
    def __init__(self, actual: object) -> None:
        super().__init__(str(actual))
        self.actual = str(actual)


_WHOLE = ("tinyint", "smallint", "integer", "bigint", "utinyint", "usmallint", "uinteger",
          "ubigint")  # fmt: skip


def declared(x: str, actual: "duckdb.sqltypes.DuckDBPyType", kind: Type) -> str:
    """A file's value as one of the declared type.

    Raises:
        _Incompatible: it cannot stand for it.
    """
    name = actual.id
    match kind.name:
        case "varchar" | "char":
            if name == "varchar" or name in ("json", "enum", "uuid"):
                text = x if name == "varchar" else f"CAST({x} AS VARCHAR)"
            elif name == "blob":
                text = f"decode({x})"
            else:
                raise _Incompatible(actual)
            if kind.name == "char":
                return f"rtrim(left({text}, {kind.precision}), ' ')"
            return text if kind.precision > 1 << 30 else f"left({text}, {kind.precision})"
        case "varbinary":
            return _allowed(
                x, name, ("blob", "varchar"), actual, "encode({})" if name == "varchar" else "{}"
            )
        case "timestamp":
            return _timestamp(x, name, actual)
        case "date":
            return _allowed(x, name, ("date",), actual)
        case "boolean":
            return _allowed(x, name, ("boolean",), actual)
        case "real":
            return _allowed(x, name, ("float",), actual)
        case "double":
            return _allowed(x, name, ("double", "float", *_WHOLE), actual, "CAST({} AS DOUBLE)")
        case "decimal":
            return _allowed(x, name, ("decimal", *_WHOLE), actual, f"CAST({{}} AS {kind.duck})")
        case "array" | "map" | "row":
            return _nested(x, actual, kind)
        case one if one in INTEGERS:
            allowed = _WHOLE if one == "bigint" else _WHOLE[: 1 + INTEGERS.index(one)]
            return _allowed(x, name, allowed, actual, f"CAST({{}} AS {kind.duck})")
    raise _Incompatible(actual)


def _allowed(
    x: str, name: str, allowed: Sequence[str], actual: object, template: str = "{}"
) -> str:
    if name not in allowed:
        raise _Incompatible(actual)
    return template.format(x)


def _timestamp(x: str, name: str, actual: object) -> str:
    if name == "timestamp with time zone":
        return f"timezone('UTC', {x})"
    if name.startswith("timestamp"):
        return f"CAST({x} AS TIMESTAMP)"
    raise _Incompatible(actual)


def _nested(x: str, actual: "duckdb.sqltypes.DuckDBPyType", kind: Type) -> str:
    wanted = {"array": "list", "map": "map", "row": "struct"}[kind.name]
    if actual.id != wanted:
        raise _Incompatible(actual)
    children = dict(actual.children)
    variable = f"q{next(_numbers)}"
    match kind.name:
        case "array":
            inner = declared(variable, children["child"], kind.element)
            return f"list_transform({x}, lambda {variable}: {inner})"
        case "map":
            key = declared(variable, children["key"], kind.arguments[0])
            value = declared(variable, children["value"], kind.arguments[1])
            return (
                f"CASE WHEN {x} IS NULL THEN NULL ELSE"
                f" map(list_transform(map_keys({x}), lambda {variable}: {key}),"
                f" list_transform(map_values({x}), lambda {variable}: {value})) END"
            )
    fields = {name.lower(): (name, one) for name, one in children.items()}
    parts = []
    for name, wished in zip(kind.field_names, kind.arguments, strict=True):
        found = fields.get(name)
        value = (
            f"CAST(NULL AS {wished.duck})"
            if found is None
            else declared(f"{x}.{quote_name(found[0])}", found[1], wished)
        )
        parts.append(f"{quote_name(name)} := {value}")
    return f"CASE WHEN {x} IS NULL THEN NULL ELSE struct_pack({', '.join(parts)}) END"


def _size(
    connection: duckdb.DuckDBPyConnection, paths: Sequence[str], columns: Sequence[str]
) -> int:
    """The column chunks of these columns and the footers, in bytes."""
    footers = connection.execute(
        "SELECT coalesce(sum(footer_size + 8), 0) FROM parquet_file_metadata($1)", [list(paths)]
    ).fetchone()
    total = int(footers[0]) if footers else 0
    if columns:
        chunks = connection.execute(
            "SELECT coalesce(sum(total_compressed_size), 0) FROM parquet_metadata($1)"
            " WHERE list_contains($2, split_part(path_in_schema, ', ', 1))",
            [list(paths), list(columns)],
        ).fetchone()
        total += int(chunks[0]) if chunks else 0
    return total
