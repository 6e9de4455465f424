"""Statistics of columns: kept for the query planners that write and read them."""

from collections.abc import Sequence

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Call
from millpond.services.glue import shapes
from millpond.services.glue.errors import EntityNotFound, InvalidInput
from millpond.services.glue.model import Table, check_values, fold
from millpond.services.glue.needs import Needs
from millpond.services.glue.operations.scope import check_catalog, require_table
from millpond.services.glue.partition_store import Partitions
from millpond.services.glue.statistics_store import Statistics


async def get_column_statistics_for_table(
    needs: Needs, call: Call, request: shapes.GetColumnStatisticsForTableRequest
) -> shapes.GetColumnStatisticsForTableResponse:
    """What is told of the columns; those without are told one by one.

    Source: Glue API reference, GetColumnStatisticsForTable.
    """
    check_catalog(call, request.catalog_id)
    async with needs.records.transaction() as transaction:
        _, table = await require_table(transaction, call, request.database_name, request.table_name)
        statistics = Statistics(transaction, call, table.id)
        found, errors = await _load(statistics, request.column_names)
    return shapes.GetColumnStatisticsForTableResponse(column_statistics_list=found, errors=errors)


async def update_column_statistics_for_table(
    needs: Needs, call: Call, request: shapes.UpdateColumnStatisticsForTableRequest
) -> shapes.UpdateColumnStatisticsForTableResponse:
    """Keep what is told of columns, in place of what was told before.

    Source: Glue API reference, UpdateColumnStatisticsForTable.
    """
    check_catalog(call, request.catalog_id)
    async with needs.records.transaction() as transaction:
        _, table = await require_table(transaction, call, request.database_name, request.table_name)
        statistics = Statistics(transaction, call, table.id)
        errors = _save(statistics, table, request.column_statistics_list)
    return shapes.UpdateColumnStatisticsForTableResponse(errors=errors)


async def delete_column_statistics_for_table(
    needs: Needs, call: Call, request: shapes.DeleteColumnStatisticsForTableRequest
) -> shapes.DeleteColumnStatisticsForTableResponse:
    """Remove a column's statistics from a table.

    Source: Glue API reference, DeleteColumnStatisticsForTable.
    """
    check_catalog(call, request.catalog_id)
    async with needs.records.transaction() as transaction:
        _, table = await require_table(transaction, call, request.database_name, request.table_name)
        await _delete(Statistics(transaction, call, table.id), request.column_name)
    return shapes.DeleteColumnStatisticsForTableResponse()


async def get_column_statistics_for_partition(
    needs: Needs, call: Call, request: shapes.GetColumnStatisticsForPartitionRequest
) -> shapes.GetColumnStatisticsForPartitionResponse:
    """As for a table. Source: Glue API reference, GetColumnStatisticsForPartition."""
    check_catalog(call, request.catalog_id)
    async with needs.records.transaction() as transaction:
        _, table = await require_table(transaction, call, request.database_name, request.table_name)
        statistics = await _of_partition(transaction, call, table, request.partition_values)
        found, errors = await _load(statistics, request.column_names)
    return shapes.GetColumnStatisticsForPartitionResponse(
        column_statistics_list=found, errors=errors
    )


async def update_column_statistics_for_partition(
    needs: Needs, call: Call, request: shapes.UpdateColumnStatisticsForPartitionRequest
) -> shapes.UpdateColumnStatisticsForPartitionResponse:
    """As for a table. Source: Glue API reference, UpdateColumnStatisticsForPartition."""
    check_catalog(call, request.catalog_id)
    async with needs.records.transaction() as transaction:
        _, table = await require_table(transaction, call, request.database_name, request.table_name)
        statistics = await _of_partition(transaction, call, table, request.partition_values)
        errors = _save(statistics, table, request.column_statistics_list)
    return shapes.UpdateColumnStatisticsForPartitionResponse(errors=errors)


async def delete_column_statistics_for_partition(
    needs: Needs, call: Call, request: shapes.DeleteColumnStatisticsForPartitionRequest
) -> shapes.DeleteColumnStatisticsForPartitionResponse:
    """Remove a column's statistics from a partition.

    Source: Glue API reference, DeleteColumnStatisticsForPartition.
    """
    check_catalog(call, request.catalog_id)
    async with needs.records.transaction() as transaction:
        _, table = await require_table(transaction, call, request.database_name, request.table_name)
        statistics = await _of_partition(transaction, call, table, request.partition_values)
        await _delete(statistics, request.column_name)
    return shapes.DeleteColumnStatisticsForPartitionResponse()


async def _of_partition(
    transaction: Transaction, call: Call, table: Table, given: Sequence[str]
) -> Statistics:
    values = check_values(table.keys, given)
    if not await Partitions(transaction, call, table.id).has(values):
        raise EntityNotFound("Cannot find partition.")
    return Statistics(transaction, call, table.id, values)


async def _load(
    statistics: Statistics, names: Sequence[str]
) -> tuple[list[shapes.ColumnStatistics], list[shapes.ColumnError]]:
    found: list[shapes.ColumnStatistics] = []
    errors: list[shapes.ColumnError] = []
    for name in names:
        told = await statistics.load(fold(name))
        if told is not None:
            found.append(told)
        else:
            missing = _detail(EntityNotFound.code, f"Statistics of column {name} not found.")
            errors.append(shapes.ColumnError(column_name=name, error=missing))
    return found, errors


def _save(
    statistics: Statistics, table: Table, given: Sequence[shapes.ColumnStatistics]
) -> list[shapes.ColumnStatisticsError]:
    storage = table.input.storage_descriptor
    columns = {fold(column.name) for column in (storage and storage.columns) or ()}
    errors: list[shapes.ColumnStatisticsError] = []
    for told in given:
        if fold(told.column_name) not in columns:
            error = _detail(EntityNotFound.code, f"Column {told.column_name} not found.")
        elif not _has_its_data(told.statistics_data):
            error = _detail(
                InvalidInput.code,
                f"StatisticsData of column {told.column_name} must be of its Type alone.",
            )
        else:
            statistics.save(fold(told.column_name), told)
            continue
        errors.append(shapes.ColumnStatisticsError(column_statistics=told, error=error))
    return errors


def _has_its_data(data: shapes.ColumnStatisticsData) -> bool:
    """Whether exactly the member that the type names is set."""
    members = {
        "BOOLEAN": data.boolean_column_statistics_data,
        "DATE": data.date_column_statistics_data,
        "DECIMAL": data.decimal_column_statistics_data,
        "DOUBLE": data.double_column_statistics_data,
        "LONG": data.long_column_statistics_data,
        "STRING": data.string_column_statistics_data,
        "BINARY": data.binary_column_statistics_data,
    }
    return [kind for kind, member in members.items() if member is not None] == [data.type]


async def _delete(statistics: Statistics, name: str) -> None:
    if await statistics.load(fold(name)) is None:
        raise EntityNotFound(f"Statistics of column {name} not found.")
    statistics.delete(fold(name))


def _detail(code: str, message: str) -> shapes.ErrorDetail:
    return shapes.ErrorDetail(error_code=code, error_message=message)
