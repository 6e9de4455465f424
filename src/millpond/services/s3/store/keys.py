"""Keys of records, as the package's page lays them out."""

BUCKET = b"s3\x00bucket\x00"
OBJECT = b"s3\x00object\x00"
BODY = b"s3\x00body\x00"
ROWS = b"s3\x00rows\x00"
UPLOAD = b"s3\x00upload\x00"
PART = b"s3\x00part\x00"
BLOB = b"s3\x00blob\x00"
REMOVAL = b"s3\x00removal\x00"
ABANDONED = b"s3\x00abandoned\x00"

KEY_END = b"\x00\x00"
"""What stands behind an escaped key."""


def of_bucket(name: str) -> bytes:
    return BUCKET + name.encode()


def of_object(kind: bytes, bucket: str, key: bytes) -> bytes:
    """The key of an object's record: `kind` is OBJECT, BODY or ROWS."""
    return space(kind, bucket) + key


def of_upload(bucket: str, key: bytes, upload_id: str) -> bytes:
    return space(UPLOAD, bucket) + escape(key) + KEY_END + upload_id.encode()


def of_part(upload_id: str, number: int) -> bytes:
    return PART + upload_id.encode() + b"\x00" + number.to_bytes(4, "big")


def of_blob(blob_id: str) -> bytes:
    return BLOB + blob_id.encode()


def of_removal(blob_id: str) -> bytes:
    return REMOVAL + blob_id.encode()


def of_abandoned(upload_id: str) -> bytes:
    return ABANDONED + upload_id.encode()


def space(kind: bytes, bucket: str) -> bytes:
    """What the keys of all of a bucket's records of a kind begin with. No bucket has a name that
    is no Unicode text; asked for, it is refused by its absence."""
    return kind + bucket.encode(errors="replace") + b"\x00"


def escape(key: bytes) -> bytes:
    return key.replace(b"\x00", b"\x00\xff")


def unescape(escaped: bytes) -> bytes:
    return escaped.replace(b"\x00\xff", b"\x00")
