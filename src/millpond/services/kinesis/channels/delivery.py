"""Delivers a channel's records for as long as it exists: the background task of one channel.

Records wait in the stream itself. Once the oldest is as old as the channel allows, all that is
there is delivered, in objects of a bounded size; until then nothing is read.
"""

from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from millpond.kernel.errors import Conflict
from millpond.kernel.tasks import Task, Wake
from millpond.services.kinesis import store
from millpond.services.kinesis.channels.channel import Channel
from millpond.services.kinesis.channels.lifecycle import activate, forget
from millpond.services.kinesis.channels.progress import Progress, Range, Window
from millpond.services.kinesis.channels.reading import ends_after, oldest_ms
from millpond.services.kinesis.channels.role import Reporter
from millpond.services.kinesis.channels.survey import Survey, survey
from millpond.services.kinesis.channels.waiting import Waiting
from millpond.services.kinesis.channels.writing import NotNow, Writer
from millpond.services.kinesis.model.stream import Stream
from millpond.services.kinesis.needs import Needs

DELIVER_TASK = "channel"
PAUSE_SECONDS_MIN = 1.0
PAUSE_SECONDS_MAX = 60.0
_RESHAPING_SECONDS = 0.05


class _Over(Exception):
    """Look at everything anew."""


async def deliver(needs: Needs, task: Task, wake: Wake) -> int | None:
    """Deliver for the channel whose id is the task's subject, from where it stands."""
    waiting = Waiting(wake)
    try:
        return await _Delivery(needs, task, waiting).run()
    finally:
        waiting.close()


class _Delivery:
    """One run of the step."""

    def __init__(self, needs: Needs, task: Task, waiting: Waiting) -> None:
        self._needs = needs
        self._task = task
        self._waiting = waiting
        self._reporter = Reporter(needs)
        self._pause_seconds = PAUSE_SECONDS_MIN

    async def run(self) -> int | None:
        needs = self._needs
        while not self._waiting.stopping:
            channel, stream, progress = await self._load()
            now_ms = needs.clock.now_ms()
            if channel is None or channel.status == "FAILED":
                return None
            if channel.status in ("CREATING", "DELETING") and now_ms < channel.status_until_ms:
                return channel.status_until_ms
            with suppress(Conflict, _Over):
                if channel.status == "DELETING":
                    await forget(needs, channel)
                elif channel.status == "CREATING":
                    await activate(needs, channel)
                elif stream is None or progress is None:
                    return None
                elif progress.window is None:
                    await self._look(channel, stream, progress, now_ms)
                else:
                    await self._deliver_again(channel, stream, progress.window)
        return needs.clock.now_ms()

    async def _load(self) -> tuple[Channel | None, Stream | None, Progress | None]:
        """All as it is recorded now."""
        task = self._task
        async with self._needs.records.transaction() as transaction:
            channel = await store.load_channel(transaction, task, task.subject)
            if channel is None:
                return None, None, None
            stream = await store.load_stream(transaction, channel, channel.stream_name)
            progress = await store.load_progress(transaction, channel, channel.id)
        if stream is not None and stream.id != channel.stream_id:
            stream = None
        return channel, stream, progress

    async def _look(
        self, channel: Channel, stream: Stream, progress: Progress, now_ms: int
    ) -> None:
        """Deliver what is there if it is time, or wait until something changes."""
        places = progress.places(stream)
        first_ms = await oldest_ms(self._needs, stream, places)
        if first_ms is None:
            await self._wait_for_records(stream, places)
            return
        left_ms = first_ms + channel.freshness_seconds * 1000 - now_ms
        if left_ms > 0:
            await self._pause(left_ms / 1000)
            return
        ends = ends_after(self._needs, stream, places)
        parts = [Range(index, places[index], end) for index, end in ends.items()]
        channel, stream = await self._still_delivering()
        await self._deliver(channel, stream, parts)

    async def _wait_for_records(self, stream: Stream, places: dict[int, int]) -> None:
        """Return when there are records, or other shards."""
        log, waits = self._needs.log, []
        for index in places:
            name = stream.log_of(index)
            bounds = log.bounds(name)
            if bounds.sealed:
                waits.append(partial(self._needs.clock.sleep, _RESHAPING_SECONDS))
            else:
                waits.append(partial(log.wait, name, bounds.end))
        await self._waiting.until(waits)

    async def _pause(self, seconds: float) -> None:
        await self._waiting.until([partial(self._needs.clock.sleep, seconds)])

    async def _deliver(self, channel: Channel, stream: Stream, parts: Sequence[Range]) -> None:
        """Deliver `parts`, one object after another.

        Parts are in the order of their shards: a child's index is greater than its parents', so
        that what it has never comes before what they have.
        """
        while parts:
            found = await survey(self._needs, stream, channel.record_format, parts, bounded=True)
            window = found.window(self._needs.clock.now_ms())
            await self._begin(channel, stream, window)
            self._measure(channel, window, found)
            await self._write(channel, stream, window, found)
            parts = _after(parts, window.ranges)
            if self._waiting.stopping:
                raise _Over

    async def _deliver_again(self, channel: Channel, stream: Stream, window: Window) -> None:
        """Deliver a window that was begun, and perhaps not written."""
        found = await survey(
            self._needs, stream, channel.record_format, window.ranges, bounded=False
        )
        await self._write(channel, stream, window, found)

    async def _write(self, channel: Channel, stream: Stream, window: Window, found: Survey) -> None:
        """Deliver a window, or wait until it is time to try it again.

        Raises:
            _Over: it was not delivered; it is still written down.
        """
        if found.count:
            try:
                await Writer(self._needs, channel, stream, self._reporter).write(window, found)
            except NotNow:
                seconds = self._pause_seconds
                self._pause_seconds = min(2 * seconds, PAUSE_SECONDS_MAX)
                await self._pause(seconds)
                raise _Over from None
        self._pause_seconds = PAUSE_SECONDS_MIN
        await self._finish(channel, window)

    def _measure(self, channel: Channel, window: Window, found: Survey) -> None:
        count = self._reporter.count
        age_ms = max(self._needs.clock.now_ms() - window.oldest_ms, 0)
        count(channel, "DataFreshness", age_ms / 1000, "Seconds")
        count(channel, "BytesIn", found.size, "Bytes")
        count(channel, "BytesProcessed", found.size, "Bytes")
        count(channel, "RecordCount", found.count)
        count(channel, "FailedRecordCount", found.faults.count)

    async def _still_delivering(self) -> tuple[Channel, Stream]:
        channel, stream, _ = await self._load()
        if channel is None or stream is None or not channel.delivers:
            raise _Over
        return channel, stream

    async def _begin(self, channel: Channel, stream: Stream, window: Window) -> None:
        """Write down what is about to be delivered."""
        async with self._needs.records.transaction() as transaction:
            current = await store.load_channel(transaction, channel, channel.id)
            progress = await store.load_progress(transaction, channel, channel.id)
            if current is None or progress is None or not current.delivers:
                raise _Over
            store.save_progress(transaction, channel, channel.id, progress.begin(stream, window))

    async def _finish(self, channel: Channel, window: Window) -> None:
        """Write down that a window was delivered."""
        while True:
            with suppress(Conflict):
                async with self._needs.records.transaction() as transaction:
                    progress = await store.load_progress(transaction, channel, channel.id)
                    if progress is not None and progress.window == window:
                        store.save_progress(transaction, channel, channel.id, progress.finish())
                return


def _after(parts: Sequence[Range], done: Sequence[Range]) -> list[Range]:
    """What is left of `parts` after `done`."""
    ends = {each.shard_index: each.end for each in done}
    return [
        Range(part.shard_index, first, part.end)
        for part in parts
        if (first := ends.get(part.shard_index, part.first)) < part.end
    ]
