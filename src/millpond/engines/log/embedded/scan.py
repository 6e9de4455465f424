"""Reading a journal after a restart: which of its groups count.

A group counts when it is whole, or when something proves that it was synced: a group or a mark
after it, for these are written when all before them is synced, or the first group of a later
journal. The last group, without a proof, may be what a power cut
left of a write: it counts if all its bytes match their checksums (it is synced before anyone reads
it), and is dropped if not. A proven group counts although its bytes are damaged; reading them will
say so.
"""

from dataclasses import dataclass, field

from awscrt.checksums import crc32c

from millpond.engines.log.embedded.groups import (
    EDGE_SIZE_BYTES,
    END_MARK,
    START_MARK,
    Group,
    read_end,
    read_start,
)
from millpond.engines.log.embedded.items import APPEND, unpack


@dataclass(slots=True)
class Scan:
    """The groups that count, in order; after how many of them bytes are missing, and how many
    bytes; where the last group ends; and how many groups were read from their other end."""

    groups: list[Group] = field(default_factory=list)
    losses: list[tuple[int, int]] = field(default_factory=list)
    end: int = 0
    healed: int = 0


def scan(data: bytes, nonce: int, end: int | None) -> Scan:
    """Read the bytes of a journal. `end` is where it ends as a later one says, if one does."""
    found = Scan()
    missing = 0 if end is None else max(end - len(data), 0)
    data = data if end is None else data[:end]
    at = 0
    while at < len(data):
        group = read_start(data, at, nonce, at)
        if group is None or group.end > len(data):
            at = _read_on(found, data, nonce, at, is_synced=end is not None)
            continue
        other = read_end(data, group.end, nonce, 0)
        found.healed += other is None or other.offset != at
        found.groups.append(group)
        at = group.end
    if missing:
        _lose(found, missing)
    if end is not None:
        found.end = end
        return found
    if found.groups and not _is_whole(found.groups[-1], data):
        found.groups.pop()
    found.end = found.groups[-1].end if found.groups else 0
    return found


def _read_on(found: Scan, data: bytes, nonce: int, at: int, *, is_synced: bool) -> int:
    """Read on at `at`, where no group can be read; where the next one can, or the end of `data`.

    What lies between is read from its end. If nothing follows it and `data` was not synced as a
    whole, `at` may be where writing stopped.
    """
    following = _next_start(data, nonce, at + 1)
    if following is None:
        following = len(data)
        start = following if is_synced else _last_end(data, nonce, at)
        if start == at:
            return following
    else:
        start = following
    between: list[Group] = []
    while start > at:
        group = read_end(data, start, nonce, 0)
        if group is None or group.offset < at:
            break
        between.append(group)
        start = group.offset
    if start > at:
        _lose(found, start - at)
    found.groups.extend(reversed(between))
    found.healed += len(between)
    return following


def _lose(found: Scan, size: int) -> None:
    found.losses.append((len(found.groups), size))


def _next_start(data: bytes, nonce: int, at: int) -> int | None:
    while (at := data.find(START_MARK, at)) >= 0:
        if read_start(data, at, nonce, at) is not None:
            return at
        at += 1
    return None


def _last_end(data: bytes, nonce: int, at: int) -> int:
    """Where the last group ends that begins at `at` or after it; `at` if none does."""
    mark = len(data)
    while (mark := data.rfind(END_MARK, at, mark)) >= 0:
        end = mark + EDGE_SIZE_BYTES
        group = read_end(data, end, nonce, 0) if end <= len(data) else None
        if group is not None and group.offset >= at:
            return end
    return at


def _is_whole(group: Group, data: bytes) -> bool:
    """Whether all its bytes are there and match their checksums."""
    offset = group.payload_offset
    for item in unpack(group.index):
        if item[0] == APPEND:
            size, crc = item[5:]
            if offset + size > len(data) or crc32c(data[offset : offset + size]) != crc:
                return False
            offset += size
    return True
