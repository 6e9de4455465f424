"""Sequence numbers: decimal, 56 digits, growing within a shard and from a parent to its children.

From the highest bit: the digit 2 (4 bits), when the shard was created (36 bits, seconds), the place
in the shard (64 bits: 0 is the shard's beginning, n + 1 the record at position n), 44 zero bits,
the shard's index (36 bits), the digit 2 (4 bits). A child is created at least a second after its
parents, so all its numbers are greater than theirs.
"""

from typing import NamedTuple

_PREFIX = 2 << 184
_SUFFIX = 2
_CREATED_SHIFT = 148
_PLACE_SHIFT = 84
_INDEX_SHIFT = 4
_PLACE_MASK = (1 << 64) - 1
_INDEX_MASK = (1 << 36) - 1
_ZEROS_MASK = ((1 << 44) - 1) << 40

STEP = 1 << _PLACE_SHIFT
"""From the number of one record to that of the next."""


class Place(NamedTuple):
    """What a sequence number says. `place` is 0 for the shard's beginning, else position + 1."""

    created_s: int
    place: int
    shard_index: int


def base(created_s: int, shard_index: int) -> int:
    """The number of a shard's beginning; a record's is `base + step(position)`."""
    return _PREFIX | created_s << _CREATED_SHIFT | shard_index << _INDEX_SHIFT | _SUFFIX


def step(position: int) -> int:
    """What the record at `position` adds to its shard's `base`."""
    return (position + 1) << _PLACE_SHIFT


def read(text: str) -> Place:
    """What a sequence number says.

    Raises:
        ValueError: it is not one that a shard gave out.
    """
    if not (text.isascii() and text.isdecimal() and len(text) <= 57):
        raise ValueError("A sequence number is a decimal number.")
    number = int(text)
    if number >> 184 != 2 or number & 0xF != _SUFFIX or number & _ZEROS_MASK:
        raise ValueError("No shard gave out this sequence number.")
    return Place(
        number >> _CREATED_SHIFT & _INDEX_MASK,
        number >> _PLACE_SHIFT & _PLACE_MASK,
        number >> _INDEX_SHIFT & _INDEX_MASK,
    )
