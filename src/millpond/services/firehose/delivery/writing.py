"""Delivers buffers that were cut off: as objects in S3, or as batches to another destination."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from millpond.kernel.body import Body, FileBody
from millpond.kernel.errors import ServiceError
from millpond.services.firehose.delivery.encoding import encode
from millpond.services.firehose.delivery.failures import failures_of
from millpond.services.firehose.delivery.interface import (
    FORMAT_CONVERSION_FAILED,
    Batch,
    Converted,
    Destination,
    Failure,
    NotNow,
    Record,
    Undelivered,
)
from millpond.services.firehose.delivery.patience import FAULTS_MAX, INTERNAL_ERROR, Patience
from millpond.services.firehose.delivery.plan import Plan
from millpond.services.firehose.delivery.spool import RecordSpool, Spool
from millpond.services.firehose.delivery.window import BACKUP, DATA, ERROR, Buffer, Window
from millpond.services.firehose.model.naming import (
    COMPRESSION_EXTENSIONS,
    derive_random,
    object_name,
)
from millpond.services.firehose.model.prefixes import error_prefix, object_prefix, zoned
from millpond.services.firehose.needs import Needs

CONTENT_TYPE = "application/octet-stream"
RETRY_PAUSE_SECONDS_MIN = 1.0
RETRY_PAUSE_SECONDS_MAX = 60.0
_BUCKET_MISSING = (
    "The specified bucket does not exist. Create the bucket or use a different bucket that does "
    "exist."
)


class Writer:
    """Delivers what windows of one plan hold."""

    def __init__(self, needs: Needs, plan: Plan, patience: Patience) -> None:
        self._needs = needs
        self._plan = plan
        self._patience = patience

    async def deliver(self, window: Window, labels: Iterable[str] | None) -> None:
        """Cut off buffers, all of them if `labels` is None, and return once they are delivered.

        What fails for good on the way becomes part of the window's errors, which are the last.
        """
        chosen = list(window.buffers) if labels is None else list(labels)
        for kind in (DATA, BACKUP):
            for buffer in window.take(label for label in chosen if label.startswith(kind)):
                await self._deliver_one(window, buffer)
        wanted = window.buffers if labels is None else chosen
        for buffer in window.take([label for label in wanted if label.startswith(ERROR)]):
            await self._deliver_one(window, buffer)
        await self._plan.delivery.write_log()

    async def _deliver_one(self, window: Window, buffer: Buffer) -> None:
        destination, converter = self._plan.destination, self._plan.converter
        if buffer.kind == BACKUP:
            await self._write(window, buffer, self._plan.backup, "BackupToS3")
        elif buffer.kind == ERROR:
            await self._write_errors(window, buffer)
        elif destination is not None:
            await self._send(window, buffer, destination)
        elif converter is not None:
            await self._convert(window, buffer)
        else:
            await self._write(window, buffer, self._plan.s3, self._plan.metrics)
        buffer.spool.discard()

    # Objects

    async def _write(self, window: Window, buffer: Buffer, s3: Any, metrics: str) -> None:
        """An object of records as they are."""
        assert isinstance(buffer.spool, Spool)
        compression = s3.compression_format
        extension = getattr(s3, "file_extension", None) or COMPRESSION_EXTENSIONS[compression]
        name = self._name(buffer, extension)
        encoded = Spool(window.path())
        spool = buffer.spool
        if compression != "UNCOMPRESSED":
            spool = await asyncio.to_thread(encode, buffer.spool, encoded, compression, name)
        await self._put(s3, self._key(s3, buffer, name), spool.body(), buffer, metrics)
        encoded.discard()

    async def _write_errors(self, window: Window, buffer: Buffer) -> None:
        """An object of failed records, a line each. It is never compressed."""
        assert isinstance(buffer.spool, Spool)
        s3, (kind,) = self._plan.s3, buffer.values
        when = zoned(buffer.oldest_ms, self._plan.zone)
        prefix = error_prefix(
            s3.error_output_prefix, s3.prefix, when, derive_random(buffer.identity), kind
        )
        await self._put(s3, prefix + self._name(buffer, ""), buffer.spool.body(), buffer, "")

    async def _convert(self, window: Window, buffer: Buffer) -> None:
        """An object of columns; what could not be converted joins the errors."""
        spool, converter = buffer.spool, self._plan.converter
        assert isinstance(spool, RecordSpool)
        assert converter is not None

        async def convert() -> tuple[Converted, Path]:
            target = window.path()
            try:
                return await converter.convert(spool.read(), target), target
            except BaseException:
                target.unlink(missing_ok=True)
                raise

        async def broken(why: str) -> tuple[Converted, Path]:
            failures = await asyncio.to_thread(_unconverted, spool, why)
            return Converted(0, "", failures), window.path()

        converted, target = await self._patience.until_done(convert, broken=broken)
        delivery = self._plan.delivery
        failed = sum([len(failure.raw) for failure in converted.failures])
        delivery.count("SucceedConversion.Records", converted.rows)
        delivery.count("SucceedConversion.Bytes", buffer.size - failed, "Bytes")
        delivery.count("FailedConversion.Records", len(converted.failures))
        delivery.count("FailedConversion.Bytes", failed, "Bytes")
        window.fail(converted.failures, self._needs.clock.now_ms())
        if converted.rows:
            s3 = self._plan.s3
            name = self._name(buffer, s3.file_extension or converted.extension)
            size = (await asyncio.to_thread(target.stat)).st_size
            body = FileBody(target, 0, size)
            await self._put(s3, self._key(s3, buffer, name), body, buffer, self._plan.metrics)
        target.unlink(missing_ok=True)

    def _name(self, buffer: Buffer, extension: str) -> str:
        when = zoned(buffer.oldest_ms, self._plan.zone)
        stream = self._plan.stream
        return object_name(stream.name, stream.version, when, buffer.identity, extension)

    def _key(self, s3: Any, buffer: Buffer, name: str) -> str:
        when = zoned(buffer.oldest_ms, self._plan.zone)
        keys = dict(zip(self._plan.keys, buffer.values, strict=False))
        return object_prefix(s3.prefix, when, derive_random(buffer.identity), keys) + name

    async def _put(self, s3: Any, key: str, body: Body, buffer: Buffer, metrics: str) -> None:
        """Write an object, however long it takes. Measured unless `metrics` is empty."""
        delivery = self._plan.delivery
        bucket = s3.bucket_arn.rpartition(":")[2]
        call = delivery.call_as(s3.role_arn)

        async def put() -> None:
            try:
                await self._needs.call_aws(
                    call,
                    "s3",
                    "PutObject",
                    Bucket=bucket,
                    Key=key,
                    Body=body,
                    ContentType=CONTENT_TYPE,
                )
            except ServiceError as error:
                message = _BUCKET_MISSING if error.code == "NoSuchBucket" else error.message
                raise NotNow(f"S3.{error.code}", message) from error

        def failed() -> None:
            if metrics:
                delivery.count(f"{metrics}.Success", 0)

        await self._patience.until_done(put, failed)
        if metrics:
            self._measure(buffer, metrics)

    def _measure(self, buffer: Buffer, metrics: str) -> None:
        delivery = self._plan.delivery
        age_ms = max(self._needs.clock.now_ms() - buffer.oldest_ms, 0)
        delivery.count(f"{metrics}.Success", 1)
        delivery.count(f"{metrics}.Bytes", buffer.size, "Bytes")
        delivery.count(f"{metrics}.Records", buffer.count)
        delivery.count(f"{metrics}.DataFreshness", age_ms / 1000, "Seconds")
        if self._plan.keys and buffer.kind == DATA:
            delivery.count(f"{metrics}.ObjectCount", 1)

    # Batches

    async def _send(self, window: Window, buffer: Buffer, destination: Destination) -> None:
        """A batch, tried again within the time that is configured; the rest joins the errors."""
        spool = buffer.spool
        assert isinstance(spool, RecordSpool)
        delivery, clock = self._plan.delivery, self._needs.clock
        batch = Batch(buffer.identity, await asyncio.to_thread(_all_of, spool))
        end_ms = clock.now_ms() + self._plan.retry_ms
        pause = RETRY_PAUSE_SECONDS_MIN
        lost = 0
        while True:
            undelivered = await self._try(destination, batch)
            again = [one for one in undelivered if not one.is_final]
            left_seconds = (end_ms - clock.now_ms()) / 1000
            if left_seconds <= 0:
                again = []
            final = undelivered if not again else [one for one in undelivered if one.is_final]
            lost += len(final)
            failures = failures_of(destination.failure_kind, batch, final)
            window.fail(failures, clock.now_ms())
            for one in undelivered[:1]:
                delivery.tell(one.code, one.message)
            if not again:
                break
            delivery.count(f"{self._plan.metrics}.Success", 0)
            if len(undelivered) < len(batch.records):
                pause = RETRY_PAUSE_SECONDS_MIN
            await self._patience.pause(min(pause, left_seconds))
            pause = min(2 * pause, RETRY_PAUSE_SECONDS_MAX)
            records = [one.record for one in again]
            batch = Batch(batch.id, records, batch.attempt + 1)
        if lost:
            delivery.count(f"{self._plan.metrics}.Success", 0)
        if lost < buffer.count:
            self._measure(buffer, self._plan.metrics)

    async def _try(self, destination: Destination, batch: Batch) -> list[Undelivered]:
        async def send() -> list[Undelivered]:
            return list(await destination.deliver(batch))

        async def broken(why: str) -> list[Undelivered]:
            return [Undelivered(record, INTERNAL_ERROR, why) for record in batch.records]

        return await self._patience.until_done(send, broken=broken, faults_max=1)


def _unconverted(spool: RecordSpool, why: str) -> list[Failure]:
    return [
        Failure(
            FORMAT_CONVERSION_FAILED,
            INTERNAL_ERROR,
            why,
            record.data,
            record.arrival_ms,
            FAULTS_MAX,
        )
        for run in spool.read()
        for record in run
    ]


def _all_of(spool: RecordSpool) -> list[Record]:
    return [record for run in spool.read() for record in run]
