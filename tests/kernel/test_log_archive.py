"""Logs are copied as they grow, and once more at the end; a missing bucket stops nothing."""

import asyncio
import gzip
from pathlib import Path
from typing import Any

from millpond.kernel.body import gather
from millpond.kernel.call import Call, Principal
from millpond.kernel.clock import ManualClock
from millpond.kernel.errors import ServiceError
from millpond.kernel.log_archive import PAUSE_SECONDS, LogArchive

CALL = Call("s", "", "0", "us-east-1", Principal("arn", "id", "key"), "r", "http://localhost")


class Bucket:
    """`missing`: nothing can be put."""

    def __init__(self) -> None:
        self.put: list[tuple[str, bytes]] = []
        self.missing = False
        self.refused = asyncio.Event()

    async def __call__(self, call: Call, service: str, operation: str, /, **members: Any) -> Any:
        if self.missing:
            self.refused.set()
            raise ServiceError("The specified bucket does not exist")
        assert (service, operation, members["Bucket"]) == ("s3", "PutObject", "logs")
        body = gzip.decompress(await gather(members["Body"], 1 << 20))
        self.put.append((members["Key"], body))
        return {}


async def moving(clock: ManualClock, bucket: Bucket) -> None:
    """Until something was put."""
    async with asyncio.timeout(5):
        for _ in range(5000):
            if bucket.put:
                return
            clock.advance(PAUSE_SECONDS)
            await asyncio.sleep(0.001)


async def test_a_log_is_put_while_it_grows_and_when_it_is_done(tmp_path: Path) -> None:
    bucket, clock, log = Bucket(), ManualClock(), tmp_path / "stdout"
    archive = LogArchive(bucket, CALL, clock)
    archive.follow(log, "logs", "a/stdout.gz")
    archive.follow(log, "logs", "elsewhere")
    log.write_text("one\n")
    await moving(clock, bucket)
    assert bucket.put == [("a/stdout.gz", b"one\n")]
    log.write_text("one\ntwo\n")
    await archive.finish()
    assert bucket.put[-1] == ("a/stdout.gz", b"one\ntwo\n")
    count = len(bucket.put)
    log.write_text("one\ntwo\nthree\n")
    clock.advance(10)
    await asyncio.sleep(0.01)
    assert len(bucket.put) == count


async def test_a_log_that_cannot_be_put_stops_nothing(tmp_path: Path) -> None:
    bucket, clock, log = Bucket(), ManualClock(), tmp_path / "stdout"
    bucket.missing = True
    log.write_text("one\n")
    archive = LogArchive(bucket, CALL, clock)
    archive.follow(log, "logs", "a")
    archive.follow(tmp_path / "never-written", "logs", "b")
    await archive.finish()
    assert bucket.put == []
    bucket.missing = False
    log.write_text("one\ntwo\n")
    archive.follow(log, "logs", "a")
    await archive.finish()
    assert bucket.put == [("a", b"one\ntwo\n")]


async def test_a_log_that_was_refused_is_tried_once_more_when_it_is_done(tmp_path: Path) -> None:
    bucket, clock, log = Bucket(), ManualClock(), tmp_path / "stdout"
    bucket.missing = True
    log.write_text("one\n")
    archive = LogArchive(bucket, CALL, clock)
    archive.follow(log, "logs", "a")
    await asyncio.wait_for(bucket.refused.wait(), 5)
    bucket.missing = False
    await archive.finish()
    assert bucket.put == [("a", b"one\n")]


async def test_a_disk_without_room_stops_nothing(tmp_path: Path) -> None:
    bucket, log = Bucket(), tmp_path / "stdout"
    (tmp_path / "stdout.gz").mkdir()
    log.write_text("one\n")
    (tmp_path / "stderr").write_text("two\n")
    archive = LogArchive(bucket, CALL, ManualClock())
    archive.follow(log, "logs", "a")
    archive.follow(tmp_path / "stderr", "logs", "b")
    await archive.finish()
    assert bucket.put == [("b", b"two\n")]
