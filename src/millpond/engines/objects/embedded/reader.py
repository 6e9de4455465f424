"""A blob's file while it is being read. Blocking; one thread at a time.

The file stays open from the first block to `close`, so that a slow reader outlives a discard.
"""

from pathlib import Path

from millpond.engines.objects.embedded.blocks import check_sums_are_whole, count_blocks, read_block
from millpond.engines.objects.embedded.trouble import read_trouble
from millpond.engines.objects.interface import BLOCK_SIZE_BYTES, Blob
from millpond.kernel.errors import Damaged
from millpond.kernel.files import Files


class Reader:
    def __init__(self, files: Files, path: Path, blob: Blob) -> None:
        check_sums_are_whole(blob)
        self._files = files
        self._path = path
        self._blob = blob
        self._descriptor: int | None = None
        self._buffer = memoryview(bytearray(min(blob.size, BLOCK_SIZE_BYTES)))

    def block(self, index: int) -> memoryview:
        """Block `index`, verified; valid until the next one is asked for.

        Raises:
            Damaged: it does not match its checksum, or is missing.
            Unavailable: it cannot be read.
        """
        try:
            descriptor = self._opened()
            return read_block(self._files, descriptor, self._blob, index, self._buffer)
        except OSError as error:
            raise read_trouble(error, self._blob.id) from error

    def piece(self, index: int, start: int, end: int) -> bytes:
        """What block `index` has of the blob's bytes from `start` to `end`. Raises as `block`."""
        offset = index * BLOCK_SIZE_BYTES
        return bytes(self.block(index)[max(0, start - offset) : end - offset])

    def verify(self, start: int, end: int) -> None:
        """Read the blocks that hold bytes `start` to `end`, and see that the file ends where the
        blob does. Raises as `block`."""
        for index in range(start // BLOCK_SIZE_BYTES, count_blocks(end)):
            self.block(index)
        try:
            size = self._files.size(self._opened())
        except OSError as error:
            raise read_trouble(error, self._blob.id) from error
        if size != self._blob.size:
            raise Damaged(f"The file of blob {self._blob.id} has {size} bytes.")

    def close(self) -> None:
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            self._files.close(descriptor)

    def _opened(self) -> int:
        if self._descriptor is None:
            self._descriptor = self._files.open(self._path)
        return self._descriptor
