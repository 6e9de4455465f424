"""Tags of log groups."""

import msgspec

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Call
from millpond.services.logs import shapes, store
from millpond.services.logs.errors import InvalidParameter, TooManyTags
from millpond.services.logs.model.groups import TAGS_MAX, Group
from millpond.services.logs.needs import Needs
from millpond.services.logs.operations.scope import name_in, require_group


async def _require_tagged(transaction: Transaction, call: Call, arn: str) -> Group:
    """The group that an ARN names.

    Raises:
        InvalidParameter: it is not the ARN of a log group.
        ResourceNotFound: there is no such group.
    """
    if not arn.startswith("arn:"):
        raise InvalidParameter(f"{arn} is not the ARN of a log group.")
    return await require_group(transaction, call, name_in(call, arn))


async def tag_resource(needs: Needs, call: Call, request: shapes.TagResourceRequest) -> None:
    """Add tags to a log group, or replace their values.

    Raises:
        TooManyTags: there would be more than 50.

    Source: CloudWatch Logs API reference, TagResource.
    """
    async with needs.records.transaction() as transaction:
        group = await _require_tagged(transaction, call, request.resource_arn)
        tags = group.tags | request.tags
        if len(tags) > TAGS_MAX:
            raise TooManyTags(
                f"A resource can have no more than {TAGS_MAX} tags.",
                resourceName=request.resource_arn,
            )
        store.save_group(transaction, call, msgspec.structs.replace(group, tags=tags))


async def untag_resource(needs: Needs, call: Call, request: shapes.UntagResourceRequest) -> None:
    """Remove tags of a log group by their keys. Source: CloudWatch Logs API reference,
    UntagResource."""
    async with needs.records.transaction() as transaction:
        group = await _require_tagged(transaction, call, request.resource_arn)
        gone = set(request.tag_keys)
        tags = {key: value for key, value in group.tags.items() if key not in gone}
        store.save_group(transaction, call, msgspec.structs.replace(group, tags=tags))


async def list_tags_for_resource(
    needs: Needs, call: Call, request: shapes.ListTagsForResourceRequest
) -> shapes.ListTagsForResourceResponse:
    """The tags of a log group. Source: CloudWatch Logs API reference, ListTagsForResource."""
    async with needs.records.transaction() as transaction:
        group = await _require_tagged(transaction, call, request.resource_arn)
    return shapes.ListTagsForResourceResponse(tags=group.tags)
