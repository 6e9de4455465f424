"""Destinations."""

import msgspec

from millpond.kernel.call import Call
from millpond.services.logs import shapes
from millpond.services.logs.delivery.targets import read_target
from millpond.services.logs.errors import InvalidParameter, ResourceNotFound
from millpond.services.logs.model.destinations import destination_arn
from millpond.services.logs.needs import Needs
from millpond.services.logs.operations.policies import check_document
from millpond.services.logs.operations.scope import pages_of
from millpond.services.logs.storing import account

PAGE_SIZE_MAX = 50


async def put_destination(
    needs: Needs, call: Call, request: shapes.PutDestinationRequest
) -> shapes.PutDestinationResponse:
    """Name a stream, for subscriptions to be delivered to it.

    Raises:
        InvalidParameter: the stream cannot be reached.

    Source: CloudWatch Logs API reference, PutDestination.
    """
    await read_target(call, request.target_arn, request.role_arn).check(needs, call)
    async with needs.records.transaction() as transaction:
        former = await account.load_destination(transaction, call, request.destination_name)
        made = account.Destination(
            name=request.destination_name,
            target_arn=request.target_arn,
            role_arn=request.role_arn,
            created_ms=needs.clock.now_ms() if former is None else former.created_ms,
            policy=None if former is None else former.policy,
            tags=request.tags or ({} if former is None else former.tags),
        )
        account.save_destination(transaction, call, made)
    return shapes.PutDestinationResponse(destination=_answer(call, made))


async def put_destination_policy(
    needs: Needs, call: Call, request: shapes.PutDestinationPolicyRequest
) -> None:
    """Keep who may subscribe to a destination. Source: CloudWatch Logs API reference,
    PutDestinationPolicy."""
    check_document(request.access_policy)
    async with needs.records.transaction() as transaction:
        found = await account.load_destination(transaction, call, request.destination_name)
        if found is None:
            raise InvalidParameter("The specified destination does not exist.")
        changed = msgspec.structs.replace(found, policy=request.access_policy)
        account.save_destination(transaction, call, changed)


async def delete_destination(
    needs: Needs, call: Call, request: shapes.DeleteDestinationRequest
) -> None:
    """Remove a destination; what is subscribed to it waits for another of its name.

    Source: CloudWatch Logs API reference, DeleteDestination.
    """
    async with needs.records.transaction() as transaction:
        if await account.load_destination(transaction, call, request.destination_name) is None:
            raise ResourceNotFound("The specified destination does not exist.")
        account.delete_destination(transaction, call, request.destination_name)


async def describe_destinations(
    needs: Needs, call: Call, request: shapes.DescribeDestinationsRequest
) -> shapes.DescribeDestinationsResponse:
    """Destinations by name. Source: CloudWatch Logs API reference, DescribeDestinations."""
    prefix = request.destination_name_prefix or ""
    paging = pages_of(needs, call, prefix)
    after = paging.open(request.next_token)
    size = request.limit or PAGE_SIZE_MAX
    async with needs.records.transaction() as transaction:
        meant = [
            destination
            async for destination in account.scan_destinations(transaction, call)
            if destination.name > after and destination.name.startswith(prefix)
        ]
    meant.sort(key=lambda destination: destination.name)
    page = meant[:size]
    return shapes.DescribeDestinationsResponse(
        destinations=[_answer(call, destination) for destination in page],
        next_token=paging.seal(page[-1].name) if len(meant) > size else None,
    )


def _answer(call: Call, destination: account.Destination) -> shapes.Destination:
    return shapes.Destination(
        destination_name=destination.name,
        target_arn=destination.target_arn,
        role_arn=destination.role_arn,
        access_policy=destination.policy,
        arn=destination_arn(call, destination.name),
        creation_time=destination.created_ms,
    )
