"""Kinesis's work in the background: each piece may be cut off anywhere and is done again."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

from msgspec.structs import replace

from millpond.engines.records.interface import Transaction, transact
from millpond.kernel.tasks import Step, Task, Wake, schedule
from millpond.services.kinesis import store
from millpond.services.kinesis.channels.delivery import DELIVER_TASK, deliver
from millpond.services.kinesis.model.consumer import Consumer
from millpond.services.kinesis.model.stream import Shard, Stream
from millpond.services.kinesis.needs import Needs
from millpond.services.kinesis.operations.streams import REMOVE_LOGS_TASK
from millpond.services.kinesis.reshaping import RESHAPE_TASK, carry_out
from millpond.services.kinesis.scaling import LOOK_EACH_SECONDS, Scaler
from millpond.services.kinesis.store import Doomed

SCALE_TASK = "scale"
SWEEP_TASK = "sweep"
SWEEP_EACH_MS = 600_000
LOGS_AT_ONCE = 256


async def remove_logs(needs: Needs, task: Task, wake: Wake) -> int | None:
    """Remove what a deleted stream or expired shards left."""
    async with needs.records.transaction() as transaction:
        doomed = await store.load_doomed(transaction, task.subject)
    if doomed is None:
        return None
    await _to_each(doomed.logs, needs.log.delete)

    async def forget(transaction: Transaction) -> None:
        stream = await store.load_stream(transaction, doomed, doomed.name)
        if stream is not None and stream.id == doomed.stream_id and stream.status == "DELETING":
            store.delete_stream(transaction, doomed, doomed.name)
        store.forget_doomed(transaction, task.subject)

    await transact(needs.records, forget)
    return None


async def reshape(needs: Needs, task: Task, wake: Wake) -> int | None:
    """Go on with splits and merges that an operation began and did not finish."""
    async with needs.records.transaction() as transaction:
        stream = await store.load_stream(transaction, task, task.subject)
    if stream is not None:
        await carry_out(needs, stream)
    return None


async def scale(needs: Needs, task: Task, wake: Wake) -> int | None:
    """Let on-demand streams grow and shrink, as long as the platform runs."""
    scaler = Scaler(needs)
    while not wake.stopping:
        await scaler.look()
        await wake.wait(LOOK_EACH_SECONDS)
    return needs.clock.now_ms()


async def sweep(needs: Needs, task: Task, wake: Wake) -> int | None:
    """Let records go that are older than their streams keep them, closed shards whose records have
    all gone, and consumers that were deregistered."""
    now_ms = needs.clock.now_ms()
    async with needs.records.transaction() as transaction:
        streams = [
            stream
            async for stream in store.scan_all_streams(transaction)
            if stream.trim_horizon_ms(now_ms) > stream.created_ms
        ]
        gone = [c async for c in store.scan_all_consumers(transaction) if c.is_gone(now_ms)]
    for stream in streams:
        horizon_ms = stream.trim_horizon_ms(now_ms)
        expired = [s for s in stream.shards if s.closed_ms is not None and s.closed_ms < horizon_ms]
        if expired:
            await _forget_shards(needs, stream, expired, now_ms)
        await _to_each(_holding(needs, stream), partial(needs.log.trim, before_ms=horizon_ms))
        if wake.stopping:
            return now_ms
    for consumer in gone:
        await transact(needs.records, partial(_forget_consumer, consumer, now_ms))
    return now_ms + SWEEP_EACH_MS


async def _forget_consumer(consumer: Consumer, now_ms: int, transaction: Transaction) -> None:
    name = consumer.name
    found = await store.load_consumer(transaction, consumer, consumer.stream_name, name)
    if found is not None and found.is_gone(now_ms):
        store.delete_consumer(transaction, consumer, consumer.stream_name, name)


def _holding(needs: Needs, stream: Stream) -> Sequence[bytes]:
    """The logs of a stream that hold anything."""
    logs = [stream.log_of(shard.index) for shard in stream.shards]
    bounds = map(needs.log.bounds, logs)
    return [log for log, held in zip(logs, bounds, strict=True) if held.first < held.end]


async def _to_each(logs: Sequence[bytes], change: Callable[[bytes], Awaitable[None]]) -> None:
    """Change logs, so many together that they share a sync; others have their turns in between."""
    for start in range(0, len(logs), LOGS_AT_ONCE):
        await asyncio.gather(*(change(log) for log in logs[start : start + LOGS_AT_ONCE]))
    await asyncio.sleep(0)


async def _forget_shards(
    needs: Needs, stream: Stream, expired: Sequence[Shard], now_ms: int
) -> None:
    """Take expired shards out of the stream's record; their logs are removed by the task for
    that."""
    indexes = frozenset(shard.index for shard in expired)
    logs = tuple(stream.log_of(index) for index in sorted(indexes))
    doomed = Doomed(stream.account, stream.region, stream.name, stream.id, logs)
    doomed_id = f"{stream.id}/{min(indexes)}"

    async def forget(transaction: Transaction) -> None:
        current = await store.load_stream(transaction, stream, stream.name)
        if current is None or current.id != stream.id:
            return
        kept = tuple(shard for shard in current.shards if shard.index not in indexes)
        store.save_stream(transaction, stream, replace(current, shards=kept))
        store.save_doomed(transaction, doomed_id, doomed)
        schedule(transaction, Task("kinesis", REMOVE_LOGS_TASK, doomed_id, now_ms))

    await transact(needs.records, forget)


STEPS: Mapping[str, Step] = {
    DELIVER_TASK: deliver,
    REMOVE_LOGS_TASK: remove_logs,
    RESHAPE_TASK: reshape,
    SCALE_TASK: scale,
    SWEEP_TASK: sweep,
}

TASKS_AT_START: tuple[Task, ...] = (
    Task("kinesis", SCALE_TASK, ""),
    Task("kinesis", SWEEP_TASK, ""),
)
