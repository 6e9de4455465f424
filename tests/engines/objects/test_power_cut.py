"""What a power cut may leave of the objects, state by state, and that all acknowledged is in it.

A recorder notes every call of the file layer. From the notes of any moment it rebuilds states that
a disk could be in after a cut then: bytes that were not synced are missing, cut short, zeros or
there; folder entries that were not synced are missing or there, in any combination. A sync
promises only what was done before it began, and after one that failed no later one promises what
that one should have, until a restart: whoever restarts has seen to the disk.
"""

import asyncio
import itertools
import random
import shutil
import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from millpond.engines.objects.embedded import EmbeddedObjects
from millpond.engines.objects.embedded import shelves as shelves_module
from millpond.engines.objects.orphans import collect_orphans
from millpond.kernel.clock import ManualClock
from millpond.kernel.errors import EngineError
from millpond.kernel.faults import Faults
from millpond.kernel.faulty_disk import FaultyDisk
from millpond.kernel.files import Disk
from millpond.kernel.ids import SystemIds

BLOCK = 1024 * 1024
GRACE_SECONDS = 100.0


@dataclass(eq=False)
class Node:
    """A file's bytes, as pieces with the moment of each, or a folder's entries."""

    pieces: list[tuple[int, bytes]] = field(default_factory=list)
    entries: list[tuple[int, str, "Node | None"]] = field(default_factory=list)
    synced: list[tuple[int, int]] = field(default_factory=list)
    """`(ended, began)` of each sync that succeeded."""
    doomed: list[tuple[int, int]] = field(default_factory=list)
    """The same of each that failed."""

    def is_safe(self, moment: int, now: int) -> bool:
        """Whether what happened at `moment` outlives a cut at `now`."""
        if any(ended <= now and moment < ended for ended, _ in self.doomed):
            first = min(ended for ended, _ in self.doomed if moment < ended)
        else:
            first = now + 1
        return any(moment < began and ended < first for ended, began in self.synced if ended <= now)


class Recorder:
    """`files` with a memory. `root` is on disk from the start."""

    def __init__(self, files, root):
        self._files = files
        self._lock = threading.RLock()
        self._moments = itertools.count(1)
        self.now = 0
        self.root = root
        self._nodes = {root: Node(), root.parent: Node()}
        self._every = list(self._nodes.values())
        self._open = {}

    def restart(self, files):
        """A new process, on a disk that is well."""
        self._files = files
        for node in self._every:
            node.doomed.clear()

    def _tick(self):
        self.now = next(self._moments)
        return self.now

    def moment(self):
        with self._lock:
            return self._tick()

    @property
    def top(self):
        return self._nodes[self.root]

    def _enter(self, path, node):
        self._nodes[path.parent].entries.append((self._tick(), path.name, node))
        if node is None:
            del self._nodes[path]
        else:
            self._nodes[path] = node
            self._every.append(node)

    def make_folder(self, path):
        with self._lock:
            self._files.make_folder(path)
            if path not in self._nodes:
                self._enter(path, Node())

    def create(self, path):
        with self._lock:
            descriptor = self._files.create(path)
            self._enter(path, Node())
            self._open[descriptor] = self._nodes[path]
            return descriptor

    def write(self, descriptor, data, offset):
        with self._lock:
            count = self._files.write(descriptor, data, offset)
            self._open[descriptor].pieces.append((self._tick(), bytes(data[:count])))
            return count

    def link(self, path, also):
        with self._lock:
            self._files.link(path, also)
            self._enter(also, self._nodes[path])

    def unlink(self, path):
        with self._lock:
            self._files.unlink(path)
            self._enter(path, None)

    def close(self, descriptor):
        with self._lock:
            self._open.pop(descriptor, None)
            self._files.close(descriptor)

    def sync(self, descriptor):
        self._note_sync(self._open[descriptor], lambda: self._files.sync(descriptor))

    def sync_folder(self, path):
        self._note_sync(self._nodes[path], lambda: self._files.sync_folder(path))

    def _note_sync(self, node, sync):
        began = self.moment()
        try:
            sync()
        except OSError:
            node.doomed.append((self.moment(), began))
            raise
        node.synced.append((self.moment(), began))

    def open(self, path):
        return self._files.open(path)

    def read_into(self, descriptor, buffer, offset):
        return self._files.read_into(descriptor, buffer, offset)

    def size(self, descriptor):
        return self._files.size(descriptor)

    def names(self, path):
        return self._files.names(path)


def rebuild(node, target, now, cut):
    """Write to `target` what `cut` leaves of folder `node` at moment `now`."""
    left = {}
    for moment, name, child in node.entries:
        if moment <= now and (node.is_safe(moment, now) or cut.keeps_entry(name, child)):
            if child is None:
                left.pop(name, None)
            else:
                left[name] = child
    target.mkdir()
    for name, child in left.items():
        if child.entries or len(name) < 32:
            rebuild(child, target / name, now, cut)
        else:
            data = b"".join(
                piece if child.is_safe(moment, now) else cut.leaves(piece)
                for moment, piece in child.pieces
                if moment <= now
            )
            (target / name).write_bytes(data)


class Cut:
    """A way for the power to go: which entries stay, and what becomes of bytes."""

    def __init__(self, name, keeps_entry, leaves):
        self.name = name
        self.keeps_entry = keeps_entry
        self.leaves = leaves


def cuts(seed):
    chance = random.Random(seed)

    def anything(piece):
        return chance.choice([piece, b"", bytes(len(piece)), piece[: len(piece) // 2]])

    return [
        Cut("all that was not synced is lost", lambda *_: False, lambda piece: b""),
        Cut("names are there, bytes are not", lambda *_: True, lambda piece: b""),
        Cut(
            "names and lengths are there, bytes are zeros", lambda *_: True, lambda p: bytes(len(p))
        ),
        Cut(
            "what was made is lost, what was removed is gone", lambda _, child: child is None, bytes
        ),
        Cut("any part", lambda *_: chance.random() < 0.5, anything),
    ]


@pytest.fixture(autouse=True)
def small_shelves(monkeypatch):
    """New folders all the time."""
    monkeypatch.setattr(shelves_module, "BLOBS_PER_SHELF", 3)


def open_objects(folder, files=None, clock=None):
    return EmbeddedObjects.open(
        folder,
        clock or ManualClock(),
        SystemIds(),
        inline_size_bytes_max=100,
        grace_seconds=GRACE_SECONDS,
        files=files,
    )


async def stream(data):
    for offset in range(0, len(data), 300_000):
        yield data[offset : offset + 300_000]


async def read(objects, blob):
    return b"".join([chunk async for chunk in objects.read(blob)])


class Owner:
    """Calls the objects and keeps what they acknowledged, and when. Refusals are borne."""

    def __init__(self, recorder):
        self.recorder = recorder
        self.blobs = []
        self.refusals = 0

    async def put(self, objects, data):
        await self._keep(objects.put(stream(data)), data)

    async def concat(self, objects, *numbers):
        parts = [self.blobs[number] for number in numbers if number < len(self.blobs)]
        data = b"".join(data for _, data, _ in parts)
        await self._keep(objects.concat([blob for blob, _, _ in parts]), data)

    async def _keep(self, work, data):
        try:
            blob = await work
        except EngineError:
            self.refusals += 1
        else:
            self.blobs.append((blob, data, self.recorder.moment()))


async def work(owner, folder, disks, step=BLOCK // 2):
    """Puts, one by one and at once, of sizes some `step` apart; copies, a discard; all that again
    after a restart."""
    clock = ManualClock()
    for disk in disks:
        owner.recorder.restart(disk)
        try:
            objects = open_objects(folder, owner.recorder, clock)
        except EngineError:
            owner.refusals += 1
            continue
        await owner.put(objects, b"s" * 50)
        await owner.put(objects, b"a" * 3_000)
        await asyncio.gather(
            *(owner.put(objects, bytes([65 + n]) * (step * n + 500)) for n in range(4))
        )
        await owner.concat(objects, 1)
        await owner.concat(objects, 1, 2, 0, 3)
        if len(owner.blobs) > 2:
            await objects.discard([owner.blobs.pop(1)[0]])
        for _ in range(6):
            clock.advance(GRACE_SECONDS / 4)
            await asyncio.sleep(0.001)
        await owner.put(objects, b"z" * 2_000)
        await objects.close()


async def check(recorder, owner, now, cut, target):
    """A cut at `now`: all acknowledged is whole, the rest can be told apart, work goes on."""
    shutil.rmtree(target, ignore_errors=True)
    rebuild(recorder.top, target, now, cut)
    named = {blob.id: (blob, data) for blob, data, moment in owner.blobs if moment <= now}
    clock = ManualClock()
    objects = open_objects(target, clock=clock)
    try:
        for blob, data in named.values():
            assert await read(objects, blob) == data, (now, cut.name)
        stored = set(await objects.list_ids())
        assert stored >= named.keys() - {""}

        async def list_named():
            return named.keys()

        await collect_orphans(objects, list_named)
        fresh = await objects.put(stream(b"f" * 5_000))
        while set(await objects.list_ids()) - {fresh.id} != named.keys() - {""}:
            clock.advance(GRACE_SECONDS / 4)
            await asyncio.sleep(0.0005)
        assert await read(objects, fresh) == b"f" * 5_000
    finally:
        await objects.close()


async def test_whenever_the_power_goes_all_acknowledged_blobs_are_whole(tmp_path):
    folder = tmp_path / "objects"
    recorder = Recorder(Disk(), folder)
    owner = Owner(recorder)
    await work(owner, folder, [Disk(), Disk()])
    assert owner.refusals == 0
    assert len(owner.blobs) > 15
    states = 0
    for now in range(recorder.now + 1):
        for cut in cuts(now):
            await asyncio.wait_for(check(recorder, owner, now, cut, tmp_path / "after"), 20)
            states += 1
    assert states > 600


async def test_a_disk_that_fails_anywhere_and_then_loses_power_keeps_what_was_acknowledged(
    tmp_path,
):
    for place in itertools.count():
        folder = tmp_path / f"objects-{place}"
        faults = Faults(place)
        disks = [FaultyDisk(Disk(), faults), FaultyDisk(Disk(), faults)]
        recorder = Recorder(disks[0], folder)
        owner = Owner(recorder)
        await work(owner, folder, disks, step=20_000)
        assert [disk.tried_again for disk in disks] == [[], []], faults.struck
        if faults.struck is None:
            assert place > 100
            break
        assert owner.blobs, faults.struck
        every = cuts(place)
        for cut in (every[0], every[1 + place % 4]):
            after = tmp_path / "after"
            await asyncio.wait_for(check(recorder, owner, recorder.now, cut, after), 20)
        shutil.rmtree(folder)


@pytest.mark.parametrize("made", [["0000"], ["0000", "0000/00"]])
async def test_a_folder_left_by_a_process_that_was_killed_is_synced_before_use(tmp_path, made):
    folder = tmp_path / "objects"
    folder.mkdir()
    recorder = Recorder(Disk(), folder)
    for name in made:
        recorder.make_folder(folder / name)
    objects = open_objects(folder, recorder)
    owner = Owner(recorder)
    await owner.put(objects, b"a" * 3_000)
    await objects.close()
    for cut in cuts(0):
        await check(recorder, owner, recorder.now, cut, tmp_path / "after")


def test_a_sync_promises_only_what_came_before_it_began():
    node = Node(synced=[(20, 10)], doomed=[(40, 30)])
    assert node.is_safe(5, 50)
    assert not node.is_safe(5, 15)
    assert not node.is_safe(12, 50)
    node.synced.append((60, 50))
    assert node.is_safe(5, 70)
    assert not node.is_safe(35, 70)
    assert node.is_safe(45, 70)


@pytest.mark.parametrize("broken", ["sync", "sync_folder"])
async def test_the_states_would_show_a_sync_that_is_forgotten(tmp_path, broken):
    """The proof that the proof proves: without either kind of sync the check fails."""
    folder = tmp_path / "objects"
    recorder = Recorder(Disk(), folder)
    setattr(recorder, broken, lambda _: None)
    owner = Owner(recorder)
    await work(owner, folder, [Disk(), Disk()])
    with pytest.raises((AssertionError, EngineError)):
        for cut in cuts(0):
            await check(recorder, owner, recorder.now, cut, tmp_path / "after")


def test_states_are_rebuilt_from_the_notes(tmp_path):
    """A recorder on its own: two files, one synced, a cut in between."""
    root = tmp_path / "root"
    root.mkdir()
    recorder = Recorder(Disk(), root)
    recorder.make_folder(root / "aa")
    recorder.sync_folder(root)
    one = recorder.create(root / "aa" / ("1" * 32))
    recorder.write(one, b"one", 0)
    recorder.sync(one)
    recorder.sync_folder(root / "aa")
    two = recorder.create(root / "aa" / ("2" * 32))
    recorder.write(two, b"two", 0)
    for number, (cut, expected) in enumerate(
        zip(
            cuts(0)[:3],
            [{"1": b"one"}, {"1": b"one", "2": b""}, {"1": b"one", "2": b"\0\0\0"}],
            strict=True,
        )
    ):
        target = tmp_path / f"after-{number}"
        rebuild(recorder.top, target, recorder.now, cut)
        found = {path.name[0]: path.read_bytes() for path in (target / "aa").iterdir()}
        assert found == expected
    assert Path(recorder.root) == root
