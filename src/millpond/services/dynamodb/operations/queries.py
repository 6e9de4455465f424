"""Query and Scan."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from millpond.engines.records.interface import Transaction, end_of
from millpond.kernel.call import Call
from millpond.services.dynamodb import shapes, store
from millpond.services.dynamodb.access import require_table
from millpond.services.dynamodb.changes import check_conditional_operator, check_not_mixed
from millpond.services.dynamodb.errors import ValidationError, invalid
from millpond.services.dynamodb.model.capacity import Consumed, read_units
from millpond.services.dynamodb.model.expressions.attributes import attributes_of
from millpond.services.dynamodb.model.expressions.conditions import parse_condition
from millpond.services.dynamodb.model.expressions.key_conditions import parse_key_condition
from millpond.services.dynamodb.model.expressions.nodes import Condition, KeyCondition
from millpond.services.dynamodb.model.expressions.projections import Projection, parse_projection
from millpond.services.dynamodb.model.expressions.tokens import Substitutes
from millpond.services.dynamodb.model.keys import (
    DIGEST_SIZE_BYTES,
    check_key,
    check_value_sizes,
    entry_place,
    place_of,
)
from millpond.services.dynamodb.model.legacy.conditions import (
    filter_condition,
    legacy_key_condition,
)
from millpond.services.dynamodb.model.ranges import key_range
from millpond.services.dynamodb.model.tables import Index, Table
from millpond.services.dynamodb.model.values import Item, check, kind_of
from millpond.services.dynamodb.needs import Needs
from millpond.services.dynamodb.operations.items import legacy_paths
from millpond.services.dynamodb.reading import Page, Reading, read_page

_HASHES = 1 << (8 * DIGEST_SIZE_BYTES)
_BAD_START = "The provided starting key is invalid"
_Request = shapes.QueryInput | shapes.ScanInput


@dataclass(frozen=True, slots=True)
class _Shown:
    """What a request wants to see."""

    projection: Projection | None
    counts_only: bool
    fetches: bool


async def query(needs: Needs, call: Call, request: shapes.QueryInput) -> shapes.QueryOutput:
    """A page of the items of one partition, in the order of the sort key.

    Raises:
        ResourceNotFound
        ValidationError: the keys asked for are not the table's, or an expression is wrong.

    Source: DynamoDB API reference, Query.
    """
    substitutes = _check_parameters(
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
        condition = _read_filter(request, request.query_filter, substitutes)
        _check_filter_leaves_keys(condition, schema.names, request.filter_expression is None)
        check_value_sizes(schema, keys)
        shown = _read_shown(table, index, request, substitutes)
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
        reading = _resumed(
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
    substitutes = _check_parameters(
        request, {"ScanFilter": request.scan_filter}, {}, ("FilterExpression",)
    )
    check_conditional_operator(request.conditional_operator, request.scan_filter)
    segment, segments = _read_segment(request)
    async with needs.records.transaction() as transaction:
        table, index = await _find(transaction, call, request)
        condition = _read_filter(request, request.scan_filter, substitutes)
        shown = _read_shown(table, index, request, substitutes)
        substitutes.check_used()
        prefix = store.items_prefix(table) if index is None else store.entries_prefix(index)
        reading = Reading(
            table=table,
            index=index,
            start=prefix + _segment_start(segment, segments),
            end=(
                end_of(prefix)
                if segment + 1 == segments
                else prefix + _segment_start(segment + 1, segments)
            ),
            limit=request.limit,
            condition=condition,
            projection=shown.projection,
            counts_only=shown.counts_only,
            fetches=shown.fetches,
        )
        reading = _resumed(
            reading,
            prefix,
            request.exclusive_start_key,
            f"{_BAD_START}: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct "
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


def _check_parameters(
    request: _Request,
    legacy: Mapping[str, object],
    expressions: Mapping[str, object],
    valued: tuple[str, ...],
) -> Substitutes:
    """Refuse a mixture of old and new; the request's substitutes."""
    substitutes = Substitutes(
        request.expression_attribute_names, request.expression_attribute_values
    )
    check_not_mixed(
        {
            "AttributesToGet": request.attributes_to_get,
            **legacy,
            "ConditionalOperator": request.conditional_operator,
        },
        {
            "ProjectionExpression": request.projection_expression,
            "FilterExpression": request.filter_expression,
            **expressions,
            "ExpressionAttributeNames": request.expression_attribute_names,
            "ExpressionAttributeValues": request.expression_attribute_values,
        },
        valued=valued,
    )
    return substitutes


async def _find(
    transaction: Transaction, call: Call, request: _Request
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


def _read_filter(
    request: _Request, legacy: Mapping[str, shapes.Condition] | None, substitutes: Substitutes
) -> Condition | None:
    if request.filter_expression is not None:
        return parse_condition("FilterExpression", request.filter_expression, substitutes)
    return filter_condition(legacy, request.conditional_operator) if legacy else None


def _check_filter_leaves_keys(
    condition: Condition | None, names: tuple[str, ...], legacy: bool
) -> None:
    if condition is None:
        return
    for name in attributes_of(condition):
        if name in names:
            parameter = "QueryFilter" if legacy else "Filter Expression"
            raise ValidationError(
                f"{parameter} can only contain non-primary key attributes: "
                f"Primary key attribute: {name}"
            )


def _read_shown(
    table: Table, index: Index | None, request: _Request, substitutes: Substitutes
) -> _Shown:
    projection = None
    if request.projection_expression is not None:
        projection = parse_projection(request.projection_expression, substitutes)
    elif request.attributes_to_get is not None:
        projection = Projection(legacy_paths(request.attributes_to_get))
    select = request.select
    if projection is not None and select not in (None, "SPECIFIC_ATTRIBUTES"):
        raise ValidationError(
            f"Cannot specify the ProjectionExpression when choosing to get {select}"
            if request.projection_expression is not None
            else f"Cannot specify the AttributesToGet when choosing to get {select}"
        )
    if select == "SPECIFIC_ATTRIBUTES" and projection is None:
        raise invalid(
            "Must specify the AttributesToGet or ProjectionExpression when choosing to "
            "get SPECIFIC_ATTRIBUTES"
        )
    if select == "ALL_PROJECTED_ATTRIBUTES" and index is None:
        raise invalid("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
    fetches = False
    if index is not None and (held := table.projected(index)) is not None:
        beyond = sorted(projection.names - held) if projection is not None else []
        if select == "ALL_ATTRIBUTES" and not index.local:
            raise invalid(
                "Select type ALL_ATTRIBUTES is not supported for global secondary index "
                f"{index.name} because its projection type is not ALL"
            )
        if beyond and not index.local:
            raise invalid(
                f"Global secondary index {index.name} does not project [{', '.join(beyond)}]"
            )
        fetches = bool(beyond) or select == "ALL_ATTRIBUTES"
    return _Shown(projection, select == "COUNT", fetches)


def _read_segment(request: shapes.ScanInput) -> tuple[int, int]:
    segment, segments = request.segment, request.total_segments
    if segment is None and segments is None:
        return 0, 1
    if segment is None:
        raise ValidationError(
            "The Segment parameter is required but was not present in the request when "
            "parameter TotalSegments is present"
        )
    if segments is None:
        raise ValidationError(
            "The TotalSegments parameter is required but was not present in the request when "
            "Segment parameter is present"
        )
    if segment >= segments:
        raise ValidationError(
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: "
            f"Segment: {segment} is not less than TotalSegments: {segments}"
        )
    return segment, segments


def _segment_start(segment: int, segments: int) -> bytes:
    """Where a segment begins among the digests of partition keys."""
    return (segment * _HASHES // segments).to_bytes(DIGEST_SIZE_BYTES, "big")


def _resumed(reading: Reading, prefix: bytes, given: Item | None, outside: str) -> Reading:
    """`reading` from after the key `given` on; `outside` refuses one that is not in it.

    Raises:
        ValidationError: it is no key of the table or index.
    """
    if given is None:
        return reading
    key = prefix + _start_place(reading, given)
    if not reading.start <= key < reading.end:
        raise ValidationError(outside)
    start, end = (reading.start, key) if reading.reverse else (key + b"\x00", reading.end)
    return replace(reading, start=start, end=end)


def _start_place(reading: Reading, given: Item) -> bytes:
    table, index = reading.table, reading.index
    if index is None:
        try:
            check_key(table.schema, given)
        except ValidationError as error:
            raise ValidationError(f"{_BAD_START}: {error.message}") from error
        return place_of(table.schema, given)
    kinds = dict((*table.schema.kinds, *index.schema.kinds))
    for value in given.values():
        check(value)
    if {name: kind_of(value) for name, value in given.items()} != kinds:
        raise ValidationError(_BAD_START)
    return entry_place(table, index, given)


def _consumed(page: Page, index: Index | None, *, consistent: bool) -> Consumed:
    consumed = Consumed()
    units = read_units(page.size_bytes, consistent=consistent)
    if index is None:
        consumed.table = units
    else:
        consumed.add_index(index.name, units, local=index.local)
    consumed.table += page.fetched_units if consistent else page.fetched_units / 2
    return consumed
