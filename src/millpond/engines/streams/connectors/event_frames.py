"""Takes apart `application/vnd.amazon.eventstream`: frames of headers and a payload.

Source: Smithy, "Amazon Event Stream Specification".
"""

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

_PRELUDE = struct.Struct(">III")
_CRC = struct.Struct(">I")
_FRAME_SIZE_BYTES_MAX = 24 << 20
_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
_SIZED = (6, 7)
_TEXT = 7


class DamagedFrame(Exception):
    """The bytes are no frames."""


class Frame(NamedTuple):
    """One message: its headers that are texts, and its payload."""

    headers: dict[str, str]
    payload: bytes


class FrameReader:
    """Gathers bytes as they come and gives whole frames."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that are whole now.

        Raises:
            DamagedFrame: a check sum or a length is wrong.
        """
        self._waiting += data
        while len(self._waiting) >= _PRELUDE.size:
            size, headers_size, check = _PRELUDE.unpack_from(self._waiting)
            if zlib.crc32(self._waiting[:8]) != check or not 16 <= size <= _FRAME_SIZE_BYTES_MAX:
                raise DamagedFrame("The beginning of a frame is damaged.")
            if len(self._waiting) < size:
                return
            frame = bytes(self._waiting[:size])
            del self._waiting[:size]
            if zlib.crc32(frame[:-4]) != _CRC.unpack_from(frame, size - 4)[0]:
                raise DamagedFrame("A frame is damaged.")
            upto = _PRELUDE.size + headers_size
            if upto > size - 4:
                raise DamagedFrame("The headers of a frame are longer than it.")
            yield Frame(dict(_headers(frame[_PRELUDE.size : upto])), frame[upto : size - 4])


def _headers(data: bytes) -> Iterator[tuple[str, str]]:
    at = 0
    try:
        while at < len(data):
            name_size = data[at]
            name = data[at + 1 : at + 1 + name_size].decode()
            at += 1 + name_size
            kind = data[at]
            at += 1
            if kind in _SIZED:
                size = int.from_bytes(data[at : at + 2], "big")
                at += 2
                if kind == _TEXT:
                    yield name, data[at : at + size].decode()
            else:
                size = _SIZES[kind]
            at += size
    except (IndexError, KeyError, UnicodeDecodeError):
        raise DamagedFrame("The headers of a frame are damaged.") from None
