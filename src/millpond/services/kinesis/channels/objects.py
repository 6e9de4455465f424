"""What objects hold: records as they are, and lines about those that could not be delivered.

Both are made anew from the stream each time they are asked for, a piece at a time.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import msgspec

from millpond.kernel.errors import Damaged
from millpond.services.kinesis.channels.channel import Channel
from millpond.services.kinesis.channels.compression import compressor_of
from millpond.services.kinesis.channels.formats import DAMAGED
from millpond.services.kinesis.channels.progress import Range
from millpond.services.kinesis.channels.reading import Faults, Piece, data_of, fault_in, read
from millpond.services.kinesis.model import sequence
from millpond.services.kinesis.model.stream import Stream, shard_id
from millpond.services.kinesis.needs import Needs

_encode_line = msgspec.json.Encoder().encode
_NO_TRAILERS: Mapping[str, str] = {}


class _OfWindow:
    """What is made of the records of a window."""

    length = None
    trailers = _NO_TRAILERS

    def __init__(
        self,
        needs: Needs,
        stream: Stream,
        channel: Channel,
        ranges: Sequence[Range],
        faults: Faults,
    ) -> None:
        self._needs = needs
        self._stream = stream
        self._channel = channel
        self._ranges = ranges
        self._faults = faults


class Records(_OfWindow):
    """`kernel.body.Body` of the records of a window, one after another without anything between
    them, compressed. `written` counts the bytes of the last time it was read."""

    written = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        compressor = compressor_of(self._channel.storage.compression)
        self.written = 0
        for part in self._ranges:
            async for piece in read(self._needs, self._stream, part):
                joined = await asyncio.to_thread(self._join, piece)
                chunk = await asyncio.to_thread(compressor.compress, joined)
                if chunk:
                    self.written += len(chunk)
                    yield chunk
        rest = compressor.finish()
        if rest:
            self.written += len(rest)
            yield rest

    def _join(self, piece: Piece) -> bytes:
        faulty = self._faults.within(piece)
        entries = piece.entries
        if not entries and len(faulty) < piece.end - piece.first:
            raise Damaged("Records were damaged since they were looked at.")
        return b"".join([data_of(self._stream, e) for e in entries if e.position not in faulty])


class DeadLetterLines(_OfWindow):
    """`kernel.body.Body`: a line of JSON for each record of a window that cannot be delivered. It
    says which record and why, and has nothing of its data.

    Source: Kinesis Data Streams Developer Guide, "Key capabilities": stream ARN, shard ID, sequence
    number and error context. The names of the members are ours.
    """

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self._ranges:
            if part.shard_index not in self._faults.positions:
                continue
            async for piece in read(self._needs, self._stream, part):
                lines = await asyncio.to_thread(self._lines, piece)
                if lines:
                    yield lines

    def _lines(self, piece: Piece) -> bytes:
        shard = self._stream.shard(piece.shard_index)
        base = 0 if shard is None else sequence.base(shard.created_s, shard.index)
        common: dict[str, Any] = {
            "channelARN": self._channel.arn,
            "streamARN": self._channel.stream_arn,
            "shardId": shard_id(piece.shard_index),
        }
        if not piece.entries:
            told = {"errorCode": DAMAGED.code, "errorMessage": DAMAGED.message}
            lines = [
                common | {"sequenceNumber": str(base + sequence.step(position))} | told
                for position in range(piece.first, piece.end)
            ]
            return b"".join([_encode_line(line) + b"\n" for line in lines])
        faulty = self._faults.within(piece)
        return b"".join(
            [
                _encode_line(common | self._tell(entry, base)) + b"\n"
                for entry in piece.entries
                if entry.position in faulty
            ]
        )

    def _tell(self, entry: Any, base: int) -> dict[str, Any]:
        fault = fault_in(self._stream, self._channel.record_format, entry) or DAMAGED
        return {
            "sequenceNumber": str(base + sequence.step(entry.position)),
            "approximateArrivalTimestamp": entry.time_ms,
            "errorCode": fault.code,
            "errorMessage": fault.message,
        }
