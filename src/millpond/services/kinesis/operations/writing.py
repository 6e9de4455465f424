"""Writes records to the shards that they belong to: one append for a whole request.

A shard may be split or merged between reading the stream and writing: its log is sealed then,
nothing of the append was written, and all of it is routed again by the stream's new shards.
"""

from collections.abc import Sequence
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
    """The records of a request that go to one shard, by their places in the request."""

    lane: Lane
    places: Sequence[int]


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
    count = len(incoming.sent)
    while True:
        entries = incoming.entries(stream)
        traffic = needs.traffic.of(stream, needs.meter)
        now_ms = needs.clock.now_ms()
        results: list[PutRecordsResultEntry] = [_NOT_WRITTEN] * count
        shares = []
        throttled = 0
        for share in _shares(traffic, incoming):
            admitted = _admit(needs, traffic, share, incoming.sizes, now_ms, results)
            throttled += len(share.places) - len(admitted)
            if admitted:
                shares.append(_Share(share.lane, admitted))
        if not shares:
            return Written(results, throttled, 0, stream)
        batches = [Batch(lane.log, [entries[place] for place in places]) for lane, places in shares]
        try:
            appended = await needs.log.append(batches)
        except Sealed:
            reshaped = await _reshaped(needs, call, stream)
            if reshaped is None:
                return Written([_NOT_WRITTEN] * count, 0, count, stream)
            stream = reshaped
            continue
        for (lane, places), (position, _) in zip(shares, appended, strict=True):
            number = lane.base + sequence.step(position)
            for place in places:
                results[place] = PutRecordsResultEntry(
                    sequence_number=str(number), shard_id=lane.id
                )
                number += sequence.STEP
        return Written(results, throttled, 0, stream)


_NOT_WRITTEN = PutRecordsResultEntry(error_code=FAILED, error_message="Internal Service Failure")


def _shares(traffic: StreamTraffic, incoming: Incoming) -> list[_Share]:
    """Each record's shard: by its hash key, or in turn where the stream distributes by itself."""
    routing = traffic.routing
    lanes = routing.lanes
    places: list[list[int]] = [[] for _ in lanes]
    if traffic.stream.distribution == "AUTO":
        count = len(incoming.sent)
        turn = traffic.take_turns(count)
        for place in range(count):
            places[(turn + place) % len(lanes)].append(place)
    else:
        of_key = routing.of_key
        for place, (record, key) in enumerate(zip(incoming.sent, incoming.keys, strict=True)):
            explicit = record.explicit_hash_key
            if explicit is None:
                places[of_key(key)].append(place)
            else:
                places[_explicit(traffic, explicit)].append(place)
    return [_Share(lane, of) for lane, of in zip(lanes, places, strict=True) if of]


def _explicit(traffic: StreamTraffic, hash_key: str) -> int:
    try:
        return traffic.routing.of_hash_key(int(hash_key))
    except OverflowError as error:
        raise InvalidArgument(
            "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. "
            f"Specified value was {hash_key}"
        ) from error


def _admit(
    needs: Needs,
    traffic: StreamTraffic,
    share: _Share,
    sizes: Sequence[int],
    now_ms: int,
    results: list[PutRecordsResultEntry],
) -> Sequence[int]:
    """The places of those records that the shard takes; the others' results are written."""
    lane, places = share
    shard = traffic.shard(lane.index)
    wanted = [sizes[place] for place in places]
    admitted = shard.throughput.admit_writes(wanted, now_ms) if needs.limits else None
    if admitted is None:
        _count(traffic, lane, now_ms, len(places), sum(wanted), 0)
        return places
    stream = traffic.stream
    refused = PutRecordsResultEntry(
        error_code=THROTTLED,
        error_message=f"Rate exceeded for shard {lane.id} in stream {stream.name} under account "
        f"{stream.account}.",
    )
    taken = []
    taken_bytes = 0
    for place, size, fits in zip(places, wanted, admitted, strict=True):
        if fits:
            taken.append(place)
            taken_bytes += size
        else:
            results[place] = refused
    _count(traffic, lane, now_ms, len(taken), taken_bytes, len(places) - len(taken))
    return taken


def _count(
    traffic: StreamTraffic, lane: Lane, now_ms: int, records: int, size_bytes: int, refused: int
) -> None:
    traffic.shard(lane.index).count(now_ms, records, size_bytes, refused)
    metrics = traffic.metrics
    if metrics.watches_shards:
        metrics.shard("IncomingRecords", lane.id, records)
        metrics.shard("IncomingBytes", lane.id, size_bytes)
        metrics.shard("WriteProvisionedThroughputExceeded", lane.id, refused)


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
