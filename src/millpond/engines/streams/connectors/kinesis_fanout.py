"""Reads shards by SubscribeToShard: records are pushed as they come (enhanced fan-out).

A subscription ends after five minutes, or with its connection; then there is another from where it
ended. What has come in while the pipeline was busy is handed on together.

Source: Kinesis API reference (2013-12-02), RegisterStreamConsumer and SubscribeToShard: a second
subscription within five seconds is refused with ResourceInUseException.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import aiohttp
import msgspec

from millpond.engines.streams.connectors.aws import Aws, AwsError, json_headers
from millpond.engines.streams.connectors.event_frames import DamagedFrame, Frame, FrameReader
from millpond.engines.streams.connectors.interface import SourceFailed, World
from millpond.engines.streams.connectors.kinesis_options import Reading, StreamName
from millpond.engines.streams.connectors.kinesis_reader import Batch, starting_point
from millpond.engines.streams.connectors.kinesis_records import ChildShard, Record

_ACTIVE_SECONDS_MAX = 60.0
_QUIET_SECONDS_MAX = 30.0
_PATIENCE_SECONDS = 120.0
_PAUSE_SECONDS = 0.5
_LOST = (aiohttp.ClientError, ConnectionError, TimeoutError, DamagedFrame)


class _Event(msgspec.Struct, gc=False):
    records: list[Record] = msgspec.field(name="Records", default_factory=list)
    continuation: str | None = msgspec.field(name="ContinuationSequenceNumber", default=None)
    behind_ms: int | None = msgspec.field(name="MillisBehindLatest", default=None)
    children: list[ChildShard] | None = msgspec.field(name="ChildShards", default=None)


class _Refusal(msgspec.Struct):
    message: str = ""


_EVENTS = msgspec.json.Decoder(_Event)
_REFUSALS = msgspec.json.Decoder(_Refusal)


class FanOut:
    """Reads the shards of a stream as one of its consumers."""

    def __init__(self, aws: Aws, stream: StreamName, reading: Reading, world: World) -> None:
        self._aws = aws
        self._stream = stream
        self._reading = reading
        self._tell = world.tell
        self._consumer = ""

    async def open(self) -> None:
        """Find the consumer, or register it if it is the run's to manage.

        Raises:
            AwsError, SourceFailed: there is none, and none can be.
        """
        name = self._reading.consumer or ""
        if name.startswith("arn:"):
            self._consumer = name
            return
        stream = await self._stream_arn()
        if self._reading.managed:
            try:
                request = {"StreamARN": stream, "ConsumerName": name}
                await self._aws.call("kinesis", "RegisterStreamConsumer", request)
            except AwsError as error:
                if error.code != "ResourceInUseException":
                    raise
        until = time.monotonic() + _ACTIVE_SECONDS_MAX
        while True:
            request = {"StreamARN": stream, "ConsumerName": name}
            found = await self._aws.call("kinesis", "DescribeStreamConsumer", request)
            consumer = found["ConsumerDescription"]
            if consumer["ConsumerStatus"] == "ACTIVE":
                self._consumer = consumer["ConsumerARN"]
                return
            if time.monotonic() > until:
                raise SourceFailed(f"consumer '{name}' is still {consumer['ConsumerStatus']}")
            await asyncio.sleep(_PAUSE_SECONDS / 2)

    async def _stream_arn(self) -> str:
        if "StreamARN" in self._stream.identity:
            return self._stream.identity["StreamARN"]
        found = await self._aws.call("kinesis", "DescribeStreamSummary", self._stream.identity)
        return str(found["StreamDescriptionSummary"]["StreamARN"])

    async def close(self) -> None:
        """Deregister the consumer if it is the run's."""
        if not self._consumer or not self._reading.managed:
            return
        try:
            async with asyncio.timeout(self._reading.deregister_ms / 1000):
                request = {"ConsumerARN": self._consumer}
                await self._aws.call("kinesis", "DeregisterStreamConsumer", request)
        except (AwsError, TimeoutError) as error:
            self._tell("WARN", f"Consumer {self._consumer} is still registered: {error}")

    async def read(self, shard: str, position: Mapping[str, Any]) -> AsyncGenerator[Batch, None]:
        """What a shard has after a position, to its end.

        Raises:
            AwsError: it cannot go on; `ResourceNotFoundException` where the shard is no more.
        """
        frames = FrameReader()
        heard = time.monotonic()
        while True:
            try:
                async with self._subscribed(shard, position) as response:
                    frames = FrameReader()
                    async for data in response.content.iter_any():
                        events = [_event(each) for each in frames.feed(data)]
                        told = [event for event in events if event is not None]
                        if not told:
                            continue
                        heard = time.monotonic()
                        last = told[-1]
                        records = [record for event in told for record in event.records]
                        children = [child.shard for child in last.children or ()]
                        yield Batch(records, last.behind_ms, children)
                        if last.continuation is None:
                            return
                        position = {"after": last.continuation}
            except AwsError as error:
                if not error.passing and error.code != "ResourceInUseException":
                    if error.code != "InvalidArgumentException" or "start" in position:
                        raise
                    self._warn(shard, error)
                    position = {"start": True}
                    continue
                failure: Exception = error
            except _LOST as error:
                failure = error
            else:
                continue
            if time.monotonic() - heard > _PATIENCE_SECONDS:
                raise AwsError("", f"shard {shard} cannot be subscribed to: {failure}")
            await asyncio.sleep(_PAUSE_SECONDS)

    def _warn(self, shard: str, error: AwsError) -> None:
        self._tell(
            "WARN",
            f"The position in shard {shard} of stream '{self._stream.shown}' is none any more "
            f"({error.text}): the shard is read from its oldest record on.",
        )

    def _subscribed(self, shard: str, position: Mapping[str, Any]) -> Any:
        request = {
            "ConsumerARN": self._consumer,
            "ShardId": shard,
            "StartingPosition": starting_point(position),
        }
        return self._aws.opened(
            "kinesis",
            "POST",
            "/",
            headers=json_headers("kinesis", "SubscribeToShard"),
            body=msgspec.json.encode(request),
            read_seconds_max=_QUIET_SECONDS_MAX,
        )


def _event(frame: Frame) -> _Event | None:
    """The event that a frame brings, if it is one of records.

    Raises:
        AwsError: it brings the end of the subscription, and why.
    """
    if frame.headers.get(":message-type") == "event":
        if frame.headers.get(":event-type") != "SubscribeToShardEvent":
            return None
        return _EVENTS.decode(frame.payload)
    code = frame.headers.get(":exception-type") or frame.headers.get(":error-code") or "Unknown"
    text = frame.headers.get(":error-message", "")
    if frame.payload:
        text = _REFUSALS.decode(frame.payload).message
    raise AwsError(code, text, 400)
