"""Kinesis on the embedded engines, with a clock that tests move and tasks that they run."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from millpond.engines.log.embedded import EmbeddedLog
from millpond.engines.records.embedded import EmbeddedRecords
from millpond.engines.records.interface import end_of
from millpond.gateway.dispatch import run
from millpond.gateway.service import Service
from millpond.kernel.call import Call, Principal
from millpond.kernel.clock import ManualClock
from millpond.kernel.errors import Unavailable
from millpond.kernel.ids import SeededIds
from millpond.kernel.metrics import MinuteMeter
from millpond.kernel.pages import Pages
from millpond.kernel.tasks import TASK_PREFIX, Task, read_task, schedule
from millpond.services.kinesis import operations, shapes, store, tasks
from millpond.services.kinesis.model.stream import Stream
from millpond.services.kinesis.needs import Needs
from millpond.wire.members import from_members, to_members

ACCOUNT, REGION = "123456789012", "us-east-1"


class CountingLog:
    """A log that counts what is done with it, and fails after a seal when told to."""

    def __init__(self, log: EmbeddedLog) -> None:
        self._log = log
        self.sealed: list[bytes] = []
        self.deleted: list[bytes] = []
        self.trimmed: list[tuple[bytes, int]] = []
        self.lose_seals = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    async def seal(self, log: bytes) -> int:
        end = await self._log.seal(log)
        self.sealed.append(log)
        if self.lose_seals:
            raise Unavailable("The answer was lost.")
        return end

    async def delete(self, log: bytes) -> None:
        self.deleted.append(log)
        await self._log.delete(log)

    async def trim(self, log: bytes, before_ms: int) -> None:
        self.trimmed.append((log, before_ms))
        await self._log.trim(log, before_ms)


class Wake:
    """Lets a step that never ends have one turn."""

    def __init__(self) -> None:
        self.stopping = False

    async def wait(self, seconds: float) -> bool:
        self.stopping = True
        return True


class World:
    """One Kinesis. Calls take and give AWS's members, times as epoch seconds."""

    def __init__(self, needs: Needs, clock: ManualClock, log: CountingLog) -> None:
        self.needs = needs
        self.clock = clock
        self.log = log
        self._service = Service(shapes.MODEL, operations.OPERATIONS, needs)

    def caller(self, operation: str, account: str = ACCOUNT, region: str = REGION) -> Call:
        principal = Principal(f"arn:aws:iam::{account}:root", "u", "k")
        return Call("kinesis", operation, account, region, principal, "id", "http://x")

    async def call(self, operation: str, *, region: str = REGION, **members: Any) -> Any:
        shape = shapes.MODEL.operations[operation]
        request = from_members(shape, members, shapes.MODEL.validation_code)
        return to_members(
            shape, await run(self._service, self.caller(operation, region=region), request)
        )

    async def summary(self, name: str) -> dict[str, Any]:
        answer = await self.call("DescribeStreamSummary", StreamName=name)
        return dict(answer["StreamDescriptionSummary"])

    async def shards(self, name: str, kind: str = "FROM_TRIM_HORIZON", **members: Any) -> list[Any]:
        asked = {"Type": kind, **members}
        answer = await self.call("ListShards", StreamName=name, ShardFilter=asked)
        return list(answer["Shards"])

    async def ids(self, name: str, kind: str = "FROM_TRIM_HORIZON", **members: Any) -> list[int]:
        return [int(s["ShardId"][8:]) for s in await self.shards(name, kind, **members)]

    async def put(self, name: str, data: bytes = b"x", key: str = "k") -> dict[str, Any]:
        answer = await self.call("PutRecord", StreamName=name, Data=data, PartitionKey=key)
        return dict(answer)

    async def stream(self, name: str) -> Stream:
        async with self.needs.records.transaction() as transaction:
            found = await store.load_stream(transaction, self.caller("x"), name)
        assert found is not None
        return found

    async def tasks(self) -> list[Task]:
        async with self.needs.records.transaction() as transaction:
            found = transaction.scan(TASK_PREFIX, end_of(TASK_PREFIX))
            return [read_task(key, value) async for key, value in found]

    async def work(self) -> None:
        """Do the background work that is due, once, as the supervisor does."""
        for task in await self.tasks():
            if task.due_ms <= self.clock.now_ms():
                await self.step(task)

    async def step(self, task: Task) -> None:
        next_ms = await tasks.STEPS[task.kind](self.needs, task, Wake())
        async with self.needs.records.transaction() as transaction:
            if next_ms is None:
                transaction.delete(task.key)
            else:
                schedule(transaction, replace(task, due_ms=next_ms))

    async def sweep(self) -> None:
        await self.step(Task("kinesis", tasks.SWEEP_TASK, ""))


OpenWorld = Callable[..., Awaitable[World]]


@pytest.fixture
async def open_world(tmp_path: Path) -> AsyncIterator[OpenWorld]:
    """Opens a Kinesis with those settings; all of one test stand on the same data."""
    clock = ManualClock()
    records = EmbeddedRecords.open(tmp_path / "records", map_size_bytes=1 << 28)
    log = EmbeddedLog.open(tmp_path / "log", clock)

    async def nobody(call: Call, service: str, operation: str, /, **members: Any) -> Any:
        raise AssertionError("Kinesis calls no other service.")

    async def open_one(*, limits: bool = False, state_seconds: float = 0.0) -> World:
        counting = CountingLog(log)
        needs = Needs(
            records=records,
            log=counting,
            clock=clock,
            ids=SeededIds(5),
            pages=Pages(b"secret"),
            meter=MinuteMeter(clock),
            call_aws=nobody,
            limits=limits,
            state_seconds=state_seconds,
        )
        return World(needs, clock, counting)

    yield open_one
    await log.close()
    await records.close()


@pytest.fixture
async def world(open_world: OpenWorld) -> World:
    """Without limits, states take no time."""
    return await open_world()
