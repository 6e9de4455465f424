"""GetShardIterator, and where in a shard a reader begins."""

from millpond.kernel.call import Call
from millpond.services.kinesis.errors import (
    DryRunOperation,
    InvalidArgument,
    ProvisionedThroughputExceeded,
    ResourceNotFound,
)
from millpond.services.kinesis.model import sequence
from millpond.services.kinesis.model.iterators import ShardIterator, seal
from millpond.services.kinesis.model.stream import Shard, Stream, shard_id
from millpond.services.kinesis.needs import Needs
from millpond.services.kinesis.operations.scope import (
    epoch_ms,
    require_shard_index,
    resolve_for_data,
)
from millpond.services.kinesis.shapes import (
    GetShardIteratorInput,
    GetShardIteratorOutput,
    StartingPosition,
)


async def get_shard_iterator(
    needs: Needs, call: Call, request: GetShardIteratorInput
) -> GetShardIteratorOutput:
    """An iterator that reads a shard from a place on; it is good for five minutes.

    Raises:
        InvalidArgument: the place does not fit the iterator's type, or is not in this shard.
        ResourceNotFound: there is no such stream or shard.
        ProvisionedThroughputExceeded: more than five iterators a second for this shard.

    Source: Kinesis API reference, GetShardIterator (2013-12-02).
    """
    async with needs.records.transaction() as transaction:
        stream = await resolve_for_data(
            needs, transaction, call, request.stream_name, request.stream_arn
        )
    shard = find_shard(stream, request.shard_id)
    start = StartingPosition(
        type=request.shard_iterator_type,
        sequence_number=request.starting_sequence_number,
        timestamp=request.timestamp,
    )
    position = await find_position(needs, call, stream, shard, start)
    if request.dry_run:
        raise DryRunOperation("Request would have succeeded, but DryRun flag is set.")
    now_ms = needs.clock.now_ms()
    if needs.limits:
        traffic = needs.traffic.of(stream, needs.meter)
        if not traffic.shard(shard.index).throughput.admit_iterator(now_ms):
            raise ProvisionedThroughputExceeded(rate_exceeded(stream, shard))
    return GetShardIteratorOutput(
        shard_iterator=sealed_iterator(needs, call, stream, shard, position)
    )


def sealed_iterator(needs: Needs, call: Call, stream: Stream, shard: Shard, position: int) -> str:
    """A new iterator at `position` of the shard."""
    iterator = ShardIterator(stream.name, stream.id, shard.index, position, needs.clock.now_ms())
    return seal(needs.pages.secret, call.account, call.region, iterator)


def find_shard(stream: Stream, named: str) -> Shard:
    """The shard that a request names.

    Raises:
        ResourceNotFound: there is none.
    """
    index = require_shard_index(stream, named)
    shard = stream.shard(index)
    if shard is None:
        raise shard_gone(stream.name, stream.account, index)
    return shard


def shard_gone(stream_name: str, account: str, index: int) -> ResourceNotFound:
    return ResourceNotFound(
        f"Shard {shard_id(index)} in stream {stream_name} under account {account} does not exist"
    )


def rate_exceeded(stream: Stream, shard: Shard) -> str:
    return (
        f"Rate exceeded for shard {shard.id} in stream {stream.name} under account "
        f"{stream.account}."
    )


async def find_position(
    needs: Needs, call: Call, stream: Stream, shard: Shard, start: StartingPosition
) -> int:
    """The position in the shard's log where a reader begins.

    Raises:
        InvalidArgument: `start` lacks what its type needs, has more, or is not in this shard.
    """
    log = stream.log_of(shard.index)
    match start.type:
        case "AT_SEQUENCE_NUMBER" | "AFTER_SEQUENCE_NUMBER":
            number = start.sequence_number
            if number is None:
                raise InvalidArgument(
                    f"{_EITHER} Request specified {start.type} and no StartingSequenceNumber."
                )
            place = _place(needs, call, stream, shard, number)
            position = place if start.type == "AFTER_SEQUENCE_NUMBER" else max(place - 1, 0)
            return min(position, needs.log.bounds(log).end)
        case "AT_TIMESTAMP":
            if start.sequence_number is not None:
                raise InvalidArgument(
                    "Must specify timestampInMillis and no StartingSequenceNumber for iterator of "
                    "type AT_TIMESTAMP."
                )
            return await needs.log.find(log, _time_ms(needs, start.timestamp))
        case _:
            if start.sequence_number is not None:
                raise InvalidArgument(
                    f"{_EITHER} Request specified {start.type} and also a StartingSequenceNumber."
                )
            return 0 if start.type == "TRIM_HORIZON" else needs.log.bounds(log).end


_EITHER = (
    "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and "
    "StartingSequenceNumber or (2) TRIM_HORIZON or LATEST and no StartingSequenceNumber."
)


def _place(needs: Needs, call: Call, stream: Stream, shard: Shard, number: str) -> int:
    """What a sequence number says of this shard: 0 is before its first record, and its end (which
    is told of a closed shard) after its last."""
    used = (
        f"StartingSequenceNumber {number} used in {call.operation} on shard {shard.id} in stream "
        f"{stream.name} under account {stream.account} is invalid"
    )
    try:
        created_s, place, index = sequence.read(number)
    except ValueError as error:
        raise InvalidArgument(f"{used}.") from error
    if index != shard.index:
        raise InvalidArgument(
            f"Invalid StartingSequenceNumber. It encodes {shard_id(index)}, while it was used in "
            f"a call to a shard with {shard.id}"
        )
    if created_s != shard.created_s:
        raise InvalidArgument(f"{used} because it did not come from this stream.")
    if place > needs.log.bounds(stream.log_of(shard.index)).end + 1:
        raise InvalidArgument(f"{used}.")
    return place


def _time_ms(needs: Needs, timestamp: float | None) -> int:
    if timestamp is None:
        raise InvalidArgument(
            "Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. Current "
            "value = null"
        )
    now_ms = needs.clock.now_ms()
    time_ms = epoch_ms(timestamp)
    if time_ms > now_ms:
        raise InvalidArgument(
            "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. "
            f"timestampInMillis: {time_ms}, currentTimestampInMillis: {now_ms}"
        )
    return time_ms
