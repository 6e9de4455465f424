"""What a client says about an object: system headers, user metadata, storage class.

User metadata may be any Unicode text. Headers carry ASCII, so S3 decodes RFC 2047 encoded words
before it stores a value, and encodes a value that is not ASCII before it answers.

Sources: S3 user guide, "Working with object metadata"; RFC 2047; API reference, PutObject.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

from millpond.services.s3.errors import (
    InvalidArgument,
    InvalidStorageClass,
    MetadataTooLarge,
    NotImplementedHere,
)
from millpond.services.s3.model.stored import Headers

METADATA_SIZE_BYTES_MAX = 2048
CONTENT_TYPE_DEFAULT = "binary/octet-stream"

_ENCODED_WORD = re.compile(r"=\?([A-Za-z0-9_-]+)\?([BbQq])\?([^? ]*)\?=")
_BETWEEN_WORDS = re.compile(r"(\?=)[ \t\r\n]+(=\?)")
_WORD_BYTES_MAX = 45
_PLAIN_IN_WORD = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!*+-/")
_IMMEDIATE_CLASSES = frozenset(
    (
        "STANDARD",
        "REDUCED_REDUNDANCY",
        "STANDARD_IA",
        "ONEZONE_IA",
        "INTELLIGENT_TIERING",
        "GLACIER_IR",
    )
)
_ARCHIVE_CLASSES = frozenset(("GLACIER", "DEEP_ARCHIVE"))


def read_headers(request: Any) -> Headers:
    """The system headers of a request that makes an object."""
    return Headers(
        content_type=request.content_type or CONTENT_TYPE_DEFAULT,
        cache_control=request.cache_control,
        content_disposition=request.content_disposition,
        content_encoding=without_chunked(request.content_encoding),
        content_language=request.content_language,
        expires=request.expires,
        website_redirect_location=read_redirect(request.website_redirect_location),
    )


def without_chunked(encoding: str | None) -> str | None:
    """A Content-Encoding without `aws-chunked`, which is about the upload and not the object."""
    if encoding is None:
        return None
    kept = [name for part in encoding.split(",") if (name := part.strip()) != "aws-chunked"]
    return ",".join(kept) or None


def read_redirect(location: str | None) -> str | None:
    """Raises InvalidArgument: a website redirect is a path or an http address."""
    if location is None or location.startswith(("/", "http://", "https://")):
        return location
    raise InvalidArgument(
        "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.",
        "x-amz-website-redirect-location",
        location,
    )


def read_storage_class(name: str | None) -> str:
    """The storage class to record: one of those whose objects can be read at once.

    Raises:
        NotImplementedHere: objects of this class would have to be restored first.
        InvalidStorageClass: general purpose buckets have no such class.
    """
    if not name:
        return "STANDARD"
    if name in _ARCHIVE_CLASSES:
        raise NotImplementedHere(f"x-amz-storage-class: {name}")
    if name not in _IMMEDIATE_CLASSES:
        raise InvalidStorageClass(name)
    return name


def read_metadata(metadata: Mapping[str, str] | None) -> dict[str, str]:
    """User metadata as it is kept: names in lower case, values decoded.

    Raises:
        MetadataTooLarge: names and values together have more than 2,048 bytes.
    """
    if not metadata:
        return {}
    decoded = {name.lower(): decode_words(value) for name, value in metadata.items()}
    size = sum(
        len(name.encode(errors="replace")) + len(value.encode(errors="replace"))
        for name, value in decoded.items()
    )
    if size > METADATA_SIZE_BYTES_MAX:
        raise MetadataTooLarge(size, METADATA_SIZE_BYTES_MAX)
    return decoded


def write_metadata(metadata: Mapping[str, str]) -> dict[str, str] | None:
    """User metadata as headers carry it, None when there is none."""
    if not metadata:
        return None
    return {name: encode_words(value) for name, value in metadata.items()}


def decode_words(value: str) -> str:
    """A header's value with its encoded words decoded; what is not a valid one stays."""
    if "=?" not in value:
        return value
    return _ENCODED_WORD.sub(_decode_word, _BETWEEN_WORDS.sub(r"\1\2", value))


def encode_words(value: str) -> str:
    """A value as a header can carry it: as it is when it is printable ASCII, else in encoded words.

    Mostly ASCII text is written in Q, other text in B, as S3 does.
    """
    if value.isascii() and value.isprintable():
        return value
    plain = sum(character.isascii() for character in value)
    encode = _q_word if plain > len(value) - plain else _b_word
    words: list[str] = []
    piece = b""
    for character in value:
        encoded = character.encode(errors="replace")
        if len(piece) + len(encoded) > _WORD_BYTES_MAX // (3 if encode is _q_word else 1):
            words.append(encode(piece))
            piece = b""
        piece += encoded
    words.append(encode(piece))
    return " ".join(words)


def _decode_word(match: re.Match[str]) -> str:
    charset, encoding, encoded = match.groups()
    try:
        if encoding in "Bb":
            return base64.b64decode(encoded, validate=True).decode(charset)
        return _unquote(encoded).decode(charset)
    except (LookupError, UnicodeDecodeError, binascii.Error):
        return match.group(0)


def _unquote(encoded: str) -> bytes:
    spaced = encoded.replace("_", " ").encode("ascii", errors="replace")
    return re.sub(rb"=([0-9A-Fa-f]{2})", lambda hexadecimal: _byte(hexadecimal.group(1)), spaced)


def _byte(digits: bytes) -> bytes:
    return bytes([int(digits, 16)])


def _b_word(piece: bytes) -> str:
    return f"=?UTF-8?B?{base64.b64encode(piece).decode()}?="


def _q_word(piece: bytes) -> str:
    quoted = "".join(
        chr(byte) if byte in _PLAIN_IN_WORD else "_" if byte == 0x20 else f"={byte:02X}"
        for byte in piece
    )
    return f"=?UTF-8?Q?{quoted}?="
