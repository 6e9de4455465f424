"""How far a channel has come in its stream.

What goes into an object is written down before the object is: a window of positions. An object's
name follows from its window, so that one which was interrupted is written again under the same
name, or found to be there. Only then do positions move.
"""

import hashlib
from collections.abc import Iterable

import msgspec

from millpond.services.kinesis.model.stream import Stream

_DIGEST_LENGTH = 32


class Range(msgspec.Struct, frozen=True, array_like=True):
    """A shard's records from position `first` up to, not including, `end`."""

    shard_index: int
    first: int
    end: int


class Window(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """What goes into one object: ranges by shard, parents before their children. `oldest_ms` is
    when the oldest record arrived."""

    ranges: tuple[Range, ...]
    oldest_ms: int

    def suffix(self, channel_id: str) -> str:
        """What the names of its objects have in common with no other's."""
        digest = hashlib.sha256(channel_id.encode())
        for each in self.ranges:
            digest.update(f" {each.shard_index}:{each.first}-{each.end}".encode())
        return f"-{digest.hexdigest()[:_DIGEST_LENGTH]}"


class Progress(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """`positions`: where delivery goes on, by the index of the shard. Shards of `next_index` and
    after it came to be later and are delivered from their beginning. `window` is the one that is
    being delivered."""

    positions: dict[int, int]
    next_index: int
    window: Window | None = None

    def places(self, stream: Stream) -> dict[int, int]:
        """Where to go on in each shard that has, or may get, records to deliver."""
        places = {}
        for shard in stream.shards:
            begin = 0 if shard.index >= self.next_index else None
            position = self.positions.get(shard.index, begin)
            if position is not None and (shard.end is None or position < shard.end):
                places[shard.index] = position
        return places

    def begin(self, stream: Stream, window: Window) -> "Progress":
        return Progress(self.places(stream), stream.next_index, window)

    def finish(self) -> "Progress":
        """The window was delivered."""
        ranges: Iterable[Range] = () if self.window is None else self.window.ranges
        moved = {each.shard_index: each.end for each in ranges}
        return Progress({**self.positions, **moved}, self.next_index)
