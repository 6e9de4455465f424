"""Compresses objects piece by piece."""

import importlib
import importlib.util
import zlib
from typing import Any, Protocol

from millpond.services.kinesis.channels.channel import Compression

GZIP_LEVEL = 4
ZSTD_LEVEL = 3
_GZIP_WINDOW = 16 + zlib.MAX_WBITS
_ZSTD_LIBRARY = "cramjam"


class Compressor(Protocol):
    def compress(self, data: bytes) -> bytes: ...

    def finish(self) -> bytes:
        """What is left of the object; nothing may follow."""
        ...


def is_available(compression: Compression) -> bool:
    """Whether this installation can: Zstandard comes with an extra."""
    return compression != "ZSTD" or importlib.util.find_spec(_ZSTD_LIBRARY) is not None


def compressor_of(compression: Compression) -> Compressor:
    """A compressor for one object."""
    if compression == "GZIP":
        return _Gzip()
    return _Zstd() if compression == "ZSTD" else _Plain()


class _Plain:
    def compress(self, data: bytes) -> bytes:
        return data

    def finish(self) -> bytes:
        return b""


class _Gzip:
    def __init__(self) -> None:
        self._compressor = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)

    def compress(self, data: bytes) -> bytes:
        return self._compressor.compress(data)

    def finish(self) -> bytes:
        return self._compressor.flush()


class _Zstd:
    def __init__(self) -> None:
        library: Any = importlib.import_module(_ZSTD_LIBRARY)
        self._compressor = library.zstd.Compressor(level=ZSTD_LEVEL)

    def compress(self, data: bytes) -> bytes:
        self._compressor.compress(data)
        return bytes(self._compressor.flush())

    def finish(self) -> bytes:
        return bytes(self._compressor.finish())
