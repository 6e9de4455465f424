"""The `kinesis` connector reading: every shard of a stream, from where it stopped, in its order.

A split is a shard. Its position is the sequence number of the last record that was taken
(`{"after": …, "at": its arrival}`), or where a shard that gave none yet begins: `{"start": true}`,
`{"timestamp": …}` (and, of the first ones, how many they are, `of`). A shard that was closed is
read to its end; then the shards that follow it are announced, each once all that it follows are at
their end, and only then it ends itself: at no time does a checkpoint know neither.

LATEST is the moment of the first start, so that what comes before the first checkpoint of a run
that is lost is not lost with it (as Flink's connector does it).

Sources: Kinesis API reference (2013-12-02): ListShards, GetRecords, SubscribeToShard; "Quotas and
limits" (five reads a second and shard); Apache Flink's Kinesis connector 6.0.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Any

from millpond.engines.streams.connectors.aws import Aws, AwsError
from millpond.engines.streams.connectors.endpoints import check_endpoint
from millpond.engines.streams.connectors.interface import Emit, SourceFailed, World
from millpond.engines.streams.connectors.kinesis_fanout import FanOut
from millpond.engines.streams.connectors.kinesis_options import reading_of, stream_of
from millpond.engines.streams.connectors.kinesis_polling import Polling
from millpond.engines.streams.connectors.kinesis_reader import Reader
from millpond.engines.streams.connectors.kinesis_records import ArrivalMaker
from millpond.engines.streams.connectors.kinesis_shards import (
    children_of,
    descendants_of_lost,
    list_shards,
)
from millpond.engines.streams.plan import Table


class KinesisSource:
    """Reads a stream."""

    def __init__(self, table: Table, world: World) -> None:
        self._stream = stream_of(table)
        self._reading = reading_of(table)
        self._maker = ArrivalMaker(table, world.settings.get("table.local-time-zone"))
        self._tell = world.tell
        self._table = table
        self._world = world
        self._aws = Aws(world.credentials, self._stream.region)
        self._retention_hours = 24
        reader = FanOut if self._reading.consumer else Polling
        self._reader: Reader = reader(self._aws, self._stream, self._reading, world)
        self._active: set[str] = set()
        self._begun: set[str] = set()
        self._turning = asyncio.Lock()
        self._group: asyncio.TaskGroup

    async def open(self) -> None:
        """Look whether the stream is there.

        Raises:
            SourceFailed: it is not, or must not be read.
        """
        try:
            check_endpoint(self._table, self._world)
            found = await self._aws.call(
                "kinesis", "DescribeStreamSummary", self._stream.identity, patience_seconds=20
            )
        except (AwsError, ValueError) as error:
            raise SourceFailed(f"Stream '{self._stream.shown}': {error}") from error
        finally:
            await self._aws.close()
        self._retention_hours = found["StreamDescriptionSummary"]["RetentionPeriodHours"]

    async def run(self, positions: Mapping[str, Any], emit: Emit) -> None:
        """Read every shard until cancelled.

        Raises:
            SourceFailed: the stream is gone, or must not be read any more.
        """
        try:
            await self._reader.open()
            begin = dict(positions)
            if not _is_whole(begin):
                begin = await self._first_positions(begin)
            for shard, position in begin.items():
                await emit(self._maker.announcement(shard, position))
            await self._read_all(begin, emit)
        except (AwsError, SourceFailed, BaseExceptionGroup) as errors:
            error: BaseException = errors
            while isinstance(error, BaseExceptionGroup):
                error = error.exceptions[0]
            if not isinstance(error, AwsError | SourceFailed):
                raise error from errors
            raise SourceFailed(f"Stream '{self._stream.shown}': {error}") from error
        finally:
            await self._reader.close()
            await self._aws.close()

    async def _first_positions(self, before: Mapping[str, Any]) -> dict[str, Any]:
        """The shards to begin with, all `of` as many; `before` is what of them was announced when
        an earlier start was lost."""
        position: dict[str, Any] = {"start": True}
        filtered: dict[str, Any] = {"Type": "AT_TRIM_HORIZON"}
        if self._reading.start != "TRIM_HORIZON":
            start_ms = self._reading.start_ms or time.time_ns() // 1_000_000
            start_ms = next((each["timestamp"] for each in before.values()), start_ms)
            position = {"timestamp": start_ms}
            filtered = {"Type": "AT_TIMESTAMP", "Timestamp": start_ms / 1000}
            if self._reading.start == "LATEST" and not before:
                filtered = {"Type": "AT_LATEST"}
        shards = await list_shards(self._aws, self._stream, filtered)
        return {shard.id: position | {"of": len(shards)} for shard in shards}

    async def _read_all(self, begin: Mapping[str, Any], emit: Emit) -> None:
        """Read these shards, and all that follow them."""
        self._active = set(begin)
        waiting = await self._waiting(begin)
        async with asyncio.TaskGroup() as group:
            self._group = group
            for shard, position in begin.items():
                if shard not in waiting:
                    self._begin(shard, position, emit)
            await asyncio.get_running_loop().create_future()

    def _begin(self, shard: str, position: Mapping[str, Any], emit: Emit) -> None:
        self._begun.add(shard)
        self._group.create_task(self._follow(shard, position, emit))

    async def _waiting(self, begin: Mapping[str, Any]) -> set[str]:
        """The shards that were announced, but follow others that are not at their end yet."""
        if not any("start" in position for position in begin.values()) or len(begin) < 2:
            return set()
        shards = await list_shards(self._aws, self._stream)
        return {
            shard.id
            for shard in shards
            if shard.id in begin and any(parent in begin for parent in shard.parents)
        }

    async def _follow(self, shard: str, position: Mapping[str, Any], emit: Emit) -> None:
        """Read a shard to its end, and begin those that follow it."""
        self._warn_of_age(shard, position)
        behind: int | None = None
        told: Sequence[str] = ()
        lost = False
        try:
            async with aclosing(self._reader.read(shard, position)) as batches:
                async for batch in batches:
                    if batch.records:
                        last = batch.records[-1]
                        position = {"after": last.sequence, "at": round(last.arrival * 1000)}
                        await emit(
                            self._maker.arrival(shard, batch.records, position, batch.behind_ms)
                        )
                    elif batch.behind_ms != behind:
                        since = batch.behind_ms
                        await emit(self._maker.announcement(shard, position, behind_ms=since))
                    behind = batch.behind_ms
                    told = batch.children
        except AwsError as error:
            if error.code != "ResourceNotFoundException":
                raise
            lost = True
        async with self._turning:
            followers = await (
                self._after_lost(shard, position) if lost else self._followers(shard, told)
            )
            for follower in followers:
                if follower not in self._active:
                    await emit(self._maker.announcement(follower, {"start": True}))
                self._active.add(follower)
            self._active.discard(shard)
            await emit(self._maker.announcement(shard, position, ended=True))
            for follower in followers:
                self._begin(follower, {"start": True}, emit)

    async def _followers(self, shard: str, told: Sequence[str]) -> list[str]:
        """The shards that follow one which is at its end, and nothing else that is not."""
        while True:
            shards = await list_shards(self._aws, self._stream)
            children = children_of(shard, shards)
            if children or not told:
                break
            await asyncio.sleep(self._reading.discovery_ms / 1000)
        return [
            child.id
            for child in children
            if child.id not in self._begun
            and not any(parent in self._active and parent != shard for parent in child.parents)
        ]

    async def _after_lost(self, shard: str, position: Mapping[str, Any]) -> list[str]:
        """What to go on with after a shard that is no more (or the stream is gone: an error)."""
        shards = await list_shards(self._aws, self._stream)
        if any(each.id == shard for each in shards):
            raise SourceFailed(f"shard {shard} cannot be read")
        self._tell(
            "WARN",
            f"Shard {shard} of stream '{self._stream.shown}' is no more: what it still held after "
            f"the position {dict(position)} was not read.",
        )
        children = children_of(shard, shards) or descendants_of_lost(position, shards, self._begun)
        return [child.id for child in children if child.id not in self._begun]

    def _warn_of_age(self, shard: str, position: Mapping[str, Any]) -> None:
        arrived_ms = position.get("at")
        oldest_ms = time.time_ns() // 1_000_000 - self._retention_hours * 3_600_000
        if arrived_ms is not None and arrived_ms < oldest_ms:
            self._tell(
                "WARN",
                f"The position in shard {shard} of stream '{self._stream.shown}' is older than "
                f"the stream keeps records ({self._retention_hours} hours): some are lost.",
            )


def _is_whole(positions: Mapping[str, Any]) -> bool:
    """Whether they are of all shards that were to be read: nothing is read before all are known, so
    they are unless each is one of the first, and there are fewer of them than there were."""
    return any(position.get("of", 0) <= len(positions) for position in positions.values())
