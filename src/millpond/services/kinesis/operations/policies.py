"""Policies of streams and consumers: put, get, delete."""

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Call
from millpond.services.kinesis import shapes, store
from millpond.services.kinesis.errors import InvalidArgument, ResourceNotFound
from millpond.services.kinesis.model import policy
from millpond.services.kinesis.model.consumer import Consumer
from millpond.services.kinesis.model.stream import Stream
from millpond.services.kinesis.needs import Needs
from millpond.services.kinesis.operations.scope import check_changeable, resolve_resource

_NO_POLICY = "{}"


async def put_resource_policy(
    needs: Needs, call: Call, request: shapes.PutResourcePolicyInput
) -> None:
    """Attach a policy to a stream or a consumer, in place of the one that it has.

    Raises:
        InvalidArgument: it is not a policy for this resource.
        ResourceNotFound: there is no such stream or consumer.
        ResourceInUse: the stream is CREATING or DELETING.

    Source: Kinesis API reference, PutResourcePolicy.
    """
    async with needs.records.transaction() as transaction:
        resource = await _changeable(needs, transaction, call, request.resource_arn)
        try:
            policy.check(request.policy, resource.arn)
        except policy.BadPolicy as error:
            raise InvalidArgument(f"The policy is not valid: {error}") from None
        store.save_policy(transaction, call, resource.arn, request.policy)


async def get_resource_policy(
    needs: Needs, call: Call, request: shapes.GetResourcePolicyInput
) -> shapes.GetResourcePolicyOutput:
    """The policy of a stream or a consumer, as it was put; an empty one if there is none.

    Raises:
        ResourceNotFound: there is no such stream or consumer.

    Source: Kinesis API reference, GetResourcePolicy.
    """
    async with needs.records.transaction() as transaction:
        resource = await resolve_resource(needs, transaction, call, request.resource_arn)
        document = await store.load_policy(transaction, call, resource.arn)
    return shapes.GetResourcePolicyOutput(policy=_NO_POLICY if document is None else document)


async def delete_resource_policy(
    needs: Needs, call: Call, request: shapes.DeleteResourcePolicyInput
) -> None:
    """Remove the policy of a stream or a consumer.

    Raises:
        ResourceNotFound: there is no such stream or consumer, or it has no policy.
        ResourceInUse: the stream is CREATING or DELETING.

    Source: Kinesis API reference, DeleteResourcePolicy.
    """
    async with needs.records.transaction() as transaction:
        resource = await _changeable(needs, transaction, call, request.resource_arn)
        if await store.load_policy(transaction, call, resource.arn) is None:
            raise ResourceNotFound(f"No resource policy found for resource ARN {resource.arn}.")
        store.delete_policy(transaction, call, resource.arn)


async def _changeable(
    needs: Needs, transaction: Transaction, call: Call, arn: str
) -> Stream | Consumer:
    resource = await resolve_resource(needs, transaction, call, arn)
    if isinstance(resource, Stream):
        check_changeable(resource, needs.clock.now_ms())
    return resource
