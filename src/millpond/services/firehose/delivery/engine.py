"""Delivers for one delivery stream: reads, transforms, buffers, cuts, writes, moves on.

What is written down, and when, is what makes delivery sure. `Progress.positions` is where the
window of records that are not delivered yet begins. Before the objects of a cut are written, the
cut is: how far the source was read, and which buffers were cut off. Once all buffers of a window
are delivered the positions move, in one transaction. Killed anywhere in between, the next run reads
the same records again, cuts at the same places, and writes objects of the same names.

A window ends when its time is over, or when its one data buffer is full. With dynamic partitioning,
a partition that is full is cut off alone, and the window goes on.
"""

import asyncio
import contextlib
import shutil
from collections.abc import Iterator

from millpond.kernel.tasks import Task, Wake
from millpond.services.firehose import store
from millpond.services.firehose.delivery.interface import (
    PROCESSING_FAILED,
    Failure,
    Record,
    Transformed,
)
from millpond.services.firehose.delivery.kinesis_source import StreamSource
from millpond.services.firehose.delivery.patience import (
    FAULTS_MAX,
    INTERNAL_ERROR,
    Changed,
    GivenUp,
    Patience,
    Stopped,
    words_of,
)
from millpond.services.firehose.delivery.plan import Plan, make_plan
from millpond.services.firehose.delivery.source import READ_SIZE_BYTES, DirectSource, Source
from millpond.services.firehose.delivery.window import DATA, Window
from millpond.services.firehose.delivery.writing import Writer
from millpond.services.firehose.model.stream import Cut, DeliveryStream, Progress
from millpond.services.firehose.needs import Needs

INTERVAL_MS_MIN = 500
"""How long records are gathered where the configured time is 0."""
GATHER_SECONDS = 0.2
"""How long to wait for more after reading little: handling many at once costs less."""
LITTLE_SIZE_BYTES = 256 * 1024
IDLE_SECONDS = 3600.0
CUTS_MAX = 500
"""Of one window; then it ends, so that what is written down of it stays small."""
DRAIN_SECONDS_MAX = 20.0


async def deliver(needs: Needs, task: Task, wake: Wake) -> int | None:
    """The step of a delivery stream, as long as it lives or until the platform ends."""
    while not wake.stopping:
        async with needs.records.transaction() as transaction:
            stream = await store.load_stream(transaction, task, task.subject)
            if stream is None:
                return None
            progress = await store.load_progress(transaction, task, stream.id)
        with contextlib.suppress(Changed, Stopped):
            async with contextlib.AsyncExitStack() as ends:
                delivering = await _begin(needs, wake, stream, progress, ends)
                try:
                    if stream.status == "ACTIVE":
                        await delivering.follow()
                    else:
                        await delivering.end()
                        return None
                except (Changed, Stopped):
                    raise
                except Exception as error:
                    delivering.tell(error)
                    raise
    return needs.clock.now_ms()


async def _begin(
    needs: Needs,
    wake: Wake,
    stream: DeliveryStream,
    progress: Progress,
    ends: contextlib.AsyncExitStack,
) -> "Delivering":
    plan = make_plan(needs, stream)
    ends.push_async_callback(plan.delivery.write_log)
    ends.push_async_callback(plan.close)
    scratch = needs.folder / stream.id
    await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)
    ends.push_async_callback(asyncio.to_thread, shutil.rmtree, scratch, ignore_errors=True)
    patience = Patience(needs, wake, plan.delivery, is_short=stream.status != "ACTIVE")
    source: Source
    if stream.source is None:
        source = DirectSource(needs.log, stream, progress.positions, plan.delivery)
    else:
        source = StreamSource(needs, stream.source, progress.positions, plan.delivery)
    return Delivering(needs, plan, progress, source, patience)


class Delivering:
    """One version of a delivery stream at work."""

    def __init__(
        self, needs: Needs, plan: Plan, progress: Progress, source: Source, patience: Patience
    ) -> None:
        self._needs = needs
        self._plan = plan
        self._progress = progress
        self._source = source
        self._patience = patience
        self._writer = Writer(needs, plan, patience)
        self._scratch = needs.folder / plan.stream.id
        self._window = Window(plan, progress.positions, self._scratch)
        self._gathered: list[Record] = []
        self._gathered_size = 0
        self._gathered_since_ms = 0
        self._cut_ms = needs.clock.now_ms()
        """When the window before was cut: what arrived since counts from its arrival."""

    def tell(self, fault: Exception) -> None:
        """Put what ends this run into the error log; the next one begins from what is written."""
        self._plan.delivery.tell(INTERNAL_ERROR, words_of(fault))

    # The two ways to go

    async def follow(self) -> None:
        """Deliver what there is and what comes. Ends only by an exception."""
        await self._repeat()
        while True:
            read = await self._advance()
            if read >= LITTLE_SIZE_BYTES:
                continue
            if read:
                await self._patience.rest(min(GATHER_SECONDS, self._due_seconds()))
            else:
                await self._idle()
            await self._patience.look_now_and_then()

    async def end(self) -> None:
        """Deliver what is there, if that succeeds at once, and remove the delivery stream."""
        stream = self._plan.stream
        if stream.source is None:
            await self._needs.log.seal(stream.log)
        end_ms = self._needs.clock.now_ms() + DRAIN_SECONDS_MAX * 1000
        with contextlib.suppress(GivenUp):
            await self._repeat()
            while await self._advance() and self._needs.clock.now_ms() < end_ms:
                continue
            await self._cut(None)
        if stream.source is None:
            await self._needs.log.delete(stream.log)
        async with self._needs.records.transaction() as transaction:
            store.delete_stream(transaction, stream, stream)

    async def _repeat(self) -> None:
        """Do again what was decided before a crash, up to the last cut that was written down."""
        for cut in self._progress.cuts:
            while records := await self._read(READ_SIZE_BYTES, cut.ends):
                self._gather(records)
                await self._absorb()
            await self._writer.deliver(self._window, cut.buffers)
            if cut.buffers is None:
                await self._move_on()

    async def _advance(self) -> int:
        """Read once, and cut what is full or due; how many bytes were read."""
        records = await self._read(self._room(), None)
        if records:
            self._gather(records)
        if self._gathered and self._gathered_enough():
            await self._absorb()
        full = self._window.full()
        if DATA in full or len(self._progress.cuts) >= CUTS_MAX:
            await self._cut(None)
        elif full:
            await self._cut(full)
        if self._due_seconds() <= 0:
            await self._cut(None)
        return sum([len(record.data) for record in records])

    # Time

    def _due_seconds(self) -> float:
        """Until the window's time is over, counted from its first record."""
        began_ms = self._window.began_ms
        if self._gathered:
            began_ms = min(began_ms or self._gathered_since_ms, self._gathered_since_ms)
        if began_ms is None:
            return IDLE_SECONDS
        end_ms = began_ms + max(self._plan.interval_ms, INTERVAL_MS_MIN)
        return (end_ms - self._needs.clock.now_ms()) / 1000

    def _gathered_enough(self) -> bool:
        transformer = self._plan.transformer
        if transformer is None or self._gathered_size >= transformer.gather_size_bytes:
            return True
        return self._gather_left_seconds() <= 0

    def _gather_left_seconds(self) -> float:
        transformer = self._plan.transformer
        if transformer is None or not self._gathered:
            return IDLE_SECONDS
        end_ms = self._gathered_since_ms + transformer.gather_ms
        return (end_ms - self._needs.clock.now_ms()) / 1000

    async def _idle(self) -> None:
        """Wait until there is something to read, something is due, or something has changed."""
        seconds = max(min(self._due_seconds(), self._gather_left_seconds()), 0.0)
        if seconds == 0.0:
            return
        waiting = [
            asyncio.ensure_future(self._source.wait()),
            asyncio.ensure_future(self._patience.rest(seconds)),
        ]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waiting:
                one.cancel()
            ended = await asyncio.gather(*waiting, return_exceptions=True)
        for outcome in ended:
            if isinstance(outcome, Exception):
                raise outcome

    # The way of records

    def _room(self) -> int:
        """How much to read at most, so that the data buffer does not grow beyond its size."""
        data = self._window.buffers.get(DATA)
        taken = (data.size if data else 0) + self._gathered_size
        return max(min(READ_SIZE_BYTES, self._plan.size_bytes_max - taken), 1)

    async def _read(self, size_bytes_max: int, until: dict[str, str] | None) -> list[Record]:
        async def read() -> list[Record]:
            return await self._source.read(size_bytes_max, until)

        return await self._patience.until_done(read)

    def _gather(self, records: list[Record]) -> None:
        if not self._gathered:
            now_ms = self._needs.clock.now_ms()
            self._gathered_since_ms = min(max(records[0].arrival_ms, self._cut_ms), now_ms)
        self._gathered += records
        self._gathered_size += sum([len(record.data) for record in records])

    async def _absorb(self) -> None:
        """Transform what was gathered and put it into the window's buffers."""
        source, since_ms = self._gathered, self._gathered_since_ms
        if not source:
            return
        self._scratch.mkdir(parents=True, exist_ok=True)
        self._gathered, self._gathered_size = [], 0
        transformer = self._plan.transformer
        for part in _parts(source, transformer.apply_size_bytes_max if transformer else 0):
            transformed = await self._transform(part)
            await asyncio.to_thread(
                self._window.absorb,
                part,
                transformed.records,
                transformed.failures,
                since_ms,
                self._needs.clock.now_ms(),
            )
        if self._plan.keys:
            self._plan.delivery.count("PartitionCount", self._window.partitions)

    async def _transform(self, source: list[Record], faults_max: int = FAULTS_MAX) -> Transformed:
        """What becomes of records. Those that break the transformer itself fail alone: they are
        found by halves."""
        transformer = self._plan.transformer
        if transformer is None:
            return Transformed(source)

        async def transform() -> Transformed:
            return await transformer.apply(source)

        async def broken(why: str) -> Transformed:
            if len(source) == 1:
                (record,) = source
                failure = Failure(
                    PROCESSING_FAILED, INTERNAL_ERROR, why, record.data, record.arrival_ms
                )
                return Transformed((), (failure,))
            middle = len(source) // 2
            first = await self._transform(source[:middle], 1)
            second = await self._transform(source[middle:], 1)
            return Transformed(
                [*first.records, *second.records],
                [*first.failures, *second.failures],
                first.dropped + second.dropped,
            )

        return await self._patience.until_done(transform, broken=broken, faults_max=faults_max)

    # Cuts

    async def _cut(self, labels: list[str] | None) -> None:
        """Write down where is cut, deliver what is cut off, and move on if that was all."""
        await self._absorb()
        if labels is None:
            self._cut_ms = self._needs.clock.now_ms()
        positions = self._source.positions
        if self._window.buffers:
            cuts = [*self._progress.cuts, Cut(positions, labels)]
            await self._write_down(Progress(self._progress.positions, cuts))
            await self._writer.deliver(self._window, labels)
        if labels is None and self._window.began_ms is not None:
            await self._move_on()

    async def _move_on(self) -> None:
        """All that was read is delivered: a new window begins where reading stands."""
        positions = self._source.positions
        await self._write_down(Progress(positions))
        self._window = Window(self._plan, positions, self._scratch)
        await self._source.done()
        await self._patience.look()

    async def _write_down(self, progress: Progress) -> None:
        stream = self._plan.stream
        async with self._needs.records.transaction() as transaction:
            store.save_progress(transaction, stream, stream.id, progress)
        self._progress = progress


def _parts(records: list[Record], size_bytes_max: int) -> Iterator[list[Record]]:
    """Runs of records of at most this size, but one record at least; all at once for 0."""
    start = size = 0
    for at, record in enumerate(records):
        size += len(record.data)
        if size_bytes_max and at > start and size > size_bytes_max:
            yield records[start:at]
            start, size = at, len(record.data)
    yield records[start:]
