"""Tags of streams, consumers and channels, in both generations of operations."""

from msgspec.structs import replace

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Call
from millpond.services.kinesis import shapes, store
from millpond.services.kinesis.answers import show_tags
from millpond.services.kinesis.channels.channel import Channel
from millpond.services.kinesis.errors import InvalidArgument
from millpond.services.kinesis.model import tags as rules
from millpond.services.kinesis.model.consumer import Consumer
from millpond.services.kinesis.model.stream import Stream
from millpond.services.kinesis.needs import Needs
from millpond.services.kinesis.operations.channels import require_channel
from millpond.services.kinesis.operations.scope import (
    check_changeable,
    resolve,
    resolve_resource,
)

TAGS_PAGE_MAX = 50

_Tagged = Stream | Consumer | Channel


async def add_tags_to_stream(
    needs: Needs, call: Call, request: shapes.AddTagsToStreamInput
) -> None:
    """Add tags to a stream; those of keys that it has are replaced.

    Raises:
        InvalidArgument: more than 50 in the end, or characters that are not allowed.
        ResourceInUse: the stream is CREATING or DELETING.

    Source: Kinesis API reference, AddTagsToStream.
    """
    async with needs.records.transaction() as transaction:
        stream = await resolve(needs, transaction, call, request.stream_name, request.stream_arn)
        _add(needs, transaction, stream, request.tags)


async def remove_tags_from_stream(
    needs: Needs, call: Call, request: shapes.RemoveTagsFromStreamInput
) -> None:
    """Remove tags from a stream; keys that it does not have are no error.

    Raises:
        ResourceInUse: the stream is CREATING or DELETING.

    Source: Kinesis API reference, RemoveTagsFromStream.
    """
    async with needs.records.transaction() as transaction:
        stream = await resolve(needs, transaction, call, request.stream_name, request.stream_arn)
        _remove(needs, transaction, stream, request.tag_keys)


async def list_tags_for_stream(
    needs: Needs, call: Call, request: shapes.ListTagsForStreamInput
) -> shapes.ListTagsForStreamOutput:
    """A stream's tags by key, those after `ExclusiveStartTagKey`.

    Source: Kinesis API reference, ListTagsForStream.
    """
    async with needs.records.transaction() as transaction:
        stream = await resolve(needs, transaction, call, request.stream_name, request.stream_arn)
    after = request.exclusive_start_tag_key
    left = {key: value for key, value in stream.tags.items() if after is None or key > after}
    size = request.limit or TAGS_PAGE_MAX
    return shapes.ListTagsForStreamOutput(
        tags=show_tags(left)[:size], has_more_tags=len(left) > size
    )


async def tag_resource(needs: Needs, call: Call, request: shapes.TagResourceInput) -> None:
    """Add tags to a stream, a consumer or a channel; those of keys that it has are replaced.

    Raises:
        InvalidArgument: more than 50 in the end, or characters that are not allowed.
        ResourceNotFound: there is no such stream, consumer or channel.
        ResourceInUse: the stream is CREATING or DELETING.

    Source: Kinesis API reference, TagResource.
    """
    async with needs.records.transaction() as transaction:
        resource = await _resolve(needs, transaction, call, request.resource_arn)
        _add(needs, transaction, resource, request.tags)


async def untag_resource(needs: Needs, call: Call, request: shapes.UntagResourceInput) -> None:
    """Remove tags from a stream, a consumer or a channel; keys that it does not have are no error.

    Raises:
        ResourceNotFound: there is no such stream, consumer or channel.
        ResourceInUse: the stream is CREATING or DELETING.

    Source: Kinesis API reference, UntagResource.
    """
    async with needs.records.transaction() as transaction:
        resource = await _resolve(needs, transaction, call, request.resource_arn)
        _remove(needs, transaction, resource, request.tag_keys)


async def list_tags_for_resource(
    needs: Needs, call: Call, request: shapes.ListTagsForResourceInput
) -> shapes.ListTagsForResourceOutput:
    """The tags of a stream, a consumer or a channel, by key.

    Raises:
        ResourceNotFound: there is no such stream, consumer or channel.

    Source: Kinesis API reference, ListTagsForResource.
    """
    async with needs.records.transaction() as transaction:
        resource = await _resolve(needs, transaction, call, request.resource_arn)
    return shapes.ListTagsForResourceOutput(tags=show_tags(resource.tags))


async def _resolve(
    needs: Needs, transaction: Transaction, call: Call, resource_arn: str
) -> _Tagged:
    if ":channel/" in resource_arn:
        return await require_channel(needs, transaction, call, resource_arn)
    return await resolve_resource(needs, transaction, call, resource_arn)


def _add(needs: Needs, transaction: Transaction, resource: _Tagged, more: dict[str, str]) -> None:
    try:
        tags = rules.add(resource.tags, more)
    except rules.BadTags as error:
        raise InvalidArgument(_failed("add tags to", resource, error)) from None
    _save(needs, transaction, resource, tags)


def _remove(needs: Needs, transaction: Transaction, resource: _Tagged, keys: list[str]) -> None:
    try:
        rules.check_keys(keys)
    except rules.BadTags as error:
        raise InvalidArgument(_failed("remove tags from", resource, error)) from None
    _save(needs, transaction, resource, rules.remove(resource.tags, keys))


def _save(needs: Needs, transaction: Transaction, resource: _Tagged, tags: dict[str, str]) -> None:
    if isinstance(resource, Stream):
        check_changeable(resource, needs.clock.now_ms())
        store.save_stream(transaction, resource, replace(resource, tags=tags))
    elif isinstance(resource, Channel):
        store.save_channel(transaction, replace(resource, tags=tags))
    else:
        store.save_consumer(transaction, resource, replace(resource, tags=tags))


def _failed(doing: str, resource: _Tagged, why: Exception) -> str:
    kind = type(resource).__name__.lower()
    return (
        f"Failed to {doing} {kind} {resource.name} under account {resource.account} because {why}"
    )
