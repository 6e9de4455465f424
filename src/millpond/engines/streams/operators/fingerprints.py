"""128 bits that stand for a row's key, computed by columns.

A key is found by its first 64 bits, the hash, and told from others of the same hash by the second
64, the check. Both depend on a seed that each state draws for itself, so that nobody can choose
keys that meet. Equal values of one type give equal fingerprints in every run (they are stored), and
NULL is a value like others here.
"""

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from millpond.engines.streams.operators.vectors import Array

Words = npt.NDArray[np.uint64]

_GOLDEN = 0x9E3779B97F4A7C15
_ALL = (1 << 64) - 1


class Fingerprints(NamedTuple):
    """Of each row of a table."""

    hashes: Words
    checks: Words


def fingerprints(columns: Sequence[Array], count: int, seed: int) -> Fingerprints:
    """The fingerprints of `count` keys; without columns there is one key."""
    hashes = np.full(count, seed & _ALL, np.uint64)
    checks = np.full(count, (seed >> 64) & _ALL, np.uint64)
    for position, column in enumerate(columns):
        salts = [_salt(seed, 2 * position + half) for half in (0, 1)]
        first, second = _words(column, salts)
        if column.null_count:
            nothing = column.is_null().to_numpy(zero_copy_only=False)
            first = np.where(nothing, np.uint64(salts[0]), first)
            second = np.where(nothing, np.uint64(salts[1]), second)
        hashes = _mixed(hashes + first)
        checks = _mixed(checks + second)
    return Fingerprints(hashes, checks)


def _salt(seed: int, number: int) -> int:
    digest = hashlib.blake2b(f"{seed}/{number}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def _mixed(words: Words) -> Words:
    """Each word scrambled, no two to the same (splitmix64's finish)."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: Words = words ^ (words >> np.uint64(31))
    return mixed


def _words(column: Array, salts: Sequence[int]) -> list[Words]:
    kind = column.type
    types = pa.types
    if types.is_string(kind) or types.is_binary(kind):
        return _of_bytes(column, salts)
    if types.is_decimal(kind):
        parts = np.frombuffer(column.buffers()[1], np.uint64).reshape(-1, kind.bit_width // 64)
        parts = parts[column.offset : column.offset + len(column)]
        words = [_mixed(parts[:, 0] ^ np.uint64(salt)) for salt in salts]
        for place in range(1, parts.shape[1]):
            words = [_mixed(word + parts[:, place]) for word in words]
        return words
    if types.is_boolean(kind):
        plain = column.fill_null(False).cast(pa.int64())
    elif types.is_floating(kind):
        values = column.cast(pa.float64()).fill_null(0.0).to_numpy() + 0.0
        bits = np.where(np.isnan(values), np.nan, values).view(np.uint64)
        return [_mixed(bits ^ np.uint64(salt)) for salt in salts]
    elif types.is_date32(kind) or types.is_time32(kind):
        plain = column.cast(pa.int32()).cast(pa.int64()).fill_null(0)
    elif types.is_integer(kind) or types.is_timestamp(kind) or types.is_time64(kind):
        plain = column.cast(pa.int64()).fill_null(0)
    else:
        return _of_anything(column, salts)
    bits = plain.to_numpy().view(np.uint64)
    return [_mixed(bits ^ np.uint64(salt)) for salt in salts]


def _of_bytes(column: Array, salts: Sequence[int]) -> list[Words]:
    """Sums of the bytes, each times a number of its place's own; a sum of a few 64-bit products is
    the same for two texts by chance alone."""
    _, places, data = column.buffers()
    count = len(column)
    offsets = np.frombuffer(places, np.int32, count + 1, 4 * column.offset).astype(np.int64)
    lengths = np.diff(offsets)
    begin, end = int(offsets[0]), int(offsets[-1])
    if data is None or begin == end:
        text = np.empty(0, np.uint64)
    else:
        text = np.frombuffer(data, np.uint8, end - begin, begin).astype(np.uint64)
    text += np.uint64(1)
    starts = offsets[:-1] - begin
    place = np.arange(len(text)) - np.repeat(starts, lengths)
    longest = int(lengths.max(initial=0))
    words = []
    for salt in salts:
        numbers = np.arange(1, longest + 1, dtype=np.uint64) * np.uint64(_GOLDEN) + np.uint64(salt)
        sums = np.zeros(len(text) + 1, np.uint64)
        np.cumsum(_mixed(numbers)[place] * text, out=sums[1:])
        words.append(_mixed(sums[starts + lengths] - sums[starts] + np.uint64(salt)))
    return words


def _of_anything(column: Array, salts: Sequence[int]) -> list[Words]:
    """Of rows, arrays and maps, value by value."""
    values: list[Any] = column.to_pylist()
    words = []
    for salt in salts:
        key = salt.to_bytes(8, "little")
        digests = [
            hashlib.blake2b(repr(value).encode(), digest_size=8, key=key).digest()
            for value in values
        ]
        words.append(np.frombuffer(b"".join(digests), np.uint64))
    return words
