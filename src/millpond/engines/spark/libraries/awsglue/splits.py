"""Which pieces of which files a task reads.

Plain text is cut into pieces of `PIECE_BYTES`: a piece begins after the first line's end that
follows its start (but for the first one), and ends with the line that crosses its end. Small
pieces are put together, so that there are enough tasks to keep the workers busy, and not many more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from . import places
from .places import Access, File

PIECE_BYTES = 64 << 20
BLOCK_BYTES = 8 << 20
"""How much of a piece is in memory at a time."""
TASKS_MIN = 4
_COMPRESSED = (".gz", ".gzip", ".bz2", ".xz", ".lzma", ".zst", ".zstd", ".snappy", ".lz4", ".lzo")


@dataclass(frozen=True)
class Piece:
    """Bytes of a file, and the values of the partition that it lies in."""

    uri: str
    start: int
    end: int
    size: int
    partition: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        return self.start == 0 and self.end == self.size


def is_compressed(uri: str) -> bool:
    return uri.lower().endswith(_COMPRESSED)


def cut(files: Sequence[tuple[File, tuple[str, ...]]], may_cut: bool) -> list[tuple[Piece, ...]]:
    """The pieces of files with their partitions, by task."""
    pieces = []
    for file, partition in files:
        if not may_cut or is_compressed(file.uri) or file.size <= PIECE_BYTES:
            pieces.append(Piece(file.uri, 0, file.size, file.size, partition))
            continue
        for start in range(0, file.size, PIECE_BYTES):
            end = min(start + PIECE_BYTES, file.size)
            pieces.append(Piece(file.uri, start, end, file.size, partition))
    return _group(pieces)


def _group(pieces: list[Piece]) -> list[tuple[Piece, ...]]:
    together = sum(piece.end - piece.start for piece in pieces)
    wanted = max(min(PIECE_BYTES, together // TASKS_MIN), 1)
    tasks: list[list[Piece]] = []
    filled = wanted
    for piece in pieces:
        if filled >= wanted:
            tasks.append([])
            filled = 0
        tasks[-1].append(piece)
        filled += piece.end - piece.start
    return [tuple(task) for task in tasks]


def lines(piece: Piece, access: Access) -> Iterator[bytes]:
    """The piece's text in blocks of whole lines; a compressed file is one block after another."""
    if is_compressed(piece.uri):
        yield from _blocks_of(unpacked(piece, access))
        return
    at, rest = piece.start, b""
    if piece.start > 0:
        at = piece.start - 1
        block = places.read(piece.uri, at, min(piece.end, at + BLOCK_BYTES), access)
        newline = block.find(b"\n")
        while newline < 0:
            at += len(block)
            if at >= piece.end:
                return
            block = places.read(piece.uri, at, min(piece.end, at + BLOCK_BYTES), access)
            newline = block.find(b"\n")
        at += newline + 1
    while at < piece.end:
        block = places.read(piece.uri, at, min(piece.end, at + BLOCK_BYTES), access)
        if not block:
            break
        at += len(block)
        cut_at = block.rfind(b"\n") + 1
        if cut_at:
            yield rest + block[:cut_at]
            rest = block[cut_at:]
        else:
            rest += block
    while rest and at < piece.size:
        block = places.read(piece.uri, at, min(piece.size, at + (1 << 20)), access)
        if not block:
            break
        newline = block.find(b"\n")
        if newline >= 0:
            rest += block[: newline + 1]
            break
        rest += block
        at += len(block)
    if rest:
        yield rest


def unpacked(piece: Piece, access: Access) -> bytes:
    """All of a file, without its compression.

    Raises:
        ValueError: it is compressed in a way that is not known.
    """
    data = places.read(piece.uri, 0, None, access)
    name = piece.uri.lower()
    if name.endswith((".gz", ".gzip")):
        import gzip  # noqa: PLC0415 - as seldom as the others

        return gzip.decompress(data)
    if name.endswith(".bz2"):
        import bz2  # noqa: PLC0415

        return bz2.decompress(data)
    if name.endswith((".xz", ".lzma")):
        import lzma  # noqa: PLC0415

        return lzma.decompress(data)
    if name.endswith((".zst", ".zstd")):
        import pyarrow as pa  # noqa: PLC0415

        with pa.CompressedInputStream(pa.BufferReader(data), "zstd") as stream:
            return bytes(stream.read())
    if is_compressed(name):
        raise ValueError(f"{piece.uri}: this compression is not supported; gzip, bzip2, xz, zstd.")
    return data


def _blocks_of(data: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        end = data.rfind(b"\n", at, at + BLOCK_BYTES) + 1
        if end <= at:
            end = data.find(b"\n", at) + 1 or len(data)
        if len(data) - at <= BLOCK_BYTES:
            end = len(data)
        yield data[at:end]
        at = end
