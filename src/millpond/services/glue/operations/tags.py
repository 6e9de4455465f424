"""Tags of databases, crawlers, jobs, connections, triggers and workflows."""

from millpond.engines.records.interface import Transaction
from millpond.kernel.arn import parse_arn
from millpond.kernel.call import Call
from millpond.services.glue import shapes, store
from millpond.services.glue.connections.store import load_connection
from millpond.services.glue.errors import EntityNotFound, InvalidInput
from millpond.services.glue.jobs.store import load_job
from millpond.services.glue.model import fold, merge_tags
from millpond.services.glue.needs import Needs
from millpond.services.glue.orchestration.store import load_trigger, load_workflow


async def _require_resource(transaction: Transaction, call: Call, text: str) -> str:
    """The tagged resource that an ARN names, as `kind/name`.

    Raises:
        InvalidInput: the ARN is not one of a taggable kind in this account and region.
        EntityNotFound: there is no such resource.
    """
    arn = parse_arn(text)
    if arn is None or arn.service != "glue":
        raise InvalidInput(f"{text} is not the ARN of a Glue resource.")
    if (arn.account, arn.region) != (call.account, call.region):
        raise EntityNotFound(f"Resource {text} not found.")
    kind, _, name = arn.resource.partition("/")
    found: object | None = None
    if kind == "database":
        name = fold(name)
        found = await store.load_database(transaction, call, name)
    elif kind == "crawler":
        found = await store.load_crawler(transaction, call, name)
    elif kind == "job":
        found = await load_job(transaction, call, name)
    elif kind == "trigger":
        found = await load_trigger(transaction, call, name)
    elif kind == "workflow":
        found = await load_workflow(transaction, call, name)
    elif kind == "connection":
        found = await load_connection(transaction, call, name)
    else:
        raise InvalidInput(f"Tags of a {kind} are not implemented.")
    if found is None:
        raise EntityNotFound(f"Resource {text} not found.")
    return f"{kind}/{name}"


async def get_tags(
    needs: Needs, call: Call, request: shapes.GetTagsRequest
) -> shapes.GetTagsResponse:
    """The tags of a resource.

    Source: Glue API reference, GetTags.
    """
    async with needs.records.transaction() as transaction:
        resource = await _require_resource(transaction, call, request.resource_arn)
        tags = await store.load_tags(transaction, call, resource)
    return shapes.GetTagsResponse(tags=tags)


async def tag_resource(
    needs: Needs, call: Call, request: shapes.TagResourceRequest
) -> shapes.TagResourceResponse:
    """Add tags, or replace their values. Source: Glue API reference, TagResource."""
    async with needs.records.transaction() as transaction:
        resource = await _require_resource(transaction, call, request.resource_arn)
        have = await store.load_tags(transaction, call, resource)
        store.save_tags(transaction, call, resource, merge_tags(have, request.tags_to_add))
    return shapes.TagResourceResponse()


async def untag_resource(
    needs: Needs, call: Call, request: shapes.UntagResourceRequest
) -> shapes.UntagResourceResponse:
    """Take tags away; those that are not there are passed over.

    Source: Glue API reference, UntagResource.
    """
    async with needs.records.transaction() as transaction:
        resource = await _require_resource(transaction, call, request.resource_arn)
        have = await store.load_tags(transaction, call, resource)
        gone = set(request.tags_to_remove)
        left = {key: value for key, value in have.items() if key not in gone}
        store.save_tags(transaction, call, resource, left)
    return shapes.UntagResourceResponse()
