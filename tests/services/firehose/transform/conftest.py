"""A delivery stream without its engine, and needs with a bucket in memory."""

import random
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from millpond.kernel.body import BytesBody
from millpond.kernel.call import Call, Principal
from millpond.kernel.clock import SystemClock
from millpond.kernel.errors import ServiceError
from millpond.kernel.ids import SeededIds
from millpond.services.firehose.delivery.interface import Record

ARN = "arn:aws:firehose:us-east-1:000000000000:deliverystream/clicks"


class QuickClock(SystemClock):
    """Nobody waits for this clock; it remembers the waits."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.ahead_ms = 0

    def now_ms(self) -> int:
        return super().now_ms() + self.ahead_ms

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)


class NoSuchKey(ServiceError):
    code = "NoSuchKey"


class NotModified(ServiceError):
    code = "NotModified"


class Bucket:
    """What `call_aws` finds: objects by key."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.reads = 0

    async def __call__(
        self, call: Call, service: str, operation: str, /, **members: Any
    ) -> dict[str, Any]:
        assert (service, operation) == ("s3", "GetObject")
        data = self.objects.get(members["Key"])
        if data is None:
            raise NoSuchKey("The specified key does not exist.")
        etag = f'"{hash(data)}"'
        if members.get("IfNoneMatch") == etag:
            raise NotModified("")
        self.reads += 1
        return {"Body": BytesBody(data), "ETag": etag}


class FakeDelivery:
    """The delivery stream `clicks`; what was told and counted stays in lists."""

    name = "clicks"
    arn = ARN
    account = "000000000000"
    region = "us-east-1"

    def __init__(self, destination: Any = None, source_arn: str | None = None) -> None:
        self.destination = destination
        self.source_arn = source_arn
        self.told: list[tuple[str, str]] = []
        self.counted: list[tuple[str, float]] = []

    def call_as(self, role_arn: str | None) -> Call:
        principal = Principal("arn:aws:sts::000000000000:assumed-role/r/s", "A", "ASIA")
        return Call("firehose", "", self.account, self.region, principal, "0", "")

    def count(self, metric: str, value: float, unit: str = "Count", samples: int = 1) -> None:
        self.counted.append((metric, value))

    def tell(self, code: str, message: str, **more: Any) -> None:
        self.told.append((code, message))


@pytest.fixture
def bucket() -> Bucket:
    return Bucket()


@pytest.fixture
def clock() -> QuickClock:
    return QuickClock()


@pytest.fixture
def needs(tmp_path: Path, bucket: Bucket, clock: QuickClock) -> Any:
    folder = tmp_path / "data" / "deliveries"
    folder.mkdir(parents=True)
    (folder.parent / "secret").write_text("nobody's business")
    return SimpleNamespace(
        clock=clock,
        ids=SeededIds(random.randrange(1 << 32)),
        call_aws=bucket,
        folder=folder,
        marker=str(tmp_path),
        outgoing=None,
    )


@pytest.fixture
def delivery_of() -> Callable[..., FakeDelivery]:
    return FakeDelivery


@pytest.fixture
def records_of() -> Callable[..., list[Record]]:
    def make(*data: bytes, **more: Any) -> list[Record]:
        return [Record(one, 1_700_000_000_000 + at, str(at), **more) for at, one in enumerate(data)]

    return make
