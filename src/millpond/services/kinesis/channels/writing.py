"""Writes the objects of a window. Whatever fails is tried again, until it is done or the channel is
deleted."""

from typing import Any, Protocol

from millpond.kernel.body import Body
from millpond.kernel.errors import EngineError, ServiceError
from millpond.services.kinesis.channels import key_template
from millpond.services.kinesis.channels.channel import Channel, DeadLetters, Storage
from millpond.services.kinesis.channels.objects import DeadLetterLines, Records
from millpond.services.kinesis.channels.progress import Window
from millpond.services.kinesis.channels.role import Reporter, call_as_role
from millpond.services.kinesis.channels.survey import Survey
from millpond.services.kinesis.model.stream import Stream
from millpond.services.kinesis.needs import Needs

PAUSE_SECONDS_MIN = 1.0
PAUSE_SECONDS_MAX = 60.0
CONTENT_TYPE = "application/octet-stream"
LINES_CONTENT_TYPE = "application/json"
_LINES_TEMPLATE = (
    "!{yyyy}/!{MM}/!{dd}/!{HH}/"
    "!{channel-name}-!{channel-id}-!{yyyy}-!{MM}-!{dd}-!{HH}-!{mm}!{extension:.json}"
)


class Pause(Protocol):
    """Waits before another try; raises where there shall be none."""

    async def __call__(self, seconds: float) -> None: ...


class Writer:
    """Writes for one channel as it is recorded now."""

    def __init__(
        self, needs: Needs, channel: Channel, stream: Stream, reporter: Reporter, pause: Pause
    ) -> None:
        self._needs = needs
        self._channel = channel
        self._stream = stream
        self._reporter = reporter
        self._pause = pause

    async def write(self, window: Window, found: Survey) -> None:
        """Return once all records of a window are delivered, or told of as dead letters."""
        needs, channel, faults = self._needs, self._channel, found.faults
        delivered = found.count - faults.count
        written = 0
        if delivered:
            records = Records(needs, self._stream, channel, window.ranges, faults)
            await self._put(self._record_key(window), records, channel.storage)
            written = records.written
        self._measure(window, found, delivered, written)
        if faults.count:
            lines = DeadLetterLines(needs, self._stream, channel, window.ranges, faults)
            await self._put(self._line_key(window), lines, channel.dead_letters)
            self._reporter.count(channel, "DLQDeliverySuccess", faults.count)
        await self._reporter.write_log(channel)

    def _record_key(self, window: Window) -> str:
        return self._key(self._channel.storage.template, window)

    def _line_key(self, window: Window) -> str:
        prefix = self._channel.dead_letters.prefix
        return prefix + self._key(_LINES_TEMPLATE, window)

    def _key(self, template: str, window: Window) -> str:
        channel = self._channel
        return key_template.expand(
            template,
            channel.storage.compression,
            key_template.names_of(channel.name, channel.id, channel.stream_name),
            window.oldest_ms,
            window.suffix(channel.id),
        )

    async def _put(self, key: str, body: Body, place: Storage | DeadLetters) -> None:
        """Write an object, unless it is there: then an earlier try wrote it."""
        channel = self._channel
        more: dict[str, Any] = {"ContentType": LINES_CONTENT_TYPE}
        if isinstance(place, Storage):
            more = {"ContentType": CONTENT_TYPE, "StorageClass": place.storage_class}
        pause = PAUSE_SECONDS_MIN
        while True:
            try:
                await self._needs.call_aws(
                    call_as_role(self._needs, channel),
                    "s3",
                    "PutObject",
                    Bucket=place.bucket_arn.rpartition(":")[2],
                    Key=key,
                    Body=body,
                    ExpectedBucketOwner=place.owner,
                    IfNoneMatch="*",
                    **more,
                )
                return
            except ServiceError as error:
                if error.code == "PreconditionFailed":
                    return
                self._tell_failure(key, place, f"S3.{error.code}", error.message)
            except EngineError as error:
                self._tell_failure(key, place, "InternalError", str(error))
            await self._reporter.write_log(channel)
            await self._pause(pause)
            pause = min(2 * pause, PAUSE_SECONDS_MAX)

    def _tell_failure(
        self, key: str, place: Storage | DeadLetters, code: str, message: str
    ) -> None:
        if isinstance(place, Storage):
            self._reporter.count(self._channel, "DeliverySuccess", 0)
        self._reporter.tell(
            self._channel,
            message,
            destination=place.bucket_arn,
            key=key,
            errorCode=code,
        )

    def _measure(self, window: Window, found: Survey, delivered: int, written: int) -> None:
        channel, count = self._channel, self._reporter.count
        age_ms = max(self._needs.clock.now_ms() - window.oldest_ms, 0)
        count(channel, "DataFreshness", age_ms / 1000, "Seconds")
        count(channel, "BytesIn", found.size, "Bytes")
        count(channel, "BytesProcessed", found.size, "Bytes")
        count(channel, "RecordCount", found.count)
        count(channel, "FailedRecordCount", found.faults.count)
        count(channel, "SuccessfulRecordCount", delivered)
        count(channel, "BytesOut", written, "Bytes")
        if delivered:
            count(channel, "DeliverySuccess", 1)
            key = self._record_key(window)
            message = "Records were delivered."
            self._reporter.tell(channel, message, key=key, recordCount=delivered, bytes=written)
        if found.faults.count:
            self._reporter.tell(
                channel,
                "Records could not be delivered and are told of as dead letters.",
                destination=channel.dead_letters.bucket_arn,
                key=self._line_key(window),
                failedRecordCount=found.faults.count,
                errorCode="RecordsFailed",
            )
