"""The objects of an export: lines of time and message, compressed by gzip."""

import asyncio
import zlib
from datetime import UTC, datetime
from typing import NamedTuple

from millpond.services.logs import store
from millpond.services.logs.model.exports import Export
from millpond.services.logs.model.groups import Group, expired_before
from millpond.services.logs.needs import Needs
from millpond.services.logs.reading import END, Place, Stretch, walk

OBJECT_RAW_BYTES_MAX = 32 * 1024 * 1024
"""Lines of one object, before they are compressed."""
_GZIP = 16 + zlib.MAX_WBITS
_PIECE_BYTES = 256 * 1024


class Packed(NamedTuple):
    """An object's bytes, and where to read on; None: the stream has no more."""

    data: bytes
    next: Place | None


async def pack_object(
    needs: Needs, export: Export, group: Group, stream_name: str, begin: Place
) -> Packed | None:
    """The next object of a stream; None when there are no events for one."""
    low = max(begin, Place(max(export.from_ms, expired_before(group, needs.clock.now_ms()))))
    stretch = Stretch(low, min(Place(export.to_ms + 1), END))
    compressor = zlib.compressobj(6, zlib.DEFLATED, _GZIP)
    pieces: list[bytes] = []
    lines: list[bytes] = []
    size_bytes = waiting_bytes = 0
    last: Place | None = None
    more = False
    async with needs.records.transaction() as transaction:
        stream = await store.load_stream(transaction, group.id, stream_name)
        if stream is None:
            return None
        async for event in walk(needs.log, transaction, stream, stretch):
            if size_bytes >= OBJECT_RAW_BYTES_MAX:
                more = True
                break
            line = b"%s %s\n" % (_show_time(event.time_ms), event.message)
            lines.append(line)
            size_bytes += len(line)
            waiting_bytes += len(line)
            last = event.place
            if waiting_bytes >= _PIECE_BYTES:
                pieces.append(await asyncio.to_thread(compressor.compress, b"".join(lines)))
                lines, waiting_bytes = [], 0
    if last is None:
        return None
    pieces += [compressor.compress(b"".join(lines)), compressor.flush()]
    return Packed(b"".join(pieces), Place(last.time_ms, last.position + 1) if more else None)


def _show_time(time_ms: int) -> bytes:
    seconds, millis = divmod(time_ms, 1000)
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{millis:03d}Z".encode()
