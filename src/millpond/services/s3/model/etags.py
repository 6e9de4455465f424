"""ETags: the MD5 of the bytes, or of the parts' MD5s with the number of parts behind it."""

import hashlib
from collections.abc import Sequence


def quote(etag: str) -> str:
    """An ETag as headers and answers carry it."""
    return f'"{etag}"'


def unquote(text: str) -> str:
    """An ETag without its quotes; S3 takes both forms."""
    return text.strip().removeprefix("W/").strip('"')


def matches(header: str, etag: str) -> bool:
    """Whether If-Match or If-None-Match names this ETag: `*`, one, or a list with commas."""
    return any(
        candidate.strip() == "*" or unquote(candidate) == etag for candidate in header.split(",")
    )


def join_parts(etags: Sequence[str]) -> str:
    """The ETag of an object made of parts with these ETags, in order.

    Source: S3 API reference, "Object" (ETag): an MD5 of MD5s, and the number of parts.
    """
    joined = hashlib.md5(b"".join(map(bytes.fromhex, etags)), usedforsecurity=False)
    return f"{joined.hexdigest()}-{len(etags)}"
