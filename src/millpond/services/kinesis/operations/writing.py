"""Writes records to the shards that they belong to: one append for a whole request.

A shard may be split or merged between reading the stream and writing: its log is sealed then,
nothing of the append was written, and all of it is routed again by the stream's new shards.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import compress
from typing import NamedTuple, Protocol

from millpond.engines.log.interface import Batch, Sealed
from millpond.kernel.call import Call
from millpond.services.kinesis.encryption import encrypt
from millpond.services.kinesis.errors import InvalidArgument
from millpond.services.kinesis.model import sequence
from millpond.services.kinesis.model.entries import as_encrypted, key_size, pack_key
from millpond.services.kinesis.model.routing import Lane
from millpond.services.kinesis.model.stream import Stream
from millpond.services.kinesis.needs import Needs
from millpond.services.kinesis.operations.scope import resolve_for_data
from millpond.services.kinesis.shapes import PutRecordsResultEntry
from millpond.services.kinesis.traffic import StreamTraffic

THROTTLED = "ProvisionedThroughputExceededException"
FAILED = "InternalFailure"

_RESHAPED_SECONDS_MAX = 10.0
_PAUSE_SECONDS = 0.002
_PAUSE_SECONDS_MAX = 0.1


class Sent(Protocol):
    """A record as a request brings it."""

    @property
    def data(self) -> bytes: ...
    @property
    def partition_key(self) -> str | None: ...
    @property
    def explicit_hash_key(self) -> str | None: ...


class Written(NamedTuple):
    """What became of records, in their order. `stream` is the stream as it was in the end."""

    results: Sequence[PutRecordsResultEntry]
    throttled: int
    failed: int
    stream: Stream


class _Share(NamedTuple):
    """The records of a request that belong to one shard, by their places in the request: those that
    it takes, and those that its limits refuse. `size_bytes` is that of the taken ones."""

    lane: Lane
    taken: Sequence[int]
    size_bytes: int
    refused: Sequence[int] = ()


class Incoming:
    """The records of a request. `keys` are their partition keys as logs hold them, `sizes` what
    they count against limits: data and partition key, in bytes."""

    def __init__(self, sent: Sequence[Sent]) -> None:
        self.sent = sent
        self.keys = [pack_key(record.partition_key) for record in sent]
        self.sizes = [
            len(record.data) + key_size(key) for record, key in zip(sent, self.keys, strict=True)
        ]

    def entries(self, stream: Stream) -> list[tuple[bytes, bytes]]:
        """What is written to the logs of `stream`, encrypted where it asks for that."""
        plain = zip(self.keys, (record.data for record in self.sent), strict=True)
        if stream.encryption == "NONE":
            return list(plain)
        sealed = ((as_encrypted(key), data) for key, data in plain)
        return [(key, encrypt(stream.data_keys, key, data)) for key, data in sealed]


async def write(needs: Needs, call: Call, stream: Stream, incoming: Incoming) -> Written:
    """Append records, those of one shard in their order, and return once all are durable.

    Records that a shard's limits refuse are not written; the others are.

    Raises:
        InvalidArgument: an explicit hash key is out of range; nothing is written.
        ResourceNotFound: the stream was deleted in the meantime; nothing is written.
    """
    while True:
        try:
            return await _attempt(needs, stream, incoming)
        except Sealed:
            reshaped = await _reshaped(needs, call, stream)
        if reshaped is None:
            count = len(incoming.sent)
            return Written([_NOT_WRITTEN] * count, 0, count, stream)
        stream = reshaped


_NOT_WRITTEN = PutRecordsResultEntry(error_code=FAILED, error_message="Internal Service Failure")


async def _attempt(needs: Needs, stream: Stream, incoming: Incoming) -> Written:
    """Append records to the shards that `stream` has.

    Raises:
        Sealed: one of the shards is closed; nothing is written, nor counted.
    """
    traffic = needs.traffic.of(stream, needs.meter)
    now_ms = needs.clock.now_ms()
    shares = [
        _share(needs, traffic, traffic.routing.lanes[lane], places, incoming.sizes, now_ms)
        for lane, places in _places(traffic, incoming).items()
    ]
    taking = [share for share in shares if share.taken]
    entries = incoming.entries(stream)
    batches = [Batch(share.lane.log, [entries[place] for place in share.taken]) for share in taking]
    appended = await needs.log.append(batches) if batches else []
    results: list[PutRecordsResultEntry] = [_NOT_WRITTEN] * len(incoming.sent)
    for (lane, taken, _, _), (position, _) in zip(taking, appended, strict=True):
        number = lane.base + sequence.step(position)
        for place in taken:
            results[place] = PutRecordsResultEntry(sequence_number=str(number), shard_id=lane.id)
            number += sequence.STEP
    throttled = 0
    for share in shares:
        _count(traffic, share, now_ms)
        if share.refused:
            throttled += len(share.refused)
            refusal = _refusal(stream, share.lane)
            for place in share.refused:
                results[place] = refusal
    return Written(results, throttled, 0, stream)


def _places(traffic: StreamTraffic, incoming: Incoming) -> Mapping[int, list[int]]:
    """The places of the records of each lane that has any: by their hash keys, or in turn where
    the stream distributes them by itself."""
    places: defaultdict[int, list[int]] = defaultdict(list)
    routing = traffic.routing
    if traffic.stream.distribution == "AUTO":
        count, lane_count = len(incoming.sent), len(routing.lanes)
        turn = traffic.take_turns(count)
        for place in range(count):
            places[(turn + place) % lane_count].append(place)
        return places
    of_key = routing.of_key
    for place, (record, key) in enumerate(zip(incoming.sent, incoming.keys, strict=True)):
        explicit = record.explicit_hash_key
        lane = of_key(key) if explicit is None else _explicit(traffic, explicit)
        places[lane].append(place)
    return places


def _explicit(traffic: StreamTraffic, hash_key: str) -> int:
    try:
        return traffic.routing.of_hash_key(int(hash_key))
    except OverflowError as error:
        raise InvalidArgument(
            "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. "
            f"Specified value was {hash_key}"
        ) from error


def _share(
    needs: Needs,
    traffic: StreamTraffic,
    lane: Lane,
    places: Sequence[int],
    sizes: Sequence[int],
    now_ms: int,
) -> _Share:
    """What a shard takes of the records that belong to it."""
    wanted = [sizes[place] for place in places]
    admitted = None
    if needs.limits:
        admitted = traffic.shard(lane.index).throughput.admit_writes(wanted, now_ms)
    if admitted is None:
        return _Share(lane, places, sum(wanted))
    return _Share(
        lane,
        list(compress(places, admitted)),
        sum(compress(wanted, admitted)),
        [place for place, fits in zip(places, admitted, strict=True) if not fits],
    )


def _refusal(stream: Stream, lane: Lane) -> PutRecordsResultEntry:
    return PutRecordsResultEntry(
        error_code=THROTTLED,
        error_message=f"Rate exceeded for shard {lane.id} in stream {stream.name} under account "
        f"{stream.account}.",
    )


def _count(traffic: StreamTraffic, share: _Share, now_ms: int) -> None:
    lane, taken, size_bytes, refused = share
    traffic.shard(lane.index).count(now_ms, len(taken), size_bytes, len(refused))
    metrics = traffic.metrics
    if metrics.watches_shards:
        metrics.shard("IncomingRecords", lane.id, len(taken))
        metrics.shard("IncomingBytes", lane.id, size_bytes)
        metrics.shard("WriteProvisionedThroughputExceeded", lane.id, len(refused))


async def _reshaped(needs: Needs, call: Call, stream: Stream) -> Stream | None:
    """The stream once its shards are others than `stream`'s; None when they stay the same."""
    waited, pause = 0.0, _PAUSE_SECONDS
    while waited < _RESHAPED_SECONDS_MAX:
        async with needs.records.transaction() as transaction:
            current = await resolve_for_data(needs, transaction, call, stream.name, None)
        if current.id != stream.id or current.shards != stream.shards:
            return current
        await needs.clock.sleep(pause)
        waited += pause
        pause = min(2 * pause, _PAUSE_SECONDS_MAX)
    return None
