"""Answers as files: the CSV of a result, or the files of a table.

DuckDB writes them; what it cannot say itself (a header with one name twice) is put before them.
"""

import shutil
import urllib.parse
from collections.abc import Sequence
from pathlib import Path

import duckdb

from millpond.engines.sql.interface import TableOutput
from millpond.engines.sql.messages import WrittenFile
from millpond.engines.sql.texts import athena_text
from millpond.engines.sql.trino.convert import cast, coerce
from millpond.engines.sql.trino.errors import StatementError
from millpond.engines.sql.trino.scope import Typed
from millpond.engines.sql.trino.types import (
    VARCHAR,
    Type,
    can_coerce,
    parse_type,
    quote_name,
    quote_text,
)

_FILE_SIZE_BYTES = 256 << 20
_NO_PARTITION = "__HIVE_DEFAULT_PARTITION__"
Columns = Sequence[tuple[str, Type]]


def text_query(sql: str, columns: Columns) -> str:
    """The query with its values as texts, under names that DuckDB keeps."""
    names = [name for name, _ in columns]
    unique = len({name.lower() for name in names}) == len(names)
    items = ", ".join(
        f"{athena_text(f'q.c{place}', kind)} AS {quote_name(name if unique else f'c{place}')}"
        for place, (name, kind) in enumerate(columns)
    )
    return f"SELECT {items} FROM ({sql}) q"


def write_text(
    connection: duckdb.DuckDBPyConnection, sql: str, columns: Columns, folder: Path
) -> tuple[int, list[WrittenFile]]:
    """One CSV file with a header; the rows that it has beside that."""
    names = [name for name, _ in columns]
    unique = len({name.lower() for name in names}) == len(names)
    path = folder / "result.csv"
    rows = _copy(
        connection,
        text_query(sql, columns),
        path,
        f"FORMAT csv, HEADER {str(unique).lower()}, FORCE_QUOTE *, NULLSTR ''",
    )
    if not unique:
        _put_before(path, _header(names))
    return rows, [WrittenFile(path.name, path.stat().st_size)]


def _header(names: Sequence[str]) -> bytes:
    quoted = ",".join('"' + name.replace('"', '""') + '"' for name in names)
    return f"{quoted}\n".encode()


def _put_before(path: Path, head: bytes) -> None:
    body = path.with_name(path.name + ".body")
    path.rename(body)
    with path.open("wb") as target, body.open("rb") as source:
        target.write(head)
        shutil.copyfileobj(source, target, 1 << 20)
    body.unlink()


def _copy(connection: duckdb.DuckDBPyConnection, sql: str, path: Path, options: str) -> int:
    answer = connection.execute(f"COPY ({sql}) TO {quote_text(str(path))} ({options})").fetchone()
    return int(answer[0]) if answer else 0


def table_query(sql: str, columns: Columns, output: TableOutput) -> tuple[str, Columns]:
    """The query with its columns in the table's names and types.

    Raises:
        StatementError: TYPE_MISMATCH, a column does not fit.
    """
    wanted = (
        [(one.name, parse_type(one.type)) for one in output.columns]
        if output.columns is not None
        else list(columns)
    )
    if len(wanted) != len(columns):
        raise StatementError(
            "TYPE_MISMATCH",
            f"Insert query has mismatched column types: Table: [{_kinds(wanted)}],"
            f" Query: [{_kinds(columns)}]",
        )
    items = []
    for place, ((name, kind), (_, actual)) in enumerate(zip(wanted, columns, strict=True)):
        value = Typed(f"q.c{place}", actual)
        if not (can_coerce(actual, kind) or _fits(actual, kind)):
            raise StatementError(
                "TYPE_MISMATCH",
                f"Insert query has mismatched column types: Table: [{_kinds(wanted)}],"
                f" Query: [{_kinds(columns)}]",
            )
        made = (
            coerce(value, kind)
            if can_coerce(actual, kind)
            else cast(value, kind, safe=False, position=None)
        )
        items.append(f"CAST({made.sql} AS {kind.duck}) AS {quote_name(name)}")
    return f"SELECT {', '.join(items)} FROM ({sql}) q", wanted


def _fits(actual: Type, kind: Type) -> bool:
    """Lengths and precisions may shrink on the way into a table."""
    texts = ("varchar", "char")
    return (actual.name in texts and kind.name in texts) or (
        actual.name == kind.name and actual.name in ("timestamp", "decimal", "time")
    )


def _kinds(columns: Columns) -> str:
    return ", ".join(str(kind) for _, kind in columns)


def write_table(
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    columns: Columns,
    output: TableOutput,
    folder: Path,
) -> tuple[int, list[WrittenFile]]:
    """The files of a table or of an UNLOAD; none where there is no row."""
    query, wanted = table_query(sql, columns, output)
    target = folder / "table"
    count = len(wanted) - output.partitioned_by
    kept, keys = wanted[:count], wanted[count:]
    inner = _body(query, kept, output)
    options = _options(output)
    if keys:
        partition = ", ".join(
            f"{_key_text(name, kind)} AS key{place}" for place, (name, kind) in enumerate(keys)
        )
        inner = f"SELECT {inner}, {partition} FROM ({query}) t"
        options += f", PARTITION_BY ({', '.join(f'key{i}' for i in range(len(keys)))})"
    else:
        inner = f"SELECT {inner} FROM ({query}) t"
        options += f", FILE_SIZE_BYTES '{_FILE_SIZE_BYTES}B'"
    rows = _copy(connection, inner, target, options)
    if rows == 0:
        shutil.rmtree(target, ignore_errors=True)
        return 0, []
    files = sorted(path for path in target.rglob("*") if path.is_file())
    return rows, [
        WrittenFile(str(path.relative_to(folder)), path.stat().st_size, _partition(path, len(keys)))
        for path in files
    ]


def _body(query: str, kept: Columns, output: TableOutput) -> str:
    """The columns as the format has them: of delimited text they make one line."""
    if output.format == "delimited":
        texts = [
            f"coalesce({_delimited(f't.{quote_name(name)}', kind)}, '\\N')" for name, kind in kept
        ]
        return f"array_to_string([{', '.join(texts)}], {quote_text(output.delimiter)}) AS line"
    if output.format == "json":
        return ", ".join(
            f"{_json_ready(f't.{quote_name(name)}', kind)} AS {quote_name(name)}"
            for name, kind in kept
        )
    return ", ".join(f"t.{quote_name(name)}" for name, _ in kept)


def _json_ready(x: str, kind: Type) -> str:
    if kind.name in ("timestamp", "varbinary"):
        return athena_text(x, kind) if kind.name == "timestamp" else f"to_base64({x})"
    return f"CAST({x} AS JSON)" if kind.name == "json" else x


def _delimited(x: str, kind: Type) -> str:
    """A value as LazySimpleSerDe reads it back."""
    match kind.name:
        case "array":
            inner = f"coalesce({_delimited('e', kind.element)}, '\\N')"
            return f"array_to_string(list_transform({x}, lambda e: {inner}), chr(2))"
        case "map" | "row":
            raise StatementError(
                "NOT_SUPPORTED", f"A column of type {kind} in TEXTFILE is not supported"
            )
        case "varbinary":
            return f"to_base64({x})"
    return athena_text(x, kind)


def _options(output: TableOutput) -> str:
    compression = "uncompressed" if output.compression == "none" else output.compression
    match output.format:
        case "parquet":
            return f"FORMAT parquet, COMPRESSION {compression}"
        case "json":
            return f"FORMAT json, COMPRESSION {_of_text(output.compression)}"
        case "delimited":
            return (
                "FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\x07',"
                f" COMPRESSION {_of_text(output.compression)}"
            )
    raise StatementError("NOT_SUPPORTED", f"Format {output.format} is not supported")


def _of_text(compression: str) -> str:
    if compression not in ("none", "gzip", "zstd"):
        raise StatementError(
            "NOT_SUPPORTED", f"Compression {compression} is not supported for text"
        )
    return compression


def _key_text(name: str, kind: Type) -> str:
    """A partition value as Hive names its folder."""
    text = athena_text(f"t.{quote_name(name)}", kind)
    if kind == VARCHAR or kind.name == "varchar":
        return text
    if kind.name in ("array", "map", "row", "json", "varbinary"):
        raise StatementError("NOT_SUPPORTED", f"Unsupported type [{kind}] for partition: {name}")
    return text


def _partition(path: Path, count: int) -> list[str | None]:
    if not count:
        return []
    values: list[str | None] = []
    for part in path.parent.parts[-count:]:
        text = urllib.parse.unquote(part.partition("=")[2])
        values.append(None if text == _NO_PARTITION else text)
    return values
