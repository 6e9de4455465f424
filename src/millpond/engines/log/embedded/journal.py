"""The journal: where every group goes first, and is synced before anybody hears of it.

A journal is a file `<number>-<nonce>` of groups, one after another. The first also says up to where
the journals before it count. A group is written when all before it is synced; and once its own sync
has returned, a mark is put behind it, which the next group overwrites. So what a mark or a group
follows was synced, and damage in it is damage, not the end that a power cut tore.

After a failed write or sync (other than for want of space) a file is never written again: it counts
up to its last synced group, which the first group of the next one says.
"""

import contextlib
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from millpond.engines.log.embedded.groups import group_edges
from millpond.engines.log.embedded.items import JOURNAL, VERSION, Items, pack
from millpond.engines.log.embedded.trouble import is_no_space, refusal_of
from millpond.kernel.errors import Unavailable
from millpond.kernel.files import Files, write_all


def file_name(number: int, nonce: int) -> str:
    return f"{number:012d}-{nonce:016x}"


def parse_name(name: str) -> tuple[int, int]:
    """`(number, nonce)` of a file of ours."""
    number, _, nonce = name.partition("-")
    return int(number), int(nonce, 16)


class _File:
    """A journal that is being written. `end` is where its last synced group ends, and the next one
    goes; before the first, its name is not on disk for sure either."""

    __slots__ = ("descriptor", "end", "nonce", "number")

    def __init__(self, number: int, nonce: int, descriptor: int) -> None:
        self.number = number
        self.nonce = nonce
        self.descriptor = descriptor
        self.end = 0


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

    def write(self, items: Items, payload: Sequence[bytes], payload_size: int) -> Written:
        """Write a group and return once it is on disk.

        Raises:
            Full: no space; nothing of it counts.
            Unavailable: it may or may not count after a restart.
        """
        file = self._writable()
        is_first = not file.end
        if is_first:
            items = [(JOURNAL, VERSION, sorted(self.ends.items())), *items]
        start, end = group_edges(file.nonce, file.end, pack(items), payload_size)
        data = b"".join((start, *payload, end))
        try:
            write_all(self._files, file.descriptor, data, file.end)
        except OSError as error:
            if not is_no_space(error):
                self._retire()
            raise refusal_of(error) from error
        try:
            self._files.sync(file.descriptor)
            if is_first:
                self._files.sync_folder(self._folder)
        except OSError as error:
            self._retire()
            raise Unavailable(
                f"A sync of the log failed; whether this was written is unknown: {error}."
            ) from error
        written = Written(file.number, file.end + len(start))
        file.end += len(data)
        self._mark(file)
        return written

    def _mark(self, file: _File) -> None:
        """Say in the file that what it holds is synced. That it is missing is no harm."""
        start, end = group_edges(file.nonce, file.end, b"", 0)
        with contextlib.suppress(OSError):
            write_all(self._files, file.descriptor, start + end, file.end)

    def _writable(self) -> _File:
        if self._current is not None and self._current.end >= self._size_bytes_max:
            self._retire()
        if self._current is None:
            number, nonce = self._next_number, secrets.randbits(64)
            self._next_number += 1
            name = file_name(number, nonce)
            try:
                descriptor = self._files.create(self._folder / name)
            except OSError as error:
                raise refusal_of(error) from error
            self.names[number] = name
            self._current = _File(number, nonce, descriptor)
        return self._current

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
