"""GetRecords."""

from millpond.engines.log.interface import Read
from millpond.kernel.call import Call
from millpond.services.kinesis.errors import (
    DryRunOperation,
    ExpiredIterator,
    InvalidArgument,
    ProvisionedThroughputExceeded,
)
from millpond.services.kinesis.model.iterators import BadIterator, ShardIterator, expired, unseal
from millpond.services.kinesis.model.stream import Shard, Stream
from millpond.services.kinesis.needs import Needs
from millpond.services.kinesis.operations.iterators import (
    rate_exceeded,
    sealed_iterator,
    shard_gone,
)
from millpond.services.kinesis.operations.reading import (
    child_shards,
    millis_behind,
    read_shard,
    show_records,
    size_of_read,
)
from millpond.services.kinesis.operations.scope import name_in, resolve_for_data
from millpond.services.kinesis.shapes import GetRecordsInput, GetRecordsOutput

RECORDS_MAX = 10_000
SIZE_BYTES_MAX = 10 * 1024 * 1024


async def get_records(needs: Needs, call: Call, request: GetRecordsInput) -> GetRecordsOutput:
    """Records from an iterator's place on, 10,000 or 10 MiB at most, and an iterator to go on.

    At the end of a closed shard there is no further iterator, but the shards that came of it.

    Raises:
        ExpiredIterator: it is older than five minutes.
        InvalidArgument: it is not one of ours, or of another stream than StreamARN names.
        ResourceNotFound: its stream or shard is gone.
        ProvisionedThroughputExceeded: the shard gives no more at this moment.
        InternalFailure: stored records there are damaged; the text says where reading can go on.

    Source: Kinesis API reference, GetRecords (2013-12-02).
    """
    began_ms = needs.clock.now_ms()
    iterator = _open(needs, call, request)
    async with needs.records.transaction() as transaction:
        stream = await resolve_for_data(needs, transaction, call, iterator.stream_name, None)
    shard = stream.shard(iterator.shard_index) if stream.id == iterator.stream_id else None
    if shard is None:
        raise shard_gone(stream.name, stream.account, iterator.shard_index)
    if request.dry_run:
        raise DryRunOperation("Request would have succeeded, but DryRun flag is set.")
    _admit(needs, stream, shard, began_ms)
    read = await read_shard(
        needs,
        stream,
        shard,
        iterator.position,
        entries_max=request.limit or RECORDS_MAX,
        size_bytes_max=SIZE_BYTES_MAX,
    )
    size = size_of_read(read)
    if needs.limits:
        traffic = needs.traffic.of(stream, needs.meter)
        traffic.shard(shard.index).throughput.count_read(size)
    behind_ms = millis_behind(needs, stream, shard, read)
    at_end = shard.end is not None and read.next_position >= shard.end
    answer = GetRecordsOutput(
        records=show_records(stream, shard, read.entries),
        next_shard_iterator=(
            None if at_end else sealed_iterator(needs, call, stream, shard, read.next_position)
        ),
        millis_behind_latest=behind_ms,
        child_shards=child_shards(stream, shard) if at_end else None,
    )
    _measure(needs, stream, shard, read, size, behind_ms, began_ms)
    return answer


def _open(needs: Needs, call: Call, request: GetRecordsInput) -> ShardIterator:
    try:
        iterator = unseal(needs.pages.secret, call.account, call.region, request.shard_iterator)
    except BadIterator as error:
        raise InvalidArgument("Invalid ShardIterator.") from error
    arn = request.stream_arn
    if arn is not None and name_in(call, arn) != iterator.stream_name:
        raise InvalidArgument(f"StreamARN {arn} does not match the stream of ShardIterator.")
    too_old = expired(iterator, needs.clock.now_ms())
    if too_old is not None:
        raise ExpiredIterator(too_old)
    return iterator


def _admit(needs: Needs, stream: Stream, shard: Shard, now_ms: int) -> None:
    traffic = needs.traffic.of(stream, needs.meter)
    admitted = not needs.limits or traffic.shard(shard.index).throughput.admit_read(now_ms)
    traffic.metrics.stream("ReadProvisionedThroughputExceeded", int(not admitted))
    traffic.metrics.shard("ReadProvisionedThroughputExceeded", shard.id, int(not admitted))
    if not admitted:
        traffic.metrics.stream("GetRecords.Success", 0)
        raise ProvisionedThroughputExceeded(rate_exceeded(stream, shard))


def _measure(
    needs: Needs,
    stream: Stream,
    shard: Shard,
    read: Read,
    size: int,
    behind_ms: int,
    began_ms: int,
) -> None:
    now_ms = needs.clock.now_ms()
    metrics = needs.traffic.of(stream, needs.meter).metrics
    age_ms = behind_ms
    metrics.stream("GetRecords.Success", 1)
    metrics.stream("GetRecords.Latency", now_ms - began_ms)
    metrics.stream("GetRecords.Bytes", size)
    metrics.stream("GetRecords.Records", len(read.entries))
    metrics.stream("GetRecords.IteratorAgeMilliseconds", age_ms)
    if metrics.watches_shards:
        metrics.shard("OutgoingBytes", shard.id, size)
        metrics.shard("OutgoingRecords", shard.id, len(read.entries))
        metrics.shard("IteratorAgeMilliseconds", shard.id, age_ms)
