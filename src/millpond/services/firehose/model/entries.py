"""How what was put lies in a delivery stream's log: one entry for each call.

An entry's value is the records' data, packed. A record's sequence number is made of its entry's
position and its place in it, so it grows with the order in which records were put.
"""

from collections.abc import Sequence

import msgspec

RECORDS_MAX = 500
"""Records of one call. Source: PutRecordBatch."""
_PLACES = 1000

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[bytes]).decode


def pack(data: Sequence[bytes]) -> bytes:
    """The entry's value for records that were put together."""
    return _encode(data)


def unpack(value: bytes) -> list[bytes]:
    return _decode(value)


def sequence_number(position: int, place: int) -> int:
    return position * _PLACES + place


def place_of(sequence: int) -> tuple[int, int]:
    """The entry's position, and the place in it."""
    return divmod(sequence, _PLACES)


def record_id(stream_id: str, position: int, place: int) -> str:
    """What a put answers: it names the record among all of all delivery streams."""
    return f"{stream_id}{sequence_number(position, place):039d}"
