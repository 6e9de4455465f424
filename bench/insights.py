"""Logs Insights over many log events, beside a scan in Python over the same events.

Events are put through boto3 by processes of their own, in batches as large as PutLogEvents takes.
Each query runs twice; the second time is told. Python reads the events from memory, with `json` and
`re` compiled beforehand, in one process: reading them from the service would only make it slower.
"""

import json
import multiprocessing
import random
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import boto3
from botocore.config import Config

from bench import servers
from bench.load import Target

BATCH_EVENTS = 5_000
CLIENTS = 2
GROUP = "/bench/shop"
SPAN_MS = 6 * 3600 * 1000
_LEVELS = ("INFO",) * 7 + ("WARN",) * 2 + ("ERROR",)
_SERVICES = ("cart", "checkout", "search", "catalogue", "payment")
_STATUSES = (200,) * 8 + (404, 500)
Event = tuple[int, str]


def _events(batch: int, begin_ms: int, step_ms: float) -> list[Event]:
    """The events of one batch: the same ones each time."""
    chance = random.Random(batch)
    first = batch * BATCH_EVENTS
    found = []
    for number in range(first, first + BATCH_EVENTS):
        draw = chance.getrandbits(48)
        message = (
            f'{{"level":"{_LEVELS[draw % 10]}","service":"{_SERVICES[draw // 10 % 5]}",'
            f'"latency":{draw // 50 % 2000},"user":{{"id":"u{draw // 1000 % 50000}"}},'
            f'"request":"GET /api/v1/items/{draw // 7 % 5000} HTTP/1.1",'
            f'"status":{_STATUSES[draw // 3 % 10]}}}'
        )
        found.append((begin_ms + int(number * step_ms), message))
    return found


def _client(target: Target) -> Any:
    return boto3.client(
        "logs",
        endpoint_url=target.endpoint,
        region_name="us-east-1",
        aws_access_key_id=target.access_key_id,
        aws_secret_access_key=target.secret_access_key,
        config=Config(retries={"total_max_attempts": 3}, read_timeout=300),
    )


def _put(target: Target, share: int, batches: int, begin_ms: int, step_ms: float) -> None:
    client = _client(target)
    for batch in range(share, batches, CLIENTS):
        events = [
            {"timestamp": time_ms, "message": message}
            for time_ms, message in _events(batch, begin_ms, step_ms)
        ]
        client.put_log_events(logGroupName=GROUP, logStreamName=f"shop-{share}", logEvents=events)


# What is asked, and the same in Python: a scan takes events in pieces and tells its answer as
# Insights does.

Scan = Callable[[Iterator[list[Event]]], tuple[float, Any]]


def _timed(pieces: Iterator[list[Event]], take: Callable[[list[Event]], None]) -> float:
    """The seconds that `take` needs for all pieces; making them is not counted."""
    seconds = 0.0
    for piece in pieces:
        started = time.perf_counter()
        take(piece)
        seconds += time.perf_counter() - started
    return seconds


def _shown(time_ms: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S.000", time.gmtime(time_ms // 1000))


def _count_by_bin(pieces: Iterator[list[Event]]) -> tuple[float, Any]:
    counts: Counter[int] = Counter()
    seconds = _timed(pieces, lambda piece: counts.update([t - t % 300_000 for t, _ in piece]))
    return seconds, {_shown(at): str(count) for at, count in counts.items()}


def _filter_like(pieces: Iterator[list[Event]]) -> tuple[float, Any]:
    counts: Counter[int] = Counter()
    found = re.compile("ERROR").search
    seconds = _timed(
        pieces,
        lambda piece: counts.update([t - t % 300_000 for t, text in piece if found(text)]),
    )
    return seconds, {_shown(at): str(count) for at, count in counts.items()}


def _parse_stats(pieces: Iterator[list[Event]]) -> tuple[float, Any]:
    counts: Counter[str] = Counter()
    find = re.compile(r"GET /api/v1/items/(.*?) HTTP").search

    def take(piece: list[Event]) -> None:
        counts.update([found[1] for _, text in piece if (found := find(text))])

    seconds = _timed(pieces, take)
    top = sorted(counts.items(), key=lambda item: (-item[1], int(item[0])))[:20]
    return seconds, {item: str(count) for item, count in top}


def _json_stats(pieces: Iterator[list[Event]]) -> tuple[float, Any]:
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])

    def take(piece: list[Event]) -> None:
        for _, text in piece:
            event = json.loads(text)
            found = sums[event["service"]]
            found[0] += event["latency"]
            found[1] += 1

    seconds = _timed(pieces, take)
    return seconds, {
        service: f"{total / count:.4f}".rstrip("0").rstrip(".")
        for service, (total, count) in sums.items()
    }


def _top(pieces: Iterator[list[Event]]) -> tuple[float, Any]:
    kept: list[tuple[int, int]] = []

    def take(piece: list[Event]) -> None:
        found = [(json.loads(text)["latency"], t) for t, text in piece if '"ERROR"' in text]
        kept[:] = sorted([*kept, *found], reverse=True)[:20]

    seconds = _timed(pieces, take)
    return seconds, sorted(str(latency) for latency, _ in kept)


QUERIES: tuple[tuple[str, str, Scan, Callable[[list[dict[str, str]]], Any]], ...] = (
    (
        "count by bin",
        "stats count(*) as n by bin(5m) as t",
        _count_by_bin,
        lambda rows: {row["t"]: row["n"] for row in rows},
    ),
    (
        "filter like, count by bin",
        "filter @message like /ERROR/ | stats count(*) as n by bin(5m) as t",
        _filter_like,
        lambda rows: {row["t"]: row["n"] for row in rows},
    ),
    (
        "parse, count by value, top 20",
        'parse @message "GET /api/v1/items/* HTTP" as item'
        " | stats count(*) as n by item | sort n desc, item | limit 20",
        _parse_stats,
        lambda rows: {row["item"]: row["n"] for row in rows},
    ),
    (
        "JSON fields, average by value",
        "stats avg(latency) as a by service",
        _json_stats,
        lambda rows: {row["service"]: row["a"] for row in rows},
    ),
    (
        "filter, sort by a JSON field, top 20",
        "fields @timestamp, latency | filter level = 'ERROR'"
        " | sort latency desc, @timestamp desc | limit 20",
        _top,
        lambda rows: sorted(row["latency"] for row in rows),
    ),
)


def _ask(client: Any, text: str, begin_ms: int) -> tuple[float, list[dict[str, str]]]:
    started = time.perf_counter()
    query = client.start_query(
        logGroupName=GROUP,
        startTime=begin_ms // 1000 - 1,
        endTime=(begin_ms + SPAN_MS) // 1000 + 1,
        queryString=text,
    )
    while True:
        answer = client.get_query_results(queryId=query["queryId"])
        if answer["status"] not in ("Scheduled", "Running"):
            break
        time.sleep(0.01)
    seconds = time.perf_counter() - started
    assert answer["status"] == "Complete", answer["status"]
    rows = [{one["field"]: one["value"] for one in row} for row in answer["results"]]
    return seconds, rows


def _ingest(target: Target, batches: int, begin_ms: int, step_ms: float) -> float:
    client = _client(target)
    client.create_log_group(logGroupName=GROUP)
    for share in range(CLIENTS):
        client.create_log_stream(logGroupName=GROUP, logStreamName=f"shop-{share}")
    context = multiprocessing.get_context("spawn")
    started = time.perf_counter()
    putting = [
        context.Process(target=_put, args=(target, share, batches, begin_ms, step_ms))
        for share in range(CLIENTS)
    ]
    for process in putting:
        process.start()
    for process in putting:
        process.join()
    assert all(process.exitcode == 0 for process in putting)
    return time.perf_counter() - started


def report(events: int, *, with_python: bool = True) -> None:
    """Put `events` log events, ask five things of them, and print what that took."""
    batches = max(1, events // BATCH_EVENTS)
    events = batches * BATCH_EVENTS
    step_ms = SPAN_MS / events
    begin_ms = (int(time.time() * 1000) - SPAN_MS) // 1000 * 1000
    with servers.millpond() as (target, process, _):
        seconds = _ingest(target, batches, begin_ms, step_ms)
        print(f"\n### Logs Insights: {events:,} log events\n")
        print(
            f"Put by {CLIENTS} boto3 clients on the same cores in {seconds:,.0f} s:"
            f" {events / seconds:,.0f} events a second.\n"
        )
        client = _client(target)
        first, _ = _ask(client, QUERIES[0][1], begin_ms)
        print(f"The first query, which packs what is not packed yet, took {first:.1f} s.\n")
        print("| query | Insights | Python | ratio |")
        print("|---|---:|---:|---:|")
        for name, text, scan, told in QUERIES:
            _ask(client, text, begin_ms)
            ours, rows = _ask(client, text, begin_ms)
            if not with_python:
                print(f"| {name} | {ours:.2f} s | | |", flush=True)
                continue
            pieces = (_events(batch, begin_ms, step_ms) for batch in range(batches))
            theirs, expected = scan(pieces)
            assert told(rows) == expected, name
            print(f"| {name} | {ours:.2f} s | {theirs:.1f} s | {theirs / ours:.0f}x |", flush=True)
        print(f"\nResident, with the process of queries: {servers.resident_mb(process):.0f} MB.")
