"""SubscribeToShard: a shard's records, pushed as soon as they are durable.

One event carries what has come since the last one: the first record of a quiet shard leaves at
once, those of a busy one together, a few milliseconds apart. A quiet shard sends an empty event
every few seconds, as AWS does, so that a client knows its connection lives and where it stands.
"""

import asyncio
from collections.abc import AsyncIterator

from millpond.engines.log.interface import Read
from millpond.kernel.call import Call
from millpond.services.kinesis.errors import DryRunOperation, ResourceInUse
from millpond.services.kinesis.model import sequence
from millpond.services.kinesis.model.consumer import Consumer
from millpond.services.kinesis.model.stream import Shard, Stream
from millpond.services.kinesis.needs import Needs
from millpond.services.kinesis.operations.iterators import find_position, find_shard, shard_gone
from millpond.services.kinesis.operations.reading import (
    child_shards,
    millis_behind,
    read_shard,
    show_records,
    size_of_read,
)
from millpond.services.kinesis.operations.scope import (
    consumer_not_found,
    require_consumer,
    resolve_for_data,
)
from millpond.services.kinesis.shapes import (
    SubscribeToShardEvent,
    SubscribeToShardInput,
    SubscribeToShardOutput,
)
from millpond.services.kinesis.traffic import SUBSCRIPTION_LIFE_MS, Subscription

EVENT_RECORDS_MAX = 10_000
EVENT_SIZE_BYTES_MAX = 1024 * 1024
QUIET_MS_MAX = 5_000
"""How long a subscriber hears nothing of a quiet shard."""

_GATHERED_MS = 2
_LOOK_SECONDS = 1.0
_RESHAPED_SECONDS = 0.02


async def subscribe_to_shard(
    needs: Needs, call: Call, request: SubscribeToShardInput
) -> SubscribeToShardOutput:
    """Push a shard's records to a consumer for five minutes.

    Raises:
        ResourceNotFound: there is no such consumer or shard.
        ResourceInUse: the consumer is not ACTIVE, or subscribed to this shard less than five
            seconds ago. An older subscription ends with this error.
        InvalidArgument: the starting position is not in this shard.

    Source: Kinesis API reference, SubscribeToShard (2013-12-02).
    """
    now_ms = needs.clock.now_ms()
    async with needs.records.transaction() as transaction:
        consumer = await require_consumer(needs, transaction, call, request.consumer_arn)
        stream = await resolve_for_data(needs, transaction, call, consumer.stream_name, None)
    if consumer.status_at(now_ms) != "ACTIVE":
        raise ResourceInUse(
            f"Consumer {consumer.name} with creation timestamp {consumer.created_ms // 1000} under "
            f"stream: {stream.name}, account {stream.account} is not in ACTIVE status."
        )
    shard = find_shard(stream, request.shard_id)
    position = await find_position(needs, call, stream, shard, request.starting_position)
    if request.dry_run:
        raise DryRunOperation("Request would have succeeded, but DryRun flag is set.")
    metrics = needs.traffic.of(stream, needs.meter).metrics
    subscription = needs.traffic.subscribe(consumer.arn, shard.index, now_ms)
    metrics.consumer("SubscribeToShard.RateExceeded", consumer.name, int(subscription is None))
    metrics.consumer("SubscribeToShard.Success", consumer.name, int(subscription is not None))
    if subscription is None:
        raise ResourceInUse(f"Another active subscription exists for this consumer: {consumer.arn}")
    feed = _Feed(needs, call, consumer, shard.index, position, subscription)
    return SubscribeToShardOutput(event_stream=feed.events())


class _Feed:
    """One subscription's events."""

    def __init__(
        self,
        needs: Needs,
        call: Call,
        consumer: Consumer,
        shard_index: int,
        position: int,
        subscription: Subscription,
    ) -> None:
        self._needs = needs
        self._call = call
        self._consumer = consumer
        self._shard_index = shard_index
        self._position = position
        self._subscription = subscription
        self._told_ms = 0
        self._told_newest_ms = 0
        self._pauses = _Pauses(needs, subscription)

    async def events(self) -> AsyncIterator[SubscribeToShardEvent]:
        """Events until the shard or the subscription ends.

        Raises:
            ResourceInUse: another subscription took over.
            ResourceNotFound: the stream, the consumer or the shard is gone.
            InternalFailure: stored records are damaged.
        """
        needs = self._needs
        ends_ms = self._subscription.began_ms + SUBSCRIPTION_LIFE_MS
        try:
            while (now_ms := await self._gather()) < ends_ms:
                self._check_held()
                stream, shard = await self._look()
                read = await read_shard(
                    needs,
                    stream,
                    shard,
                    self._position,
                    entries_max=EVENT_RECORDS_MAX,
                    size_bytes_max=EVENT_SIZE_BYTES_MAX,
                )
                at_end = shard.end is not None and read.next_position >= shard.end
                if read.entries or at_end or now_ms - self._told_ms >= QUIET_MS_MAX:
                    event = self._event(stream, shard, read, at_end=at_end)
                    yield event
                    if at_end:
                        return
                    self._position = read.next_position
                    self._told_ms = now_ms
                    if not event.millis_behind_latest:
                        self._told_newest_ms = now_ms
                    await self._pace(read)
                else:
                    await self._wait(stream.log_of(shard.index))
        finally:
            self._pauses.close()

    async def _gather(self) -> int:
        """Let a few milliseconds pass after an event that told the newest; the time then."""
        now_ms = self._needs.clock.now_ms()
        early_ms = self._told_newest_ms + _GATHERED_MS - now_ms
        if early_ms > 0:
            await self._pauses.sleep(early_ms / 1000)
            now_ms = self._needs.clock.now_ms()
        return now_ms

    def _check_held(self) -> None:
        if self._subscription.ended.is_set():
            raise ResourceInUse(
                "Another subscription took over for this consumer: " + self._consumer.arn
            )

    async def _look(self) -> tuple[Stream, Shard]:
        """The stream and the shard as they are now."""
        needs, consumer = self._needs, self._consumer
        now_ms = needs.clock.now_ms()
        async with needs.records.transaction() as transaction:
            found = await require_consumer(needs, transaction, self._call, consumer.arn)
            stream = await resolve_for_data(
                needs, transaction, self._call, consumer.stream_name, None
            )
        if found.status_at(now_ms) == "DELETING":
            raise consumer_not_found(self._call, consumer.name)
        shard = stream.shard(self._shard_index) if stream.id == consumer.stream_id else None
        if shard is None:
            raise shard_gone(stream.name, stream.account, self._shard_index)
        return stream, shard

    def _event(
        self, stream: Stream, shard: Shard, read: Read, *, at_end: bool
    ) -> SubscribeToShardEvent:
        """At the shard's end there is nothing to continue with: clients tell the end by that."""
        behind_ms = millis_behind(self._needs, stream, shard, read)
        self._measure(stream, read, behind_ms)
        number = sequence.base(shard.created_s, shard.index) + sequence.step(read.next_position - 1)
        return SubscribeToShardEvent(
            records=show_records(stream, shard, read.entries),
            continuation_sequence_number=None if at_end else str(number),
            millis_behind_latest=behind_ms,
            child_shards=child_shards(stream, shard) if at_end else None,
        )

    def _measure(self, stream: Stream, read: Read, behind_ms: int) -> None:
        metrics = self._needs.traffic.of(stream, self._needs.meter).metrics
        name = self._consumer.name
        metrics.consumer("SubscribeToShardEvent.Success", name, 1)
        metrics.consumer("SubscribeToShardEvent.Bytes", name, size_of_read(read))
        metrics.consumer("SubscribeToShardEvent.Records", name, len(read.entries))
        metrics.consumer("SubscribeToShardEvent.MillisBehindLatest", name, behind_ms)

    async def _pace(self, read: Read) -> None:
        """Let a consumer have 2 MiB a second."""
        if self._needs.limits:
            bucket = self._subscription.bucket
            bucket.fill(self._needs.clock.now_ms())
            bucket.take(size_of_read(read))
            seconds = bucket.seconds_until_free()
            if seconds:
                await self._pauses.sleep(seconds)

    async def _wait(self, log: bytes) -> None:
        """Until there may be something to tell."""
        if self._needs.log.bounds(log).sealed:
            await self._pauses.sleep(_RESHAPED_SECONDS)
            return
        await self._pauses.wait_for_entries(log, self._position)


class _Pauses:
    """Waits that end when another subscription takes over, and all when they are closed.

    What ends every wait, the tick and the take-over, is kept from one wait to the next.
    """

    def __init__(self, needs: Needs, subscription: Subscription) -> None:
        self._needs = needs
        self._ended = subscription.ended
        self._taken_over: asyncio.Task[object] | None = None
        self._tick: asyncio.Task[object] | None = None

    async def wait_for_entries(self, log: bytes, position: int) -> None:
        """Wait for an entry at `position`, but no longer than a tick."""
        if self._tick is None or self._tick.done():
            self._tick = asyncio.create_task(self._needs.clock.sleep(_LOOK_SECONDS))
        arrival = asyncio.create_task(self._needs.log.wait(log, position))
        try:
            await self._first(arrival, self._tick)
            if arrival.done():
                arrival.result()
        finally:
            arrival.cancel()

    async def sleep(self, seconds: float) -> None:
        sleeping = asyncio.create_task(self._needs.clock.sleep(seconds))
        try:
            await self._first(sleeping)
        finally:
            sleeping.cancel()

    async def _first(self, *tasks: asyncio.Task[None] | asyncio.Task[object]) -> None:
        if self._taken_over is None:
            self._taken_over = asyncio.create_task(self._ended.wait())
        await asyncio.wait((self._taken_over, *tasks), return_when=asyncio.FIRST_COMPLETED)

    def close(self) -> None:
        for task in (self._taken_over, self._tick):
            if task is not None:
                task.cancel()
