"""Tables as DuckDB relations: the files of a scan become a temporary view under its name.

A file's place (its partition's values, `$path`) travels as a folder name `__file=<number>`,
which DuckDB reads as a column; the values themselves stand in a small table that is joined.
"""

import json
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from millpond.engines.sql import parquet, serdes
from millpond.engines.sql.interface import DelimitedText, JsonLines, Parquet, QuotedText
from millpond.engines.sql.messages import FetchedFile
from millpond.engines.sql.prepare import Prepared, prepare_lines, prepare_quoted
from millpond.engines.sql.trino.convert import convert
from millpond.engines.sql.trino.types import VARCHAR, Type, quote_name, quote_text

_LINE_SIZE_BYTES_MAX = 128 << 20
_ROWS_AT_ONCE = 500
_DEFAULT_PARTITION = "__HIVE_DEFAULT_PARTITION__"
PLACE = "__file"
"""The column (and the folders' name) that tells a row's file."""
_BY_FOLDER = f"hive_partitioning = true, hive_types = {{'{PLACE}': 'BIGINT'}}"
Columns = Sequence[tuple[str, Type]]


@dataclass(frozen=True, slots=True)
class ScanFiles:
    """What a scan reads: `columns` are those of `table_columns` that are needed, `places` the
    partition and hidden columns that are."""

    relation: str
    table_columns: Columns
    columns: Columns
    partition_columns: Columns
    places: Columns
    partitions: Sequence[Sequence[str | None]]
    files: Sequence[FetchedFile]
    of_partitions: bool = False
    """It reads the partitions themselves, and no file."""


@dataclass(frozen=True, slots=True)
class Input:
    """How the views stand: what reading them costs."""

    scanned_bytes: int


class Scans:
    """Makes the views of one query in its connection. `inputs` holds the files, `made` is where
    new ones are written."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, inputs: Path, made: Path, threads: int
    ) -> None:
        self._connection = connection
        self._inputs = inputs
        self._made = made
        self._threads = threads
        self._count = 0

    def provide(self, scan: ScanFiles, transcode: bool = False) -> Input:
        """Make the view of a scan.

        Raises:
            StatementError: a file is not what its table says (HIVE_BAD_DATA, …).
        """
        if scan.of_partitions:
            return self.provide_partitions(scan)
        groups: dict[Any, list[tuple[int, FetchedFile]]] = {}
        for number, file in enumerate(scan.files):
            groups.setdefault(_group(file), []).append((number, file))
        parts: list[str] = []
        scanned = 0
        for files in groups.values():
            sql, size = self._read(scan, files, transcode)
            parts += sql
            scanned += size
        body = " UNION ALL ".join(parts) or self._nothing(scan)
        if scan.places and scan.files:
            body = self._with_places(scan, body)
        self._connection.execute(f"CREATE OR REPLACE TEMP VIEW {scan.relation} AS {body}")
        return Input(scanned)

    def provide_partitions(self, scan: ScanFiles) -> Input:
        """Make the view of a table's partitions: a row of its values for each."""
        names = ", ".join(quote_name(name) for name, _ in scan.partition_columns)
        kinds = ", ".join(f"{quote_name(name)} {k.duck}" for name, k in scan.partition_columns)
        table = f"{scan.relation}_rows"
        self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} ({kinds})")
        for start in range(0, len(scan.partitions), _ROWS_AT_ONCE):
            rows = [
                "SELECT "
                + ", ".join(
                    partition_value(text, kind)
                    for text, (_, kind) in zip(values, scan.partition_columns, strict=True)
                )
                for values in scan.partitions[start : start + _ROWS_AT_ONCE]
            ]
            self._connection.execute(f"INSERT INTO {table} {' UNION ALL '.join(rows)}")
        self._connection.execute(
            f"CREATE OR REPLACE TEMP VIEW {scan.relation} AS SELECT {names} FROM {table}"
        )
        return Input(0)

    def _nothing(self, scan: ScanFiles) -> str:
        columns = ", ".join(
            f"CAST(NULL AS {kind.duck}) AS {quote_name(name)}"
            for name, kind in (*scan.columns, *scan.places)
        )
        return f"SELECT {columns or '0 AS nothing'}, CAST(0 AS BIGINT) AS {PLACE} WHERE false"

    def _with_places(self, scan: ScanFiles, body: str) -> str:
        """The files' rows with the partition columns (and `$path`) of each file."""
        table = f"{scan.relation}_places"
        columns = ", ".join(f"{quote_name(name)} {kind.duck}" for name, kind in scan.places)
        self._connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {table} ({PLACE} BIGINT, {columns})"
        )
        values = self._place_values(scan)
        if values:
            self._connection.execute(f"INSERT INTO {table} {' UNION ALL '.join(values)}")
        names = [f"r.{quote_name(name)}" for name, _ in scan.columns]
        names += [f"p.{quote_name(name)}" for name, _ in scan.places]
        return f"SELECT {', '.join(names)} FROM ({body}) r JOIN {table} p USING ({PLACE})"

    def _place_values(self, scan: ScanFiles) -> list[str]:
        rows = []
        for number, file in enumerate(scan.files):
            known = dict(
                zip(
                    [name for name, _ in scan.partition_columns],
                    scan.partitions[file.partition],
                    strict=True,
                )
            )
            known |= {"$path": file.uri, "$file_size": str(file.size_bytes)}
            items = ", ".join(partition_value(known[name], kind) for name, kind in scan.places)
            rows.append(f"SELECT {number}, {items}")
        return rows

    # Files of one format

    def _read(
        self, scan: ScanFiles, files: list[tuple[int, FetchedFile]], transcode: bool
    ) -> tuple[list[str], int]:
        kind = files[0][1].format
        if isinstance(kind, Parquet):
            found = [self._inputs / file.path for _, file in files]
            return parquet.read(self._connection, scan, found, files, PLACE)
        prepared = self._prepare(files, transcode)
        size = sum(file.size_bytes for _, file in files)
        reads: list[str] = []
        for has_quotes, is_normal in sorted({(one.has_quotes, one.is_normal) for one in prepared}):
            paths = [
                one.path
                for one in prepared
                if (one.has_quotes, one.is_normal) == (has_quotes, is_normal)
            ]
            reads.append(self._text(scan, kind, paths, has_quotes, is_normal))
        return reads, size

    def _prepare(self, files: list[tuple[int, FetchedFile]], transcode: bool) -> list[Prepared]:
        def one(numbered: tuple[int, FetchedFile]) -> Prepared:
            number, file = numbered
            self_made = self._made / f"{self._count}" / f"{PLACE}={number}" / "data"
            self_made.parent.mkdir(parents=True, exist_ok=True)
            path = self._inputs / file.path
            if isinstance(file.format, QuotedText):
                return prepare_quoted(path, file.compression, self_made, file.format, transcode)
            return prepare_lines(path, file.compression, self_made, transcode)

        self._count += 1
        with ThreadPoolExecutor(self._threads) as pool:
            return list(pool.map(one, files))

    def _text(
        self, scan: ScanFiles, kind: Any, paths: list[Path], has_quotes: bool, is_normal: bool
    ) -> str:
        skip = kind.skip_lines
        if isinstance(kind, DelimitedText):
            return self._delimited(scan, kind, paths, skip)
        if isinstance(kind, JsonLines):
            return self._json(scan, kind, paths, skip)
        if has_quotes:
            return self._quoted(scan, kind, paths, skip, is_normal)
        return self._unquoted(scan, kind, paths, skip)

    def _lines(self, paths: Iterable[Path], skip: int) -> str:
        return (
            f"(SELECT coalesce(l, '') AS l, {PLACE} FROM read_csv([{_listed(paths)}],"
            " columns = {'l': 'VARCHAR'}, delim = '', quote = '', escape = '', header = false,"
            f" auto_detect = false, strict_mode = false, skip = {skip},"
            f" max_line_size = {_LINE_SIZE_BYTES_MAX}, {_BY_FOLDER}))"
        )

    def _of_lines(self, items: list[str], read: str, paths: list[Path], skip: int) -> str:
        """Columns over what is read of each line."""
        lines = self._lines(paths, skip)
        return f"SELECT {_items(items)} FROM (SELECT {read}, {PLACE} FROM {lines})"

    def _delimited(self, scan: ScanFiles, kind: DelimitedText, paths: list[Path], skip: int) -> str:
        places = {name: place for place, (name, _) in enumerate(scan.table_columns, 1)}
        items = [
            f"{serdes.delimited_value(f's[{places[name]}]', one, kind)} AS {quote_name(name)}"
            for name, one in scan.columns
        ]
        return self._of_lines(items, f"{serdes.split_line('l', kind)} AS s", paths, skip)

    def _unquoted(self, scan: ScanFiles, kind: QuotedText, paths: list[Path], skip: int) -> str:
        places = {name: place for place, (name, _) in enumerate(scan.table_columns, 1)}
        items = [
            f"{serdes.strict_value(f's[{places[name]}]', one, places[name] - 1)}"
            f" AS {quote_name(name)}"
            for name, one in scan.columns
        ]
        split = f"string_split(l, {quote_text(kind.separator)})"
        return self._of_lines(items, f"{split} AS s", paths, skip)

    def _quoted(
        self, scan: ScanFiles, kind: QuotedText, paths: list[Path], skip: int, is_normal: bool
    ) -> str:
        places = {name: place for place, (name, _) in enumerate(scan.table_columns)}
        names = ", ".join(f"'x{place}': 'VARCHAR'" for place in range(len(scan.table_columns)))
        separator, quote = (",", '"') if is_normal else (kind.separator, kind.quote)
        items = [
            f"{serdes.strict_value(f'x{places[name]}', one, places[name])} AS {quote_name(name)}"
            for name, one in scan.columns
        ]
        read = (
            f"read_csv([{_listed(paths)}], columns = {{{names}}}, delim = {quote_text(separator)},"
            f" quote = {quote_text(quote)}, escape = {quote_text(quote)}, header = false,"
            f" auto_detect = false, strict_mode = {str(not is_normal).lower()},"
            f" null_padding = {str(is_normal).lower()}, skip = {skip}, nullstr = '\\N\\N\\N\\N',"
            f" max_line_size = {_LINE_SIZE_BYTES_MAX}, parallel = {str(not is_normal).lower()},"
            f" {_BY_FOLDER})"
        )
        return f"SELECT {_items(items)} FROM {read}"

    def _json(self, scan: ScanFiles, kind: JsonLines, paths: list[Path], skip: int) -> str:
        paths_of = {column.lower(): name for column, name in kind.paths.items()}
        shape: dict[str, object] = {
            paths_of.get(name, name).lower(): serdes.key_shape(one) for name, one in scan.columns
        }
        items = [
            serdes.json_value(_member(paths_of.get(name, name).lower()), one)
            + f" AS {quote_name(name)}"
            for name, one in scan.columns
        ]
        shown = quote_text(json.dumps(shape))
        wrong = (
            "NULL"
            if kind.ignores_malformed
            else "t_fail('HIVE_CURSOR_ERROR', 'Row is not a valid JSON Object: ' || left(l, 200))"
        )
        line = (
            "CASE WHEN t_trim(l) = '' THEN NULL"
            f" WHEN NOT json_valid(l) OR json_type(l) <> 'OBJECT' THEN {wrong}"
            ' WHEN regexp_matches(l, \'"[^"\\\\]*[^\\x00-\\x40\\x5b-\\x7f][^"\\\\]*"\\s*:\')'
            f" THEN p_lower_keys(l, {shown}) ELSE l END"
        )
        return self._of_lines(items, f"{line} AS j", paths, skip)


def _group(file: FetchedFile) -> object:
    return repr(file.format)


def _listed(paths: Iterable[Path]) -> str:
    return ", ".join(quote_text(str(path)) for path in paths)


def _items(items: list[str]) -> str:
    return ", ".join([*items, PLACE])


def _member(name: str) -> str:
    path = quote_text(f'$."{name}"')
    return f"CAST(json_extract(j, {path}) AS VARCHAR)"


def partition_value(text: str | None, kind: Type) -> str:
    """A partition's value in its column's type.

    Raises (when it is evaluated):
        StatementError: INVALID_CAST_ARGUMENT, the text is no such value.
    """
    if text is None or text == _DEFAULT_PARTITION:
        return f"CAST(NULL AS {kind.duck})"
    return f"CAST({convert(quote_text(text), VARCHAR, kind, safe=False)} AS {kind.duck})"


def matching_partitions(
    connection: duckdb.DuckDBPyConnection,
    columns: Columns,
    partitions: Sequence[Sequence[str | None]],
    filters: Sequence[str],
) -> list[int]:
    """Which partitions may hold rows of interest, by their places.

    Raises:
        StatementError: HIVE_INVALID_PARTITION_VALUE, one is not of its column's type.
    """
    if not filters or not partitions:
        return list(range(len(partitions)))
    table = "partitions_to_choose"
    kinds = ", ".join(f"{quote_name(name)} {kind.duck}" for name, kind in columns)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} (place BIGINT, {kinds})")
    for start in range(0, len(partitions), _ROWS_AT_ONCE):
        rows = [
            "SELECT "
            + ", ".join(
                [str(place)]
                + [
                    partition_value(text, kind)
                    for text, (_, kind) in zip(values, columns, strict=True)
                ]
            )
            for place, values in enumerate(partitions[start : start + _ROWS_AT_ONCE], start)
        ]
        connection.execute(f"INSERT INTO {table} {' UNION ALL '.join(rows)}")
    test = " AND ".join(filters)
    found = connection.execute(f"SELECT place FROM {table} WHERE {test} ORDER BY place").fetchall()
    return [place for (place,) in found]
