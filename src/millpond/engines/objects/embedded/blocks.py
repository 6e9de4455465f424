"""Checksums block by block: made while bytes are written, compared before any is given."""

from awscrt.checksums import crc32c

from millpond.engines.objects.interface import BLOCK_SIZE_BYTES, Blob
from millpond.kernel.errors import Damaged
from millpond.kernel.files import Buffer, Files

_SUM_SIZE_BYTES = 4


class BlockSums:
    """The CRC-32C of each block of a stream."""

    def __init__(self) -> None:
        self._finished = bytearray()
        self._sum = 0
        self._size = 0

    def add(self, data: Buffer) -> None:
        """The stream goes on with `data`."""
        left = memoryview(data)
        while left:
            piece = left[: BLOCK_SIZE_BYTES - self._size]
            left = left[len(piece) :]
            self._sum = crc32c(piece, self._sum)
            self._size += len(piece)
            if self._size == BLOCK_SIZE_BYTES:
                self._finish_block()

    def all(self) -> bytes:
        """The sums of the whole stream, four bytes big-endian each."""
        if self._size:
            self._finish_block()
        return bytes(self._finished)

    def _finish_block(self) -> None:
        self._finished += self._sum.to_bytes(_SUM_SIZE_BYTES, "big")
        self._sum = 0
        self._size = 0


def count_blocks(size: int) -> int:
    return -(-size // BLOCK_SIZE_BYTES)


def check_sums_are_whole(blob: Blob) -> None:
    """See that there is a checksum for each block of `blob`.

    Raises:
        Damaged: there is not.
    """
    if len(blob.checksums) != count_blocks(blob.size) * _SUM_SIZE_BYTES:
        raise Damaged(f"The checksums of blob {blob.id or '(inline)'} do not fit its size.")


def check_inline(blob: Blob, data: bytes) -> None:
    """Compare a body that its record holds with its size and checksums.

    Raises:
        Damaged: they differ.
    """
    if len(data) != blob.size:
        raise Damaged("A body inside its record does not have its size.")
    check_sums_are_whole(blob)
    for index in range(count_blocks(blob.size)):
        offset = index * BLOCK_SIZE_BYTES
        check_block(blob, index, memoryview(data)[offset : offset + BLOCK_SIZE_BYTES])


def check_block(blob: Blob, index: int, data: Buffer) -> None:
    """Compare block `index` of `blob` with its checksum.

    Raises:
        Damaged: they differ.
    """
    place = index * _SUM_SIZE_BYTES
    expected = blob.checksums[place : place + _SUM_SIZE_BYTES]
    if crc32c(data).to_bytes(_SUM_SIZE_BYTES, "big") != expected:
        raise Damaged(f"Block {index} of blob {blob.id or '(inline)'} does not match its checksum.")


def read_block(
    files: Files, descriptor: int, blob: Blob, index: int, buffer: memoryview
) -> memoryview:
    """Block `index`, read into `buffer` and verified. Blocks.

    Raises:
        Damaged: it does not match its checksum, or the file is too short.
        OSError: it cannot be read.
    """
    offset = index * BLOCK_SIZE_BYTES
    block = buffer[: min(BLOCK_SIZE_BYTES, blob.size - offset)]
    filled = 0
    while filled < len(block):
        count = files.read_into(descriptor, block[filled:], offset + filled)
        if count == 0:
            raise Damaged(f"The blob {blob.id} is cut off at byte {offset + filled}.")
        filled += count
    check_block(blob, index, block)
    return block
