"""Failure at every point of every writing operation: all of it happened, or nothing did."""

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from millpond.engines.objects.faulty import FaultyObjects
from millpond.engines.records.faulty import FaultyRecords
from millpond.kernel.errors import EngineError, Unavailable
from millpond.kernel.faults import Faults
from millpond.services.s3.shapes import (
    CompletedMultipartUpload,
    CompletedPart,
    Delete,
    ObjectIdentifier,
)
from millpond.services.s3.tasks import TASKS_AT_START, collect_orphans

SMALL = b"small"
LARGE = b"large" * 20_000


async def put_small(s3: Any) -> None:
    await s3.put("box", "k", SMALL)


async def put_large(s3: Any) -> None:
    await s3.put("box", "k", LARGE)


async def copy(s3: Any) -> None:
    await s3("CopyObject", bucket="box", key="k", copy_source="box/source")


async def delete(s3: Any) -> None:
    await s3("DeleteObject", bucket="box", key="source")


async def delete_many(s3: Any) -> None:
    objects = [ObjectIdentifier(key="source"), ObjectIdentifier(key="other")]
    await s3("DeleteObjects", bucket="box", delete=Delete(objects=objects))


async def complete(s3: Any) -> None:
    uploads = (await s3("ListMultipartUploads", bucket="box")).uploads
    ids = {"bucket": "box", "key": "up", "upload_id": uploads[0].upload_id}
    parts = (await s3("ListParts", **ids)).parts
    listed = [CompletedPart(part_number=part.part_number, etag=part.etag) for part in parts]
    await s3(
        "CompleteMultipartUpload", **ids, multipart_upload=CompletedMultipartUpload(parts=listed)
    )


async def abort(s3: Any) -> None:
    uploads = (await s3("ListMultipartUploads", bucket="box")).uploads
    await s3("AbortMultipartUpload", bucket="box", key="up", upload_id=uploads[0].upload_id)


async def part(s3: Any) -> None:
    uploads = (await s3("ListMultipartUploads", bucket="box")).uploads
    await s3.part("box", "up", uploads[0].upload_id, 1, LARGE)


async def _prepare(s3: Any) -> None:
    await s3.make("box")
    for listed in await s3.keys("box"):
        await s3("DeleteObject", bucket="box", key=listed)
    for upload in (await s3("ListMultipartUploads", bucket="box")).uploads:
        await s3("AbortMultipartUpload", bucket="box", key="up", upload_id=upload.upload_id)
    await s3.put("box", "k", LARGE[1:])
    await s3.put("box", "source", LARGE[2:])
    await s3.put("box", "other", SMALL)
    await s3.upload("box", "up", LARGE[3:])
    await s3.work()


async def _picture(s3: Any) -> Any:
    """All that a client can see."""
    objects = {}
    for key in await s3.keys("box"):
        got = await s3("HeadObject", bucket="box", key=key, checksum_mode="ENABLED")
        objects[key] = (await s3.get("box", key), got.etag, got.checksum_crc64nvme)
    uploads = []
    for upload in (await s3("ListMultipartUploads", bucket="box")).uploads:
        parts = await s3("ListParts", bucket="box", key="up", upload_id=upload.upload_id)
        uploads.append([(part.part_number, part.etag) for part in parts.parts])
    return objects, uploads


@pytest.mark.parametrize(
    "operation", [put_small, put_large, copy, delete, delete_many, complete, abort, part]
)
async def test_all_or_nothing_at_each_point(
    s3: Any, operation: Callable[[Any], Awaitable[None]]
) -> None:
    await _prepare(s3)
    before = await _picture(s3)
    await operation(s3)
    after = await _picture(s3)
    assert after != before

    for point in itertools.count():
        await _prepare(s3)
        assert await _picture(s3) == before
        faults = Faults(point)
        faulty = s3.lent(
            records=FaultyRecords(s3.needs.records, faults),
            objects=FaultyObjects(s3.needs.objects, faults),
        )
        error = None
        try:
            await operation(faulty)
        except EngineError as raised:
            error = raised
        seen = await _picture(s3)
        if faults.struck is None:
            assert error is None
            break
        if error is None:
            assert seen == after, faults.struck
        elif faults.struck == "commit: the answer is lost":
            assert isinstance(error, Unavailable)
            assert seen == after
        else:
            assert seen == before, faults.struck
    assert point >= 4


@pytest.mark.parametrize("operation", [put_large, copy, complete, part])
async def test_no_blob_outlives_its_failure(
    s3: Any, operation: Callable[[Any], Awaitable[None]]
) -> None:
    """Neither of what failed nor of what was replaced: at once, or as an orphan."""
    for point in itertools.count():
        await _prepare(s3)
        faults = Faults(point)
        faulty = s3.lent(
            records=FaultyRecords(s3.needs.records, faults),
            objects=FaultyObjects(s3.needs.objects, faults),
        )
        with contextlib.suppress(EngineError):
            await operation(faulty)
        await _age(s3)
        await _collect(s3)
        await s3.work()
        await _age(s3)
        named = sum(key.startswith(b"s3\x00blob\x00") for key in await s3.records())
        assert s3.files() == named, faults.struck
        if faults.struck is None:
            break


async def test_a_step_that_is_cut_off_is_done_again(s3: Any) -> None:
    for point in itertools.count():
        await _prepare(s3)
        await s3("DeleteObject", bucket="box", key="k")
        await abort(s3)
        faults = Faults(point)
        faulty = s3.lent(
            records=FaultyRecords(s3.needs.records, faults),
            objects=FaultyObjects(s3.needs.objects, faults),
        )
        tasks = await s3.tasks()
        try:
            await faulty.work()
        except EngineError:
            assert tasks
        await s3.work()
        await _age(s3)
        records = await s3.records()
        assert not any(
            key.startswith((b"s3\x00removal", b"s3\x00part\x00", b"s3\x00abandoned"))
            for key in records
        )
        assert s3.files() == sum(key.startswith(b"s3\x00blob\x00") for key in records)
        if faults.struck is None:
            break


async def _collect(s3: Any) -> None:
    next_ms = await collect_orphans(s3.needs, TASKS_AT_START[0], None)
    assert next_ms == s3.needs.clock.now_ms() + 3_600_000


async def _age(s3: Any) -> None:
    """Let the grace period pass, tick by tick, until what was given back is gone."""
    clock, ageing = s3.needs.clock, s3.needs.objects._ageing
    for _ in range(7):
        async with asyncio.timeout(10):
            while not clock._sleepers and ageing._ticking and not ageing._ticking.done():  # noqa: ASYNC110 - a clock has no event
                await asyncio.sleep(0.001)
        clock.advance(2)
