"""Channels in this process, with a clock that tests move and buckets that they look into; and on a
server of their own, where a second is fresh enough."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
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
from millpond.kernel.errors import Damaged, ServiceError
from millpond.kernel.ids import SeededIds
from millpond.kernel.metrics import MinuteMeter
from millpond.kernel.pages import Pages
from millpond.kernel.tasks import TASK_PREFIX, Task, read_task
from millpond.services.kinesis import operations, shapes, store
from millpond.services.kinesis.channels.delivery import DELIVER_TASK, deliver
from millpond.services.kinesis.model.stream import Stream
from millpond.services.kinesis.needs import CALLS, Needs
from millpond.wire.members import from_members, to_members
from tests.conftest import Server

ACCOUNT, REGION = "123456789012", "us-east-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/deliveries/delivery"
BUCKET = "arn:aws:s3:::lake"
SECONDS_MAX = 20.0


class Refusal(ServiceError):
    """What a bucket answers."""

    def __init__(self, code: str) -> None:
        super().__init__(f"It was {code}.")
        self.code = code  # type: ignore[misc]


class Buckets:
    """S3 and logs, as far as channels use them. `before` and `after` each write may raise."""

    def __init__(self) -> None:
        self.names = {"lake", "errors"}
        self.owner = ACCOUNT
        self.objects: dict[str, bytes] = {}
        self.members: dict[str, dict[str, Any]] = {}
        self.callers: list[Call] = []
        self.tries: list[str] = []
        self.before: Callable[[str], None] = lambda key: None
        self.after: Callable[[str], None] = lambda key: None

    async def __call__(self, call: Call, service: str, operation: str, /, **asked: Any) -> Any:
        assert (service, operation) in CALLS
        self.callers.append(call)
        if service == "logs":
            return {}
        if asked["Bucket"] not in self.names:
            raise Refusal("NoSuchBucket")
        if asked["ExpectedBucketOwner"] != self.owner:
            raise Refusal("AccessDenied")
        if operation == "PutObject":
            await self._put(asked["Key"], asked)
        return {}

    async def _put(self, key: str, asked: dict[str, Any]) -> None:
        self.tries.append(key)
        self.before(key)
        if key in self.objects:
            assert asked["IfNoneMatch"] == "*"
            raise Refusal("PreconditionFailed")
        body = asked.pop("Body")
        self.objects[key] = b"".join([chunk async for chunk in body])
        self.members[key] = asked
        self.after(key)


class BreakableLog:
    """A log whose entries can be damaged from now on."""

    def __init__(self, log: EmbeddedLog) -> None:
        self._log = log
        self.damaged: set[tuple[bytes, int]] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    async def read(self, log: bytes, position: int, **bounds: int) -> Any:
        if (log, position) in self.damaged:
            raise Damaged("Its checksum is wrong.")
        return await self._log.read(log, position, **bounds)

    async def next_readable(self, log: bytes, position: int) -> int:
        while (log, position) in self.damaged:
            position += 1
        return position


class Wake:
    """The supervisor's side of a step."""

    def __init__(self) -> None:
        self.stopping = False
        self.woken = asyncio.Event()

    async def wait(self, seconds: float) -> bool:
        await self.woken.wait()
        self.woken.clear()
        return True


class World:
    """One Kinesis with its buckets. Calls take and give AWS's members, times as epoch seconds."""

    def __init__(self, needs: Needs, clock: ManualClock, buckets: Buckets) -> None:
        self.needs = needs
        self.clock = clock
        self.buckets = buckets
        self.meter: MinuteMeter = needs.meter  # type: ignore[assignment]
        self._service = Service(shapes.MODEL, operations.OPERATIONS, needs)
        self._running: list[tuple[asyncio.Task[int | None], Wake]] = []

    async def call(self, operation: str, *, region: str = REGION, **members: Any) -> Any:
        shape = shapes.MODEL.operations[operation]
        request = from_members(shape, members, shapes.MODEL.validation_code)
        principal = Principal(f"arn:aws:iam::{ACCOUNT}:root", "u", "k")
        call = Call("kinesis", operation, ACCOUNT, region, principal, "id", "http://x")
        return to_members(shape, await run(self._service, call, request))

    async def make_stream(self, name: str = "orders", **members: Any) -> str:
        await self.call("CreateStream", StreamName=name, **members)
        return f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{name}"

    async def make_channel(self, **more: Any) -> dict[str, Any]:
        """A channel of a stream `orders`; `more` are its members, or those of its destination."""
        answer = await self.call("CreateChannel", **channel_members(**more))
        return dict(answer["ChannelDescription"])

    async def describe(self, channel: dict[str, Any]) -> dict[str, Any]:
        answer = await self.call("DescribeChannel", ChannelARN=channel["ChannelARN"])
        return dict(answer["ChannelDescription"])

    async def put(self, *data: bytes, key: str = "k", stream: str = "orders") -> list[str]:
        """Put records one after another; their sequence numbers."""
        return [
            (await self.call("PutRecord", StreamName=stream, Data=each, PartitionKey=key))[
                "SequenceNumber"
            ]
            for each in data
        ]

    async def stream(self, name: str = "orders") -> Stream:
        async with self.needs.records.transaction() as transaction:
            principal = Principal("", "", "")
            scope = Call("kinesis", "x", ACCOUNT, REGION, principal, "", "")
            found = await store.load_stream(transaction, scope, name)
        assert found is not None
        return found

    async def tasks(self) -> list[Task]:
        async with self.needs.records.transaction() as transaction:
            found = transaction.scan(TASK_PREFIX, end_of(TASK_PREFIX))
            tasks = [read_task(key, value) async for key, value in found]
        return [task for task in tasks if task.kind == DELIVER_TASK]

    async def begin(self) -> asyncio.Task[int | None]:
        """Run the step of the only channel, as the supervisor does."""
        (task,) = await self.tasks()
        wake = Wake()
        running = asyncio.create_task(deliver(self.needs, task, wake))
        self._running.append((running, wake))
        return running

    async def begin_active(self, **more: Any) -> dict[str, Any]:
        """A channel that delivers."""
        channel = await self.make_channel(**more)
        await self.begin()
        await self.until_status(channel, "ACTIVE")
        return channel

    async def wake(self) -> None:
        for _, wake in self._running:
            wake.woken.set()
        await asyncio.sleep(0)

    async def end(self) -> None:
        """End all steps as the platform does."""
        for running, wake in self._running:
            wake.stopping = True
            wake.woken.set()
            await asyncio.wait([running], timeout=SECONDS_MAX)
            running.cancel()
        self._running.clear()

    async def until_status(self, channel: dict[str, Any], status: str) -> dict[str, Any]:
        async def seen() -> dict[str, Any] | None:
            found = await self.describe(channel)
            return found if found["ChannelStatus"] == status else None

        return dict(await until(seen))

    async def until_objects(self, count: int) -> dict[str, bytes]:
        async def seen() -> dict[str, bytes] | None:
            return self.buckets.objects if len(self.buckets.objects) >= count else None

        return dict(await until(seen))

    async def pass_freshness(self, seconds: float = 300) -> None:
        """Let the time pass after which records are delivered, once the step waits for it."""
        await asyncio.sleep(0.05)
        self.clock.advance(seconds)


async def until(seen: Callable[[], Awaitable[Any]]) -> Any:
    """What `seen` answers once it is something."""
    end = time.monotonic() + SECONDS_MAX
    while time.monotonic() < end:
        found = await seen()
        if found:
            return found
        await asyncio.sleep(0.005)
    raise AssertionError("It did not come to that in time.")


def channel_members(
    *,
    account: str = ACCOUNT,
    bucket: str = BUCKET,
    stream: str = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/orders",
    record_format: str = "BYTE_ARRAY",
    compression: str = "NONE",
    freshness: int | None = None,
    storage: dict[str, Any] | None = None,
    dead_letters: dict[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """The members of a CreateChannel."""
    destination: dict[str, Any] = {
        "StorageConfiguration": {
            "BucketARN": bucket,
            "ExpectedBucketOwner": account,
            "CompressionType": compression,
        }
        | (storage or {})
    }
    if freshness is not None:
        destination["DataFreshnessInSeconds"] = freshness
    if dead_letters is not None:
        destination["DeadLetterQueueS3Configuration"] = dead_letters
    return {
        "ChannelName": "to-lake",
        "ServiceExecutionRoleARN": ROLE,
        "StreamConfigurationList": [
            {
                "StreamARN": stream,
                "RecordConfiguration": {"RecordFormatType": record_format},
            }
        ],
        "S3DestinationConfiguration": destination,
    } | more


OpenWorld = Callable[..., Awaitable[World]]


@pytest.fixture
async def open_world(tmp_path: Path) -> AsyncIterator[OpenWorld]:
    """Opens a Kinesis with those settings; all of one test stand on the same data."""
    clock = ManualClock()
    records = EmbeddedRecords.open(tmp_path / "records", map_size_bytes=1 << 28)
    log = BreakableLog(EmbeddedLog.open(tmp_path / "log", clock))
    buckets = Buckets()
    opened: list[World] = []

    async def open_one(*, limits: bool = True, state_seconds: float = 0.0) -> World:
        needs = Needs(
            records=records,
            log=log,
            clock=clock,
            ids=SeededIds(len(opened)),
            pages=Pages(b"secret"),
            meter=MinuteMeter(clock),
            call_aws=buckets,
            limits=limits,
            state_seconds=state_seconds,
        )
        world = World(needs, clock, buckets)
        opened.append(world)
        return world

    yield open_one
    for world in opened:
        await world.end()
    await log.close()
    await records.close()


@pytest.fixture
async def world(open_world: OpenWorld) -> World:
    """With an on-demand stream `orders`, without limits; states take no time."""
    world = await open_world(limits=False)
    await world.make_stream()
    return world


class Platform:
    """A real server, through boto3."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.kinesis = server.client("kinesis")
        self.s3 = server.client("s3")
        self.logs = server.client("logs")
        self.cloudwatch = server.client("cloudwatch")
        self.account = server.client("sts").get_caller_identity()["Account"]
        self._numbers = itertools.count()

    def name(self) -> str:
        return f"thing-{next(self._numbers)}"

    def make_stream(self) -> str:
        name = self.name()
        self.kinesis.create_stream(StreamName=name)
        return name

    def make_bucket(self) -> str:
        name = self.name()
        self.s3.create_bucket(Bucket=name)
        return name

    def make_channel(
        self, stream: str, bucket: str, *, wait: bool = True, **more: Any
    ) -> dict[str, Any]:
        """An ACTIVE channel that delivers after a second."""
        arn = f"arn:aws:kinesis:{self.server.region}:{self.account}:stream/{stream}"
        members = {
            "account": self.account,
            "bucket": f"arn:aws:s3:::{bucket}",
            "stream": arn,
            "freshness": 1,
            "ChannelName": self.name(),
        }
        answer = self.kinesis.create_channel(**channel_members(**(members | more)))
        channel = dict(answer["ChannelDescription"])
        if wait:
            self.until(lambda: self.describe(channel)["ChannelStatus"] == "ACTIVE")
        return channel

    def describe(self, channel: dict[str, Any]) -> dict[str, Any]:
        answer = self.kinesis.describe_channel(ChannelARN=channel["ChannelARN"])
        return dict(answer["ChannelDescription"])

    def objects(self, bucket: str, prefix: str = "") -> dict[str, bytes]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        keys = [found["Key"] for page in pages for found in page.get("Contents", ())]
        return {key: self.s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}

    def until(self, seen: Callable[[], Any]) -> Any:
        end = time.monotonic() + SECONDS_MAX
        while time.monotonic() < end:
            found = seen()
            if found:
                return found
            time.sleep(0.02)
        raise AssertionError("It did not come to that in time.")


def _served(folder: Path) -> Iterator[Platform]:
    server = Server(folder, "--kinesis-limits", "none")
    server.start()
    try:
        yield Platform(server)
    finally:
        server.stop()


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A server without limits for all tests of channels."""
    yield from _served(tmp_path_factory.mktemp("channels"))


@pytest.fixture
def mortal_platform(tmp_path: Path) -> Iterator[Platform]:
    """Such a server for this test alone, which may be killed and restarted."""
    yield from _served(tmp_path)
