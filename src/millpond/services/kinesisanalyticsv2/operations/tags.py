"""Tags of applications."""

import msgspec

from millpond.engines.records.interface import Transaction
from millpond.kernel.arn import parse_arn
from millpond.kernel.call import Call
from millpond.services.kinesisanalyticsv2 import shapes, store
from millpond.services.kinesisanalyticsv2.errors import InvalidArgument, ResourceNotFound
from millpond.services.kinesisanalyticsv2.model.application import Application
from millpond.services.kinesisanalyticsv2.model.tags import merge_tags
from millpond.services.kinesisanalyticsv2.needs import Needs


async def tag_resource(
    needs: Needs, call: Call, request: shapes.TagResourceRequest
) -> shapes.TagResourceResponse:
    """Add tags, or replace their values.

    Raises:
        ResourceNotFound: there is no such application.
        TooManyTags: there would be more than 50.

    Source: API reference, TagResource (2018-05-23).
    """
    async with needs.records.transaction() as transaction:
        application = await _require(transaction, call, request.resource_arn)
        tags = merge_tags(application.tags, request.tags)
        store.save_application(transaction, call, msgspec.structs.replace(application, tags=tags))
    return shapes.TagResourceResponse()


async def untag_resource(
    needs: Needs, call: Call, request: shapes.UntagResourceRequest
) -> shapes.UntagResourceResponse:
    """Remove tags; those that are not there are no error.

    Raises:
        ResourceNotFound: there is no such application.

    Source: API reference, UntagResource (2018-05-23).
    """
    async with needs.records.transaction() as transaction:
        application = await _require(transaction, call, request.resource_arn)
        gone = set(request.tag_keys)
        tags = {key: value for key, value in application.tags.items() if key not in gone}
        store.save_application(transaction, call, msgspec.structs.replace(application, tags=tags))
    return shapes.UntagResourceResponse()


async def list_tags_for_resource(
    needs: Needs, call: Call, request: shapes.ListTagsForResourceRequest
) -> shapes.ListTagsForResourceResponse:
    """Tags by key.

    Raises:
        ResourceNotFound: there is no such application.

    Source: API reference, ListTagsForResource (2018-05-23).
    """
    async with needs.records.transaction() as transaction:
        application = await _require(transaction, call, request.resource_arn)
    return shapes.ListTagsForResourceResponse(
        tags=[shapes.Tag(key=key, value=value) for key, value in sorted(application.tags.items())]
    )


async def _require(transaction: Transaction, call: Call, arn: str) -> Application:
    parsed = parse_arn(arn)
    if parsed is None or parsed.service != "kinesisanalytics":
        raise InvalidArgument(f"Not the ARN of an application: {arn}.")
    kind, _, name = parsed.resource.partition("/")
    application = None
    if kind == "application" and (parsed.account, parsed.region) == (call.account, call.region):
        application = await store.load_application(transaction, call, name)
    if application is None:
        raise ResourceNotFound(f"Application not found: {arn}")
    return application
