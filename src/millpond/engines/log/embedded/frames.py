"""How entries lie in bytes: all sizes first, then keys and values one after another.

A frame is some entries of one log that were appended together. Its bytes are, for `n` entries,
2n unsigned 32-bit little-endian sizes (of each key and its value), then the keys and values.
Position, time and checksum stand in the index of the group that the frame is part of.
"""

import struct
from collections.abc import Sequence
from itertools import chain, islice
from typing import NamedTuple

from awscrt.checksums import crc32c

from millpond.engines.log.interface import ENTRY_SIZE_BYTES_MAX, Entry

FRAME_SIZE_BYTES_MAX = 1024 * 1024
"""A larger batch is cut into frames of about this size; an entry is never cut."""


class Frame(NamedTuple):
    """Entries as bytes, with their CRC-32C."""

    entry_count: int
    data: bytes
    crc: int


def encode(entries: Sequence[tuple[bytes, bytes]]) -> list[Frame]:
    """The frames of a batch.

    Raises:
        ValueError: there are no entries, or one is empty or too long.
    """
    flat = list(chain.from_iterable(entries))
    sizes = list(map(len, flat))
    total = sum(sizes)
    if not sizes:
        raise ValueError("A batch needs at least one entry.")
    if total > ENTRY_SIZE_BYTES_MAX or 0 in sizes:
        _check(sizes)
    if total > FRAME_SIZE_BYTES_MAX:
        return [_frame(flat[start:end], sizes[start:end]) for start, end in _cuts(sizes)]
    return [_frame(flat, sizes)]


def _frame(flat: list[bytes], sizes: list[int]) -> Frame:
    data = b"".join((struct.pack(f"<{len(sizes)}I", *sizes), *flat))
    return Frame(len(sizes) // 2, data, crc32c(data))


def _check(sizes: Sequence[int]) -> None:
    for key, value in zip(sizes[::2], sizes[1::2], strict=True):
        if key + value > ENTRY_SIZE_BYTES_MAX:
            raise ValueError(f"An entry takes {ENTRY_SIZE_BYTES_MAX} bytes at most.")
        if not key + value:
            raise ValueError("An entry needs a key or a value.")


def _cuts(sizes: Sequence[int]) -> list[tuple[int, int]]:
    """Where to cut a long batch: ranges of `sizes`."""
    cuts = []
    start = taken = 0
    for number in range(0, len(sizes), 2):
        size = sizes[number] + sizes[number + 1]
        if taken and taken + size > FRAME_SIZE_BYTES_MAX:
            cuts.append((start, number))
            start, taken = number, 0
        taken += size
    return [*cuts, (start, len(sizes))]


class Decoded(NamedTuple):
    """Entries, how many bytes their keys and values are, and whether the bounds left some out."""

    entries: list[Entry]
    size_bytes: int
    cut: bool


def decode(
    data: bytes,
    position: int,
    count: int,
    time_ms: int,
    *,
    skip: int,
    entries_max: int,
    size_bytes_max: int,
    one_at_least: bool,
) -> Decoded:
    """The entries of a frame from the `skip`-th on, as many as fit both bounds."""
    sizes = struct.unpack_from(f"<{2 * count}I", data)
    start = 8 * count + sum(sizes[: 2 * skip])
    stop = count
    size_bytes = len(data) - start
    if count - skip > entries_max or size_bytes > size_bytes_max:
        stop, size_bytes = _fit(sizes, skip, entries_max, size_bytes_max, one_at_least)
    entries: list[Entry] = []
    append = entries.append
    pairs = islice(zip(sizes[::2], sizes[1::2], strict=True), skip, stop)
    for number, (key, value) in enumerate(pairs, position + skip):
        middle = start + key
        end = middle + value
        append(Entry(number, time_ms, data[start:middle], data[middle:end]))
        start = end
    return Decoded(entries, size_bytes, stop < count)


def _fit(
    sizes: Sequence[int], skip: int, entries_max: int, size_bytes_max: int, one_at_least: bool
) -> tuple[int, int]:
    """`(stop, size_bytes)` of what fits."""
    stop, size_bytes = skip, 0
    for number in range(skip, min(skip + entries_max, len(sizes) // 2)):
        size = sizes[2 * number] + sizes[2 * number + 1]
        if size_bytes + size > size_bytes_max and not (one_at_least and number == skip):
            break
        stop, size_bytes = number + 1, size_bytes + size
    return stop, size_bytes
