"""Writes the rows of a batch to an Iceberg table, in one commit that carries the batch's id.

Updates and deletes find rows by the table's unique keys. Within a batch they apply in order, so
that of several updates of one key the last one stays; an update of a key that is not there
inserts it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.exceptions import (
    CommitFailedException,
    NoSuchIcebergTableError,
    NoSuchPropertyException,
    NoSuchTableError,
)
from pyiceberg.expressions import AlwaysTrue, And, BooleanExpression, In
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.schema import Schema
from pyiceberg.table import Table

from millpond.services.firehose.convert.columns import MALFORMED_DATA, ColumnReader, Columns, Misfit
from millpond.services.firehose.convert.reading import Serde
from millpond.services.firehose.convert.timestamps import read_openx
from millpond.services.firehose.destinations.iceberg_messages import Catalog, Lost, Row, Target
from millpond.services.firehose.destinations.iceberg_types import columns_of

BATCH_PROPERTY = "firehose.batch-id"
STREAM_PROPERTY = "firehose.delivery-stream-arn"
RUN_ROWS = 5000
TOLD_IN_FULL_MAX = 1000
"""Of so many rows it is told in full why they are not in the table, of more in brief."""
_BRIEF_CHARACTERS = 64


@dataclass(slots=True)
class _Changes:
    """What a batch does to a table: rows whose `keys` go, then rows that are appended."""

    keys: Any
    appended: Any
    lost: list[Lost] = field(default_factory=list)


def open_catalog(catalog: Catalog) -> GlueCatalog:
    """pyiceberg's catalog on the platform's Glue and S3."""
    properties: dict[str, Any] = {
        "glue.endpoint": catalog.endpoint,
        "glue.max-retries": 2,
        "s3.endpoint": catalog.endpoint,
        "s3.force-virtual-addressing": "false",
        "py-io-impl": "pyiceberg.io.pyarrow.PyArrowFileIO",
    }
    for service in ("glue", "s3"):
        properties |= {
            f"{service}.region": catalog.region,
            f"{service}.access-key-id": catalog.access_key_id,
            f"{service}.secret-access-key": catalog.secret_access_key,
            f"{service}.session-token": catalog.session_token,
        }
    return GlueCatalog("glue", **properties)


def deliver(catalog: GlueCatalog, stream: str, batch: str, target: Target) -> list[Lost]:
    """Write the rows; those that are not in the table afterwards, and why."""
    try:
        table = catalog.load_table((target.database, target.table))
    except (NoSuchTableError, NoSuchIcebergTableError, NoSuchPropertyException) as error:
        return _all(target.rows, "Iceberg.NoSuchTable", str(error))
    committed = _committed_schema(table, stream, batch)
    try:
        changes = _changes(committed or table.schema(), target)
    except _BadKeys as error:
        return _all(target.rows, "Iceberg.InvalidUniqueKeys", str(error), is_final=True)
    if committed is None and (changes.keys.num_rows or changes.appended.num_rows):
        try:
            _commit(table, changes, {BATCH_PROPERTY: batch, STREAM_PROPERTY: stream})
        except CommitFailedException as error:
            return _all(target.rows, "Iceberg.CommitFailed", str(error))
    return changes.lost


def _committed_schema(table: Table, stream: str, batch: str) -> Schema | None:
    """The schema by which the batch was written before; None if it was not.

    By it, and by no later one, rows are told that did not fit then.
    """
    for snapshot in reversed(table.snapshots()):
        found = snapshot.summary.additional_properties if snapshot.summary else {}
        if found.get(BATCH_PROPERTY) == batch and found.get(STREAM_PROPERTY) == stream:
            schemas = table.schemas()
            return schemas.get(snapshot.schema_id or 0) or table.schema()
    return None


def _commit(table: Table, changes: _Changes, properties: dict[str, str]) -> None:
    appended = changes.appended
    with table.transaction() as transaction:
        if changes.keys.num_rows:
            columns = changes.keys.column_names
            gone: BooleanExpression = AlwaysTrue()
            for name in columns:
                gone = And(gone, In(name, changes.keys.column(name).unique().to_pylist()))
            if len(columns) > 1:
                spared = _spared(table, gone, changes.keys)
                appended = pa.concat_tables([spared, appended], promote_options="permissive")
            transaction.delete(gone, snapshot_properties=properties)
        # A batch that only deletes what is not there leaves a snapshot too, to be recognised by.
        transaction.append(appended, snapshot_properties=properties)


def _spared(table: Table, gone: BooleanExpression, keys: Any) -> Any:
    """Rows that match each part of some key, but none of the keys: they are deleted with the
    others, and written again. One condition for each key would be exact, but thousands of them
    are more than pyiceberg can bear."""
    found = table.scan(row_filter=gone).to_arrow()
    wanted = set(_tuples(keys, keys.column_names))
    mask = [one not in wanted for one in _tuples(found, keys.column_names)]
    return found.filter(pa.array(mask, pa.bool_()))


def _tuples(table: Any, names: Sequence[str]) -> list[tuple[Any, ...]]:
    return list(zip(*(table.column(name).to_pylist() for name in names), strict=True))


class _BadKeys(ValueError):
    """Rows cannot be found by these keys."""


def _changes(schema: Schema, target: Target) -> _Changes:
    columns = columns_of(schema)
    arrow = schema_to_pyarrow(schema, include_field_ids=False)
    refused = {column.name for column in columns if column.type.name == "refused"}
    types = {one.name: one.type for one in arrow if one.name not in refused}
    serde = Serde(is_lenient=True, read_time=read_openx, key=str.lower)
    found = _read(ColumnReader(columns, serde, arrow=types), target.rows)
    misfits = found.misfits
    table = found.table.drop_columns(sorted(refused))
    kept = pa.schema([one for one in arrow if one.name not in refused])
    keys = _key_columns(schema, target)
    rows = _Rows(table, keys)
    missing = _missing(schema, table)
    for at, place in enumerate(found.sources):
        row = target.rows[place]
        if at in missing and row.operation != "delete":
            text = f"Data does not match the schema. Column {missing[at]} is required."
            misfits.setdefault(place, Misfit(MALFORMED_DATA, text))
        elif row.operation != "insert" and not rows.change(at, row.operation):
            text = f"A unique key is null: {', '.join(keys)}."
            misfits.setdefault(place, Misfit("Iceberg.InvalidUniqueKeys", text))
        elif row.operation == "insert":
            rows.insert(at)
    return _Changes(
        keys=rows.changed(),
        appended=table.take(rows.kept()).cast(kept) if table.num_rows else kept.empty_table(),
        lost=[
            Lost(
                target.rows[at].place,
                _code(misfit),
                misfit.message if number < TOLD_IN_FULL_MAX else misfit.message[:_BRIEF_CHARACTERS],
                True,
            )
            for number, (at, misfit) in enumerate(sorted(misfits.items()))
        ],
    )


def _read(reader: ColumnReader, rows: Sequence[Row]) -> Columns:
    """All rows as columns, a run at a time: as Python's objects they would take much more."""
    tables: list[Any] = [reader.schema.empty_table()]
    sources: list[int] = []
    misfits: dict[int, Misfit] = {}
    for start in range(0, len(rows), RUN_ROWS):
        found = reader.read([row.data for row in rows[start : start + RUN_ROWS]])
        tables.append(found.table)
        sources += [start + at for at in found.sources]
        misfits |= {start + at: misfit for at, misfit in found.misfits.items()}
    return Columns(pa.concat_tables(tables), sources, misfits)


def _missing(schema: Schema, table: Any) -> dict[int, str]:
    """The rows that lack a required column, and which one."""
    missing: dict[int, str] = {}
    for one in schema.fields:
        if one.required and one.name in table.column_names:
            column = table.column(one.name)
            if column.null_count:
                for at, is_null in enumerate(column.is_null().to_pylist()):
                    if is_null:
                        missing.setdefault(at, one.name)
    return missing


def _code(misfit: Misfit) -> str:
    return misfit.code.replace("DataFormatConversion.", "Iceberg.")


def _key_columns(schema: Schema, target: Target) -> list[str]:
    """The table's names of the unique keys: none, where rows are only inserted.

    Raises:
        _BadKeys: there are none, or one is no column.
    """
    if all(row.operation == "insert" for row in target.rows):
        return []
    if not target.keys:
        names = sorted(schema.identifier_field_names())
        if not names:
            raise _BadKeys(
                f"Updates and deletes need UniqueKeys of {target.database}.{target.table}."
            )
        return names
    columns = {one.name.lower(): one for one in schema.fields}
    names = []
    for key in target.keys:
        column = columns.get(key.lower())
        if column is None or not column.field_type.is_primitive:
            raise _BadKeys(f"The unique key {key} is no column that rows can be found by.")
        names.append(column.name)
    return names


class _Rows:
    """Which rows of a batch stay, and which keys they replace in the table."""

    def __init__(self, table: Any, keys: Sequence[str]) -> None:
        self._table = table.select(list(keys))
        self._values = _tuples(table, keys)
        self._kept: dict[int, None] = {}
        self._by_key: dict[tuple[Any, ...], list[int]] = {}
        self._changed: dict[tuple[Any, ...], int] = {}

    def insert(self, at: int) -> None:
        self._kept[at] = None
        if self._values:
            self._by_key.setdefault(self._values[at], []).append(at)

    def change(self, at: int, operation: str) -> bool:
        """Update or delete the rows with this row's key; False if part of the key is null."""
        key = self._values[at]
        if None in key:
            return False
        for earlier in self._by_key.pop(key, ()):
            del self._kept[earlier]
        self._changed.setdefault(key, at)
        if operation == "update":
            self.insert(at)
        return True

    def kept(self) -> Any:
        return pa.array(sorted(self._kept), pa.int64())

    def changed(self) -> Any:
        """The keys whose rows go from the table, each once."""
        return self._table.take(pa.array(sorted(self._changed.values()), pa.int64()))


def _all(rows: Sequence[Row], code: str, message: str, *, is_final: bool = False) -> list[Lost]:
    return [Lost(row.place, code, message, is_final) for row in rows]
