"""Compression told from a file's first bytes, and the beginning of what it holds.

A sample is bounded twice: by the compressed bytes that are handed in and by `SAMPLE_SIZE_BYTES_MAX`
that come out, so that a small file that unpacks to a huge one costs no more than any other.
"""

import bz2
import importlib
import zlib
from dataclasses import dataclass

SAMPLE_SIZE_BYTES_MAX = 1024 * 1024
_STEP_SIZE_BYTES = 64 * 1024


class CannotUnpack(ValueError):
    """The bytes are not what their beginning says, or nothing here unpacks them."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The beginning of a file's content, unpacked from its first `stored_bytes` bytes.

    `whole` says that there is no more.
    """

    data: bytes
    compression: str
    stored_bytes: int
    whole: bool


def unpack(head: bytes, whole: bool) -> Sample:
    """The content of a file that begins with `head`; `whole` says that `head` is all of it.

    Raises:
        CannotUnpack: it is damaged, or it is zstd and no library for that is installed.
    """
    for magic, compression, steps in _FORMATS:
        if head.startswith(magic):
            data, stored_bytes = steps(head)
            ended = stored_bytes == len(head) and len(data) < SAMPLE_SIZE_BYTES_MAX
            return Sample(data, compression, stored_bytes, whole and ended)
    data = head[:SAMPLE_SIZE_BYTES_MAX]
    return Sample(data, "none", len(data), whole and len(head) <= SAMPLE_SIZE_BYTES_MAX)


class _Gzip:
    """Gzip members, one after another."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(31)
        self.rest = b""
        self.more = False

    def step(self, data: bytes) -> bytes:
        if self._member.eof:
            self._member = zlib.decompressobj(31)
        unpacked = self._member.decompress(data, _STEP_SIZE_BYTES)
        self.rest = self._member.unused_data or self._member.unconsumed_tail
        return unpacked


class _Bzip2:
    """Bzip2 streams, one after another."""

    def __init__(self) -> None:
        self._stream = bz2.BZ2Decompressor()
        self.rest = b""
        self.more = False

    def step(self, data: bytes) -> bytes:
        if self._stream.eof:
            self._stream = bz2.BZ2Decompressor()
        unpacked = self._stream.decompress(data, _STEP_SIZE_BYTES)
        self.rest = self._stream.unused_data if self._stream.eof else b""
        self.more = not self._stream.eof and not self._stream.needs_input
        return unpacked


def _unpack_steps(unpacker: _Gzip | _Bzip2, head: bytes) -> tuple[bytes, int]:
    """The unpacked beginning, and how many bytes of `head` it took."""
    chunks: list[bytes] = []
    size = 0
    data = head
    while size < SAMPLE_SIZE_BYTES_MAX:
        try:
            chunk = unpacker.step(data)
        except (zlib.error, OSError, EOFError) as error:
            if chunks:
                return b"".join(chunks), len(head)
            raise CannotUnpack(str(error)) from error
        chunks.append(chunk)
        size += len(chunk)
        data = unpacker.rest
        if not data and not unpacker.more:
            return b"".join(chunks), len(head)
    return b"".join(chunks)[:SAMPLE_SIZE_BYTES_MAX], max(1, len(head) - len(data))


def _unpack_gzip(head: bytes) -> tuple[bytes, int]:
    return _unpack_steps(_Gzip(), head)


def _unpack_bzip2(head: bytes) -> tuple[bytes, int]:
    return _unpack_steps(_Bzip2(), head)


def _unpack_zstd(head: bytes) -> tuple[bytes, int]:
    """As `_unpack_steps`, by Arrow's codec: Python 3.11 has none of its own."""
    try:
        arrow = importlib.import_module("pyarrow")
    except ImportError as error:
        raise CannotUnpack("zstd needs pyarrow, which is not installed.") from error
    chunks: list[bytes] = []
    size = 0
    source = arrow.BufferReader(head)
    try:
        with arrow.CompressedInputStream(source, "zstd") as stream:
            while size < SAMPLE_SIZE_BYTES_MAX:
                chunk = bytes(stream.read(_STEP_SIZE_BYTES))
                if not chunk:
                    return b"".join(chunks), len(head)
                chunks.append(chunk)
                size += len(chunk)
            stored_bytes = source.tell()
    except (OSError, ValueError) as error:
        if chunks:
            return b"".join(chunks), len(head)
        raise CannotUnpack(str(error)) from error
    return b"".join(chunks)[:SAMPLE_SIZE_BYTES_MAX], stored_bytes


def unpack_block(block: bytes, compression: str, size_bytes_max: int) -> bytes:
    """The content of one block of a container: `snappy` or `zstd`.

    Raises:
        CannotUnpack: it is damaged or too large, or nothing here unpacks it.
    """
    try:
        arrow = importlib.import_module("pyarrow")
    except ImportError as error:
        raise CannotUnpack(f"{compression} needs pyarrow, which is not installed.") from error
    try:
        if compression == "snappy":
            size = _snappy_size_bytes(block)
            if size > size_bytes_max:
                raise CannotUnpack(f"A block of {size} bytes is not unpacked.")
            return bytes(arrow.Codec("snappy").decompress(block, size, asbytes=True))
        if compression == "zstd":
            with arrow.CompressedInputStream(arrow.BufferReader(block), "zstd") as stream:
                return bytes(stream.read(size_bytes_max))
    except (OSError, ValueError) as error:
        raise CannotUnpack(str(error)) from error
    raise CannotUnpack(f"Nothing here unpacks {compression}.")


def _snappy_size_bytes(block: bytes) -> int:
    """What a block of Snappy says that it unpacks to."""
    size = 0
    for index, byte in enumerate(block[:5]):
        size |= (byte & 0x7F) << (7 * index)
        if not byte & 0x80:
            return size
    raise CannotUnpack("The block does not say how long it is.")


_FORMATS = (
    (b"\x1f\x8b", "gzip", _unpack_gzip),
    (b"BZh", "bzip2", _unpack_bzip2),
    (b"\x28\xb5\x2f\xfd", "zstd", _unpack_zstd),
)
