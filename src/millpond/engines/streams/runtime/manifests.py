"""Manifests: what a checkpoint is made of, each in a small file that is whole or is not taken.

    state/checkpoints/<number>.manifest     the last two
    state/snapshots/<digest>.manifest       by name, until deleted
    state/chunks/<number>.arrows            the chunks that they name (see packs.py)

The first line says the format, the CRC-32 and the length of the JSON that follows. A manifest is
written beside its name, synced, renamed and the folder synced; what it names was synced before.
Standard library only, so that snapshots are deleted without the runtime.
"""

import contextlib
import hashlib
import json
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from millpond.kernel.files import Disk, Files, read_all, write_all

_MAGIC = "millpond-checkpoint 1"
_SUFFIX = ".manifest"
_NEW = ".new"


class DamagedManifest(Exception):
    """It is not whole, or of another format; the text says which."""


class Manifests:
    """The manifests below an application's folder. Every call blocks, and raises OSError."""

    def __init__(self, folder: Path, files: Files | None = None) -> None:
        self._files = files or Disk()
        self._state = folder / "state"
        self.chunks = self._state / "chunks"
        self._checkpoints = self._state / "checkpoints"
        self._snapshots = self._state / "snapshots"

    def make_folders(self) -> None:
        """Make what is not there yet, durably; forget what was being written."""
        folders = (self._state, self.chunks, self._checkpoints, self._snapshots)
        for folder in folders:
            self._files.make_folder(folder)
        self._files.sync_folder(self._state.parent)
        self._files.sync_folder(self._state)
        for folder in (self._checkpoints, self._snapshots):
            for name in self._files.names(folder):
                if name.endswith(_NEW):
                    self._files.unlink(folder / name)

    def checkpoints(self) -> list[int]:
        """The numbers of the checkpoints, newest first; whole or not."""
        names = self._files.names(self._checkpoints)
        digits = [name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX)]
        return sorted((int(each) for each in digits if each.isdecimal()), reverse=True)

    def checkpoint(self, number: int) -> dict[str, Any]:
        """What a checkpoint's manifest says.

        Raises:
            DamagedManifest: it is not whole.
        """
        return self._read(self._checkpoints / _numbered(number))

    def write_checkpoint(self, body: dict[str, Any]) -> None:
        """Have a checkpoint (`body["number"]`), durably."""
        self._write(self._checkpoints, _numbered(body["number"]), body)

    def remove_checkpoints(self, numbers: Sequence[int]) -> None:
        """Forget checkpoints; after a power cut they may be there again."""
        for number in numbers:
            self._files.unlink(self._checkpoints / _numbered(number))

    def snapshots(self) -> list[str]:
        """The files of the snapshots."""
        return [name for name in self._files.names(self._snapshots) if name.endswith(_SUFFIX)]

    def snapshot_file(self, file: str) -> dict[str, Any]:
        """What a snapshot's manifest says.

        Raises:
            DamagedManifest: it is not whole.
        """
        return self._read(self._snapshots / file)

    def snapshot(self, name: str) -> dict[str, Any] | None:
        """What a snapshot's manifest says; None if there is none of this name.

        Raises:
            DamagedManifest: it is not whole.
        """
        file = _named(name)
        return self.snapshot_file(file) if file in self.snapshots() else None

    def has_snapshot(self, name: str) -> bool:
        return _named(name) in self.snapshots()

    def write_snapshot(self, name: str, body: dict[str, Any]) -> None:
        """Keep a checkpoint by name, durably."""
        self._write(self._snapshots, _named(name), body | {"name": name})

    def remove_snapshot(self, name: str) -> None:
        """Forget a snapshot; an unknown one is no error. Its chunks go when the run that goes on,
        or the next one, sees that nothing names them."""
        try:
            self._files.unlink(self._snapshots / _named(name))
        except FileNotFoundError:
            return
        self._files.sync_folder(self._snapshots)

    def _read(self, path: Path) -> dict[str, Any]:
        descriptor = self._files.open(path)
        try:
            data = read_all(self._files, descriptor, self._files.size(descriptor), 0)
        finally:
            self._files.close(descriptor)
        return decoded(data, path.name)

    def _write(self, folder: Path, name: str, body: dict[str, Any]) -> None:
        new = folder / (name + _NEW)
        with contextlib.suppress(FileNotFoundError):
            self._files.unlink(new)
        descriptor = self._files.create(new)
        try:
            write_all(self._files, descriptor, encoded(body), 0)
            self._files.sync(descriptor)
        finally:
            self._files.close(descriptor)
        self._files.rename(new, folder / name)
        self._files.sync_folder(folder)


def encoded(body: dict[str, Any]) -> bytes:
    text = json.dumps(body, separators=(",", ":")).encode()
    return f"{_MAGIC} {zlib.crc32(text):08x} {len(text)}\n".encode() + text


def decoded(data: bytes, name: str) -> dict[str, Any]:
    """What `encoded` wrote.

    Raises:
        DamagedManifest: it did not write this.
    """
    head, _, text = data.partition(b"\n")
    if head != f"{_MAGIC} {zlib.crc32(text):08x} {len(text)}".encode():
        raise DamagedManifest(f"{name} is damaged")
    body: dict[str, Any] = json.loads(text)
    return body


def _numbered(number: int) -> str:
    return f"{number:012d}{_SUFFIX}"


def _named(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:40] + _SUFFIX
