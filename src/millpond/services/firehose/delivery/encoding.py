"""How objects are compressed. Source: Firehose API reference, CompressionFormat."""

import importlib
import zipfile
import zlib
from collections.abc import Iterable, Iterator

from millpond.services.firehose.delivery.spool import Spool

GZIP_LEVEL = 4
_GZIP_WINDOW = 16 + zlib.MAX_WBITS
_SNAPPY = "millpond.services.firehose.delivery.snappy"
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)


def encode(plain: Spool, encoded: Spool, compression: str, name: str) -> Spool:
    """The bytes of an object; `plain` itself where nothing is compressed. `name` is the object's
    own, which a ZIP archive tells of what is in it. Takes long: for a thread."""
    if compression == "UNCOMPRESSED":
        return plain
    if compression == "ZIP":
        _zip(plain, encoded, name)
        return encoded
    if compression == "GZIP":
        pieces = _gzip(plain.read())
    else:
        snappy = importlib.import_module(_SNAPPY)
        pack = snappy.frame if compression == "Snappy" else snappy.pack_for_hadoop
        pieces = pack(plain.read())
    for piece in pieces:
        encoded.write((piece,))
    return encoded


def _gzip(chunks: Iterable[bytes]) -> Iterator[bytes]:
    compressor = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
    for chunk in chunks:
        yield compressor.compress(chunk)
    yield compressor.flush()


def _zip(plain: Spool, encoded: Spool, name: str) -> None:
    entry = zipfile.ZipInfo(name.removesuffix(".zip"), _ZIP_DATE)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.file_size = plain.size
    sink = _SpoolSink(encoded)
    with zipfile.ZipFile(sink, "w") as archive, archive.open(entry, "w") as member:  # type: ignore[call-overload]
        for chunk in plain.read():
            member.write(chunk)


class _SpoolSink:
    """A spool as a file that can only be written to, one byte after another."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool

    def write(self, data: bytes) -> int:
        self._spool.write((bytes(data),))
        return len(data)

    def flush(self) -> None:
        """Nothing waits."""
