"""The log: durable appends, reads, waits, opening. `.venv/bin/python -m bench.log`.

Rates are of the wall clock, with the CPU time of this process (all its threads) beside them: on a
machine with neighbours the second is the steadier figure.
"""

import asyncio
import resource
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvloop

from millpond.engines.log.embedded import EmbeddedLog
from millpond.engines.log.interface import Batch
from millpond.kernel.clock import SystemClock

MEBIBYTE = 1024 * 1024
ENTRIES = [(b"key-%06d" % number, bytes(190)) for number in range(500)]
"""500 entries of 200 bytes: a PutRecords as large as it may be."""


def row(what: str, count: int, seconds: float, cpu_seconds: float) -> None:
    print(f"| {what} | {count / seconds:,.0f} | {cpu_seconds / count * 1e6:.2f} |", flush=True)


async def measure(what: str, count: int, work: Callable[[], Awaitable[object]]) -> None:
    """`work` does something `count` times."""
    started, cpu_started = time.perf_counter(), time.process_time()
    await work()
    row(what, count, time.perf_counter() - started, time.process_time() - cpu_started)


async def append(log: EmbeddedLog, tasks: int, each: int, size: int, prefix: bytes) -> None:
    async def client(number: int) -> None:
        batch = [Batch(b"%s-%d" % (prefix, number % 4), ENTRIES[:size])]
        for _ in range(each):
            await log.append(batch)

    await asyncio.gather(*(client(number) for number in range(tasks)))


async def read(log: EmbeddedLog, prefix: bytes, entries_max: int) -> None:
    async def client(number: int) -> None:
        name = b"%s-%d" % (prefix, number)
        position = 0
        while position < log.bounds(name).end:
            found = await log.read(
                name, position, entries_max=entries_max, size_bytes_max=10 * MEBIBYTE
            )
            position = found.next_position

    await asyncio.gather(*(client(number) for number in range(4)))


async def latencies(log: EmbeddedLog) -> None:
    """One append at a time, and how long after its call a waiting reader runs."""
    appended, heard = [], []
    for number in range(400):
        waiting = asyncio.ensure_future(log.wait(b"alone", number))
        await asyncio.sleep(0)
        started = time.perf_counter()
        await log.append([Batch(b"alone", ENTRIES[:1])])
        appended.append(time.perf_counter() - started)
        await waiting
        heard.append(time.perf_counter() - started)
    print("\n| one task | p50 ms | p95 ms |\n|---|---:|---:|")
    for what, seconds in (("append one entry, synced", appended), ("a waiter runs", heard)):
        cuts = statistics.quantiles(seconds, n=20)
        print(f"| {what} | {cuts[9] * 1000:.2f} | {cuts[18] * 1000:.2f} |")


async def many_logs(folder: Path) -> None:
    """10,000 logs, 10,000 waiters, some gigabyte behind them, and opening all that."""
    log = EmbeddedLog.open(folder, SystemClock())
    print("\n| 10,000 logs | a second | CPU µs each |\n|---|---:|---:|")

    async def fill() -> None:
        for turn in range(10):
            for start in range(0, 10_000, 500):
                await log.append(
                    [Batch(b"many-%d" % n, ENTRIES[: 2 + turn]) for n in range(start, start + 500)]
                )

    await measure("append a batch to each, 10 times", 100_000, fill)
    await log.wait_for_housekeeping()
    waiting = [
        asyncio.ensure_future(log.wait(b"many-%d" % n, log.bounds(b"many-%d" % n).end))
        for n in range(10_000)
    ]
    await asyncio.sleep(0)

    async def wake() -> None:
        for n in range(0, 10_000, 10):
            await log.append([Batch(b"many-%d" % n, ENTRIES[:1])])
            await waiting[n]

    await measure("wake one of 10,000 waiters, one by one", 1_000, wake)
    for one in waiting:
        one.cancel()

    async def trim() -> None:
        for n in range(10_000):
            await log.trim(b"many-%d" % n, 1)

    await measure("trim that finds nothing to do", 10_000, trim)
    for _ in range(20):
        await append(log, 4, 128, 500, b"bulk")
    await log.wait_for_housekeeping()
    stored = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    files = sum(path.is_file() for path in folder.rglob("*"))
    await log.close()
    started, cpu_started = time.perf_counter(), time.process_time()
    log = EmbeddedLog.open(folder, SystemClock())
    print(
        f"\nOpening 10,000 logs with {stored / 1e9:.1f} GB in {files} files: "
        f"{time.perf_counter() - started:.2f} s, CPU {time.process_time() - cpu_started:.2f} s"
    )
    await log.close()


async def run(folder: Path) -> None:
    log = EmbeddedLog.open(folder / "log", SystemClock())
    print("| what | a second | CPU µs each |\n|---|---:|---:|")
    await measure(
        "append, 4 tasks, batches of 500", 800_000, lambda: append(log, 4, 400, 500, b"a")
    )
    await measure(
        "append, 4 tasks, batches of 125", 200_000, lambda: append(log, 4, 400, 125, b"b")
    )
    await measure("append, 64 tasks, one entry each", 32_000, lambda: append(log, 64, 500, 1, b"c"))
    await log.wait_for_housekeeping()
    await measure("read 10,000 at a time, batches of 500", 800_000, lambda: read(log, b"a", 10_000))
    await measure("read 1,000 at a time, batches of 500", 800_000, lambda: read(log, b"a", 1_000))
    await measure("read 10,000 at a time, single ones", 32_000, lambda: read(log, b"c", 10_000))
    await latencies(log)
    await log.close()
    await many_logs(folder / "many")
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\nThe most memory that this process had: {peak_mb:,.0f} MB")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        uvloop.run(run(Path(name)))
