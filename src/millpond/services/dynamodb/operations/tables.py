"""CreateTable, DescribeTable, ListTables, DeleteTable."""

from millpond.kernel.call import Call
from millpond.services.dynamodb import shapes, store
from millpond.services.dynamodb.access import (
    check_name,
    require_named_table,
    table_name,
)
from millpond.services.dynamodb.counting import current_counts, last_counts, schedule_count
from millpond.services.dynamodb.describing import describe
from millpond.services.dynamodb.errors import ResourceInUse, ValidationError, not_implemented
from millpond.services.dynamodb.model.definitions import (
    check_all_used,
    check_indexes,
    read_definitions,
    read_global_index,
    read_local_index,
    read_schema,
    read_tags,
    read_throughput,
)
from millpond.services.dynamodb.model.tables import Table
from millpond.services.dynamodb.needs import Needs

NAMES_PER_PAGE = 100


async def create_table(
    needs: Needs, call: Call, request: shapes.CreateTableInput
) -> shapes.CreateTableOutput:
    """Make an empty table. It is ACTIVE at once.

    Raises:
        ResourceInUse: there is one of this name.
        ValidationError: the keys, indexes or capacity do not fit together.

    Source: DynamoDB API reference, CreateTable.
    """
    refuse_absent(request)
    not_implemented(
        ("ResourcePolicy", request.resource_policy),
        ("GlobalTableSourceArn", request.global_table_source_arn),
        ("VectorIndexes", request.vector_indexes),
    )
    table = _read_table(needs, call, request)
    async with needs.records.transaction() as transaction:
        if await store.load_table(transaction, call, table.name) is not None:
            raise ResourceInUse(f"Table already exists: {table.name}")
        store.save_table(transaction, call, table)
    return shapes.CreateTableOutput(table_description=describe(call, table, None))


def _read_table(needs: Needs, call: Call, request: shapes.CreateTableInput) -> Table:
    name = table_name(call, request.table_name)
    if not request.key_schema:
        raise ValidationError("KeySchema must be specified")
    provisioned = request.billing_mode != "PAY_PER_REQUEST"
    throughput = read_throughput(request.provisioned_throughput, provisioned=provisioned)
    definitions = read_definitions(request.attribute_definitions)
    schema = read_schema(request.key_schema, definitions)

    def new_id() -> str:
        return needs.ids.hex(16)

    indexes = [
        read_local_index(given, schema, definitions, new_id)
        for given in request.local_secondary_indexes or ()
    ]
    for given in request.global_secondary_indexes or ():
        not_implemented(
            ("OnDemandThroughput", given.on_demand_throughput),
            ("WarmThroughput", given.warm_throughput),
        )
        index = read_global_index(given, definitions, new_id, provisioned=provisioned)
        indexes.append(index)
    for index in indexes:
        check_name(index.name)
    check_indexes(indexes)
    check_all_used(definitions, schema, indexes)
    now_ms = needs.clock.now_ms()
    return Table(
        id=needs.ids.uuid(),
        name=name,
        schema=schema,
        definitions=definitions,
        created_ms=now_ms,
        indexes=tuple(indexes),
        billing_mode="PROVISIONED" if provisioned else "PAY_PER_REQUEST",
        on_demand_ms=0 if provisioned else now_ms,
        throughput=throughput,
        table_class=request.table_class or "",
        deletion_protection=request.deletion_protection_enabled or False,
        tags=read_tags(request.tags),
    )


def refuse_absent(request: shapes.CreateTableInput | shapes.UpdateTableInput) -> None:
    """Refuse the settings that both requests have and that do nothing here.

    Raises:
        ValidationError: naming the first one.
    """
    stream, encryption = request.stream_specification, request.sse_specification
    not_implemented(
        ("StreamSpecification", stream is not None and stream.stream_enabled),
        ("SSESpecification", encryption is not None and encryption.enabled),
        ("OnDemandThroughput", request.on_demand_throughput),
        ("WarmThroughput", request.warm_throughput),
        ("GlobalTableSettingsReplicationMode", request.global_table_settings_replication_mode),
    )


async def describe_table(
    needs: Needs, call: Call, request: shapes.DescribeTableInput
) -> shapes.DescribeTableOutput:
    """A table, its indexes and how many items they have.

    Raises:
        ResourceNotFound

    Source: DynamoDB API reference, DescribeTable.
    """
    async with needs.records.transaction() as transaction:
        table = await require_named_table(transaction, call, request.table_name)
        counts = await current_counts(transaction, needs, table)
    if counts is None:
        async with needs.records.transaction() as transaction:
            counts, outdated = await last_counts(transaction, needs, table)
            if outdated:
                schedule_count(transaction, call, table)
    return shapes.DescribeTableOutput(table=describe(call, table, counts))


async def list_tables(
    needs: Needs, call: Call, request: shapes.ListTablesInput
) -> shapes.ListTablesOutput:
    """Names of tables in order.

    Source: DynamoDB API reference, ListTables.
    """
    limit = request.limit or NAMES_PER_PAGE
    names: list[str] = []
    async with needs.records.transaction() as transaction:
        after = request.exclusive_start_table_name or ""
        async for name in store.scan_table_names(transaction, call, after):
            if len(names) == limit:
                return shapes.ListTablesOutput(
                    table_names=names, last_evaluated_table_name=names[-1]
                )
            names.append(name)
    return shapes.ListTablesOutput(table_names=names)


async def delete_table(
    needs: Needs, call: Call, request: shapes.DeleteTableInput
) -> shapes.DeleteTableOutput:
    """Remove a table. It is out of sight at once, and its items go in the background.

    Raises:
        ResourceNotFound
        ValidationError: it is protected against deletion.

    Source: DynamoDB API reference, DeleteTable.
    """
    async with needs.records.transaction() as transaction:
        table = await require_named_table(transaction, call, request.table_name)
        if table.deletion_protection:
            raise ValidationError(
                "Resource cannot be deleted as it is currently protected against deletion. "
                "Disable deletion protection first."
            )
        store.drop_table(transaction, call, table)
    described = describe(call, table, None, status="DELETING")
    return shapes.DeleteTableOutput(table_description=described)
