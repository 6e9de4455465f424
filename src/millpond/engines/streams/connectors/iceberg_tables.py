"""Iceberg tables in the Glue catalog, by pyiceberg: which table, and what its columns are."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.exceptions import NoSuchPropertyException, NoSuchTableError
from pyiceberg.expressions import AlwaysFalse, And, BooleanExpression, EqualTo, In, Or
from pyiceberg.table import Table as IcebergTable

from millpond.engines.streams.interface import Access
from millpond.engines.streams.plan import Table
from millpond.engines.streams.types import schema_of

COMMIT_PROPERTY = "millpond.checkpoint-id"
ROWS_AT_ONCE = 50_000


class NoSuchTable(Exception):
    """There is no such Iceberg table; the text says which."""


def open_table(table: Table, access: Access) -> IcebergTable:
    """The Iceberg table that a table's options name.

    Raises:
        NoSuchTable: it is not there, or is no Iceberg table.
    """
    database = table.option("catalog-database") or "default"
    name = table.option("catalog-table") or table.name
    try:
        return catalog_of(access).load_table((database, name))
    except (NoSuchTableError, NoSuchPropertyException) as error:
        raise NoSuchTable(f"There is no Iceberg table {database}.{name}.") from error


def catalog_of(access: Access) -> GlueCatalog:
    """pyiceberg's catalog on the platform's Glue and S3."""
    properties: dict[str, Any] = {
        "glue.endpoint": access.endpoint,
        "s3.endpoint": access.endpoint,
        "s3.force-virtual-addressing": "false",
        "py-io-impl": "pyiceberg.io.pyarrow.PyArrowFileIO",
    }
    for service in ("glue", "s3"):
        properties |= {
            f"{service}.region": access.region,
            f"{service}.access-key-id": access.access_key_id,
            f"{service}.secret-access-key": access.secret_access_key,
            f"{service}.session-token": access.session_token,
        }
    return GlueCatalog("glue", **properties)


def is_committed(iceberg: IcebergTable, commit_id: str) -> bool:
    """Whether a snapshot of the table carries this id."""
    return any(
        snapshot.summary is not None
        and snapshot.summary.additional_properties.get(COMMIT_PROPERTY) == commit_id
        for snapshot in reversed(iceberg.snapshots())
    )


def append(iceberg: IcebergTable, rows: pa.Table, commit_id: str) -> None:
    """Add rows in one commit that carries the id."""
    iceberg.append(rows, snapshot_properties={COMMIT_PROPERTY: commit_id})


def replace(
    iceberg: IcebergTable, keys: tuple[str, ...], gone: pa.Table, rows: pa.Table, commit_id: str
) -> None:
    """Remove the rows of the keys in `gone`, and add rows, in one commit that carries the id."""
    properties = {COMMIT_PROPERTY: commit_id}
    with iceberg.transaction() as transaction:
        transaction.delete(_of_keys(keys, gone), snapshot_properties=properties)
        transaction.append(rows, snapshot_properties=properties)


def scan(iceberg: IcebergTable, table: Table, snapshot_id: int | None = None) -> Iterator[pa.Table]:
    """All rows of the table (as they were then), with the columns that the program declared."""
    found = iceberg.scan(selected_fields=_selected(iceberg, table), snapshot_id=snapshot_id)
    for batch in found.to_arrow_batch_reader():
        yield _declared(pa.Table.from_batches([batch]), table)


def appended(
    iceberg: IcebergTable, table: Table, after: int, snapshot_id: int
) -> Iterator[pa.Table]:
    """The rows that came to the table after one snapshot, up to another."""
    found = iceberg.incremental_append_scan(
        from_snapshot_id_exclusive=after,
        to_snapshot_id_inclusive=snapshot_id,
        selected_fields=_selected(iceberg, table),
    )
    for batch in found.to_arrow_batch_reader():
        yield _declared(pa.Table.from_batches([batch]), table)


def _selected(iceberg: IcebergTable, table: Table) -> tuple[str, ...]:
    there = set(iceberg.schema().column_names)
    return tuple(column.name for column in table.columns if column.name in there) or ("*",)


def _declared(rows: pa.Table, table: Table) -> pa.Table:
    schema = schema_of(table.columns)
    columns = [
        rows.column(field.name).cast(field.type)
        if field.name in rows.column_names
        else pa.nulls(rows.num_rows, field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def _of_keys(keys: tuple[str, ...], rows: pa.Table) -> BooleanExpression:
    if len(keys) == 1:
        return In(keys[0], rows.column(keys[0]).unique().to_pylist())
    found: BooleanExpression = AlwaysFalse()
    for values in {tuple(row[key] for key in keys) for row in rows.select(keys).to_pylist()}:
        one: BooleanExpression = EqualTo(keys[0], values[0])
        for key, value in zip(keys[1:], values[1:], strict=True):
            one = And(one, EqualTo(key, value))
        found = Or(found, one)
    return found
