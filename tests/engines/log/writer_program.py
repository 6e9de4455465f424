"""Appends to the logs in a folder for ever, and says what was acknowledged: killed by its test."""

import asyncio
import itertools
import sys
from pathlib import Path

from millpond.engines.log.embedded import EmbeddedLog
from millpond.engines.log.interface import Batch
from millpond.kernel.clock import SystemClock


async def write(log: EmbeddedLog, name: bytes) -> None:
    for number in itertools.count(log.bounds(name).end):
        answer = await log.append([Batch(name, [(b"", b"%d" % number + bytes(300))])])
        print(name.decode(), answer[0].position, number, flush=True)


async def main() -> None:
    log = EmbeddedLog.open(
        Path(sys.argv[1]),
        SystemClock(),
        journal_size_bytes_max=20_000,
        journals_max=2,
        own_segment_size_bytes_min=15_000,
        segments_gathered=2,
    )
    await asyncio.gather(*(write(log, b"log-%d" % number) for number in range(6)))


asyncio.run(main())
