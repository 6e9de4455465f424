"""Partitions one at a time."""

import zlib
from collections.abc import Callable

from millpond.kernel.call import Call
from millpond.services.glue import shapes
from millpond.services.glue.errors import (
    AlreadyExists,
    EntityNotFound,
    InvalidInput,
    InvalidState,
    not_implemented,
)
from millpond.services.glue.expression import (
    BadLiteral,
    BadValue,
    Filter,
    UnsupportedExpression,
    compile_filter,
    leading_values,
    parse_expression,
)
from millpond.services.glue.model import Table, check_values, fold
from millpond.services.glue.needs import Needs
from millpond.services.glue.operations.partition_answers import accept_partition, show_partition
from millpond.services.glue.operations.scope import check_catalog, pages_of, require_table
from millpond.services.glue.partition_store import Partitions

PAGE_SIZE_DEFAULT = 1000


async def create_partition(
    needs: Needs, call: Call, request: shapes.CreatePartitionRequest
) -> shapes.CreatePartitionResponse:
    """Add a partition.

    Raises:
        AlreadyExists: the table has one of those values.
        InvalidInput: not as many values as the table has keys.

    Source: Glue API reference, CreatePartition.
    """
    check_catalog(call, request.catalog_id)
    async with needs.records.transaction() as transaction:
        _, table = await require_table(transaction, call, request.database_name, request.table_name)
        partition = accept_partition(table, request.partition_input, needs.clock.now_ms())
        partitions = Partitions(transaction, call, table.id)
        if await partitions.has(partition.values):
            raise AlreadyExists("Partition already exists.")
        await partitions.save(partition)
    return shapes.CreatePartitionResponse()


async def get_partition(
    needs: Needs, call: Call, request: shapes.GetPartitionRequest
) -> shapes.GetPartitionResponse:
    """A partition by its values.

    Source: Glue API reference, GetPartition.
    """
    check_catalog(call, request.catalog_id)
    async with needs.records.transaction() as transaction:
        _, table = await require_table(transaction, call, request.database_name, request.table_name)
        values = check_values(table.keys, request.partition_values)
        partition = await Partitions(transaction, call, table.id).load(values)
    if partition is None:
        raise EntityNotFound("Cannot find partition.")
    shown = show_partition(call, request.database_name, table, partition)
    return shapes.GetPartitionResponse(partition=shown)


async def get_partitions(
    needs: Needs, call: Call, request: shapes.GetPartitionsRequest
) -> shapes.GetPartitionsResponse:
    """Partitions in order of their values, those that `Expression` matches.

    Where the expression fixes the first keys, only those partitions are looked at. Segments part
    the whole into `TotalSegments` shares, each partition in one of them.

    Raises:
        InvalidInput: the expression cannot be read, or does not fit the keys' types.
        InvalidState: a stored value cannot be read in its key's type.

    Source: Glue API reference, GetPartitions.
    """
    check_catalog(call, request.catalog_id)
    not_implemented(
        ("TransactionId", request.transaction_id), ("QueryAsOfTime", request.query_as_of_time)
    )
    in_segment = _segment_filter(request.segment)
    names = (fold(request.database_name), fold(request.table_name))
    paging = pages_of(needs, call, *names, request.expression, request.segment)
    after = bytes.fromhex(paging.open(request.next_token))
    size = request.max_results or PAGE_SIZE_DEFAULT
    found: list[shapes.Partition] = []
    last = after
    async with needs.records.transaction() as transaction:
        _, table = await require_table(transaction, call, *names)
        matches, choices = _read_expression(table, request.expression)
        partitions = Partitions(transaction, call, table.id)
        for leading in choices:
            async for position, values, record in partitions.scan(leading, after):
                if not in_segment(position) or not _matches(matches, values):
                    continue
                if len(found) == size:
                    token = paging.seal(last.hex())
                    return shapes.GetPartitionsResponse(partitions=found, next_token=token)
                last = position
                found.append(
                    show_partition(
                        call,
                        names[0],
                        table,
                        await partitions.decode(record),
                        without_columns=bool(request.exclude_column_schema),
                    )
                )
    return shapes.GetPartitionsResponse(partitions=found)


def _read_expression(table: Table, text: str | None) -> tuple[Filter, list[tuple[str, ...]]]:
    """The filter, and the first keys' values among which to look."""
    if text is None or not text.strip():
        return lambda _: True, [()]
    try:
        tree = parse_expression(text)
        return compile_filter(tree, table.keys), leading_values(tree, table.keys)
    except (UnsupportedExpression, BadLiteral) as error:
        raise InvalidInput(str(error)) from None


def _matches(matches: Filter, values: tuple[str, ...]) -> bool:
    try:
        return matches(values)
    except BadValue as error:
        raise InvalidState(str(error)) from None
    except IndexError:
        raise InvalidState(
            "The number of partition keys do not match the number of partition values"
        ) from None


def _segment_filter(segment: shapes.Segment | None) -> Callable[[bytes], bool]:
    if segment is None:
        return lambda _: True
    number, total = segment.segment_number, segment.total_segments
    if number >= total:
        raise InvalidInput("SegmentNumber must be smaller than TotalSegments.")
    return lambda position: zlib.crc32(position) % total == number


async def update_partition(
    needs: Needs, call: Call, request: shapes.UpdatePartitionRequest
) -> shapes.UpdatePartitionResponse:
    """Replace a partition's description; with other values in it, the partition moves.

    Raises:
        EntityNotFound: there is no such partition.
        AlreadyExists: the partition cannot move to values that are taken.

    Source: Glue API reference, UpdatePartition.
    """
    check_catalog(call, request.catalog_id)
    async with needs.records.transaction() as transaction:
        _, table = await require_table(transaction, call, request.database_name, request.table_name)
        partitions = Partitions(transaction, call, table.id)
        await replace_partition(
            partitions, table, request.partition_value_list, request.partition_input
        )
    return shapes.UpdatePartitionResponse()


async def replace_partition(
    partitions: Partitions, table: Table, former: list[str], described: shapes.PartitionInput
) -> None:
    """Write a partition in place of the one with the values `former`."""
    before = await partitions.load(check_values(table.keys, former))
    if before is None:
        raise EntityNotFound("Partition not found.")
    partition = accept_partition(table, described, before.created_ms, former)
    if partition.values != before.values:
        if await partitions.has(partition.values):
            raise AlreadyExists("Partition already exists.")
        await partitions.delete(before.values)
    await partitions.save(partition)


async def delete_partition(
    needs: Needs, call: Call, request: shapes.DeletePartitionRequest
) -> shapes.DeletePartitionResponse:
    """Remove a partition from a table.

    Source: Glue API reference, DeletePartition.
    """
    check_catalog(call, request.catalog_id)
    async with needs.records.transaction() as transaction:
        _, table = await require_table(transaction, call, request.database_name, request.table_name)
        values = check_values(table.keys, request.partition_values)
        partitions = Partitions(transaction, call, table.id)
        if not await partitions.has(values):
            raise EntityNotFound("Cannot find partition.")
        await partitions.delete(values)
    return shapes.DeletePartitionResponse()
