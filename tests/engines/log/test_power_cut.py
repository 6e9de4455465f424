"""What a power cut may leave of the logs, state by state, and that all acknowledged is in it.

The same with each single sync of the engine left out, which some state must show: a sync without
which nothing is lost is not needed, or not tested.
"""

import asyncio
import itertools
from dataclasses import dataclass
from pathlib import Path

import pytest
from log_disks import Killed, Recorder, cuts, rebuild

from millpond.engines.log.embedded import EmbeddedLog
from millpond.engines.log.interface import Batch
from millpond.kernel.clock import ManualClock
from millpond.kernel.errors import EngineError, Full, Unavailable
from millpond.kernel.faults import Faults
from millpond.kernel.faulty_disk import FaultyDisk

ROOT = Path("/data")
FOLDER = ROOT / "log"
JOURNALS = FOLDER / "journal"
NAMES = [b"a", b"b", b"c", b"d"]


def open_log(files, clock=None):
    return EmbeddedLog.open(
        FOLDER,
        clock or ManualClock(),
        journal_size_bytes_max=1_500,
        journals_max=2,
        own_segment_size_bytes_min=900,
        segments_gathered=3,
        cache_size_bytes_max=0,
        files=files,
    )


@dataclass
class Op:
    """A call on one log. `acked` is the moment of its answer; None while there is none. `refused`:
    the answer was that nothing was written."""

    kind: str
    name: bytes
    values: tuple = ()
    first: int = 0
    began: int = 0
    acked: int | None = None
    refused: bool = False


class Owner:
    """Calls the logs, and keeps what they acknowledged, and when."""

    def __init__(self, recorder):
        self.recorder = recorder
        self.ops = []
        self.refusals = 0
        self.is_dead = bool
        self._values = itertools.count()

    async def append(self, log, *names, count=2, size=60):
        """To each of `names` a batch, in one call."""
        batches, ops = [], []
        for name in names:
            values = tuple(b"%06d" % next(self._values) + bytes(size) for _ in range(count))
            batches.append(Batch(name, [(b"", value) for value in values]))
            ops.append(Op("append", name, values))
        await self._do(log.append(batches), ops)

    async def seal(self, log, name):
        await self._do(log.seal(name), [Op("seal", name)])

    async def delete(self, log, name):
        await self._do(log.delete(name), [Op("delete", name)])

    async def trim(self, log, name, before_ms):
        op = Op("trim", name, first=log.bounds(name).end)
        await self._do(log.trim(name, before_ms), [op])
        op.first = log.bounds(name).first

    async def _do(self, call, ops):
        was_dead = self.is_dead()
        for op in ops:
            op.began = self.recorder.moment()
            self.ops.append(op)
        try:
            await call
        except EngineError as error:
            self.refusals += 1
            for op in ops:
                op.refused = was_dead or isinstance(error, Full)
        else:
            for op in ops:
                op.acked = self.recorder.moment()

    async def observe(self, log):
        """What is read after a restart is as good as acknowledged."""
        for name in NAMES:
            try:
                values = {entry.value for entry in (await read(log, name)).entries}
            except Unavailable:
                self.refusals += 1
                continue
            for op in self.ops:
                if op.name == name and op.acked is None and values.intersection(op.values):
                    op.acked = self.recorder.moment()

    def possible(self, name, now):
        """What the log may hold after a cut at `now`: `(values, first, sealed)` of each way."""
        states = {((), 0, False)}
        for op in self.ops:
            if op.name != name or op.began > now or op.refused:
                continue
            after = {_apply(op, state) for state in states}
            states = after if op.acked is not None and op.acked <= now else states | after
        return states


def _apply(op, state):
    values, first, sealed = state
    match op.kind:
        case "append":
            return (values + op.values, first, sealed)
        case "seal":
            return (values, first, True)
        case "trim":
            return (values, max(first, min(op.first, len(values))), sealed)
        case _:
            return ((), 0, False)


async def read(log, name):
    return await log.read(name, 0, entries_max=100_000, size_bytes_max=100_000_000)


async def check(recorder, owner, now, cut, *, goes_on=False):
    """A cut at `now`: every log is as the acknowledged calls left it, and work `goes_on`."""
    disk = rebuild(recorder, now, cut)
    log = open_log(disk)
    try:
        for name in NAMES:
            bounds = log.bounds(name)
            found = await read(log, name)
            assert [entry.position for entry in found.entries] == list(
                range(bounds.first, bounds.end)
            )
            values = tuple(entry.value for entry in found.entries)
            possible = {
                (ours[first:], first, len(ours), sealed)
                for ours, first, sealed in owner.possible(name, now)
            }
            assert (values, bounds.first, bounds.end, bounds.sealed) in possible, (
                now,
                cut.name,
                name,
            )
        ends = {name: log.bounds(name) for name in NAMES}
        if not goes_on:
            return
        answers = await log.append([Batch(b"new", [(b"", b"new")])])
        assert answers[0].position == 0
        await log.wait_for_housekeeping()
    finally:
        await log.close()
    log = open_log(disk)
    try:
        assert {name: log.bounds(name)[:4] for name in NAMES} == {
            name: bounds[:4] for name, bounds in ends.items()
        }
        assert (await read(log, b"new")).entries[0].value == b"new"
    finally:
        await log.close()


async def work(owner, disks):
    """All that is done to logs, over several processes; those before the last are killed."""
    clock = ManualClock()
    for disk in disks:
        owner.recorder.restart()
        owner.is_dead = lambda disk=disk: getattr(disk, "dead", False)
        try:
            log = open_log(disk, clock)
        except EngineError:
            owner.refusals += 1
            continue
        await owner.observe(log)
        for turn in range(6):
            clock.advance(1)
            await asyncio.gather(
                owner.append(log, b"a", b"b"),
                owner.append(log, b"a", count=1, size=150),
                owner.append(log, b"d", count=1),
            )
            if turn == 1:
                await owner.seal(log, b"b")
                await owner.delete(log, b"d")
            if turn == 2:
                await settle(log)
                await owner.trim(log, b"a", clock.now_ms())
                await owner.delete(log, b"b")
            if turn == 3:
                await asyncio.gather(owner.append(log, b"c"), owner.trim(log, b"a", clock.now_ms()))
            if turn == 4:
                await owner.append(log, b"c", count=1, size=1_600)
        await settle(log)
        if not owner.is_dead():
            await owner.observe(log)
        await log.close()


async def settle(log):
    """Let the background work until it is done or its disk is in trouble."""
    waiting = asyncio.ensure_future(log.wait_for_housekeeping())
    while not waiting.done() and log._housekeeping._pause is None:  # noqa: ASYNC110
        await asyncio.sleep(0)
    waiting.cancel()


def journal_syncs(number):
    """Dies when a journal is synced for the `number`-th time."""
    counter = itertools.count(1)
    return lambda path: path is not None and path.parent == JOURNALS and next(counter) == number


def journal_folder_syncs(number):
    counter = itertools.count(1)
    return lambda path: path == JOURNALS and next(counter) == number


async def whole_life(forgotten=None):
    """A life of several processes: two are killed between a write and its sync."""
    recorder = Recorder(ROOT)
    recorder.forgotten_site = forgotten
    owner = Owner(recorder)
    await work(
        owner,
        [
            Killed(recorder, journal_syncs(8)),
            Killed(recorder, journal_folder_syncs(2)),
            recorder,
        ],
    )
    return recorder, owner


async def test_whenever_the_power_goes_the_logs_are_as_was_acknowledged():
    recorder, owner = await whole_life()
    assert sum(op.acked is not None for op in owner.ops) > 45
    assert owner.refusals > 2
    states = 0
    for now in range(recorder.now + 1):
        every = cuts(now)
        for cut in (every[0], every[1 + now % 7], every[1 + (now + 3) % 7]):
            await check(recorder, owner, now, cut, goes_on=now % 8 == 0)
            states += 1
    assert states > 900


async def sites():
    return sorted((await whole_life())[0].sync_sites)


@pytest.mark.parametrize("site", asyncio.run(sites()))
async def test_the_states_show_each_sync_that_is_left_out(site):
    recorder, owner = await whole_life(forgotten=site)
    assert recorder.sync_sites[site]
    answered = {op.acked for op in owner.ops if op.acked is not None}
    with pytest.raises((AssertionError, EngineError)):
        for now in (*sorted(answered), recorder.now):
            for cut in cuts(now)[:4]:
                await check(recorder, owner, now, cut)


def test_every_kind_of_sync_is_left_out_once():
    found = asyncio.run(sites())
    assert len(found) >= 10, found


async def test_a_disk_that_fails_anywhere_and_then_loses_power_keeps_what_was_acknowledged():
    for place in itertools.count():
        faults = Faults(place)
        recorder = Recorder(ROOT)
        disk = FaultyDisk(recorder, faults)
        owner = Owner(recorder)
        await work(owner, [disk, disk])
        assert disk.tried_again == [], faults.struck
        if faults.struck is None:
            assert place > 300
            break
        every = cuts(place)
        for cut in (every[0], every[1 + place % 7])[: 1 + place % 2]:
            await check(recorder, owner, recorder.now, cut, goes_on=True)
