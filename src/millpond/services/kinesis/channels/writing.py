"""Writes the objects of a window, each if it is not there yet."""

from typing import Any

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

CONTENT_TYPE = "application/octet-stream"
LINES_CONTENT_TYPE = "application/json"
_LINES_TEMPLATE = (
    "!{yyyy}/!{MM}/!{dd}/!{HH}/"
    "!{channel-name}-!{channel-id}-!{yyyy}-!{MM}-!{dd}-!{HH}-!{mm}!{extension:.json}"
)


class NotNow(Exception):
    """An object could not be written; what it says was told to the channel's log."""


class Writer:
    """Writes for one channel as it is recorded now."""

    def __init__(self, needs: Needs, channel: Channel, stream: Stream, reporter: Reporter) -> None:
        self._needs = needs
        self._channel = channel
        self._stream = stream
        self._reporter = reporter

    async def write(self, window: Window, found: Survey) -> None:
        """Return once all records of a window are delivered, or told of as dead letters.

        Raises:
            NotNow: something could not be written, or the records are not what was found any more.
        """
        needs, channel, faults = self._needs, self._channel, found.faults
        delivered = found.count - faults.count
        key = self._record_key(window)
        if delivered:
            records = Records(needs, self._stream, channel, window.ranges, faults)
            if await self._put(key, records, channel.storage):
                self._tell_delivered(key, delivered, records.written)
        if faults.count:
            lines = DeadLetterLines(needs, self._stream, channel, window.ranges, faults)
            key = self._line_key(window)
            if await self._put(key, lines, channel.dead_letters):
                self._tell_failed(key, faults.count)
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

    async def _put(self, key: str, body: Body, place: Storage | DeadLetters) -> bool:
        """Write an object; False when it is there already: then an earlier try wrote it."""
        channel = self._channel
        more: dict[str, Any] = {"ContentType": LINES_CONTENT_TYPE}
        if isinstance(place, Storage):
            more = {"ContentType": CONTENT_TYPE, "StorageClass": place.storage_class}
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
        except (ServiceError, EngineError) as error:
            if isinstance(error, ServiceError) and error.code == "PreconditionFailed":
                return False
            await self._tell_trouble(key, place, error)
            raise NotNow from error
        return True

    async def _tell_trouble(
        self, key: str, place: Storage | DeadLetters, error: ServiceError | EngineError
    ) -> None:
        channel = self._channel
        code = f"S3.{error.code}" if isinstance(error, ServiceError) else "InternalError"
        if isinstance(place, Storage):
            self._reporter.count(channel, "DeliverySuccess", 0)
        self._reporter.tell(
            channel, str(error), destination=place.bucket_arn, key=key, errorCode=code
        )
        await self._reporter.write_log(channel)

    def _tell_delivered(self, key: str, delivered: int, written: int) -> None:
        channel, count = self._channel, self._reporter.count
        count(channel, "SuccessfulRecordCount", delivered)
        count(channel, "BytesOut", written, "Bytes")
        count(channel, "DeliverySuccess", 1)
        message = "Records were delivered."
        self._reporter.tell(channel, message, key=key, recordCount=delivered, bytes=written)

    def _tell_failed(self, key: str, failed: int) -> None:
        channel = self._channel
        self._reporter.count(channel, "DLQDeliverySuccess", failed)
        self._reporter.tell(
            channel,
            "Records could not be delivered and are told of as dead letters.",
            destination=channel.dead_letters.bucket_arn,
            key=key,
            failedRecordCount=failed,
            errorCode="RecordsFailed",
        )
