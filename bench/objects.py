"""Objects in files: large bodies, and from which size on a file is better than a record.

`.venv/bin/python -m bench.objects`
"""

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import msgspec
import uvloop

from millpond.engines.objects.embedded import EmbeddedObjects
from millpond.engines.records.embedded import EmbeddedRecords
from millpond.kernel.clock import SystemClock
from millpond.kernel.ids import SystemIds

MEBIBYTE = 1024 * 1024
LARGE_SIZE_BYTES = 64 * MEBIBYTE
CHUNK_SIZE_BYTES = 256 * 1024
TASKS = 16
RANDOM = os.urandom(LARGE_SIZE_BYTES)


async def body(size: int) -> AsyncIterator[bytes]:
    for offset in range(0, size, CHUNK_SIZE_BYTES):
        yield RANDOM[offset : min(size, offset + CHUNK_SIZE_BYTES)]


def open_objects(folder: Path, inline_size_bytes_max: int) -> EmbeddedObjects:
    return EmbeddedObjects.open(
        folder, SystemClock(), SystemIds(), inline_size_bytes_max=inline_size_bytes_max
    )


async def median_seconds(
    times: int, works: dict[str, Callable[[], Awaitable[object]]]
) -> dict[str, float]:
    """The median of each work, all of them in turn: a shared disk changes its mind."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(times):
        for name, work in works.items():
            started = time.perf_counter()
            await work()
            taken[name].append(time.perf_counter() - started)
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


def write_plainly(path: Path) -> None:
    """What the disk gives: the same bytes, written and synced in one thread."""
    with path.open("wb", buffering=0) as file:
        for offset in range(0, LARGE_SIZE_BYTES, MEBIBYTE):
            file.write(memoryview(RANDOM)[offset : offset + MEBIBYTE])
        os.fdatasync(file.fileno())
    path.unlink()


async def large(folder: Path) -> None:
    objects = open_objects(folder / "large", 0)
    blob = await objects.put(body(LARGE_SIZE_BYTES))
    half = await objects.put(body(LARGE_SIZE_BYTES // 2))

    async def read() -> None:
        async for _ in objects.read(blob):
            pass

    medians = await median_seconds(
        7,
        {
            "plain write and sync": lambda: asyncio.to_thread(write_plainly, folder / "plain"),
            "put, synced": lambda: objects.put(body(LARGE_SIZE_BYTES)),
            "concat of two halves, synced": lambda: objects.concat([half, half]),
            "read, verified": read,
            "local_path, verified": lambda: objects.local_path(blob),
        },
    )
    print("| 64 MiB | MB/s |")
    print("|---|---|")
    for name, seconds in medians.items():
        print(f"| {name} | {LARGE_SIZE_BYTES / seconds / 1e6:,.0f} |")
    few = {
        "local_path of 4 KiB of it": lambda: objects.local_path(blob, 5_000_000, 4_096),
        "concat of it alone (a second name)": lambda: objects.concat([blob]),
    }
    for name, seconds in (await median_seconds(100, few)).items():
        print(f"| {name} | {seconds * 1e6:,.0f} µs |")
    await objects.close()


async def store(
    folder: Path, size: int, inline_size_bytes_max: int, count: int
) -> tuple[float, float]:
    """`(puts a second, median milliseconds)` of bodies of `size` with their records."""
    objects = open_objects(folder / "objects", inline_size_bytes_max)
    records = EmbeddedRecords.open(folder / "records")
    taken: list[float] = []

    async def client(number: int) -> None:
        for step in range(count // TASKS):
            started = time.perf_counter()
            blob = await objects.put(body(size))
            async with records.transaction() as transaction:
                await transaction.get(b"bucket")
                transaction.put(b"%04d/%08d" % (number, step), msgspec.msgpack.encode(blob))
            taken.append(time.perf_counter() - started)

    started = time.perf_counter()
    await asyncio.gather(*(client(number) for number in range(TASKS)))
    seconds = time.perf_counter() - started
    await objects.close()
    await records.close()
    return len(taken) / seconds, statistics.median(taken) * 1_000


async def small(folder: Path) -> None:
    """Alternate the two ways, because a shared disk changes its mind from second to second."""
    print(f"\n| KiB | in the record: puts/s, ms | in a file: puts/s, ms | ({TASKS} tasks)")
    print("|---|---|---|")
    for kibibytes in (4, 16, 32, 64, 128, 256):
        size = kibibytes * 1024
        ways: dict[int, list[tuple[float, float]]] = {size: [], 0: []}
        for turn in range(5):
            for way, found in ways.items():
                place = folder / f"{kibibytes}-{turn}-{way}"
                place.mkdir()
                found.append(await store(place, size, way, 320))
        cells = [
            f"{statistics.median(rate for rate, _ in found):,.0f}, "
            f"{statistics.median(taken for _, taken in found):.1f}"
            for found in ways.values()
        ]
        print(f"| {kibibytes} | {cells[0]} | {cells[1]} |")


async def run(folder: Path) -> None:
    await large(folder)
    await small(folder)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        uvloop.run(run(Path(name)))
