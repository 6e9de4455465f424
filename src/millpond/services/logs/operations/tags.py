"""Tags of log groups and destinations."""

import msgspec

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Call
from millpond.services.logs import shapes, store
from millpond.services.logs.errors import InvalidParameter, ResourceNotFound, TooManyTags
from millpond.services.logs.model.destinations import destination_name
from millpond.services.logs.model.groups import TAGS_MAX, Group
from millpond.services.logs.needs import Needs
from millpond.services.logs.operations.scope import name_in, require_group
from millpond.services.logs.storing import account


class _Tagged:
    """A resource that may have tags, in a transaction: a log group or a destination."""

    def __init__(
        self, transaction: Transaction, call: Call, resource: Group | account.Destination
    ) -> None:
        self._transaction = transaction
        self._call = call
        self._resource = resource

    @property
    def tags(self) -> dict[str, str]:
        return self._resource.tags

    def save(self, tags: dict[str, str], arn: str) -> None:
        """Write the resource with other tags.

        Raises:
            TooManyTags: there are more than 50.
        """
        if len(tags) > TAGS_MAX:
            raise TooManyTags(
                f"A resource can have no more than {TAGS_MAX} tags.", resourceName=arn
            )
        if isinstance(self._resource, Group):
            group = msgspec.structs.replace(self._resource, tags=tags)
            store.save_group(self._transaction, self._call, group)
        else:
            destination = msgspec.structs.replace(self._resource, tags=tags)
            account.save_destination(self._transaction, self._call, destination)


async def _require_tagged(transaction: Transaction, call: Call, arn: str) -> _Tagged:
    """The resource that an ARN names.

    Raises:
        InvalidParameter: it is the ARN of neither a log group nor a destination.
        ResourceNotFound: there is no such group or destination.
    """
    name = destination_name(call, arn)
    if name is not None:
        destination = await account.load_destination(transaction, call, name)
        if destination is None:
            raise ResourceNotFound("The specified destination does not exist.")
        return _Tagged(transaction, call, destination)
    if not arn.startswith("arn:"):
        raise InvalidParameter(f"{arn} is not the ARN of a log group.")
    return _Tagged(transaction, call, await require_group(transaction, call, name_in(call, arn)))


async def tag_resource(needs: Needs, call: Call, request: shapes.TagResourceRequest) -> None:
    """Add tags to a log group or a destination, or replace their values.

    Raises:
        TooManyTags: there would be more than 50.

    Source: CloudWatch Logs API reference, TagResource.
    """
    async with needs.records.transaction() as transaction:
        tagged = await _require_tagged(transaction, call, request.resource_arn)
        tagged.save(tagged.tags | request.tags, request.resource_arn)


async def untag_resource(needs: Needs, call: Call, request: shapes.UntagResourceRequest) -> None:
    """Remove tags by their keys. Source: CloudWatch Logs API reference, UntagResource."""
    async with needs.records.transaction() as transaction:
        tagged = await _require_tagged(transaction, call, request.resource_arn)
        tagged.save(_without(tagged.tags, request.tag_keys), request.resource_arn)


async def list_tags_for_resource(
    needs: Needs, call: Call, request: shapes.ListTagsForResourceRequest
) -> shapes.ListTagsForResourceResponse:
    """The tags of a log group or a destination. Source: CloudWatch Logs API reference,
    ListTagsForResource."""
    async with needs.records.transaction() as transaction:
        tagged = await _require_tagged(transaction, call, request.resource_arn)
    return shapes.ListTagsForResourceResponse(tags=tagged.tags)


async def tag_log_group(needs: Needs, call: Call, request: shapes.TagLogGroupRequest) -> None:
    """TagResource by the name of a log group. Source: CloudWatch Logs API reference,
    TagLogGroup."""
    async with needs.records.transaction() as transaction:
        group = await require_group(transaction, call, request.log_group_name)
        _Tagged(transaction, call, group).save(group.tags | request.tags, group.name)


async def untag_log_group(needs: Needs, call: Call, request: shapes.UntagLogGroupRequest) -> None:
    """UntagResource by the name of a log group. Source: CloudWatch Logs API reference,
    UntagLogGroup."""
    async with needs.records.transaction() as transaction:
        group = await require_group(transaction, call, request.log_group_name)
        _Tagged(transaction, call, group).save(_without(group.tags, request.tags), group.name)


async def list_tags_log_group(
    needs: Needs, call: Call, request: shapes.ListTagsLogGroupRequest
) -> shapes.ListTagsLogGroupResponse:
    """ListTagsForResource by the name of a log group. Source: CloudWatch Logs API reference,
    ListTagsLogGroup."""
    async with needs.records.transaction() as transaction:
        group = await require_group(transaction, call, request.log_group_name)
    return shapes.ListTagsLogGroupResponse(tags=group.tags)


def _without(tags: dict[str, str], keys: list[str]) -> dict[str, str]:
    gone = set(keys)
    return {key: value for key, value in tags.items() if key not in gone}
