"""Records of a Kinesis stream, through Kinesis's own operations.

A shard's position is `at:<epoch ms>` before its first record, `after:<sequence number>` then, and
`end` once it is closed and read to its end. Its children are begun only then. What ListShards tells
no more is forgotten. Each shard is asked at most once a second, as AWS does.
"""

from collections import deque
from collections.abc import Mapping
from typing import Any

from millpond.kernel.errors import ServiceError
from millpond.services.firehose.delivery.interface import Delivery, NotNow, Record
from millpond.services.firehose.delivery.source import Positions
from millpond.services.firehose.model.stream import KinesisSource
from millpond.services.firehose.needs import Needs

POLL_SECONDS = 1.0
PAUSE_MS_MIN = 50
READ_RECORDS_MAX = 10_000
END = "end"
_AT, _AFTER = "at:", "after:"
_ITERATOR_LOST = frozenset({"ExpiredIteratorException", "InvalidArgumentException"})


class _Shard:
    """A shard that is read. `fetched` are records that were not yielded yet."""

    def __init__(self, shard_id: str, position: str) -> None:
        self.id = shard_id
        self.position = position
        self.iterator: str | None = None
        self.fetched: deque[Record] = deque()
        self.closed = False
        self.asked_ms = 0
        self.behind_ms = 0


class StreamSource:
    """Reads all shards of a stream, parents before their children."""

    def __init__(
        self,
        needs: Needs,
        source: KinesisSource,
        positions: Mapping[str, str],
        delivery: Delivery,
    ) -> None:
        self._needs = needs
        self._source = source
        self._delivery = delivery
        self._call = delivery.call_as(source.role_arn)
        self._positions: Positions = dict(positions)
        self._shards: dict[str, _Shard] = {}
        self._must_list = True

    @property
    def positions(self) -> Positions:
        return dict(self._positions)

    async def read(self, size_bytes_max: int, until: Mapping[str, str] | None) -> list[Record]:
        if self._must_list:
            await self._list()
        records: list[Record] = []
        left = size_bytes_max
        for shard in list(self._shards.values()):
            stop = None if until is None else until.get(shard.id, _AT)
            if stop is not None and self._is_at(shard, stop):
                continue
            if not shard.fetched:
                await self._fetch(shard, eager=until is not None)
            left = self._take(shard, stop, left, records)
            if left <= 0:
                break
        if self._must_list and not records:
            return await self.read(size_bytes_max, until)
        return records

    def _is_at(self, shard: _Shard, stop: str) -> bool:
        """The shard was read up to `stop`, so nothing more is to be read of it."""
        if stop == END:
            return False
        if stop.startswith(_AT):
            return True
        position = shard.position
        return position.startswith(_AFTER) and _number(position) >= _number(stop)

    def _take(self, shard: _Shard, stop: str | None, left: int, records: list[Record]) -> int:
        """Yield fetched records up to `stop` and as many as fit; how many bytes are left."""
        last = _number(stop) if stop is not None and stop.startswith(_AFTER) else None
        fetched = shard.fetched
        taken: Record | None = None
        while fetched:
            if last is not None and int(fetched[0].sequence) > last:
                self._move(shard, stop or "")
                return left
            if records and len(fetched[0].data) > left:
                left = 0
                break
            taken = fetched.popleft()
            left -= len(taken.data)
            records.append(taken)
        if taken is not None:
            self._move(shard, _AFTER + taken.sequence)
        if shard.closed and not fetched and (stop is None or stop == END):
            self._move(shard, END)
            del self._shards[shard.id]
            self._must_list = True
        return left

    def _move(self, shard: _Shard, position: str) -> None:
        shard.position = self._positions[shard.id] = position

    async def _list(self) -> None:
        """Find the shards that can be read now: those whose parents were read to their end."""
        listed: dict[str, dict[str, Any]] = {}
        more: dict[str, Any] = {"StreamARN": self._source.stream_arn}
        while True:
            answer = await self._ask("ListShards", **more)
            listed |= {shard["ShardId"]: shard for shard in answer.get("Shards") or ()}
            if not answer.get("NextToken"):
                break
            more = {"NextToken": answer["NextToken"]}
        for shard_id in [known for known in self._positions if known not in listed]:
            del self._positions[shard_id]
            self._shards.pop(shard_id, None)
        for shard_id, shard in listed.items():
            parents = (shard.get("ParentShardId"), shard.get("AdjacentParentShardId"))
            waits = any(
                parent in listed and self._positions.get(parent) != END
                for parent in parents
                if parent is not None
            )
            position = self._positions.setdefault(shard_id, f"{_AT}{self._source.start_ms}")
            if position != END and not waits and shard_id not in self._shards:
                self._shards[shard_id] = _Shard(shard_id, position)
        self._must_list = False

    async def _fetch(self, shard: _Shard, *, eager: bool) -> None:
        """Ask Kinesis for the shard's next records, unless it was asked just now in vain."""
        now_ms = self._needs.clock.now_ms()
        if shard.closed or (
            not eager and not shard.behind_ms and now_ms - shard.asked_ms < POLL_SECONDS * 1000
        ):
            return
        shard.asked_ms = now_ms
        try:
            if shard.iterator is None:
                shard.iterator = await self._find_iterator(shard)
            answer = await self._needs.call_aws(
                self._call,
                "kinesis",
                "GetRecords",
                ShardIterator=shard.iterator,
                StreamARN=self._source.stream_arn,
                Limit=READ_RECORDS_MAX,
            )
        except ServiceError as error:
            shard.iterator = None
            if error.code in _ITERATOR_LOST:
                shard.asked_ms = 0
                raise NotNow("Kinesis.IteratorLost", error.message) from error
            if error.code == "ProvisionedThroughputExceededException":
                self._delivery.count("ThrottledGetRecords", 1)
                if not eager:
                    return
            raise NotNow(f"Kinesis.{error.code}", error.message) from error
        shard.iterator = answer.get("NextShardIterator")
        shard.closed = shard.iterator is None
        shard.behind_ms = int(answer.get("MillisBehindLatest") or 0)
        self._keep(shard, answer["Records"])

    def _keep(self, shard: _Shard, found: list[dict[str, Any]]) -> None:
        size = 0
        for record in found:
            size += len(record["Data"])
            shard.fetched.append(
                Record(
                    data=record["Data"],
                    arrival_ms=round(record["ApproximateArrivalTimestamp"] * 1000),
                    sequence=record["SequenceNumber"],
                    shard=shard.id,
                    partition_key=record.get("PartitionKey") or "",
                )
            )
        if found:
            self._delivery.count("DataReadFromKinesisStream.Bytes", size, "Bytes")
            self._delivery.count("DataReadFromKinesisStream.Records", len(found))
        self._delivery.count("KinesisMillisBehindLatest", shard.behind_ms, "Milliseconds")

    async def _find_iterator(self, shard: _Shard) -> str:
        kind, _, value = shard.position.partition(":")
        how: dict[str, Any] = (
            {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": int(value) / 1000}
            if kind == "at"
            else {
                "ShardIteratorType": "AFTER_SEQUENCE_NUMBER",
                "StartingSequenceNumber": value,
            }
        )
        answer = await self._needs.call_aws(
            self._call,
            "kinesis",
            "GetShardIterator",
            StreamARN=self._source.stream_arn,
            ShardId=shard.id,
            **how,
        )
        return str(answer["ShardIterator"])

    async def _ask(self, operation: str, **members: Any) -> dict[str, Any]:
        try:
            return await self._needs.call_aws(self._call, "kinesis", operation, **members)
        except ServiceError as error:
            raise NotNow(f"Kinesis.{error.code}", error.message) from error

    async def wait(self) -> None:
        """A second, or less if a shard was last asked a while ago."""
        if self._must_list or any(shard.fetched for shard in self._shards.values()):
            return
        if any(shard.behind_ms for shard in self._shards.values()):
            await self._needs.clock.sleep(PAUSE_MS_MIN / 1000)
            return
        asked_ms = min((shard.asked_ms for shard in self._shards.values()), default=0)
        self._must_list = not self._shards
        due_ms = asked_ms + POLL_SECONDS * 1000
        pause_ms = max(due_ms - self._needs.clock.now_ms(), PAUSE_MS_MIN)
        await self._needs.clock.sleep(min(pause_ms / 1000, POLL_SECONDS))

    async def done(self) -> None:
        """Kinesis keeps its records for as long as its retention says."""


def _number(position: str) -> int:
    return int(position.removeprefix(_AFTER))
