"""Partitions as requests bring and answers show them."""

import msgspec

from millpond.kernel.call import Call
from millpond.kernel.errors import ServiceError
from millpond.services.glue import shapes
from millpond.services.glue.model import Partition, Table, check_values, fold
from millpond.services.glue.operations.table_answers import refuse_schema_reference, show_storage


def accept_partition(
    table: Table, given: shapes.PartitionInput, created_ms: int, values: list[str] | None = None
) -> Partition:
    """A partition of `table` as it is kept. `values` stand in where the description has none.

    Raises:
        InvalidInput: it has not as many values as the table has keys, or uses what is not there.
    """
    refuse_schema_reference(given.storage_descriptor)
    checked = check_values(table.keys, given.values if given.values is not None else values)
    described = msgspec.structs.replace(given, values=list(checked))
    return Partition(input=described, created_ms=created_ms)


def show_partition(
    call: Call,
    database_name: str,
    table: Table,
    partition: Partition,
    *,
    without_columns: bool = False,
) -> shapes.Partition:
    described = partition.input
    storage = show_storage(described.storage_descriptor)
    if storage is not None and without_columns:
        storage = msgspec.structs.replace(storage, columns=None)
    return shapes.Partition(
        values=described.values,
        database_name=fold(database_name),
        table_name=table.input.name,
        creation_time=partition.created_ms / 1000,
        last_access_time=described.last_access_time,
        storage_descriptor=storage,
        parameters=described.parameters,
        last_analyzed_time=described.last_analyzed_time,
        catalog_id=call.account,
    )


def detail(error: ServiceError) -> shapes.ErrorDetail:
    """A refusal of one item among several."""
    return shapes.ErrorDetail(error_code=error.code, error_message=error.message)
