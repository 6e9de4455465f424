"""What a listing shows: which part of a key its delimiter rolls up, and how keys are written.

Source: S3 API reference, ListObjectsV2 (Delimiter, CommonPrefixes, EncodingType).
"""

from urllib.parse import quote_plus

from millpond.services.s3.errors import InvalidArgument

PAGE_SIZE_MAX = 1000


def common_prefix(key: bytes, prefix: bytes, delimiter: bytes) -> bytes | None:
    """The part of a key that stands for it in the listing, None when the key stands for itself.

    It reaches through the first delimiter behind the prefix.
    """
    if not delimiter:
        return None
    found = key.find(delimiter, len(prefix))
    return None if found < 0 else key[: found + len(delimiter)]


def read_page_size(asked: int | None, argument: str) -> int:
    """How many entries a page may have; S3 never gives more than 1,000.

    Raises:
        InvalidArgument: a negative number was asked for.
    """
    if asked is None:
        return PAGE_SIZE_MAX
    if asked < 0:
        raise InvalidArgument(
            f"Argument {argument} must be an integer between 0 and 2147483647",
            argument,
            str(asked),
        )
    return min(asked, PAGE_SIZE_MAX)


def check_encoding(encoding_type: str | None) -> None:
    """Raises InvalidArgument: S3 encodes keys for URLs or not at all."""
    if encoding_type not in (None, "url"):
        raise InvalidArgument(
            "Invalid Encoding Method specified in Request", "encoding-type", encoding_type or ""
        )


def encode(text: str | None, encoding_type: str | None) -> str | None:
    """A key or prefix as the answer writes it: with `url`, a space becomes `+` and `/` stays."""
    if text is None or encoding_type is None:
        return text
    return quote_plus(text, safe="/*")
