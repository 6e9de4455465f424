"""Where blobs lie: `<4 hex digits>/<2 hex digits>/<id>`, and an id begins with those six digits.

Folders are filled one after the other, some thousand blobs each, instead of being hashed over:
so blobs that are put at the same time share a folder, and one sync of it serves them all, and a
new folder, which costs two syncs, is rare.
"""

import re
import threading
from pathlib import Path

from millpond.kernel.errors import Damaged
from millpond.kernel.files import Files
from millpond.kernel.ids import Ids

BLOBS_PER_SHELF = 4096
_SHELVES_PER_ROOM = 256
_RANDOM_SIZE_BYTES = 13
_ID = re.compile(r"[0-9a-f]{32}")
_ROOM = re.compile(r"[0-9a-f]{4}")
_SHELF = re.compile(r"[0-9a-f]{2}")


class Shelves:
    """`extend`, `list_ids` and the constructor block: they are for a thread. The rest is for the
    event loop."""

    def __init__(self, files: Files, folder: Path, ids: Ids) -> None:
        """Go on where the last process stopped.

        Raises:
            OSError: the folder cannot be read or synced.
        """
        self._files = files
        self._folder = folder
        self._ids = ids
        files.sync_folder(folder)
        self._extending = threading.Lock()
        self._shelf = -1
        self._free = 0
        rooms = self._sorted(folder, _ROOM)
        if rooms:
            room = folder / rooms[-1]
            files.sync_folder(room)
            self._shelf = int(rooms[-1], 16) * _SHELVES_PER_ROOM - 1
            shelves = self._sorted(room, _SHELF)
            if shelves:
                self._shelf += int(shelves[-1], 16) + 1
                self._free = BLOBS_PER_SHELF - len(files.names(room / shelves[-1]))
        self._next = self._shelf + 1

    def reserve(self) -> str | None:
        """A fresh id, whose folder is on disk; None when `extend` must come first."""
        if self._free <= 0:
            return None
        self._free -= 1
        return f"{self._shelf:06x}{self._ids.hex(_RANDOM_SIZE_BYTES)}"

    def extend(self) -> None:
        """Make the next folder, unless another thread just did. After a failure the next try is
        in another room: what was made here may never reach the disk.

        Raises:
            OSError: it could not be made or synced.
        """
        with self._extending:
            if self._free > 0:
                return
            path = self._path_of(self._next)
            try:
                if path.parent.name not in self._files.names(self._folder):
                    self._files.make_folder(path.parent)
                    self._files.sync_folder(self._folder)
                self._files.make_folder(path)
                self._files.sync_folder(path.parent)
            except OSError:
                self._next = (self._next // _SHELVES_PER_ROOM + 1) * _SHELVES_PER_ROOM
                raise
            self._shelf = self._next
            self._next += 1
            self._free = BLOBS_PER_SHELF

    def leave(self, folder: Path) -> None:
        """Use `folder` no more: it could not be synced."""
        if self._shelf >= 0 and folder == self._path_of(self._shelf):
            self._free = 0

    def path(self, blob_id: str) -> Path:
        """The file of a blob.

        Raises:
            Damaged: no blob has such an id.
        """
        if not _ID.fullmatch(blob_id):
            raise Damaged(f"{blob_id!r} is no blob's id.")
        return self._folder / blob_id[:4] / blob_id[4:6] / blob_id

    def list_ids(self) -> list[str]:
        """Every id there is a file for."""
        return [
            name
            for room in self._sorted(self._folder, _ROOM)
            for shelf in self._sorted(self._folder / room, _SHELF)
            for name in self._files.names(self._folder / room / shelf)
            if _ID.fullmatch(name)
        ]

    def _path_of(self, shelf: int) -> Path:
        room, place = divmod(shelf, _SHELVES_PER_ROOM)
        return self._folder / f"{room:04x}" / f"{place:02x}"

    def _sorted(self, folder: Path, pattern: re.Pattern[str]) -> list[str]:
        return sorted(name for name in self._files.names(folder) if pattern.fullmatch(name))
