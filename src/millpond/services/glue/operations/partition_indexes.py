"""Partition indexes. They are kept for clients that look for them; lookups do not need them, since
partitions are stored in the order of their values."""

import msgspec

from millpond.kernel.call import Call
from millpond.services.glue import shapes, store
from millpond.services.glue.errors import EntityNotFound
from millpond.services.glue.model import check_indexes
from millpond.services.glue.needs import Needs
from millpond.services.glue.operations.scope import check_catalog, require_table


async def create_partition_index(
    needs: Needs, call: Call, request: shapes.CreatePartitionIndexRequest
) -> shapes.CreatePartitionIndexResponse:
    """Name an index over keys of the table; it is active at once.

    Source: Glue API reference, CreatePartitionIndex.
    """
    check_catalog(call, request.catalog_id)
    async with needs.records.transaction() as transaction:
        database, table = await require_table(
            transaction, call, request.database_name, request.table_name
        )
        indexes = check_indexes(table.keys, table.indexes, [request.partition_index])
        updated = msgspec.structs.replace(table, indexes=indexes)
        store.save_table(transaction, call, database.id, updated)
    return shapes.CreatePartitionIndexResponse()


async def get_partition_indexes(
    needs: Needs, call: Call, request: shapes.GetPartitionIndexesRequest
) -> shapes.GetPartitionIndexesResponse:
    """A table's partition indexes.

    Source: Glue API reference, GetPartitionIndexes.
    """
    check_catalog(call, request.catalog_id)
    async with needs.records.transaction() as transaction:
        _, table = await require_table(transaction, call, request.database_name, request.table_name)
    types = dict(table.keys)
    described = [
        shapes.PartitionIndexDescriptor(
            index_name=index.index_name,
            keys=[shapes.KeySchemaElement(name=key, type=types.get(key)) for key in index.keys],
            index_status="ACTIVE",
        )
        for index in table.indexes
    ]
    return shapes.GetPartitionIndexesResponse(partition_index_descriptor_list=described)


async def delete_partition_index(
    needs: Needs, call: Call, request: shapes.DeletePartitionIndexRequest
) -> shapes.DeletePartitionIndexResponse:
    """Remove a partition index from a table.

    Source: Glue API reference, DeletePartitionIndex.
    """
    check_catalog(call, request.catalog_id)
    async with needs.records.transaction() as transaction:
        database, table = await require_table(
            transaction, call, request.database_name, request.table_name
        )
        left = tuple(index for index in table.indexes if index.index_name != request.index_name)
        if len(left) == len(table.indexes):
            raise EntityNotFound(f"Index {request.index_name} not found.")
        store.save_table(
            transaction, call, database.id, msgspec.structs.replace(table, indexes=left)
        )
    return shapes.DeletePartitionIndexResponse()
