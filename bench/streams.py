"""Kinesis side by side with other servers of streams, in one run."""

import functools
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from subprocess import Popen

from bench import kinesis, nats_jetstream, peers, servers, syncs
from bench.kinesis import Row
from bench.load import Target

ONE_BY_ONE = 100
"""How many single records are put, one after another, while syncs are counted."""

_SCALES = {"Millpond": 1.0, "ferrokinesis": 1.0, "ferrokinesis --state-dir": 0.01}
_SCALE = 0.1
"""How much shorter the runs of the others are; those named above differ from them."""

Running = AbstractContextManager[tuple[Target, Popen[bytes]]]
Figures = Mapping[str, Row | None]

_FILLING = kinesis.SHARDS * kinesis.READ_AT_ONCE * 5 // 4 // kinesis.BATCH
"""How many PutRecords it takes that GetRecords finds all it asks for in each shard."""


def _push(target: Target, scale: float) -> Row:
    kinesis.make_stream(target, "bench-pushed", shards=1)
    return kinesis.fan_out(target, "bench-pushed", 10 * scale)


MEASURES: Mapping[str, Callable[[Target, float], Row]] = {
    "PutRecords of 500 x 200 B": lambda target, scale: kinesis.put_records(
        target, "bench", max(int(1000 * scale), _FILLING)
    ),
    "PutRecord of 200 B": lambda target, scale: kinesis.put_record(
        target, "bench", int(20_000 * scale)
    ),
    "GetRecords of 10,000 x 200 B": lambda target, scale: kinesis.get_records(
        target, "bench", int(200 * scale)
    ),
    "put to SubscribeToShard": _push,
}


def compare() -> None:
    """Measure Millpond and every peer that is there, and print the figures and ratios."""
    measured = {"Millpond": _measure("Millpond", _millpond), "moto": _measure("moto", _moto)}
    for name, (place, server) in peers.KINESIS.items():
        if place.exists():
            measured[name] = _measure(name, server)
        else:
            print(f"\n{name} is not here: `make peers` fetches it.", flush=True)
    ours, _ = measured["Millpond"]
    print("\n### Streams\n\nIn brackets: how many times better Millpond is.\n")
    print(f"| | {' | '.join(measured)} |")
    print(f"|---|{'---:|' * len(measured)}")
    for what, our in ours.items():
        cells = [_cell(our, figures[what]) for figures, _ in measured.values()]
        print(f"| {what} | {' | '.join(cells)} |")
    counts = " | ".join(count for _, count in measured.values())
    print(f"| syncs for {ONE_BY_ONE} PutRecord, one by one | {counts} |", flush=True)
    put = ours["PutRecords of 500 x 200 B"]
    if peers.nats_is_here() and put is not None:
        _print_nats(put)


def _cell(our: Row | None, their: Row | None) -> str:
    if their is None or our is None:
        return "—"
    told = f"{their.value:,.0f} {their.unit}, {their.note}"
    if their is our:
        return told
    ratio = their.value / our.value if our.unit == "ms" else our.value / their.value
    return f"{told} ({ratio:.1f}x)"


def _print_nats(put: Row) -> None:
    with peers.nats() as (target, process):
        rate = nats_jetstream.records_per_second(target, 20_000)
        work = functools.partial(nats_jetstream.publish_one_by_one, target, ONE_BY_ONE)
        count = syncs.counted(process, work)
    print(
        f"\nNATS JetStream, every message synced: {rate:,.0f} records/s of 200 B "
        f"({put.value / rate:.1f}x beside PutRecords), {_told(count)} syncs for {ONE_BY_ONE} "
        "messages one by one.",
        flush=True,
    )


def _measure(name: str, server: Callable[[], Running]) -> tuple[Figures, str]:
    """The figures of one server, None for those that it cannot give; and what it syncs."""
    scale = _SCALES.get(name, _SCALE)
    figures: dict[str, Row | None] = {}
    with server() as (target, process):
        kinesis.make_stream(target, "bench")
        for what, measure in MEASURES.items():
            print(f"{name}: {what} …", file=sys.stderr, flush=True)
            try:
                figures[what] = measure(target, scale)
            except Exception as error:
                print(f"\n{name}, {what}: no figure: {error}", flush=True)
                figures[what] = None
        kinesis.make_stream(target, "one-by-one", shards=1)
        count = syncs.counted(process, functools.partial(_one_by_one, target))
    return figures, _told(count)


def _one_by_one(target: Target) -> None:
    kinesis.put_record(target, "one-by-one", ONE_BY_ONE, connections=1)


def _told(count: int | None) -> str:
    return "no strace" if count is None else f"{count:,}"


@contextmanager
def _millpond() -> Iterator[tuple[Target, Popen[bytes]]]:
    with servers.millpond(None, "--kinesis-limits", "none") as (target, process, _):
        yield target, process


@contextmanager
def _moto() -> Iterator[tuple[Target, Popen[bytes]]]:
    with servers.moto() as (target, process, _):
        yield target, process
