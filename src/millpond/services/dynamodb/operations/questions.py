"""What Query and Scan have in common: from the parameters of a request to what is to be read."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from millpond.services.dynamodb import shapes
from millpond.services.dynamodb.changes import check_not_mixed
from millpond.services.dynamodb.errors import ValidationError, invalid
from millpond.services.dynamodb.model.expressions.attributes import attributes_of
from millpond.services.dynamodb.model.expressions.conditions import parse_condition
from millpond.services.dynamodb.model.expressions.nodes import Condition
from millpond.services.dynamodb.model.expressions.projections import Projection, parse_projection
from millpond.services.dynamodb.model.expressions.tokens import Substitutes
from millpond.services.dynamodb.model.keys import (
    DIGEST_SIZE_BYTES,
    check_key,
    entry_place,
    place_of,
)
from millpond.services.dynamodb.model.legacy.conditions import filter_condition
from millpond.services.dynamodb.model.tables import Index, Table
from millpond.services.dynamodb.model.values import Item, check, kind_of
from millpond.services.dynamodb.operations.items import legacy_paths
from millpond.services.dynamodb.reading import Reading

BAD_START = "The provided starting key is invalid"
Request = shapes.QueryInput | shapes.ScanInput

_HASHES = 1 << (8 * DIGEST_SIZE_BYTES)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a request wants to see. `fetches`: whole items, where a local index has less."""

    projection: Projection | None
    counts_only: bool
    fetches: bool


def check_parameters(
    request: Request,
    legacy: Mapping[str, object],
    expressions: Mapping[str, object],
    valued: tuple[str, ...],
) -> Substitutes:
    """Refuse a mixture of old and new; the request's substitutes.

    Raises:
        ValidationError
    """
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


def read_filter(
    request: Request, legacy: Mapping[str, shapes.Condition] | None, substitutes: Substitutes
) -> Condition | None:
    """What items must meet to be shown; None when all are.

    Raises:
        ValidationError: an expression or a value is wrong.
    """
    if request.filter_expression is not None:
        return parse_condition("FilterExpression", request.filter_expression, substitutes)
    return filter_condition(legacy, request.conditional_operator) if legacy else None


def check_filter_leaves_keys(
    condition: Condition | None, names: tuple[str, ...], legacy: bool
) -> None:
    """Refuse a query's filter of key attributes (`names`): they have a condition of their own.

    Raises:
        ValidationError
    """
    if condition is None:
        return
    for name in attributes_of(condition):
        if name in names:
            parameter = "QueryFilter" if legacy else "Filter Expression"
            raise ValidationError(
                f"{parameter} can only contain non-primary key attributes: "
                f"Primary key attribute: {name}"
            )


def read_shown(
    table: Table, index: Index | None, request: Request, substitutes: Substitutes
) -> Shown:
    """What Select, ProjectionExpression or AttributesToGet ask for.

    Raises:
        ValidationError: they contradict each other, or ask what an index does not have.
    """
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
    return Shown(projection, select == "COUNT", fetches)


def read_segment(request: shapes.ScanInput) -> tuple[int, int]:
    """Which of how many segments to scan.

    Raises:
        ValidationError: one is missing, or there is no such segment.
    """
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


def segment_start(segment: int, segments: int) -> bytes:
    """Where a segment begins among the digests of partition keys."""
    return (segment * _HASHES // segments).to_bytes(DIGEST_SIZE_BYTES, "big")


def resumed(reading: Reading, prefix: bytes, given: Item | None, outside: str) -> Reading:
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
            raise ValidationError(f"{BAD_START}: {error.message}") from error
        return place_of(table.schema, given)
    kinds = dict((*table.schema.kinds, *index.schema.kinds))
    for value in given.values():
        check(value)
    if {name: kind_of(value) for name, value in given.items()} != kinds:
        raise ValidationError(BAD_START)
    return entry_place(table, index, given)
