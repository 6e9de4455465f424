"""Filling a draft from stored blobs, verified block by block as they are copied."""

import threading
from collections.abc import Sequence

from millpond.engines.objects.embedded.blocks import check_inline, count_blocks
from millpond.engines.objects.embedded.draft import Draft
from millpond.engines.objects.embedded.reader import Reader
from millpond.engines.objects.embedded.shelves import Shelves
from millpond.engines.objects.embedded.trouble import read_trouble
from millpond.engines.objects.interface import Blob
from millpond.kernel.errors import Unavailable
from millpond.kernel.files import Files


class Copy:
    """The bytes of `parts`, in order. `fill` runs in a thread, `stop` ends it early."""

    def __init__(self, files: Files, shelves: Shelves, parts: Sequence[Blob]) -> None:
        self._files = files
        self._shelves = shelves
        self._parts = parts
        self._stopped = threading.Event()

    def stop(self) -> None:
        self._stopped.set()

    def fill(self, draft: Draft) -> None:
        """Write all parts. A single file becomes a second name of the same bytes where the file
        system can do that: nothing is copied, and reading it verifies as ever.

        Raises:
            Damaged: a part does not match its checksums, or is missing.
            Unavailable: a part cannot be read, or `stop` was called.
            OSError: the draft cannot be written.
        """
        if len(self._parts) == 1 and self._parts[0].inline is None:
            part = self._parts[0]
            path = self._shelves.path(part.id)
            try:
                if draft.link(path, part):
                    return
            except FileNotFoundError as error:
                raise read_trouble(error, part.id) from error
        for part in self._parts:
            if part.inline is not None:
                check_inline(part, part.inline)
                draft.write(part.inline)
            else:
                self._copy(part, draft)

    def _copy(self, part: Blob, draft: Draft) -> None:
        reader = Reader(self._files, self._shelves.path(part.id), part)
        try:
            for index in range(count_blocks(part.size)):
                if self._stopped.is_set():
                    raise Unavailable("The copy was given up.")
                draft.write(reader.block(index))
        finally:
            reader.close()
