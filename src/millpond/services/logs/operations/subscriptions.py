"""Subscription filters."""

import msgspec

from millpond.kernel.call import Call
from millpond.services.logs import shapes
from millpond.services.logs.delivery.targets import read_target
from millpond.services.logs.errors import InvalidParameter, ResourceNotFound, not_implemented
from millpond.services.logs.model.destinations import destination_name
from millpond.services.logs.model.filters import Subscription, check_room, read_pattern
from millpond.services.logs.needs import Needs
from millpond.services.logs.operations.scope import pages_of, require_group
from millpond.services.logs.storing.account import load_destination
from millpond.services.logs.storing.filters import (
    load_filters,
    save_filters,
    schedule_delivery,
)

PAGE_SIZE_MAX = 50


async def put_subscription_filter(
    needs: Needs, call: Call, request: shapes.PutSubscriptionFilterRequest
) -> None:
    """Have the events of a group that match a pattern delivered to a stream, from now on.

    Raises:
        InvalidParameter: the pattern cannot be read, or the destination cannot be reached.
        LimitExceeded: the group has two subscription filters, or five with regular expressions.

    Source: CloudWatch Logs API reference, PutSubscriptionFilter.
    """
    not_implemented(
        ("applyOnTransformedLogs", request.apply_on_transformed_logs),
        ("fieldSelectionCriteria", request.field_selection_criteria),
        ("emitSystemFields", request.emit_system_fields),
    )
    read_pattern(request.filter_pattern)
    async with needs.records.transaction() as transaction:
        await require_group(transaction, call, request.log_group_name)
    await _check_destination(needs, call, request)
    async with needs.records.transaction() as transaction:
        group = await require_group(transaction, call, request.log_group_name)
        filters = await load_filters(transaction, group)
        former = filters.subscriptions.get(request.filter_name)
        made = Subscription(
            id=needs.ids.hex(8) if former is None else former.id,
            name=request.filter_name,
            pattern=request.filter_pattern,
            created_ms=needs.clock.now_ms(),
            destination_arn=request.destination_arn,
            role_arn=request.role_arn,
            distribution=request.distribution or "ByLogStream",
        )
        kept = {**filters.subscriptions, made.name: made}
        filters = msgspec.structs.replace(filters, subscriptions=kept)
        check_room(filters)
        save_filters(transaction, call, group, filters, needs.ids.hex(8))


async def _check_destination(
    needs: Needs, call: Call, request: shapes.PutSubscriptionFilterRequest
) -> None:
    """See that the destination is there and takes a test message.

    Raises:
        InvalidParameter: it does not.
    """
    arn = request.destination_arn
    if not arn.startswith("arn:aws:logs:"):
        await read_target(call, arn, request.role_arn).check(needs, call)
        return
    name = destination_name(call, arn)
    async with needs.records.transaction() as transaction:
        found = None if name is None else await load_destination(transaction, call, name)
    if found is None:
        raise InvalidParameter(f"The destination {arn} is not in this account and region.")
    if request.role_arn:
        raise InvalidParameter("A roleArn cannot be given for a destination: it has its own.")


async def delete_subscription_filter(
    needs: Needs, call: Call, request: shapes.DeleteSubscriptionFilterRequest
) -> None:
    """Deliver no more, not even what waits. Source: CloudWatch Logs API reference,
    DeleteSubscriptionFilter."""
    async with needs.records.transaction() as transaction:
        group = await require_group(transaction, call, request.log_group_name)
        filters = await load_filters(transaction, group)
        left = dict(filters.subscriptions)
        gone = left.pop(request.filter_name, None)
        if gone is None:
            raise ResourceNotFound("The specified subscription filter does not exist.")
        filters = msgspec.structs.replace(filters, subscriptions=left)
        save_filters(transaction, call, group, filters, needs.ids.hex(8))
        schedule_delivery(transaction, call, group.name, gone)


async def describe_subscription_filters(
    needs: Needs, call: Call, request: shapes.DescribeSubscriptionFiltersRequest
) -> shapes.DescribeSubscriptionFiltersResponse:
    """The subscription filters of a group by name. Source: CloudWatch Logs API reference,
    DescribeSubscriptionFilters."""
    paging = pages_of(needs, call, request.log_group_name, request.filter_name_prefix)
    after = paging.open(request.next_token)
    size = request.limit or PAGE_SIZE_MAX
    async with needs.records.transaction() as transaction:
        group = await require_group(transaction, call, request.log_group_name)
        filters = await load_filters(transaction, group)
    meant = [
        kept
        for name, kept in sorted(filters.subscriptions.items())
        if name > after and name.startswith(request.filter_name_prefix or "")
    ]
    return shapes.DescribeSubscriptionFiltersResponse(
        subscription_filters=[
            shapes.SubscriptionFilter(
                filter_name=kept.name,
                log_group_name=group.name,
                filter_pattern=kept.pattern,
                destination_arn=kept.destination_arn,
                role_arn=kept.role_arn,
                distribution=kept.distribution,
                apply_on_transformed_logs=False,
                creation_time=kept.created_ms,
            )
            for kept in meant[:size]
        ],
        next_token=paging.seal(meant[size - 1].name) if len(meant) > size else None,
    )
