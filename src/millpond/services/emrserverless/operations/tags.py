"""Tags of applications and job runs."""

from collections.abc import Mapping

from msgspec.structs import replace

from millpond.engines.records.interface import Transaction
from millpond.kernel.arn import parse_arn
from millpond.kernel.call import Call
from millpond.services.emrserverless import shapes, store
from millpond.services.emrserverless.errors import ResourceNotFound
from millpond.services.emrserverless.model.records import Application, JobRun
from millpond.services.emrserverless.model.tags import check_tags
from millpond.services.emrserverless.needs import Needs


async def tag_resource(
    needs: Needs, call: Call, request: shapes.TagResourceRequest
) -> shapes.TagResourceResponse:
    """Add tags, over those of the same key.

    Raises:
        ResourceNotFound: there is no such application or job run.
        Validation: there would be too many, or a key is AWS's.

    Source: EMR Serverless API reference, TagResource.
    """
    async with needs.records.transaction() as transaction:
        tagged = await _require(transaction, call, request.resource_arn)
        _save(transaction, call, tagged, check_tags({**tagged.tags, **request.tags}))
    return shapes.TagResourceResponse()


async def untag_resource(
    needs: Needs, call: Call, request: shapes.UntagResourceRequest
) -> shapes.UntagResourceResponse:
    """Remove tags by their keys; a key that is not there is no error.

    Raises:
        ResourceNotFound: there is no such application or job run.

    Source: EMR Serverless API reference, UntagResource.
    """
    gone = frozenset(request.tag_keys)
    async with needs.records.transaction() as transaction:
        tagged = await _require(transaction, call, request.resource_arn)
        left = {key: value for key, value in tagged.tags.items() if key not in gone}
        _save(transaction, call, tagged, left)
    return shapes.UntagResourceResponse()


async def list_tags_for_resource(
    needs: Needs, call: Call, request: shapes.ListTagsForResourceRequest
) -> shapes.ListTagsForResourceResponse:
    """The tags of an application or job run.

    Raises:
        ResourceNotFound: there is no such application or job run.

    Source: EMR Serverless API reference, ListTagsForResource.
    """
    async with needs.records.transaction() as transaction:
        tagged = await _require(transaction, call, request.resource_arn)
    return shapes.ListTagsForResourceResponse(tags=dict(tagged.tags))


async def _require(transaction: Transaction, call: Call, arn: str) -> Application | JobRun:
    parsed = parse_arn(arn)
    found: Application | JobRun | None = None
    if parsed is not None and (parsed.account, parsed.region) == (call.account, call.region):
        kind, application_id, *rest = parsed.resource.strip("/").split("/")
        if kind == "applications" and not rest:
            found = await store.load_application(transaction, call, application_id)
        elif kind == "applications" and rest[0] == "jobruns":
            found = await store.load_run(transaction, call, application_id, rest[-1])
    if found is None:
        raise ResourceNotFound(f"Resource {arn} does not exist")
    return found


def _save(
    transaction: Transaction, call: Call, tagged: Application | JobRun, tags: Mapping[str, str]
) -> None:
    if isinstance(tagged, Application):
        store.save_application(transaction, call, replace(tagged, tags=dict(tags)))
    else:
        store.save_run(transaction, call, replace(tagged, tags=dict(tags)))
