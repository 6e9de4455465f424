"""The one form of all that is stored: a group is an index, bytes, and the index once more.

    offset  size
    0       4     b"MPg<"
    4       4     CRC-32C of what follows, up to the end of the index
    8       8     the nonce of the file
    16      8     where in its file the group begins
    24      8     n, the size of the index
    32      8     m, the size of the bytes
    40      n     the index: msgpack
    40+n    m     the bytes; the index has their checksums
    40+n+m  n     the index again
    40+2n+m 40    as at 0, with b"MPg>": the same numbers, and their CRC-32C after that of the index

Numbers are little-endian. The index says what the bytes are, so it is there twice: a damaged one
is read from the other end. The nonce is random and never leaves the engine, so that no entry can
pass for a group, and bytes that a file had before cannot either.
"""

import struct
from dataclasses import dataclass

from awscrt.checksums import crc32c

_NUMBERS = struct.Struct("<QQQQ")
_EDGE = struct.Struct("<4sIQQQQ")
START_MARK, END_MARK = b"MPg<", b"MPg>"
EDGE_SIZE_BYTES = _EDGE.size


@dataclass(slots=True, frozen=True)
class Group:
    """Where a group lies in its file, and its index. `healed`: one of its indexes is damaged."""

    offset: int
    index: bytes
    payload_size: int
    healed: bool

    @property
    def payload_offset(self) -> int:
        return self.offset + EDGE_SIZE_BYTES + len(self.index)

    @property
    def end(self) -> int:
        return self.offset + group_size(len(self.index), self.payload_size)


def group_size(index_size: int, payload_size: int) -> int:
    """How many bytes a group takes."""
    return 2 * (EDGE_SIZE_BYTES + index_size) + payload_size


def group_edges(nonce: int, offset: int, index: bytes, payload_size: int) -> tuple[bytes, bytes]:
    """What stands before and after the bytes of a group."""
    numbers = _NUMBERS.pack(nonce, offset, len(index), payload_size)
    start = START_MARK + crc32c(index, crc32c(numbers)).to_bytes(4, "little") + numbers + index
    end = index + END_MARK + crc32c(numbers, crc32c(index)).to_bytes(4, "little") + numbers
    return start, end


def read_start(data: bytes | memoryview, at: int, nonce: int, offset: int) -> Group | None:
    """The group whose first byte is `data[at]`, which lies at `offset` of its file.

    None if its index is damaged, or not all there.
    """
    if at + EDGE_SIZE_BYTES > len(data):
        return None
    mark, stated, its_nonce, its_offset, index_size, payload_size = _EDGE.unpack_from(data, at)
    body = at + EDGE_SIZE_BYTES
    if mark != START_MARK or its_nonce != nonce or its_offset != offset:
        return None
    if index_size > len(data) - body or crc32c(data[at + 8 : body + index_size]) != stated:
        return None
    return Group(offset, bytes(data[body : body + index_size]), payload_size, False)


def read_end(data: bytes | memoryview, end: int, nonce: int, base: int) -> Group | None:
    """The group whose last byte is `data[end - 1]`; `data` begins at `base` of its file.

    None if its second index is damaged, or not all there.
    """
    edge = end - EDGE_SIZE_BYTES
    if edge < 0 or end > len(data):
        return None
    mark, stated, its_nonce, offset, index_size, payload_size = _EDGE.unpack_from(data, edge)
    if mark != END_MARK or its_nonce != nonce or index_size > edge:
        return None
    index = bytes(data[edge - index_size : edge])
    if crc32c(bytes(data[edge + 8 : end]), crc32c(index)) != stated:
        return None
    if offset + group_size(index_size, payload_size) != base + end:
        return None
    return Group(offset, index, payload_size, True)
