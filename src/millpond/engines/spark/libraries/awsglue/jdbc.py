"""Tables of PostgreSQL and MySQL, read and written by workers with drivers in Python.

A table is read in one piece, or in several by a hash of a column. With a bookmark, what is read is
between the last keys of the last run and those that are the last ones now: rows that are written
meanwhile are for the next run.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from . import bookmarks
from .casts import cast_value, to_text
from .conversions import read_type
from .gluetypes import (
    ArrayType,
    ChoiceType,
    DataType,
    DecimalType,
    Field,
    LongType,
    MapType,
    StringType,
    StructType,
)
from .jdbc_options import Database
from .plan import Errors, Rows
from .refusals import NotSupported
from .values import from_records, to_records

_FETCHED_ROWS = 5000
_INSERTED_VALUES = 20_000
_NUMBER = re.compile(r"-?\d+(\.\d+)?$")
_TOLD = StructType([Field("rows", LongType())])
_OIDS = {
    16: "boolean", 17: "binary", 20: "long", 21: "short", 23: "int", 700: "float", 701: "double",
    1082: "date", 1114: "timestamp", 1184: "timestamp",
}  # fmt: skip
_MYSQL = {
    1: "byte", 2: "short", 3: "int", 9: "int", 8: "long", 4: "float", 5: "double", 10: "date",
    7: "timestamp", 12: "timestamp", 13: "int",
}  # fmt: skip
_BINARY_CHARSET = 63
_COLUMN_TYPES = {
    "postgresql": {
        "binary": "bytea", "boolean": "boolean", "byte": "smallint", "date": "date",
        "double": "double precision", "float": "real", "int": "integer", "long": "bigint",
        "short": "smallint", "timestamp": "timestamp",
    },
    "mysql": {
        "binary": "longblob", "boolean": "boolean", "byte": "tinyint", "date": "date",
        "double": "double", "float": "float", "int": "int", "long": "bigint",
        "short": "smallint", "timestamp": "datetime(6)",
    },
}  # fmt: skip


def read_table(session: Any, database: Database, ctx: str) -> Rows:
    """The rows of a table or query that no earlier run has read."""
    if not database.table and not database.query:
        raise ValueError("The connection option dbtable is missing.")
    connection = database.connect()
    try:
        schema = _schema(database, connection)
        where, state = _where(database, connection, ctx)
    finally:
        connection.close()
    bookmarks.keep(ctx, state)
    tasks = database.hash_partitions if database.hash_field or database.hash_expression else 1
    source = functools.partial(_read_piece, database, schema, where, tasks)
    return Rows(session, schema, source=source, tasks=tasks)


def _schema(database: Database, connection: Any) -> StructType:
    cursor = connection.cursor()
    cursor.execute(f"SELECT * FROM {database.rows_of} LIMIT 0")  # noqa: S608 - names are quoted
    if database.engine == "mysql":
        types = [
            (d[0], _mysql_type(d, f))
            for d, f in zip(cursor.description, cursor._result.fields, strict=False)
        ]
        return StructType([Field(name, kind) for name, kind in types])
    described = [(column[0], column[1]) for column in cursor.description]
    precise: dict[str, str] = {}
    if database.table and not database.query:
        cursor.execute(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
            "WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
            (database.quoted_table(),),
        )
        precise = dict(cursor.fetchall())
    fields = [Field(name, _postgres_type(oid, precise.get(name, ""))) for name, oid in described]
    return StructType(fields)


def _postgres_type(oid: int, text: str) -> DataType:
    if oid == 1700:
        return read_type(text) if text.startswith("numeric(") else DecimalType(38, 18)
    return read_type(_OIDS.get(oid, "string"))


def _mysql_type(described: Sequence[Any], field: Any) -> DataType:
    code = described[1]
    if code in (0, 246):
        scale = field.scale
        signs = 1 + (1 if scale else 0)
        return DecimalType(max(min(field.length - signs, 38), 1), scale)
    if code == 1 and field.length == 1:
        return read_type("boolean")
    if code == 16:
        return read_type("boolean" if field.length == 1 else "binary")
    if code in (249, 250, 251, 252, 253, 254) and field.charsetnr == _BINARY_CHARSET:
        return read_type("binary")
    name = _MYSQL.get(code, "string")
    unsigned = bool(field.flags & 32)
    wider = {"byte": "short", "short": "int", "int": "long"}
    if unsigned and name == "long":
        return DecimalType(20, 0)
    return read_type(wider.get(name, name) if unsigned else name)


def _where(database: Database, connection: Any, ctx: str) -> tuple[str, bookmarks.State | None]:
    held = bookmarks.state(ctx)
    if held is None:
        return "", None
    keys = database.keys or _primary_key(database, connection)
    if not keys:
        raise NotSupported(f"A bookmark of {database.table} needs jobBookmarkKeys.")
    names = [database.quote(key) for key in keys]
    before = held.get("values") if held.get("keys") == list(keys) else None
    conditions = []
    if before is not None:
        conditions.append(_after(database, names, before, ">" if not database.descending else "<"))
    limit = bookmarks.limit(ctx)
    if limit is not None:
        if limit.get("values") is None:
            conditions.append("1 = 0")
        else:
            after = _after(
                database, names, limit["values"], ">" if not database.descending else "<"
            )
            conditions.append(f"NOT ({after})")
    last = _last(database, connection, names, conditions)
    if last is None:
        return "1 = 0", held or {"kind": "keys", "keys": list(keys), "values": None}
    beyond = _after(database, names, last, ">" if not database.descending else "<")
    where = " AND ".join(f"({one})" for one in [*conditions, f"NOT ({beyond})"])
    return where, {"kind": "keys", "keys": list(keys), "values": last}


def _primary_key(database: Database, connection: Any) -> tuple[str, ...]:
    if not database.table:
        return ()
    cursor = connection.cursor()
    if database.engine == "postgresql":
        cursor.execute(
            "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid "
            "AND a.attnum = ANY(i.indkey) WHERE i.indrelid = %s::regclass AND i.indisprimary "
            "ORDER BY array_position(i.indkey::int[], a.attnum::int)",
            (database.quoted_table(),),
        )
        return tuple(row[0] for row in cursor.fetchall())
    cursor.execute(f"SHOW KEYS FROM {database.quoted_table()} WHERE Key_name = 'PRIMARY'")
    return tuple(row[4] for row in cursor.fetchall())


def _last(
    database: Database, connection: Any, names: Sequence[str], conditions: Sequence[str]
) -> list[str] | None:
    """The last keys that there are now, as text."""
    order = ", ".join(f"{name} {'ASC' if database.descending else 'DESC'}" for name in names)
    known = [*(f"{name} IS NOT NULL" for name in names), *(f"({one})" for one in conditions)]
    cursor = connection.cursor()
    cursor.execute(
        f"SELECT {', '.join(names)} FROM {database.rows_of} "  # noqa: S608 - names are quoted
        f"WHERE {' AND '.join(known)} ORDER BY {order} LIMIT 1"
    )
    row = cursor.fetchone()
    return None if row is None else [to_text(value) for value in row]


def _after(database: Database, names: Sequence[str], values: Sequence[str], sign: str) -> str:
    """The rows whose keys come after these, in the order of the keys."""
    options = []
    for at in range(len(names)):
        equal = [
            f"{name} = {_literal(database, value)}"
            for name, value in zip(names[:at], values[:at], strict=False)
        ]
        options.append(
            " AND ".join([*equal, f"{names[at]} {sign} {_literal(database, values[at])}"])
        )
    return " OR ".join(f"({one})" for one in options)


def _literal(database: Database, text: str) -> str:
    if _NUMBER.match(text):
        return text
    if database.engine == "mysql":
        text = text.replace("\\", "\\\\")
    return "'" + text.replace("'", "''") + "'"


def _piece(database: Database, where: str, pieces: int, number: int) -> str:
    conditions = [where] if where else []
    if pieces > 1:
        if database.hash_expression:
            hashed = f"MOD(ABS({database.hash_expression}), {pieces})"
            name = database.hash_expression
        else:
            name = database.quote(database.hash_field)
            hashed = (
                f"MOD(ABS(hashtext(CAST({name} AS text))::bigint), {pieces})"
                if database.engine == "postgresql"
                else f"MOD(CRC32({name}), {pieces})"
            )
        missing = f" OR {name} IS NULL" if number == 0 else ""
        conditions.append(f"{hashed} = {number}{missing}")
    chosen = " AND ".join(f"({one})" for one in conditions)
    return f"SELECT * FROM {database.rows_of}{f' WHERE {chosen}' if chosen else ''}"  # noqa: S608


def _read_piece(
    database: Database, schema: StructType, where: str, pieces: int, number: int, errors: Errors
) -> Iterator[pa.RecordBatch]:
    connection = database.connect()
    try:
        for rows in _fetched(database, connection, _piece(database, where, pieces, number)):
            records = []
            for row in rows:
                record = {}
                for field, value in zip(schema, row, strict=False):
                    record[field.name] = _value(value, field.dataType)
                records.append(record)
            yield from_records(records, schema)
    finally:
        connection.close()


def _value(value: Any, kind: DataType) -> Any:
    if value is None:
        return None
    if isinstance(kind, StringType):
        if isinstance(value, (dict, list)):
            return json.dumps(value, default=to_text)
        return to_text(value)
    return cast_value(value, kind)


def _fetched(database: Database, connection: Any, query: str) -> Iterator[Sequence[Any]]:
    """The rows of a query, some at a time."""
    if database.engine == "mysql":
        from pymysql.cursors import SSCursor  # noqa: PLC0415 - only the driver that is needed

        cursor = connection.cursor(SSCursor)
        cursor.execute(query)
        while rows := cursor.fetchmany(_FETCHED_ROWS):
            yield rows
        return
    cursor = connection.cursor()
    cursor.execute(f"DECLARE rows_read NO SCROLL CURSOR FOR {query}")
    while True:
        cursor.execute(f"FETCH {_FETCHED_ROWS} FROM rows_read")
        rows = cursor.fetchall()
        if not rows:
            return
        yield rows


def write_table(rows: Rows, database: Database) -> int:
    """Append all rows to a table, which is made if it is not there; how many there were.

    Raises:
        NotSupported: a column has a type that the database has not.
    """
    if not database.table:
        raise ValueError("The connection option dbtable is missing.")
    if rows.is_empty:
        return 0
    schema = rows.schema
    columns = ", ".join(f"{database.quote(f.name)} {_column_type(database, f)}" for f in schema)
    connection = database.connect()
    try:
        connection.cursor().execute(
            f"CREATE TABLE IF NOT EXISTS {database.quoted_table()} ({columns})"
        )
        connection.commit()
    finally:
        connection.close()
    work = functools.partial(_insert_all, database, schema)
    return sum(int(row[0]) for row in rows.run(work, _TOLD).collect())


def _column_type(database: Database, field: Field) -> str:
    kind = field.dataType
    if isinstance(kind, (StructType, ArrayType, MapType, ChoiceType)):
        raise NotSupported(
            f"The column {field.name} is a {kind.typeName()}: relationalize the frame, or resolve "
            "its choices, before it is written to a database."
        )
    if isinstance(kind, DecimalType):
        return f"decimal({kind.precision}, {kind.scale})"
    text = "text" if database.engine == "postgresql" else "longtext"
    return _COLUMN_TYPES[database.engine].get(kind.typeName(), text)


def _insert_all(
    database: Database, schema: StructType, batches: Iterator[pa.RecordBatch], errors: Errors
) -> Iterator[pa.RecordBatch]:
    connection, count = database.connect(), 0
    try:
        cursor = connection.cursor()
        size = max(_INSERTED_VALUES // max(len(schema.fields), 1), 1)
        for batch in batches:
            records = to_records(batch, schema)
            for at in range(0, len(records), size):
                some = records[at : at + size]
                one = f"({', '.join(['%s'] * len(schema.fields))})"
                names = ", ".join(database.quote(field.name) for field in schema)
                cursor.execute(
                    f"INSERT INTO {database.quoted_table()} ({names}) "  # noqa: S608
                    f"VALUES {', '.join([one] * len(some))}",
                    tuple(value for record in some for value in record.values()),
                )
                count += len(some)
        connection.commit()
    finally:
        connection.close()
    if count:
        yield from_records([{"rows": count}], _TOLD)
