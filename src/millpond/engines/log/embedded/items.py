"""What the index of a group says: a list of items, each a msgpack array that begins with its kind.

    JOURNAL  version, [[number, end], …]   first of all in a journal: where those before it end
    CREATE   log, name                     a log begins; its number is never used again
    APPEND   log, position, count, time_ms, size, crc
                                           a frame; the bytes lie in the order of these items
    SEAL     log
    TRIM     log, first                    positions below are gone
    DELETE   log

A mark, the group that says that those before it are synced, has no index at all.
"""

from typing import Any

import msgspec

JOURNAL, CREATE, APPEND, SEAL, TRIM, DELETE = range(6)
VERSION = 1

Items = list[Any]

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Items)


def pack(items: Items) -> bytes:
    """The index that says `items`."""
    return _encoder.encode(items)


def unpack(index: bytes) -> Items:
    """The items of an index whose checksum was right."""
    items: Items = _decoder.decode(index) if index else []
    return items
