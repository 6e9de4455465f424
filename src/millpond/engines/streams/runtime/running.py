"""A run in its process: plan, functions, connectors, loop; the talk with the server."""

import asyncio
import os
import time
import traceback
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from millpond.engines.streams import plan as plans
from millpond.engines.streams.connectors.interface import Credentials, Traffic, World
from millpond.engines.streams.connectors.registry import make_lookup, make_sink, make_source
from millpond.engines.streams.functions.faults import FunctionFault
from millpond.engines.streams.functions.loading import Functions, load
from millpond.engines.streams.interface import (
    CannotStart,
    Checkpointed,
    Event,
    Finished,
    Logged,
    Measured,
    Refused,
    Restore,
    SnapshotFailed,
)
from millpond.engines.streams.runtime import protocol
from millpond.engines.streams.runtime.channel import Channel
from millpond.engines.streams.runtime.checking import looking_up, plan_text, wrong
from millpond.engines.streams.runtime.compute import DuckCompute
from millpond.engines.streams.runtime.loop import Loop, Settings
from millpond.engines.streams.runtime.restoring import sink_folders

BEAT_SECONDS = 0.5
LINES_SECONDS = 0.05
_LEVELS = ("DEBUG", "INFO", "WARN", "ERROR")


def run_application(channel: Channel, order: protocol.Order) -> None:
    """Run it to its end, tell how it ended, and end the process: what threads a function left
    behind does not matter any more."""
    last: protocol.FromProcess
    try:
        last = _Application(channel, order).run()
    except Refused as refused:
        last = wrong(refused)
    except (CannotStart, FunctionFault) as error:
        last = protocol.Failed(str(error))
    except MemoryError as error:
        last = protocol.Failed(f"It ran out of memory. {error}".strip())
    except BaseException:
        last = protocol.Failed(traceback.format_exc())
    channel.tell(last)
    os._exit(0)


class _Application:
    def __init__(self, channel: Channel, order: protocol.Order) -> None:
        self._channel = channel
        self._order = order
        self._lowest = _LEVELS.index(order.log_level)
        self._credentials = Credentials(order.access)
        self._plan = plan_text(order.program, looking_up(order.access))
        self._traffic: list[Traffic] = []
        self._logged: deque[Logged] = deque()
        self._snapshots: set[asyncio.Task[None]] = set()

    def run(self) -> protocol.FromProcess:
        functions = load(self._plan.functions, self._plan.settings)
        compute = DuckCompute(
            self._order.compute_bytes,
            self._order.threads,
            Path(self._order.spill_folder),
            functions,
        )
        try:
            return asyncio.run(self._serve(compute))
        finally:
            _close(functions)

    async def _serve(self, compute: DuckCompute) -> protocol.FromProcess:
        loop = self._loop(compute)
        await loop.open()
        self._channel.tell(protocol.Ready())
        beside = [
            asyncio.create_task(self._obey(loop)),
            asyncio.create_task(self._beat(loop, compute)),
            asyncio.create_task(self._tell_lines()),
        ]
        finished: Finished = await loop.run()
        await asyncio.gather(*self._snapshots, return_exceptions=True)
        for task in beside:
            task.cancel()
        self._channel.tell(protocol.Told(self._lines()))
        return protocol.Ended(_explained(finished.failure), finished.stopped)

    def _loop(self, compute: DuckCompute) -> Loop:
        nodes = list(self._plan.nodes())
        order = self._order
        connectors = {
            kind: self._made(nodes, kind, make)
            for kind, make in (
                (plans.Source, make_source),
                (plans.Sink, make_sink),
                (plans.LookupJoin, make_lookup),
            )
        }
        return Loop(
            self._plan,
            compute,
            Settings(
                folder=Path(order.folder),
                restore=order.snapshot or (Restore.LATEST if order.latest else Restore.NOTHING),
                origin=order.origin,
                allow_non_restored_state=order.allow_non_restored_state,
                state_memory_bytes=order.state_bytes,
                checkpoint_seconds=order.checkpoint_seconds,
                checkpoint_pause_seconds=order.checkpoint_pause_seconds,
            ),
            self._tell,
            sources=connectors[plans.Source],
            sinks=connectors[plans.Sink],
            lookups=connectors[plans.LookupJoin],
            traffic=self._traffic,
        )

    def _made(
        self, nodes: list[plans.Node], kind: type[Any], make: Callable[[Any, World], Any]
    ) -> dict[str, Any]:
        """Connectors by the ids of their nodes."""
        return {
            node.id: make(node.table, self._world(node.id))
            for node in nodes
            if isinstance(node, kind)
        }

    def _world(self, node_id: str) -> World:
        name = sink_folders(self._plan).get(node_id, node_id)
        folder = Path(self._order.folder) / "connectors" / name
        folder.mkdir(exist_ok=True)
        world = World(
            application=self._order.name,
            credentials=self._credentials,
            folder=folder,
            settings=self._plan.settings,
            tell=self._log,
            printed=lambda line: self._log("INFO", line, "millpond.streams.print"),
        )
        self._traffic.append(world.traffic)
        return world

    def _log(self, level: str, text: str, logger: str = "millpond.streams") -> None:
        known = level if level in _LEVELS else "INFO"
        self._tell(Logged(time.time_ns() // 1_000_000, known, text, logger))  # type: ignore[arg-type]

    def _tell(self, event: Event) -> None:
        match event:
            case Measured():
                self._channel.tell(protocol.Told(self._lines(), measured=event))
            case Checkpointed():
                self._channel.tell(protocol.Told(self._lines(), event))
            case Logged():
                if _LEVELS.index(event.level) >= self._lowest:
                    self._logged.append(event)

    def _lines(self) -> list[Logged]:
        """The log lines since it was asked the last time: told together, many cost little."""
        return [self._logged.popleft() for _ in range(len(self._logged))]

    async def _tell_lines(self) -> None:
        while True:
            await asyncio.sleep(LINES_SECONDS)
            if self._logged:
                self._channel.tell(protocol.Told(self._lines()))

    async def _beat(self, loop: Loop, compute: DuckCompute) -> None:
        while True:
            began = loop.step_began_s
            taken = 0.0 if began is None else time.monotonic() - began
            self._channel.tell(protocol.Beat(taken, compute.calling))
            await asyncio.sleep(BEAT_SECONDS)

    async def _obey(self, loop: Loop) -> None:
        async for command in self._channel.commands():
            match command:
                case protocol.Snapshot() as asked:
                    task = asyncio.create_task(self._take(loop, asked))
                    self._snapshots.add(task)
                    task.add_done_callback(self._snapshots.discard)
                case protocol.Renew(access):
                    self._credentials.access = access
                case protocol.Stop(drain):
                    loop.stop(drain=drain)

    async def _take(self, loop: Loop, asked: protocol.Snapshot) -> None:
        try:
            taken = await loop.snapshot(asked.name, last=asked.last, drain=asked.drain)
        except SnapshotFailed as error:
            self._channel.tell(protocol.NotTaken(asked.name, str(error)))
        else:
            self._channel.tell(protocol.Taken(taken.name, taken.size_bytes))


def _explained(failure: str) -> str:
    """The reason that an application failed, which for want of memory needs no traceback."""
    last = failure.rpartition("\n")[2]
    kind, _, text = last.partition(":")
    return f"It ran out of memory.{text}" if kind == "MemoryError" else failure


def _close(functions: Functions) -> None:
    try:
        functions.close()
    except BaseException:
        traceback.print_exc()
