"""Query and Scan."""

from millpond.engines.records.interface import Transaction, end_of
from millpond.kernel.call import Call
from millpond.services.dynamodb import shapes, store
from millpond.services.dynamodb.access import require_table
from millpond.services.dynamodb.changes import check_conditional_operator
from millpond.services.dynamodb.errors import ValidationError
from millpond.services.dynamodb.model.capacity import Consumed, read_units
from millpond.services.dynamodb.model.expressions.key_conditions import parse_key_condition
from millpond.services.dynamodb.model.expressions.nodes import KeyCondition
from millpond.services.dynamodb.model.keys import (
    check_value_sizes,
)
from millpond.services.dynamodb.model.legacy.conditions import (
    legacy_key_condition,
)
from millpond.services.dynamodb.model.ranges import key_range
from millpond.services.dynamodb.model.tables import Index, Table
from millpond.services.dynamodb.needs import Needs
from millpond.services.dynamodb.operations.questions import (
    BAD_START,
    Request,
    check_filter_leaves_keys,
    check_parameters,
    read_filter,
    read_segment,
    read_shown,
    resumed,
    segment_start,
)
from millpond.services.dynamodb.reading import Page, Reading, read_page


async def query(needs: Needs, call: Call, request: shapes.QueryInput) -> shapes.QueryOutput:
    """A page of the items of one partition, in the order of the sort key.

    Raises:
        ResourceNotFound
        ValidationError: the keys asked for are not the table's, or an expression is wrong.

    Source: DynamoDB API reference, Query.
    """
    substitutes = check_parameters(
        request,
        {"KeyConditions": request.key_conditions, "QueryFilter": request.query_filter},
        {"KeyConditionExpression": request.key_condition_expression},
        ("FilterExpression", "KeyConditionExpression"),
    )
    check_conditional_operator(request.conditional_operator, request.query_filter)
    if request.key_conditions is None and request.key_condition_expression is None:
        raise ValidationError(
            "Either the KeyConditions or KeyConditionExpression parameter must be specified in the "
            "request."
        )
    async with needs.records.transaction() as transaction:
        table, index = await _find(transaction, call, request)
        schema = table.schema if index is None else index.schema
        keys: KeyCondition
        if request.key_condition_expression is not None:
            keys = parse_key_condition(schema, request.key_condition_expression, substitutes)
        else:
            keys = legacy_key_condition(schema, request.key_conditions or {})
        condition = read_filter(request, request.query_filter, substitutes)
        check_filter_leaves_keys(condition, schema.names, request.filter_expression is None)
        check_value_sizes(schema, keys)
        shown = read_shown(table, index, request, substitutes)
        substitutes.check_used()
        prefix = store.items_prefix(table) if index is None else store.entries_prefix(index)
        start, end = key_range(keys)
        reading = Reading(
            table=table,
            index=index,
            start=prefix + start,
            end=prefix + end,
            reverse=request.scan_index_forward is False,
            limit=request.limit,
            condition=condition,
            projection=shown.projection,
            counts_only=shown.counts_only,
            fetches=shown.fetches,
        )
        reading = resumed(
            reading,
            prefix,
            request.exclusive_start_key,
            "The provided starting key is outside query boundaries based on provided conditions",
        )
        page = await read_page(transaction, reading)
    consumed = _consumed(page, index, consistent=request.consistent_read or False)
    return shapes.QueryOutput(
        items=None if shown.counts_only else page.items,
        count=page.count,
        scanned_count=page.scanned,
        last_evaluated_key=page.last,
        consumed_capacity=consumed.shown(table.name, request.return_consumed_capacity),
    )


async def scan(needs: Needs, call: Call, request: shapes.ScanInput) -> shapes.ScanOutput:
    """A page of all items of a table or index, or of one segment of them.

    Raises:
        ResourceNotFound
        ValidationError: an expression or the segment is wrong.

    Source: DynamoDB API reference, Scan.
    """
    substitutes = check_parameters(
        request, {"ScanFilter": request.scan_filter}, {}, ("FilterExpression",)
    )
    check_conditional_operator(request.conditional_operator, request.scan_filter)
    segment, segments = read_segment(request)
    async with needs.records.transaction() as transaction:
        table, index = await _find(transaction, call, request)
        condition = read_filter(request, request.scan_filter, substitutes)
        shown = read_shown(table, index, request, substitutes)
        substitutes.check_used()
        prefix = store.items_prefix(table) if index is None else store.entries_prefix(index)
        reading = Reading(
            table=table,
            index=index,
            start=prefix + segment_start(segment, segments),
            end=(
                end_of(prefix)
                if segment + 1 == segments
                else prefix + segment_start(segment + 1, segments)
            ),
            limit=request.limit,
            condition=condition,
            projection=shown.projection,
            counts_only=shown.counts_only,
            fetches=shown.fetches,
        )
        reading = resumed(
            reading,
            prefix,
            request.exclusive_start_key,
            f"{BAD_START}: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct "
            f"Segment. TotalSegments: {segments} Segment: {segment}",
        )
        page = await read_page(transaction, reading)
    consumed = _consumed(page, index, consistent=request.consistent_read or False)
    return shapes.ScanOutput(
        items=None if shown.counts_only else page.items,
        count=page.count,
        scanned_count=page.scanned,
        last_evaluated_key=page.last,
        consumed_capacity=consumed.shown(table.name, request.return_consumed_capacity),
    )


async def _find(
    transaction: Transaction, call: Call, request: Request
) -> tuple[Table, Index | None]:
    table = await require_table(transaction, call, request.table_name)
    if request.index_name is None:
        return table, None
    index = table.index(request.index_name)
    if index is None:
        raise ValidationError(f"The table does not have the specified index: {request.index_name}")
    if index.filling:
        raise ValidationError(
            "Cannot read from backfilling global secondary index: " + request.index_name
        )
    if request.consistent_read and not index.local:
        raise ValidationError("Consistent reads are not supported on global secondary indexes")
    return table, index


def _consumed(page: Page, index: Index | None, *, consistent: bool) -> Consumed:
    consumed = Consumed()
    units = read_units(page.size_bytes, consistent=consistent)
    if index is None:
        consumed.table = units
    else:
        consumed.add_index(index.name, units, local=index.local)
    consumed.table += page.fetched_units if consistent else page.fetched_units / 2
    return consumed
