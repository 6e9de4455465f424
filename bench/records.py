"""Records on LMDB: reads, durable commits, scans. `.venv/bin/python -m bench.records`."""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvloop

from millpond.engines.records.embedded import EmbeddedRecords

KEYS = 20_000


async def measure(tasks: int, each: int, work: Callable[[int], Awaitable[None]]) -> float:
    """How many times a second `tasks` tasks together do `work(n)`, when each does it `each`
    times."""

    async def client(number: int) -> None:
        for step in range(each):
            await work(number * each + step)

    started = time.perf_counter()
    await asyncio.gather(*(client(number) for number in range(tasks)))
    return tasks * each / (time.perf_counter() - started)


async def run(folder: Path) -> None:
    records = EmbeddedRecords.open(folder)
    async with records.transaction() as transaction:
        for number in range(KEYS):
            transaction.put(b"key/%08d" % number, b"v" * 200)

    async def read(number: int) -> None:
        async with records.transaction() as transaction:
            await transaction.get(b"key/%08d" % (number % KEYS))

    async def write(number: int) -> None:
        async with records.transaction() as transaction:
            transaction.put(b"new/%08d" % number, b"v" * 400)

    async def read_and_write(number: int) -> None:
        async with records.transaction() as transaction:
            await transaction.get(b"key/%08d" % (number % KEYS))
            await transaction.get(b"object/%08d" % number)
            transaction.put(b"object/%08d" % number, b"v" * 4_400)

    print("| what | tasks | a second |")
    print("|---|---|---|")
    print(f"| read a key in a transaction | 64 | {await measure(64, 1_000, read):,.0f} |")
    for tasks in (1, 8, 64, 256):
        rate = await measure(tasks, max(4_000 // tasks, 25), write)
        print(f"| commit one record of 400 bytes | {tasks} | {rate:,.0f} |")
    rate = await measure(64, 60, read_and_write)
    print(f"| read two keys, commit 4.4 KB | 64 | {rate:,.0f} |")
    started = time.perf_counter()
    count = 0
    async with records.transaction() as transaction:
        async for _ in transaction.scan(b"key/", b"key0"):
            count += 1
    print(f"| entries in a scan | 1 | {count / (time.perf_counter() - started):,.0f} |")
    await records.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        uvloop.run(run(Path(name) / "records"))
