"""Checkpoints: everything that a run must remember, of one moment between two steps.

A `Cut` is taken between two steps, which is quick; `write` makes it last beside the steps that
follow: it writes the chunks that no pack has yet, syncs their packs, then writes the manifest. The
last two checkpoints are kept, and snapshots until they are deleted.
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from millpond.engines.streams.interface import CannotStart
from millpond.engines.streams.runtime.manifests import DamagedManifest, Manifests
from millpond.engines.streams.runtime.packs import Damaged, Pack, Packs, Place, ReadPart, map_part
from millpond.engines.streams.runtime.state import Chunk, StateSnapshot, Store
from millpond.kernel.files import Disk, Files

_KEPT = 2


@dataclass(slots=True)
class Cut:
    """What is true between two steps. `sources` and `sinks` are as manifests have them."""

    states: Mapping[str, StateSnapshot]
    pipeline: dict[str, Any] | None
    sources: dict[str, Any]
    sinks: dict[str, Any] = field(default_factory=dict)


class NotSynced(Exception):
    """The disk did not take packs; their chunks have to be written elsewhere."""

    def __init__(self, packs: list[Pack], reason: str) -> None:
        super().__init__(reason)
        self.packs = packs


class Checkpoints:
    """Of one application, for one run at a time. Blocking calls, from one thread at a time.
    `origin` stands in what is written; see `interface.Order`."""

    def __init__(
        self,
        folder: Path,
        memory_bytes: int,
        *,
        origin: str = "",
        files: Files | None = None,
        read_part: ReadPart = map_part,
    ) -> None:
        files = files or Disk()
        self._origin = origin
        self._manifests = Manifests(folder, files)
        self._manifests.make_folders()
        self._packs = Packs(self._manifests.chunks, files, read_part)
        self.store = Store(self._packs, memory_bytes)
        self._kept: dict[int, list[Pack]] = {}
        self._snapshots: dict[str, list[Pack]] = {}
        self._next = 1

    def goes_on(self) -> bool:
        """Whether the newest checkpoint is of a run of the same origin.

        Raises:
            OSError: it cannot be read now.
        """
        if self._origin:
            for number in self._manifests.checkpoints():
                with contextlib.suppress(DamagedManifest):
                    return bool(self._manifests.checkpoint(number).get("origin") == self._origin)
        return False

    def restore_latest(self, warn: Callable[[str], None]) -> dict[str, Any] | None:
        """The newest checkpoint that is whole; None if there is none. `warn` hears of others.

        Raises:
            CannotStart: there are some, and none is whole.
            OSError: one cannot be read now.
        """
        numbers = self._manifests.checkpoints()
        self._number_after(numbers)
        found = None
        passed = []
        for number in numbers:
            try:
                body = self._manifests.checkpoint(number)
                packs = self._checked(body)
            except (DamagedManifest, Damaged) as error:
                warn(f"Checkpoint {number} is passed over: {error}.")
                passed.append(number)
                continue
            self._kept[number] = packs
            found = found or body
        if numbers and found is None:
            raise CannotStart("No checkpoint is whole; start from a snapshot, or without state.")
        if found is not None:
            self._manifests.remove_checkpoints(passed)
        self._ready(warn)
        return found

    def restore_snapshot(self, name: str, warn: Callable[[str], None]) -> dict[str, Any]:
        """What a snapshot holds, which is the newest checkpoint from now on.

        Raises:
            CannotStart: there is none of this name, or it is damaged.
        """
        numbers = self._manifests.checkpoints()
        self._number_after(numbers)
        try:
            body = self._manifests.snapshot(name)
            if body is None:
                raise CannotStart(f"There is no snapshot {name}.")
            packs = self._checked(body)
        except (DamagedManifest, Damaged, OSError) as error:
            raise CannotStart(f"Snapshot {name} cannot be restored: {error}.") from error
        body = body | {"number": self._next, "origin": self._origin}
        self._manifests.write_checkpoint(body)
        self._kept[self._next] = packs
        self._next += 1
        self._manifests.remove_checkpoints(numbers)
        self._ready(warn)
        return body

    def begin_anew(self, warn: Callable[[str], None]) -> None:
        """Without state: earlier checkpoints are forgotten, snapshots are not. Where there were
        some, one that holds nothing takes their place, so that they cannot come back."""
        numbers = self._manifests.checkpoints()
        self._number_after(numbers)
        if numbers:
            nothing = _body(self.next_number(), Cut({}, None, {}), 0)
            self._manifests.write_checkpoint(nothing | {"origin": self._origin})
            self._manifests.remove_checkpoints(numbers)
        self._ready(warn)

    def has_snapshot(self, name: str) -> bool:
        return self._manifests.has_snapshot(name)

    def fill(self, states: Mapping[str, Any]) -> None:
        """Give states what a checkpoint holds for them (`body["states"]`), by node."""
        for node_id, saved in states.items():
            self.store.state(node_id).restore(
                saved["small"],
                {
                    bucket: [self._chunk(chunk) for chunk in chunks]
                    for bucket, chunks in saved["buckets"]
                },
            )

    def next_number(self) -> int:
        """The number of the next checkpoint, which no other ever gets."""
        self._next += 1
        return self._next - 1

    def place(self, cut: Cut) -> int:
        """Write the chunks of a cut that no pack has, and sync them; how many bytes.

        Raises:
            OSError: the disk takes no more; nothing is lost.
            NotSynced: see there; `Store.unplace` has to hear of it between two steps.
        """
        new_bytes = self.store.place(_chunks(cut))
        packs = _packs(cut)
        try:
            self._packs.sync(packs)
        except OSError as error:
            raise NotSynced([pack for pack in packs if not pack.is_synced], str(error)) from error
        return new_bytes

    def write(self, number: int, cut: Cut, time_ms: int, snapshots: Sequence[str] = ()) -> int:
        """Make a cut last, after `place`: it is durable when this returns; how many bytes of
        chunks it holds.

        Raises:
            OSError: it may not be.
        """
        packs = _packs(cut)
        body = _body(number, cut, time_ms) | {"origin": self._origin}
        self._kept[number] = list(packs)
        self._manifests.write_checkpoint(body)
        for name in snapshots:
            self._manifests.write_snapshot(name, body)
        with contextlib.suppress(OSError):  # what stays now goes after a later checkpoint
            self._tidy()
        return int(body["size_bytes"])

    def _tidy(self) -> None:
        numbers = self._manifests.checkpoints()
        self._manifests.remove_checkpoints(numbers[_KEPT:])
        for number in set(self._kept) - set(numbers[:_KEPT]):
            del self._kept[number]
        self._hold_snapshots()
        self._packs.collect()

    def _ready(self, warn: Callable[[str], None]) -> None:
        self._hold_snapshots(warn)
        self._packs.sweep()

    def _hold_snapshots(self, warn: Callable[[str], None] = lambda text: None) -> None:
        files = self._manifests.snapshots()
        for gone in set(self._snapshots) - set(files):
            del self._snapshots[gone]
        for file in set(files) - set(self._snapshots):
            try:
                body = self._manifests.snapshot_file(file)
            except (DamagedManifest, OSError) as error:
                warn(f"A snapshot cannot be read: {error}.")
                continue
            self._next = max(self._next, body["number"] + 1)
            self._snapshots[file] = self._packs_of(body)

    def _checked(self, body: dict[str, Any]) -> list[Pack]:
        packs = self._packs_of(body)
        for state in body["states"].values():
            for _, chunks in state["buckets"]:
                for chunk in chunks:
                    self._packs.check(self._place(chunk))
        return packs

    def _packs_of(self, body: dict[str, Any]) -> list[Pack]:
        return [self._packs.known(name, size) for name, size in body["packs"].items()]

    def _place(self, saved: list[Any]) -> Place:
        name, pack_size_bytes, offset, size_bytes, crc, _ = saved
        return Place(self._packs.known(name, pack_size_bytes), offset, size_bytes, crc)

    def _chunk(self, saved: list[Any]) -> Chunk:
        return self.store.take(self._place(saved), saved[-1])

    def _number_after(self, numbers: list[int]) -> None:
        self._next = max(self._next, 1 + max(numbers, default=0))


def _body(number: int, cut: Cut, time_ms: int) -> dict[str, Any]:
    return {
        "number": number,
        "time_ms": time_ms,
        "size_bytes": sum(chunk.place.size_bytes for chunk in _chunks(cut) if chunk.place),
        "packs": {pack.name: pack.size_bytes for pack in _packs(cut)},
        "states": {name: _saved(state) for name, state in cut.states.items()},
        "pipeline": cut.pipeline,
        "sources": cut.sources,
        "sinks": cut.sinks,
    }


def _packs(cut: Cut) -> set[Pack]:
    return {chunk.place.pack for chunk in _chunks(cut) if chunk.place is not None}


def _chunks(cut: Cut) -> list[Chunk]:
    return [
        chunk
        for state in cut.states.values()
        for chunks in state.buckets.values()
        for chunk in chunks
    ]


def _saved(state: StateSnapshot) -> dict[str, Any]:
    return {
        "small": state.small,
        "buckets": [
            [bucket, [_saved_chunk(chunk) for chunk in chunks]]
            for bucket, chunks in state.buckets.items()
        ],
    }


def _saved_chunk(chunk: Chunk) -> list[Any]:
    place = chunk.place
    assert place is not None
    pack = place.pack
    return [pack.name, pack.size_bytes, place.offset, place.size_bytes, place.crc, chunk.size_bytes]
