"""Callers that meet: every one of them is told the truth, and no body is read twice."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from millpond.kernel.body import gather
from millpond.services.s3.errors import PreconditionFailed
from millpond.services.s3.shapes import CompletedMultipartUpload, CompletedPart

LARGE = 100_000


async def test_of_writers_under_if_none_match_one_wins(s3: Any, streamed: Any) -> None:
    await s3.make("box")
    bodies = [streamed(bytes([number]) * LARGE) for number in range(8)]
    outcomes = await asyncio.gather(
        *(s3("PutObject", bucket="box", key="k", body=body, if_none_match="*") for body in bodies),
        return_exceptions=True,
    )
    winners = [number for number, outcome in enumerate(outcomes) if not _failed(outcome)]
    assert len(winners) == 1
    assert await s3.get("box", "k") == bytes(winners) * LARGE
    assert all(body.times_read <= 1 for body in bodies)
    await s3.work()
    await _let_go(s3)
    assert s3.files() == 1


async def test_a_counter_under_if_match_misses_no_step(s3: Any) -> None:
    await s3.make("box")
    await s3.put("box", "n", b"0")

    async def add_one() -> None:
        while True:
            got = await s3("GetObject", bucket="box", key="n")
            value = int(await gather(got.body, 100))
            try:
                await s3.put("box", "n", str(value + 1).encode(), if_match=got.etag)
                return
            except PreconditionFailed:
                continue

    await asyncio.gather(*(add_one() for _ in range(12)))
    assert await s3.get("box", "n") == b"12"


async def test_writers_of_one_key_all_succeed_and_the_last_is_there(s3: Any, streamed: Any) -> None:
    await s3.make("box")
    bodies = [streamed(bytes([number]) * LARGE) for number in range(40)]
    await asyncio.gather(*(s3("PutObject", bucket="box", key="k", body=body) for body in bodies))
    assert all(body.times_read == 1 for body in bodies)
    got = await s3.get("box", "k")
    assert got == got[:1] * LARGE
    await s3.work()
    await _let_go(s3)
    assert s3.files() == 1


async def test_writers_of_different_keys_do_not_meet(s3: Any) -> None:
    """They read their bucket's record and none writes it: no transaction is run twice."""
    await s3.make("box")
    counted = _Counted(s3.needs.records)
    busy = s3.lent(records=counted)
    await asyncio.gather(*(busy.put("box", f"k{number}", b"x") for number in range(50)))
    assert counted.transactions == 50


async def test_readers_see_one_object_or_the_other(s3: Any) -> None:
    """Whole bodies with their own ETag, while small and large ones replace each other."""
    await s3.make("box")
    etags = {}
    variants = [bytes([number]) * size for number, size in enumerate((10, LARGE, 20, 2 * LARGE))]
    for data in variants:
        etags[(await s3.put("box", "k", data)).etag] = data

    async def write() -> None:
        for data in itertools.islice(itertools.cycle(variants), 24):
            await s3.put("box", "k", data)

    async def read() -> None:
        for _ in range(40):
            got = await s3("GetObject", bucket="box", key="k")
            assert await gather(got.body, 1 << 20) == etags[got.etag]

    await asyncio.gather(write(), read(), read())


async def test_an_upload_is_completed_or_aborted(s3: Any) -> None:
    await s3.make("box")
    ends = set()
    for number in range(12):
        key = f"k{number}"
        upload_id = await s3.upload("box", key, b"x" * LARGE)
        etag = (await s3("ListParts", bucket="box", key=key, upload_id=upload_id)).parts[0].etag
        parts = CompletedMultipartUpload(parts=[CompletedPart(part_number=1, etag=etag)])
        ids = {"bucket": "box", "key": key, "upload_id": upload_id}

        async def abort(ids: dict[str, str] = ids, turns: int = number * 2) -> None:
            for _ in range(turns):
                await asyncio.sleep(0.0005)
            await s3("AbortMultipartUpload", **ids)

        completed, aborted = await asyncio.gather(
            s3("CompleteMultipartUpload", **ids, multipart_upload=parts),
            abort(),
            return_exceptions=True,
        )
        there = key in await s3.keys("box")
        assert there == (not _failed(completed))
        assert _failed(completed) or _failed(aborted)
        ends.add(there)
    assert ends
    await s3.work()


async def test_completing_twice_at_once_answers_the_same_twice(s3: Any) -> None:
    await s3.make("box")
    upload_id = await s3.upload("box", "k", b"x" * LARGE)
    ids = {"bucket": "box", "key": "k", "upload_id": upload_id}
    etag = (await s3("ListParts", **ids)).parts[0].etag
    parts = CompletedMultipartUpload(parts=[CompletedPart(part_number=1, etag=etag)])
    one, two = await asyncio.gather(
        s3("CompleteMultipartUpload", **ids, multipart_upload=parts),
        s3("CompleteMultipartUpload", **ids, multipart_upload=parts),
    )
    assert one == two
    await s3.work()
    await _let_go(s3)
    assert s3.files() == 1


async def test_removal_does_not_lose_against_uploads_that_end_meanwhile(s3: Any) -> None:
    """Uploads that began earlier end while the parts of a later one are removed."""
    await s3.make("box")
    begun = []
    for number in range(6):
        begun.append((f"k{number}", await s3.upload("box", f"k{number}", b"x" * LARGE)))
        s3.needs.clock.advance(1)

    async def abort_one() -> None:
        if begun:
            key, upload_id = begun.pop()
            await s3("AbortMultipartUpload", bucket="box", key=key, upload_id=upload_id)

    await abort_one()
    await s3.lent(records=_Interrupted(s3.needs.records, abort_one)).work()
    assert begun == []
    assert [key.split(b"\x00")[1] for key in await s3.records()] == [b"bucket"]


def _failed(outcome: Any) -> bool:
    return isinstance(outcome, BaseException)


async def _let_go(s3: Any) -> None:
    """Let the engine's grace period pass, until what was given back is gone."""
    for _ in range(12):
        s3.needs.clock.advance(3)
        for _ in range(20):
            await asyncio.sleep(0.001)


class _Interrupted:
    """Records in which something else happens at the end of each transaction, before its commit."""

    def __init__(self, records: Any, happen: Callable[[], Awaitable[None]]) -> None:
        self._records = records
        self._happen = happen

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        async with self._records.transaction() as transaction:
            yield transaction
            await self._happen()


class _Counted:
    def __init__(self, records: Any) -> None:
        self._records = records
        self.transactions = 0

    def transaction(self) -> Any:
        self.transactions += 1
        return self._records.transaction()
