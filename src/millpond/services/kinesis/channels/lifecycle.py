"""How a channel begins and ends. At its beginning its buckets are looked at."""

from msgspec.structs import replace

from millpond.kernel.errors import ServiceError
from millpond.services.kinesis import store
from millpond.services.kinesis.channels.channel import Channel
from millpond.services.kinesis.channels.progress import Progress
from millpond.services.kinesis.channels.role import call_as_role
from millpond.services.kinesis.needs import Needs


async def activate(needs: Needs, channel: Channel) -> None:
    """Make a channel ACTIVE, or FAILED if its buckets are not there or not who was expected owns
    them. Records that were put before are not delivered.

    Source: Kinesis Data Streams Developer Guide, "Troubleshooting data delivery", "No backfill".
    """
    reason = await _why_not(needs, channel)
    async with needs.records.transaction() as transaction:
        current = await store.load_channel(transaction, channel, channel.id)
        if current is None or current.status != "CREATING":
            return
        stream = await store.load_stream(transaction, channel, channel.stream_name)
        if stream is None or stream.id != channel.stream_id:
            reason = f"Stream {channel.stream_name} under account {channel.account} not found."
        if stream is None or reason is not None:
            failed = replace(current, status="FAILED", reason=reason or "")
            store.save_channel(transaction, failed)
            return
        ends = {
            shard.index: needs.log.bounds(stream.log_of(shard.index)).end
            for shard in stream.shards
            if shard.open
        }
        store.save_progress(transaction, channel, channel.id, Progress(ends, stream.next_index))
        store.save_channel(transaction, replace(current, status="ACTIVE", status_until_ms=0))


async def forget(needs: Needs, channel: Channel) -> None:
    """Remove what is left of a deleted channel. What it did not deliver stays in the stream."""
    async with needs.records.transaction() as transaction:
        store.delete_channel(transaction, channel, channel.id)


async def _why_not(needs: Needs, channel: Channel) -> str | None:
    """Why the channel cannot deliver."""
    call = call_as_role(needs, channel)
    for place in (channel.storage, channel.dead_letters):
        bucket = place.bucket_arn.rpartition(":")[2]
        try:
            await needs.call_aws(
                call, "s3", "HeadBucket", Bucket=bucket, ExpectedBucketOwner=place.owner
            )
        except ServiceError as error:
            if error.status >= 500:
                raise
            return f"The bucket {place.bucket_arn} cannot be used: {error.code}: {error.message}"
    return None
