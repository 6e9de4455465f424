"""S3 request rates, Millpond beside `moto_server`, with the same client and the same requests."""

import os
from dataclasses import dataclass

from bench.load import Run, Target, send

BUCKET = "bench-bucket"
SMALL = os.urandom(4096)
LARGE = os.urandom(64 * 1024 * 1024)


@dataclass(frozen=True)
class Row:
    """One line of the report: what was measured, in which unit, for whom."""

    name: str
    unit: str
    value: float
    note: str = ""


def small_put(target: Target, count: int) -> Row:
    requests = [("PUT", f"/{BUCKET}/small/{number:06d}", SMALL) for number in range(count)]
    return _rate("PUT 4 KiB", send(target, requests, connections=32))


def small_get(target: Target, count: int, stored: int) -> Row:
    requests = [("GET", f"/{BUCKET}/small/{number % stored:06d}", b"") for number in range(count)]
    return _rate("GET 4 KiB", send(target, requests, connections=32))


def large_put(target: Target, count: int) -> Row:
    requests = [("PUT", f"/{BUCKET}/large/{number}", LARGE) for number in range(count)]
    run = send(target, requests, connections=2)
    return Row("PUT 64 MiB", "MB/s", count * len(LARGE) / run.seconds / 1e6)


def large_get(target: Target, count: int) -> Row:
    requests = [("GET", f"/{BUCKET}/large/0", b"") for _ in range(count)]
    run = send(target, requests, connections=2)
    return Row("GET 64 MiB", "MB/s", run.received_bytes / run.seconds / 1e6)


def fill(target: Target, count: int) -> None:
    """Put `count` empty objects, for the listings."""
    requests = [("PUT", f"/{BUCKET}/list/{number:06d}", b"") for number in range(count)]
    send(target, requests, connections=32)


def list_pages(target: Target, pages: int, keys: int) -> Row:
    """Pages of 1,000 keys, each from another place among `keys`."""
    step = max(keys // pages, 1)
    requests = [
        (
            "GET",
            f"/{BUCKET}?list-type=2&prefix=list%2F&start-after=list%2F{number * step % keys:06d}",
            b"",
        )
        for number in range(pages)
    ]
    return _rate(f"LIST 1,000 of {keys:,}", send(target, requests, connections=4))


def _rate(name: str, run: Run) -> Row:
    note = f"p50 {run.percentile_ms(0.5):.1f} ms, p99 {run.percentile_ms(0.99):.1f} ms"
    return Row(name, "req/s", run.rate, note)


def measure(target: Target, *, scale: float, keys: int) -> list[Row]:
    """Every S3 figure of one server. `scale` shortens the runs of a slow one."""
    send(target, [("PUT", f"/{BUCKET}", b"")], connections=1)
    puts = int(20_000 * scale)
    rows = [
        small_put(target, puts),
        small_get(target, int(40_000 * scale), puts),
        large_put(target, 8),
        large_get(target, 16),
    ]
    fill(target, keys)
    rows.append(list_pages(target, max(int(200 * scale), 5), keys))
    return rows
