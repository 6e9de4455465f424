"""Reading a journal after a restart: which of its groups count.

A group counts when it is whole, or when something proves that it was synced: a group or a mark
after it, or the header of a later journal. The last group, without a proof, may be what a power cut
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
            at = _read_on(found, data, nonce, at, group)
            continue
        other = read_end(data, group.end, nonce, 0)
        found.healed += other is None or other.offset != at
        found.groups.append(group)
        at = group.end
    found.end = found.groups[-1].end if found.groups else 0
    if end is not None:
        if at < end or missing:
            _lose(found, end - found.end)
        found.end = end
    elif found.groups and not _is_whole(found.groups[-1], data):
        found.end = found.groups.pop().offset
    return found


def _read_on(found: Scan, data: bytes, nonce: int, at: int, torn: Group | None) -> int:
    """Read on where no whole group begins; where the next one does, or the end of `data`.

    What lies between is read from its end. If nothing follows, it is where writing stopped.
    """
    following = _next_start(data, nonce, at + 1)
    end = following if following is not None else _last_end(data, nonce, at)
    between: list[Group] = []
    start = end
    while start > at:
        group = read_end(data, start, nonce, 0)
        if group is None or group.offset < at:
            break
        between.append(group)
        start = group.offset
    if following is None and not between:
        if torn is not None and torn.payload_offset + torn.payload_size <= len(data):
            found.groups.append(torn)
        return len(data)
    if start > at:
        _lose(found, start - at)
    found.groups.extend(reversed(between))
    found.healed += len(between)
    return following if following is not None else len(data)


def _lose(found: Scan, size: int) -> None:
    found.losses.append((len(found.groups), size))


def _next_start(data: bytes, nonce: int, at: int) -> int | None:
    while (at := data.find(START_MARK, at)) >= 0:
        if read_start(data, at, nonce, at) is not None:
            return at
        at += 1
    return None


def _last_end(data: bytes, nonce: int, at: int) -> int:
    """Where the last group ends that ends after `at`, or `at`."""
    mark = len(data)
    while (mark := data.rfind(END_MARK, at, mark)) >= 0:
        end = mark + EDGE_SIZE_BYTES
        if end <= len(data) and read_end(data, end, nonce, 0) is not None:
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
