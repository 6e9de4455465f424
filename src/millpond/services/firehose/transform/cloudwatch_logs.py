"""Opens what CloudWatch Logs sends: gzip around a JSON document with log events.

Pure, with bounds: a small record may decompress to gigabytes.

Source: Firehose Developer Guide, Decompression of CloudWatch Logs and Message extraction;
CloudWatch Logs User Guide, Using subscription filters.
"""

import zlib

import msgspec

DECOMPRESSED_SIZE_BYTES_MAX = 64 << 20
"""What one record may become. AWS names no bound; its records are at most 1 MiB compressed."""
_GZIP_MAGIC = b"\x1f\x8b"
_GZIP = 16 + zlib.MAX_WBITS


class NotDecompressed(ValueError):
    """The bytes are no gzip data, or more than the bound; the text says which."""


class NotLogEvents(ValueError):
    """The document is not what CloudWatch Logs sends."""


class _Event(msgspec.Struct):
    message: str


class _Document(msgspec.Struct, rename="camel"):
    message_type: str
    log_events: list[_Event] = []


_decode = msgspec.json.Decoder(_Document).decode


def decompress(data: bytes, size_bytes_max: int = DECOMPRESSED_SIZE_BYTES_MAX) -> bytes:
    """What the gzip members of `data` hold.

    Raises:
        NotDecompressed: see there.
    """
    if not data.startswith(_GZIP_MAGIC):
        raise NotDecompressed("The record is not compressed with GZIP.")
    parts: list[bytes] = []
    left = size_bytes_max
    while data:
        opened = zlib.decompressobj(_GZIP)
        try:
            part = opened.decompress(data, left + 1)
        except zlib.error as error:
            raise NotDecompressed(f"The record cannot be decompressed: {error}.") from None
        left -= len(part)
        if left < 0:
            raise NotDecompressed(f"The record is larger than {size_bytes_max} bytes decompressed.")
        if not opened.eof:
            raise NotDecompressed("The record's GZIP data ends too early.")
        parts.append(part)
        data = opened.unused_data
    return b"".join(parts)


def messages(document: bytes) -> list[bytes]:
    """The messages of a document's log events; none for a control message.

    Raises:
        NotLogEvents: see there.
    """
    try:
        found = _decode(document)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotLogEvents(f"The record is no CloudWatch Logs document: {error}.") from None
    if found.message_type == "CONTROL_MESSAGE":
        return []
    return [event.message.encode() for event in found.log_events]
