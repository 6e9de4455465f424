"""Kinesis on the embedded engines with a clock that tests move, called by AWS's names."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from millpond.engines.log.embedded import EmbeddedLog
from millpond.engines.records.embedded import EmbeddedRecords
from millpond.gateway.dispatch import run
from millpond.gateway.service import Service
from millpond.kernel.call import Call, Principal
from millpond.kernel.clock import ManualClock
from millpond.kernel.ids import SeededIds
from millpond.kernel.metrics import MinuteMeter
from millpond.kernel.pages import Pages
from millpond.services.kinesis import operations, shapes, store
from millpond.services.kinesis.model.stream import Stream
from millpond.services.kinesis.needs import Needs
from millpond.wire.members import from_members, to_members

ACCOUNT, REGION = "123456789012", "eu-west-1"
FIRST = "shardId-000000000000"


async def _nobody(call: Call, service: str, operation: str, /, **members: Any) -> dict[str, Any]:
    raise AssertionError("Kinesis calls no other service.")


class World:
    """One Kinesis. `calls` takes and gives AWS's members, times as epoch seconds."""

    def __init__(self, needs: Needs, clock: ManualClock) -> None:
        self.needs = needs
        self.clock = clock
        self._service = Service(shapes.MODEL, operations.OPERATIONS, needs)

    async def call(self, operation: str, *, region: str = REGION, **members: Any) -> Any:
        shape = shapes.MODEL.operations[operation]
        request = from_members(shape, members, shapes.MODEL.validation_code)
        principal = Principal(f"arn:aws:iam::{ACCOUNT}:root", "u", "k")
        call = Call("kinesis", operation, ACCOUNT, region, principal, "id", "http://x")
        answer = await run(self._service, call, request)
        return answer if operation == "SubscribeToShard" else to_members(shape, answer)

    async def put(self, stream: str, *data: bytes) -> list[str]:
        """Put records one after another; their sequence numbers."""
        answers = [
            await self.call("PutRecord", StreamName=stream, Data=each, PartitionKey="k")
            for each in data
        ]
        return [answer["SequenceNumber"] for answer in answers]

    async def iterator(self, stream: str, kind: str, shard: str = FIRST, **members: Any) -> str:
        answer = await self.call(
            "GetShardIterator",
            StreamName=stream,
            ShardId=shard,
            ShardIteratorType=kind,
            **members,
        )
        return str(answer["ShardIterator"])

    async def read(self, stream: str, kind: str, shard: str = FIRST, **members: Any) -> list[bytes]:
        """The data of one GetRecords from there."""
        iterator = await self.iterator(stream, kind, shard, **members)
        answer = await self.call("GetRecords", ShardIterator=iterator)
        return [record["Data"] for record in answer["Records"]]

    async def stream(self, name: str) -> Stream:
        """The stream's record."""
        call = Call("kinesis", "x", ACCOUNT, REGION, Principal("a", "u", "k"), "id", "http://x")
        async with self.needs.records.transaction() as transaction:
            found = await store.load_stream(transaction, call, name)
        assert found is not None
        return found


@pytest.fixture
async def open_world(tmp_path: Path) -> AsyncIterator[Callable[..., Any]]:
    """Opens a world; `limits` says whether it throttles."""
    closing: list[Any] = []

    async def open_one(*, limits: bool) -> World:
        clock = ManualClock()
        records = EmbeddedRecords.open(tmp_path / "records")
        log = EmbeddedLog.open(tmp_path / "log", clock)
        closing.extend((log, records))
        meter = MinuteMeter(clock)
        ids, pages = SeededIds(5), Pages(b"secret")
        needs = Needs(
            records=records,
            log=log,
            clock=clock,
            ids=ids,
            pages=pages,
            meter=meter,
            call_aws=_nobody,
            limits=limits,
        )
        world = World(needs, clock)
        await world.call("CreateStream", StreamName="s", ShardCount=1)
        return world

    yield open_one
    for engine in closing:
        await engine.close()


@pytest.fixture
async def world(open_world: Callable[..., Any]) -> World:
    """Without limits, with a stream `s` of one shard."""
    opened: World = await open_world(limits=False)
    return opened


@pytest.fixture
async def limited(open_world: Callable[..., Any]) -> World:
    """With AWS's limits, with a stream `s` of one shard."""
    opened: World = await open_world(limits=True)
    return opened
