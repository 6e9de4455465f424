"""Tags of delivery streams."""

import msgspec

from millpond.kernel.call import Call
from millpond.services.firehose import shapes, store
from millpond.services.firehose.needs import Needs
from millpond.services.firehose.operations.scope import TAGS_MAX, check_tag_count, require_stream


async def tag_delivery_stream(
    needs: Needs, call: Call, request: shapes.TagDeliveryStreamInput
) -> shapes.TagDeliveryStreamOutput:
    """Add tags, or replace their values.

    Source: Firehose API reference, TagDeliveryStream (2015-08-04).
    """
    async with needs.records.transaction() as transaction:
        stream = await require_stream(transaction, call, request.delivery_stream_name)
        tags = stream.tags | {tag.key: tag.value or "" for tag in request.tags}
        check_tag_count(tags)
        store.save_stream(transaction, call, msgspec.structs.replace(stream, tags=tags))
    return shapes.TagDeliveryStreamOutput()


async def untag_delivery_stream(
    needs: Needs, call: Call, request: shapes.UntagDeliveryStreamInput
) -> shapes.UntagDeliveryStreamOutput:
    """Remove tags; those that are not there are no error.

    Source: Firehose API reference, UntagDeliveryStream (2015-08-04).
    """
    async with needs.records.transaction() as transaction:
        stream = await require_stream(transaction, call, request.delivery_stream_name)
        gone = set(request.tag_keys)
        tags = {key: value for key, value in stream.tags.items() if key not in gone}
        store.save_stream(transaction, call, msgspec.structs.replace(stream, tags=tags))
    return shapes.UntagDeliveryStreamOutput()


async def list_tags_for_delivery_stream(
    needs: Needs, call: Call, request: shapes.ListTagsForDeliveryStreamInput
) -> shapes.ListTagsForDeliveryStreamOutput:
    """Tags by key, those after the given one.

    Source: Firehose API reference, ListTagsForDeliveryStream (2015-08-04).
    """
    async with needs.records.transaction() as transaction:
        stream = await require_stream(transaction, call, request.delivery_stream_name)
    after = request.exclusive_start_tag_key or ""
    limit = request.limit or TAGS_MAX
    found = [(key, value) for key, value in sorted(stream.tags.items()) if key > after]
    return shapes.ListTagsForDeliveryStreamOutput(
        tags=[shapes.Tag(key=key, value=value) for key, value in found[:limit]],
        has_more_tags=len(found) > limit,
    )
