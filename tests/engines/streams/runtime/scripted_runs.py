"""A scripted source and sinks, for runs of the loop without the world outside."""

import asyncio
import json

import pyarrow as pa

from millpond.engines.streams import plan as plans
from millpond.engines.streams.connectors.interface import Arrival
from millpond.engines.streams.types import BIGINT, STRING, TIMESTAMP, Column, schema_of

COLUMNS = (Column("key", STRING), Column("value", BIGINT), Column("ts", TIMESTAMP))
TABLE = plans.Table("clicks", COLUMNS)
SOURCE = plans.Source(COLUMNS, TABLE, watermark='"ts"', rowtime="ts")


def rows_of(*given):
    """Rows of (key, value, seconds)."""
    dicts = [
        {"key": key, "value": value, "ts": int(seconds * 1_000_000)}
        for key, value, seconds in given
    ]
    return pa.Table.from_pylist(dicts, schema_of(COLUMNS))


async def until(is_so):
    """Wait until something is so."""
    async with asyncio.timeout(20):
        while not is_so():  # noqa: ASYNC110
            await asyncio.sleep(0.001)


def sink_of(node, name="out"):
    return plans.Sink(node.columns, node, plans.Table(name, node.columns))


class ScriptedSource:
    """Gives batches of each split in turn, from a position (the number of the next batch) on, then
    ends, or waits for good."""

    def __init__(self, splits, *, ends=True, guard=lambda place: None, slow=False):
        self.splits = splits
        self.slow = slow
        self.ends = ends
        self.guard = guard

    async def open(self):
        self.guard("source.open")

    async def run(self, positions, emit):
        following = {split: positions.get(split, 0) for split in self.splits}
        for split in self.splits:
            await emit(Arrival(split, rows_of(), following[split]))
        while any(following[split] < len(self.splits[split]) for split in self.splits):
            for split, batches in self.splits.items():
                number = following[split]
                if number < len(batches):
                    following[split] += 1
                    self.guard("source.emit")
                    if self.slow:
                        await asyncio.sleep(0.002)
                    await emit(Arrival(split, rows_of(*batches[number]), number + 1))
        if not self.ends:
            await asyncio.Event().wait()


class Shelf:
    """What a committing sink's table holds, which outlives runs: files that were made durable, and
    those that are committed."""

    def __init__(self):
        self.files = {}
        self.committed = []
        self.seen = []

    def rows(self):
        return [row for name in self.committed for row in self.files[name]]


class CommittingSink:
    """Makes a file of what was written at each `prepare`, and lists it at `commit`."""

    def __init__(self, shelf, guard=lambda place: None):
        self.shelf = shelf
        self.guard = guard
        self.open_rows = []
        self.waiting = []

    async def open(self, committed):
        self.guard("sink.open")
        if committed is not None:
            await self.commit(-1, committed)

    async def write(self, rows):
        self.guard("sink.write")
        await asyncio.sleep(0)
        self.open_rows += rows.to_pylist()
        self.shelf.seen += rows.to_pylist()
        self.guard("sink.written")

    async def prepare(self, checkpoint):
        self.guard("sink.prepare")
        await asyncio.sleep(0)
        if self.open_rows:
            name = f"{checkpoint}-{len(self.shelf.files)}"
            self.shelf.files[name] = self.open_rows
            self.open_rows = []
            self.waiting.append(name)
        self.guard("sink.prepared")
        return json.loads(json.dumps({"files": self.waiting}))

    async def commit(self, checkpoint, prepared):
        self.guard("sink.commit")
        for name in prepared["files"]:
            if name not in self.shelf.committed:
                self.shelf.committed.append(name)
            if name in self.waiting:
                self.waiting.remove(name)
            self.guard("sink.committed one")
        await asyncio.sleep(0)
        self.guard("sink.committed")

    async def close(self):
        pass
