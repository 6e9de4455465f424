"""Watches the load of on-demand streams, and splits and merges their shards.

What the load was is known only in memory: after a start nothing is merged before a whole time of
remembering has passed.
"""

from collections import deque
from dataclasses import dataclass, field

from millpond.kernel.errors import Conflict
from millpond.services.kinesis import reshaping, store
from millpond.services.kinesis.model.hash_space import bounds_of
from millpond.services.kinesis.model.scaling import (
    ON_DEMAND_SHARDS_MAX,
    ON_DEMAND_SHARDS_MIN,
    grown,
    shards_for,
    shrunk,
    use_of,
)
from millpond.services.kinesis.model.stream import Shard, Stream
from millpond.services.kinesis.needs import Needs

LOOK_EACH_SECONDS = 10.0
LOAD_SECONDS = 30
PEAK_REMEMBERED_MS = 3_600_000
"""How long a peak keeps a stream from shrinking. AWS remembers 30 days."""


@dataclass(slots=True)
class _Peaks:
    """The greatest loads of the last time, falling: each is greater than all that came later."""

    since_ms: int
    _falling: deque[tuple[int, float]] = field(default_factory=deque)

    def note(self, now_ms: int, load: float) -> float:
        """Remember a load; the greatest one that is remembered."""
        while self._falling and self._falling[-1][1] <= load:
            self._falling.pop()
        self._falling.append((now_ms, load))
        while self._falling[0][0] < now_ms - PEAK_REMEMBERED_MS:
            self._falling.popleft()
        return self._falling[0][1]


class Scaler:
    """Looks at all on-demand streams, again and again."""

    def __init__(self, needs: Needs) -> None:
        self._needs = needs
        self._peaks: dict[str, _Peaks] = {}

    async def look(self) -> None:
        """Change the shards of those streams whose load asks for it.

        Raises:
            EngineError: records or logs cannot be used now.
        """
        now_ms = self._needs.clock.now_ms()
        async with self._needs.records.transaction() as transaction:
            streams = [
                stream
                async for stream in store.scan_all_streams(transaction)
                if stream.mode == "ON_DEMAND" and stream.status_at(now_ms) == "ACTIVE"
            ]
        known = {stream.id for stream in streams}
        self._peaks = {id_: peaks for id_, peaks in self._peaks.items() if id_ in known}
        for stream in streams:
            bounds = self._bounds(stream, now_ms)
            if bounds != bounds_of(stream.open_shards()):
                await self._reshape(stream, bounds)

    def _bounds(self, stream: Stream, now_ms: int) -> tuple[bytes, ...]:
        """The bounds that the stream's open shards should have."""
        shards = stream.open_shards()
        uses = {shard.index: self._use(stream, shard, now_ms) for shard in shards}
        total = sum(uses.values())
        peaks = self._peaks.setdefault(stream.id, _Peaks(now_ms))
        peak = peaks.note(now_ms, total)
        warm = stream.warm_throughput_mibps or 0
        if total:
            bounds = grown(shards, uses, max(ON_DEMAND_SHARDS_MAX, shards_for(warm)))
            if len(bounds) > len(shards):
                return bounds
        if now_ms - peaks.since_ms < PEAK_REMEMBERED_MS:
            return bounds_of(shards)
        return shrunk(shards, uses, peak, max(ON_DEMAND_SHARDS_MIN, shards_for(warm)))

    def _use(self, stream: Stream, shard: Shard, now_ms: int) -> float:
        load = self._needs.traffic.load(stream.id, shard.index, now_ms, LOAD_SECONDS)
        return use_of(load.records, load.size_bytes, LOAD_SECONDS, refused=load.refused > 0)

    async def _reshape(self, stream: Stream, bounds: tuple[bytes, ...]) -> None:
        """Change the stream's shards, unless it was changed since it was looked at."""
        try:
            async with self._needs.records.transaction() as transaction:
                current = await store.load_stream(transaction, stream, stream.name)
                if current is not stream:
                    return
                reshaping.begin(self._needs, transaction, stream, bounds)
        except Conflict:
            return
        await reshaping.finish(self._needs, stream)
