"""Tags of work groups.

Source: Athena API reference, TagResource, UntagResource, ListTagsForResource.
"""

from collections.abc import AsyncIterator

from millpond.engines.records.interface import Transaction
from millpond.kernel.arn import parse_arn
from millpond.kernel.call import Call
from millpond.services.athena.errors import InvalidRequest, ResourceNotFound
from millpond.services.athena.model import work_groups as model
from millpond.services.athena.needs import Needs
from millpond.services.athena.operations.paging import page
from millpond.services.athena.shapes import (
    ListTagsForResourceInput,
    ListTagsForResourceOutput,
    Tag,
    TagResourceInput,
    TagResourceOutput,
    UntagResourceInput,
    UntagResourceOutput,
)
from millpond.services.athena.store import tags as store
from millpond.services.athena.store import work_groups as groups

PAGE_SIZE = 75


async def tag_resource(needs: Needs, call: Call, request: TagResourceInput) -> TagResourceOutput:
    """Add tags to a work group, or replace their values.

    Raises:
        ResourceNotFound: there is no such work group.
        InvalidRequest: the ARN is not one of a work group, or there would be too many tags.
    """
    async with needs.records.transaction() as transaction:
        name = await _work_group(transaction, call, request.resource_arn)
        have = await store.load(transaction, call, name)
        store.save(transaction, call, name, model.merge_tags(have, request.tags))
    return TagResourceOutput()


async def untag_resource(
    needs: Needs, call: Call, request: UntagResourceInput
) -> UntagResourceOutput:
    """Remove tags from a work group; ones that it has not are no error.

    Raises:
        ResourceNotFound: there is no such work group.
        InvalidRequest: the ARN is not one of a work group.
    """
    async with needs.records.transaction() as transaction:
        name = await _work_group(transaction, call, request.resource_arn)
        have = await store.load(transaction, call, name)
        left = {key: value for key, value in have.items() if key not in request.tag_keys}
        store.save(transaction, call, name, left)
    return UntagResourceOutput()


async def list_tags_for_resource(
    needs: Needs, call: Call, request: ListTagsForResourceInput
) -> ListTagsForResourceOutput:
    """The tags of a work group by key.

    Raises:
        ResourceNotFound: there is no such work group.
        InvalidRequest: the ARN is not one of a work group, or the token is not valid.
    """
    async with needs.records.transaction() as transaction:
        name = await _work_group(transaction, call, request.resource_arn)
        have = await store.load(transaction, call, name)

    async def after(key: str) -> AsyncIterator[str]:
        for one in sorted(have):
            if one > key:
                yield one

    keys, token = await page(
        needs.pages,
        f"ListTagsForResource/{name}",
        request.next_token,
        request.max_results or PAGE_SIZE,
        after,
        lambda key: key,
    )
    return ListTagsForResourceOutput(
        tags=[Tag(key=key, value=have[key]) for key in keys], next_token=token
    )


async def _work_group(transaction: Transaction, call: Call, text: str) -> str:
    """The name of the work group that an ARN names."""
    arn = parse_arn(text)
    if arn is None or arn.service != "athena":
        raise InvalidRequest(f"{text} is not the ARN of an Athena resource.")
    kind, _, name = arn.resource.partition("/")
    if kind != "workgroup":
        raise InvalidRequest(f"Tags of a {kind} are not supported by this service.")
    here = (arn.account, arn.region) == (call.account, call.region)
    if not here or await groups.load(transaction, call, name) is None:
        raise ResourceNotFound(f"Resource {text} was not found.", text)
    return name
