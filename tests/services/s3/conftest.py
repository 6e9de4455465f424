"""S3's operations on the embedded engines, called as the dispatch calls them."""

import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from millpond.engines.objects.embedded import EmbeddedObjects
from millpond.engines.records.embedded import EmbeddedRecords
from millpond.kernel.body import BytesBody, gather
from millpond.kernel.call import Call, Principal
from millpond.kernel.clock import ManualClock
from millpond.kernel.ids import SeededIds
from millpond.kernel.pages import Pages
from millpond.kernel.tasks import TASK_PREFIX, Task, read_task
from millpond.services.s3.needs import Needs
from millpond.services.s3.operations import OPERATIONS
from millpond.services.s3.shapes import MODEL
from millpond.services.s3.tasks import STEPS

MIB = 1024 * 1024


class Streamed:
    """A body that comes in pieces, with trailers that are there once it has ended."""

    def __init__(self, *pieces: bytes, trailers: Mapping[str, str] | None = None) -> None:
        self._pieces = pieces
        self._trailers = trailers or {}
        self.trailers: Mapping[str, str] = {}
        self.times_read = 0

    @property
    def length(self) -> int:
        return sum(map(len, self._pieces))

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self.times_read += 1
        for piece in self._pieces:
            yield piece
        self.trailers = self._trailers


class Wake:
    stopping = False

    async def wait(self, seconds: float) -> bool:
        return False


class S3:
    """Calls operations with Python's names for AWS's members."""

    def __init__(self, needs: Needs, folder: Path) -> None:
        self.needs = needs
        self.folder = folder
        self.call = Call(
            service="s3",
            operation="",
            account="123456789012",
            region="us-east-1",
            principal=Principal("arn:aws:iam::123456789012:root", "123456789012", "AKIA"),
            request_id="R",
            endpoint="http://localhost:4566",
        )

    def seen_from(self, **changes: Any) -> "S3":
        """The same records, called from another region or account."""
        other = S3(self.needs, self.folder)
        other.call = replace(self.call, **changes)
        return other

    def lent(self, **changes: Any) -> "S3":
        """The same, with other needs."""
        other = S3(replace(self.needs, **changes), self.folder)
        other.call = self.call
        return other

    async def __call__(self, operation: str, **members: Any) -> Any:
        shape = MODEL.operations[operation].input
        assert shape is not None
        return await OPERATIONS[operation](self.needs, self.call, shape(**members))

    async def make(self, *buckets: str) -> None:
        for bucket in buckets:
            await self("CreateBucket", bucket=bucket)

    async def put(self, bucket: str, key: str, data: bytes = b"", **members: Any) -> Any:
        return await self("PutObject", bucket=bucket, key=key, body=BytesBody(data), **members)

    async def get(self, bucket: str, key: str, **members: Any) -> bytes:
        answer = await self("GetObject", bucket=bucket, key=key, **members)
        return await gather(answer.body, 1 << 30)

    async def keys(self, bucket: str, **members: Any) -> list[str]:
        answer = await self("ListObjectsV2", bucket=bucket, **members)
        return [listed.key for listed in answer.contents or []]

    async def upload(self, bucket: str, key: str, *parts: bytes, **members: Any) -> str:
        """Begin an upload and send its parts; its id."""
        begun = await self("CreateMultipartUpload", bucket=bucket, key=key, **members)
        for number, data in enumerate(parts, 1):
            await self.part(bucket, key, begun.upload_id, number, data)
        return begun.upload_id

    async def part(
        self, bucket: str, key: str, upload_id: str, number: int, data: bytes, **members: Any
    ) -> Any:
        return await self(
            "UploadPart",
            bucket=bucket,
            key=key,
            upload_id=upload_id,
            part_number=number,
            body=BytesBody(data),
            **members,
        )

    async def work(self) -> list[str]:
        """Run the steps that are written down until none is left; their kinds, in order."""
        done = []
        while tasks := await self.tasks():
            for task in tasks:
                done.append(task.kind)
                while await STEPS[task.kind](self.needs, task, Wake()) is not None:
                    pass
                async with self.needs.records.transaction() as transaction:
                    transaction.delete(task.key)
        return done

    async def tasks(self) -> list[Task]:
        async with self.needs.records.transaction() as transaction:
            scan = transaction.scan(TASK_PREFIX, TASK_PREFIX[:-1] + b"\x01")
            return [read_task(key, value) async for key, value in scan]

    async def records(self) -> dict[bytes, bytes]:
        """All records of the service."""
        async with self.needs.records.transaction() as transaction:
            return {key: value async for key, value in transaction.scan(b"s3\x00", b"s3\x01")}

    def files(self) -> int:
        """How many blobs lie on disk."""
        return sum(path.is_file() for path in (self.folder / "objects").glob("*/**/*"))


@pytest.fixture
async def s3(tmp_path: Path) -> AsyncIterator[S3]:
    clock = ManualClock(1_700_000_000_500)
    ids = SeededIds(7)
    records = EmbeddedRecords.open(tmp_path / "records")
    objects = EmbeddedObjects.open(tmp_path / "objects", clock, ids, grace_seconds=8)
    needs = Needs(
        clock=clock,
        ids=ids,
        pages=Pages(b"secret"),
        records=records,
        objects=objects,
        local_files=objects,
    )
    yield S3(needs, tmp_path)
    await objects.close()
    await records.close()


@pytest.fixture
def streamed() -> Callable[..., Streamed]:
    return Streamed


@pytest.fixture
def md5() -> Callable[[bytes], str]:
    return lambda data: hashlib.md5(data, usedforsecurity=False).hexdigest()
