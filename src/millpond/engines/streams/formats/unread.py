"""What is told of records that could not be read: their beginning, for people."""

_CHARACTERS_MAX = 1000
_BYTES_MAX = 500


def as_text(record: bytes) -> str:
    """Of a record that should be text."""
    return record[: 4 * _CHARACTERS_MAX].decode("utf-8", "replace")[:_CHARACTERS_MAX]


def as_hex(record: bytes) -> str:
    """Of a record of other bytes."""
    return record[:_BYTES_MAX].hex()
