"""Tables as answers show them."""

from collections.abc import Callable

from millpond.kernel.call import Call
from millpond.services.dynamodb import shapes
from millpond.services.dynamodb.access import table_arn
from millpond.services.dynamodb.model.tables import Index, KeySchema, Table, Throughput
from millpond.services.dynamodb.store import Counts

_NOTHING = (0, 0)


def describe(
    call: Call, table: Table, counts: Counts | None, *, status: str = "ACTIVE"
) -> shapes.TableDescription:
    """A table, with how many items there were when they were counted.

    The table is UPDATING while an index is being filled, as in DynamoDB.
    """
    if status == "ACTIVE" and any(index.filling for index in table.indexes):
        status = "UPDATING"
    items, size_bytes = counts.table if counts else _NOTHING

    def counted(index: Index) -> tuple[int, int]:
        return counts.indexes.get(index.id, _NOTHING) if counts else _NOTHING

    described = shapes.TableDescription(
        attribute_definitions=[
            shapes.AttributeDefinition(attribute_name=name, attribute_type=kind)
            for name, kind in table.definitions.items()
        ],
        table_name=table.name,
        key_schema=_schema(table.schema),
        table_status=status,
        creation_date_time=table.created_ms / 1000,
        provisioned_throughput=_throughput(table.throughput),
        table_size_bytes=size_bytes,
        item_count=items,
        table_arn=table_arn(call, table.name),
        table_id=table.id,
        local_secondary_indexes=_local(call, table, counted),
        global_secondary_indexes=_global(call, table, counted),
        deletion_protection_enabled=table.deletion_protection,
    )
    if table.on_demand_ms:
        described.billing_mode_summary = shapes.BillingModeSummary(
            billing_mode=table.billing_mode,
            last_update_to_pay_per_request_date_time=table.on_demand_ms / 1000,
        )
    if table.table_class:
        described.table_class_summary = shapes.TableClassSummary(
            table_class=table.table_class,
            last_update_date_time=table.table_class_ms / 1000 if table.table_class_ms else None,
        )
    return described


def _local(
    call: Call, table: Table, counted: Callable[[Index], tuple[int, int]]
) -> list[shapes.LocalSecondaryIndexDescription] | None:
    return [
        shapes.LocalSecondaryIndexDescription(
            index_name=index.name,
            key_schema=_schema(index.schema),
            projection=_projection(index),
            item_count=counted(index)[0],
            index_size_bytes=counted(index)[1],
            index_arn=_index_arn(call, table, index),
        )
        for index in table.indexes
        if index.local
    ] or None


def _global(
    call: Call, table: Table, counted: Callable[[Index], tuple[int, int]]
) -> list[shapes.GlobalSecondaryIndexDescription] | None:
    return [
        shapes.GlobalSecondaryIndexDescription(
            index_name=index.name,
            key_schema=_schema(index.schema),
            projection=_projection(index),
            index_status="CREATING" if index.filling else "ACTIVE",
            backfilling=True if index.filling else None,
            provisioned_throughput=_throughput(index.throughput),
            item_count=counted(index)[0],
            index_size_bytes=counted(index)[1],
            index_arn=_index_arn(call, table, index),
        )
        for index in table.indexes
        if not index.local
    ] or None


def _index_arn(call: Call, table: Table, index: Index) -> str:
    return f"{table_arn(call, table.name)}/index/{index.name}"


def _schema(schema: KeySchema) -> list[shapes.KeySchemaElement]:
    elements = [shapes.KeySchemaElement(attribute_name=schema.hash, key_type="HASH")]
    if schema.range:
        elements.append(shapes.KeySchemaElement(attribute_name=schema.range, key_type="RANGE"))
    return elements


def _projection(index: Index) -> shapes.Projection:
    included = list(index.included) or None
    return shapes.Projection(projection_type=index.projection, non_key_attributes=included)


def _throughput(throughput: Throughput) -> shapes.ProvisionedThroughputDescription:
    def time(at_ms: int) -> float | None:
        return at_ms / 1000 if at_ms else None

    return shapes.ProvisionedThroughputDescription(
        last_increase_date_time=time(throughput.increased_ms),
        last_decrease_date_time=time(throughput.decreased_ms),
        number_of_decreases_today=0,
        read_capacity_units=throughput.read,
        write_capacity_units=throughput.write,
    )
