"""Reads shards by GetRecords, as often as AWS allows and no more often than the table wants.

A shard allows five reads a second. One that is behind is read again at once; one that is not, after
the table's interval.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import msgspec

from millpond.engines.streams.connectors.aws import Aws, AwsError
from millpond.engines.streams.connectors.interface import World
from millpond.engines.streams.connectors.kinesis_options import Reading, StreamName
from millpond.engines.streams.connectors.kinesis_reader import Batch, starting_point
from millpond.engines.streams.connectors.kinesis_records import ChildShard, Record

READS_PER_SECOND = 5
READS_AT_ONCE_MAX = 16
"""Shards that are read, and whose records wait for the pipeline, at one time: it bounds memory."""
_ATTEMPTS_MAX = 20
_CLOCK_PAUSE_SECONDS = 0.25


class _Iterator(msgspec.Struct):
    iterator: str = msgspec.field(name="ShardIterator")


class _Answer(msgspec.Struct, gc=False):
    records: list[Record] = msgspec.field(name="Records")
    next: str | None = msgspec.field(name="NextShardIterator", default=None)
    behind_ms: int | None = msgspec.field(name="MillisBehindLatest", default=None)
    children: list[ChildShard] = msgspec.field(name="ChildShards", default_factory=list)


class Polling:
    """Reads the shards of a stream in turn."""

    def __init__(self, aws: Aws, stream: StreamName, reading: Reading, world: World) -> None:
        self._aws = aws
        self._stream = stream
        self._reading = reading
        self._tell = world.tell
        self._slots = asyncio.Semaphore(READS_AT_ONCE_MAX)

    async def open(self) -> None:
        """Nothing is needed."""

    async def close(self) -> None:
        """Nothing is left behind."""

    async def read(self, shard: str, position: Mapping[str, Any]) -> AsyncGenerator[Batch, None]:
        """What a shard has after a position, to its end.

        Raises:
            AwsError: it cannot go on; `ResourceNotFoundException` where the shard is no more.
        """
        iterator: str | None = await self._iterator(shard, position)
        pace = _Pace(self._reading.interval_ms / 1000)
        while iterator is not None:
            await pace.wait()
            async with self._slots:
                try:
                    answer = await self._get(iterator)
                except AwsError as error:
                    if error.code != "ExpiredIteratorException":
                        raise
                    iterator = await self._iterator(shard, position)
                    continue
                if answer.records:
                    position = {"after": answer.records[-1].sequence}
                pace.hurries = bool(answer.behind_ms) and bool(answer.records)
                children = [child.shard for child in answer.children]
                yield Batch(answer.records, answer.behind_ms, children)
                iterator = answer.next

    async def _get(self, iterator: str) -> _Answer:
        request = {
            **_by_arn(self._stream),
            "ShardIterator": iterator,
            "Limit": self._reading.records_max,
        }
        found: _Answer = await self._aws.call(
            "kinesis", "GetRecords", request, _Answer, pause_seconds_max=0.5
        )
        return found

    async def _iterator(self, shard: str, position: Mapping[str, Any]) -> str:
        point = starting_point(position)
        request = {
            **self._stream.identity,
            "ShardId": shard,
            "ShardIteratorType": point["Type"],
            **({"Timestamp": point["Timestamp"]} if "Timestamp" in point else {}),
            **(
                {"StartingSequenceNumber": point["SequenceNumber"]}
                if "SequenceNumber" in point
                else {}
            ),
        }
        for attempt in range(_ATTEMPTS_MAX):
            try:
                found = await self._aws.call("kinesis", "GetShardIterator", request, _Iterator)
            except AwsError as error:
                if error.code != "InvalidArgumentException":
                    raise
                if "Timestamp" not in point or attempt == _ATTEMPTS_MAX - 1:
                    self._tell(
                        "WARN",
                        f"The position in shard {shard} of stream '{self._stream.shown}' is none "
                        f"any more ({error.text}): the shard is read from its oldest record on.",
                    )
                    return await self._iterator(shard, {"start": True})
                await asyncio.sleep(_CLOCK_PAUSE_SECONDS)
            else:
                return str(found.iterator)
        raise AssertionError


def _by_arn(stream: StreamName) -> dict[str, str]:
    return stream.identity if "StreamARN" in stream.identity else {}


class _Pace:
    """When a shard may be read again."""

    def __init__(self, interval_seconds: float) -> None:
        self.hurries = False
        self._interval_seconds = interval_seconds
        self._begun: deque[float] = deque(maxlen=READS_PER_SECOND)

    async def wait(self) -> None:
        """Wait for the next read, which begins at once."""
        now = time.monotonic()
        due = now
        if self._begun and not self.hurries:
            due = self._begun[-1] + self._interval_seconds
        if len(self._begun) == READS_PER_SECOND:
            due = max(due, self._begun[0] + 1.0)
        if due > now:
            await asyncio.sleep(due - now)
        self._begun.append(time.monotonic())
