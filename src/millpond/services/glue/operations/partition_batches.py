"""Partitions many at a time: what fails is told item by item, the rest is written together."""

from millpond.kernel.call import Call
from millpond.kernel.errors import ServiceError
from millpond.services.glue import shapes
from millpond.services.glue.errors import AlreadyExists, EntityNotFound
from millpond.services.glue.model import check_values
from millpond.services.glue.needs import Needs
from millpond.services.glue.operations.partition_answers import (
    accept_partition,
    detail,
    show_partition,
)
from millpond.services.glue.operations.partitions import replace_partition
from millpond.services.glue.operations.scope import check_catalog, require_table
from millpond.services.glue.partition_store import Partitions


async def batch_create_partition(
    needs: Needs, call: Call, request: shapes.BatchCreatePartitionRequest
) -> shapes.BatchCreatePartitionResponse:
    """Add partitions. Source: Glue API reference, BatchCreatePartition."""
    check_catalog(call, request.catalog_id)
    errors: list[shapes.PartitionError] = []
    async with needs.records.transaction() as transaction:
        _, table = await require_table(transaction, call, request.database_name, request.table_name)
        partitions = Partitions(transaction, call, table.id)
        for given in request.partition_input_list:
            try:
                partition = accept_partition(table, given, needs.clock.now_ms())
                if await partitions.has(partition.values):
                    raise AlreadyExists("Partition already exists.")
            except ServiceError as error:
                errors.append(
                    shapes.PartitionError(partition_values=given.values, error_detail=detail(error))
                )
                continue
            await partitions.save(partition)
    return shapes.BatchCreatePartitionResponse(errors=errors)


async def batch_get_partition(
    needs: Needs, call: Call, request: shapes.BatchGetPartitionRequest
) -> shapes.BatchGetPartitionResponse:
    """The partitions that are there, in the order asked for; none is left unprocessed.

    Source: Glue API reference, BatchGetPartition.
    """
    check_catalog(call, request.catalog_id)
    found: list[shapes.Partition] = []
    async with needs.records.transaction() as transaction:
        _, table = await require_table(transaction, call, request.database_name, request.table_name)
        partitions = Partitions(transaction, call, table.id)
        for wanted in request.partitions_to_get:
            partition = await partitions.load(check_values(table.keys, wanted.values))
            if partition is not None:
                found.append(show_partition(call, request.database_name, table, partition))
    return shapes.BatchGetPartitionResponse(partitions=found, unprocessed_keys=[])


async def batch_update_partition(
    needs: Needs, call: Call, request: shapes.BatchUpdatePartitionRequest
) -> shapes.BatchUpdatePartitionResponse:
    """Replace partitions' descriptions. Source: Glue API reference, BatchUpdatePartition."""
    check_catalog(call, request.catalog_id)
    errors: list[shapes.BatchUpdatePartitionFailureEntry] = []
    async with needs.records.transaction() as transaction:
        _, table = await require_table(transaction, call, request.database_name, request.table_name)
        partitions = Partitions(transaction, call, table.id)
        for entry in request.entries:
            former = entry.partition_value_list
            try:
                await replace_partition(partitions, table, former, entry.partition_input)
            except ServiceError as error:
                errors.append(
                    shapes.BatchUpdatePartitionFailureEntry(
                        partition_value_list=former, error_detail=detail(error)
                    )
                )
    return shapes.BatchUpdatePartitionResponse(errors=errors)


async def batch_delete_partition(
    needs: Needs, call: Call, request: shapes.BatchDeletePartitionRequest
) -> shapes.BatchDeletePartitionResponse:
    """Remove partitions. Source: Glue API reference, BatchDeletePartition."""
    check_catalog(call, request.catalog_id)
    errors: list[shapes.PartitionError] = []
    async with needs.records.transaction() as transaction:
        _, table = await require_table(transaction, call, request.database_name, request.table_name)
        partitions = Partitions(transaction, call, table.id)
        for wanted in request.partitions_to_delete:
            try:
                values = check_values(table.keys, wanted.values)
                if not await partitions.has(values):
                    raise EntityNotFound("Partition not found.")
            except ServiceError as error:
                errors.append(
                    shapes.PartitionError(
                        partition_values=wanted.values, error_detail=detail(error)
                    )
                )
                continue
            await partitions.delete(values)
    return shapes.BatchDeletePartitionResponse(errors=errors)
