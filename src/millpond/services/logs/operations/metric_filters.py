"""Metric filters."""

from collections.abc import AsyncIterator

import msgspec

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Call
from millpond.services.logs import shapes, store
from millpond.services.logs.errors import InvalidParameter, ResourceNotFound, not_implemented
from millpond.services.logs.model.filters import (
    MetricFilter,
    check_metric_filter,
    check_room,
    read_pattern,
)
from millpond.services.logs.model.groups import Group
from millpond.services.logs.needs import Needs
from millpond.services.logs.operations.scope import pages_of, require_group
from millpond.services.logs.storing.filters import load_filters, save_filters

PAGE_SIZE_MAX = 50


async def put_metric_filter(
    needs: Needs, call: Call, request: shapes.PutMetricFilterRequest
) -> None:
    """Make a metric of the events of a group that match a pattern, from now on.

    Raises:
        InvalidParameter: the pattern cannot be read, or the metric cannot be made of it.
        LimitExceeded: the group has 100 metric filters, or five with regular expressions.

    Source: CloudWatch Logs API reference, PutMetricFilter.
    """
    not_implemented(
        ("applyOnTransformedLogs", request.apply_on_transformed_logs),
        ("fieldSelectionCriteria", request.field_selection_criteria),
        ("emitSystemFieldDimensions", request.emit_system_field_dimensions),
    )
    (transformation,) = request.metric_transformations
    made = MetricFilter(
        name=request.filter_name,
        pattern=request.filter_pattern,
        created_ms=needs.clock.now_ms(),
        metric=transformation.metric_name,
        namespace=transformation.metric_namespace,
        value=transformation.metric_value,
        default=transformation.default_value,
        unit=transformation.unit,
        dimensions=transformation.dimensions or {},
    )
    check_metric_filter(made)
    async with needs.records.transaction() as transaction:
        group = await require_group(transaction, call, request.log_group_name)
        filters = await load_filters(transaction, group)
        filters = msgspec.structs.replace(filters, metric={**filters.metric, made.name: made})
        check_room(filters)
        save_filters(transaction, call, group, filters, needs.ids.hex(8))


async def delete_metric_filter(
    needs: Needs, call: Call, request: shapes.DeleteMetricFilterRequest
) -> None:
    """Make no more of a metric; what it has stays. Source: CloudWatch Logs API reference,
    DeleteMetricFilter."""
    async with needs.records.transaction() as transaction:
        group = await require_group(transaction, call, request.log_group_name)
        filters = await load_filters(transaction, group)
        if request.filter_name not in filters.metric:
            raise ResourceNotFound("The specified metric filter does not exist.")
        left = {name: kept for name, kept in filters.metric.items() if name != request.filter_name}
        filters = msgspec.structs.replace(filters, metric=left)
        save_filters(transaction, call, group, filters, needs.ids.hex(8))


async def describe_metric_filters(
    needs: Needs, call: Call, request: shapes.DescribeMetricFiltersRequest
) -> shapes.DescribeMetricFiltersResponse:
    """Metric filters of one group or of all, by the names of groups and filters.

    Raises:
        InvalidParameter: a metric's name is given without its namespace, or the other way round.

    Source: CloudWatch Logs API reference, DescribeMetricFilters.
    """
    if (request.metric_name is None) != (request.metric_namespace is None):
        raise InvalidParameter("metricName and metricNamespace must be specified together.")
    paging = pages_of(
        needs,
        call,
        request.log_group_name,
        request.filter_name_prefix,
        request.metric_name,
        request.metric_namespace,
    )
    after_group, _, after_name = paging.open(request.next_token).partition(":")
    size = request.limit or PAGE_SIZE_MAX
    found: list[shapes.MetricFilter] = []
    token: str | None = None
    async with needs.records.transaction() as transaction:
        groups = _groups(transaction, call, request.log_group_name, after_group)
        async for group in groups:
            filters = await load_filters(transaction, group)
            for name, kept in sorted(filters.metric.items()):
                if group.name == after_group and name <= after_name:
                    continue
                if not _is_meant(request, kept):
                    continue
                if len(found) == size:
                    last = found[-1]
                    token = paging.seal(f"{last.log_group_name}:{last.filter_name}")
                    return shapes.DescribeMetricFiltersResponse(
                        metric_filters=found, next_token=token
                    )
                found.append(_answer(group, kept))
    return shapes.DescribeMetricFiltersResponse(metric_filters=found)


async def _groups(
    transaction: Transaction, call: Call, name: str | None, after: str
) -> AsyncIterator[Group]:
    """The group that is named, or all that have metric filters, from `after` on."""
    if name is not None:
        yield await require_group(transaction, call, name)
        return
    if after:
        first = await store.load_group(transaction, call, after)
        if first is not None and first.metric_filters:
            yield first
    async for group in store.scan_groups(transaction, call, "", after):
        if group.metric_filters:
            yield group


def _is_meant(request: shapes.DescribeMetricFiltersRequest, kept: MetricFilter) -> bool:
    if request.metric_name is not None and kept.metric != request.metric_name:
        return False
    if request.metric_namespace is not None and kept.namespace != request.metric_namespace:
        return False
    return kept.name.startswith(request.filter_name_prefix or "")


def _answer(group: Group, kept: MetricFilter) -> shapes.MetricFilter:
    return shapes.MetricFilter(
        filter_name=kept.name,
        filter_pattern=kept.pattern,
        metric_transformations=[
            shapes.MetricTransformation(
                metric_name=kept.metric,
                metric_namespace=kept.namespace,
                metric_value=kept.value,
                default_value=kept.default,
                dimensions=kept.dimensions or None,
                unit=kept.unit,
            )
        ],
        creation_time=kept.created_ms,
        log_group_name=group.name,
        apply_on_transformed_logs=False,
    )


async def test_metric_filter(
    needs: Needs, call: Call, request: shapes.TestMetricFilterRequest
) -> shapes.TestMetricFilterResponse:
    """Which of some messages match a pattern, and the fields it finds in them.

    Raises:
        InvalidParameter: the pattern cannot be read.

    Source: CloudWatch Logs API reference, TestMetricFilter.
    """
    pattern = read_pattern(request.filter_pattern)
    return shapes.TestMetricFilterResponse(
        matches=[
            shapes.MetricFilterMatchRecord(
                event_number=number,
                event_message=text,
                extracted_values=dict(pattern.extracted(text.encode())),
            )
            for number, text in enumerate(request.log_event_messages, 1)
            if pattern.matches(text.encode())
        ]
    )
