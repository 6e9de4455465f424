"""The journal: where every group goes first, and is synced before anybody hears of it.

A journal is a file `<number>-<nonce>`: a header group that says up to where the journals before it
count, then groups, and after each of them, once its sync has returned, a mark. What a mark or any
other group follows was synced; so damage in it is damage, and not the end that a power cut tore.

After a failed write or sync (other than for want of space) a file is never written again: it counts
up to its last synced group, which the header of the next one says.
"""

import contextlib
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from millpond.engines.log.embedded.groups import group_edges
from millpond.engines.log.embedded.items import JOURNAL, VERSION, pack
from millpond.engines.log.embedded.trouble import is_no_space, refusal_of
from millpond.engines.log.files import Files, write_all
from millpond.kernel.errors import Unavailable


def file_name(number: int, nonce: int) -> str:
    return f"{number:012d}-{nonce:016x}"


def parse_name(name: str) -> tuple[int, int]:
    """`(number, nonce)` of a file of ours."""
    number, _, nonce = name.partition("-")
    return int(number), int(nonce, 16)


class _File:
    """A journal that is being written. `end` is where its last synced group ends, `tail` where the
    next one goes. `fresh`: its name is not on disk for sure."""

    __slots__ = ("descriptor", "end", "fresh", "nonce", "number", "tail")

    def __init__(self, number: int, nonce: int, descriptor: int) -> None:
        self.number = number
        self.nonce = nonce
        self.descriptor = descriptor
        self.end = 0
        self.tail = 0
        self.fresh = True


class Written(NamedTuple):
    """In which journal a group lies, and where its bytes begin."""

    number: int
    payload_offset: int


class Journal:
    """Used by one thread, except `names`, `ends` and `forget`.

    `names` are the files' names by number, `ends` where those end that are written no more.
    """

    def __init__(
        self,
        files: Files,
        folder: Path,
        *,
        size_bytes_max: int,
        next_number: int,
        names: dict[int, str],
        ends: dict[int, int],
    ) -> None:
        self._files = files
        self._folder = folder
        self._size_bytes_max = size_bytes_max
        self._next_number = next_number
        self.names = names
        self.ends = ends
        self._current: _File | None = None

    def write(self, index: bytes, payload: Sequence[bytes], payload_size: int) -> Written:
        """Write a group and return once it is on disk.

        Raises:
            Full: no space; nothing of it counts.
            Unavailable: it may or may not count after a restart.
        """
        file = self._writable()
        offset = file.tail
        start, end = group_edges(file.nonce, offset, index, payload_size)
        data = b"".join((start, *payload, end))
        try:
            write_all(self._files, file.descriptor, data, offset)
        except OSError as error:
            if not is_no_space(error):
                self._retire()
            raise refusal_of(error) from error
        try:
            self._files.sync(file.descriptor)
            if file.fresh:
                self._files.sync_folder(self._folder)
        except OSError as error:
            self._retire()
            raise Unavailable(
                f"A sync of the log failed; whether this was written is unknown: {error}."
            ) from error
        file.fresh = False
        file.end = file.tail = offset + len(data)
        self._mark(file)
        return Written(file.number, offset + len(start))

    def _mark(self, file: _File) -> None:
        """Say in the file that what it holds is synced. That it is missing is no harm."""
        start, end = group_edges(file.nonce, file.tail, b"", 0)
        with contextlib.suppress(OSError):
            write_all(self._files, file.descriptor, start + end, file.tail)
            file.tail += len(start) + len(end)

    def _writable(self) -> _File:
        if self._current is not None and self._current.tail >= self._size_bytes_max:
            self._retire()
        if self._current is None:
            self._current = self._create()
        return self._current

    def _create(self) -> _File:
        number, nonce = self._next_number, secrets.randbits(64)
        self._next_number += 1
        name = file_name(number, nonce)
        header = pack([[JOURNAL, VERSION, sorted(self.ends.items())]])
        start, end = group_edges(nonce, 0, header, 0)
        try:
            descriptor = self._files.create(self._folder / name)
        except OSError as error:
            raise refusal_of(error) from error
        file = _File(number, nonce, descriptor)
        self.names[number] = name
        try:
            write_all(self._files, descriptor, start + end, 0)
        except OSError as error:
            self._current = file
            self._retire()
            raise refusal_of(error) from error
        file.tail = len(start) + len(end)
        return file

    def _retire(self) -> None:
        """Write no more to the current file."""
        file = self._current
        assert file is not None
        self._current = None
        self.ends[file.number] = file.end
        with contextlib.suppress(OSError):
            self._files.close(file.descriptor)

    def forget(self, numbers: Sequence[int]) -> None:
        """Remove journals whose content is in segments, as the catalog on disk says."""
        for number in numbers:
            self.ends.pop(number, None)
            with contextlib.suppress(OSError):
                self._files.unlink(self._folder / self.names.pop(number))

    def path(self, number: int) -> Path | None:
        """Where a journal is, None when it was removed."""
        name = self.names.get(number)
        return None if name is None else self._folder / name

    def close(self) -> None:
        if self._current is not None:
            self._retire()
