"""What is known of streams only while the platform runs: how much their shards take and give, and
who subscribes to them.

None of it must outlive the process: buckets are full after a second, and subscriptions end with
their connections. Streams that were not used for longest are forgotten first.
"""

import asyncio
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import NamedTuple

from millpond.kernel.metrics import Meter
from millpond.services.kinesis.metering import StreamMeter
from millpond.services.kinesis.model.routing import Routing
from millpond.services.kinesis.model.stream import Stream
from millpond.services.kinesis.model.throughput import READ_BYTES_PER_SECOND, Bucket, Throughput

STREAMS_KEPT_MAX = 4096
SUBSCRIPTION_LIFE_MS = 300_000
SUBSCRIPTION_RENEWAL_MS = 5_000
"""How soon after a subscription another one for the same consumer and shard may take over."""

_SLOT_MS = 10_000
_SLOTS = 31


class Load(NamedTuple):
    """What came in during a time: accepted records and their bytes (keys counted), and how many
    records were refused for the shard's limits."""

    records: int
    size_bytes: int
    refused: int
    seconds: float


@dataclass(slots=True)
class ShardTraffic:
    """One shard's buckets, and what it was sent during the last five minutes."""

    throughput: Throughput = field(default_factory=Throughput)
    _slots: deque[list[int]] = field(default_factory=lambda: deque(maxlen=_SLOTS))

    def count(self, now_ms: int, records: int, size_bytes: int, refused: int = 0) -> None:
        slot = now_ms // _SLOT_MS
        if not self._slots or self._slots[-1][0] != slot:
            self._slots.append([slot, 0, 0, 0])
        counted = self._slots[-1]
        counted[1] += records
        counted[2] += size_bytes
        counted[3] += refused

    def load(self, now_ms: int, seconds: int) -> Load:
        last = now_ms // _SLOT_MS
        first = last - seconds * 1000 // _SLOT_MS
        within = [counted for counted in self._slots if first < counted[0] <= last]
        return Load(
            sum(counted[1] for counted in within),
            sum(counted[2] for counted in within),
            sum(counted[3] for counted in within),
            seconds,
        )


class StreamTraffic:
    """One stream's traffic, and what follows from the stream's record as it was last seen."""

    def __init__(self, stream: Stream, meter: Meter) -> None:
        self._shards: dict[int, ShardTraffic] = {}
        self._turn = 0
        self.see(stream, meter)

    def see(self, stream: Stream, meter: Meter) -> None:
        self.stream = stream
        self.routing = Routing(stream)
        self.metrics = StreamMeter(meter, stream)
        known = {shard.index for shard in stream.shards}
        self._shards = {index: kept for index, kept in self._shards.items() if index in known}

    def shard(self, index: int) -> ShardTraffic:
        traffic = self._shards.get(index)
        if traffic is None:
            traffic = self._shards[index] = ShardTraffic()
        return traffic

    def take_turns(self, count: int) -> int:
        """Where `count` records that go to the shards in turn begin."""
        turn = self._turn
        self._turn = (turn + count) % max(1, len(self.routing.lanes))
        return turn


@dataclass(slots=True)
class Subscription:
    """One consumer's subscription to one shard. `ended` is set when another one takes over."""

    began_ms: int
    bucket: Bucket = field(default_factory=lambda: Bucket(READ_BYTES_PER_SECOND))
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class Traffic:
    """Of all streams."""

    def __init__(self) -> None:
        self._streams: OrderedDict[str, StreamTraffic] = OrderedDict()
        self._subscriptions: OrderedDict[tuple[str, int], Subscription] = OrderedDict()

    def of(self, stream: Stream, meter: Meter) -> StreamTraffic:
        """The traffic of a stream, which is given as it is recorded now."""
        traffic = self._streams.get(stream.id)
        if traffic is None:
            traffic = self._streams[stream.id] = StreamTraffic(stream, meter)
            if len(self._streams) > STREAMS_KEPT_MAX:
                self._streams.popitem(last=False)
        elif traffic.stream is not stream:
            traffic.see(stream, meter)
        self._streams.move_to_end(stream.id)
        return traffic

    def load(self, stream_id: str, shard_index: int, now_ms: int, seconds: int = 60) -> Load:
        """What a shard was sent in the last `seconds`, at most 300; nothing since a restart."""
        traffic = self._streams.get(stream_id)
        if traffic is None:
            return Load(0, 0, 0, seconds)
        return traffic.shard(shard_index).load(now_ms, seconds)

    def subscribe(self, consumer_arn: str, shard_index: int, now_ms: int) -> Subscription | None:
        """A new subscription, in place of an earlier one of the same consumer to the same shard;
        None when that one is too young."""
        self._forget_ended(now_ms)
        key = (consumer_arn, shard_index)
        held = self._subscriptions.pop(key, None)
        if held is not None:
            if now_ms - held.began_ms < SUBSCRIPTION_RENEWAL_MS:
                self._subscriptions[key] = held
                return None
            held.ended.set()
        made = self._subscriptions[key] = Subscription(now_ms)
        return made

    def _forget_ended(self, now_ms: int) -> None:
        while self._subscriptions:
            key, oldest = next(iter(self._subscriptions.items()))
            if now_ms - oldest.began_ms <= SUBSCRIPTION_LIFE_MS:
                return
            del self._subscriptions[key]
