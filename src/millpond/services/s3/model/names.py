"""Which names buckets and keys may have, and where buckets may be.

Sources: S3 user guide, "General purpose bucket naming rules" and "Object key naming"; API
reference, CreateBucket.
"""

import re

from millpond.services.s3.errors import (
    IllegalLocationConstraint,
    InvalidBucketName,
    InvalidLocationConstraint,
    InvalidURI,
    KeyTooLong,
)

KEY_SIZE_BYTES_MAX = 1024
NAME_LENGTH_MAX = 63
REGION_DEFAULT = "us-east-1"

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_IP_ADDRESS = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+")
_RESERVED_STARTS = ("xn--", "sthree-", "amzn-s3-demo-")
_RESERVED_ENDS = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
_CONSTRAINTS = frozenset(
    """
    EU af-south-1 ap-east-1 ap-east-2 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1
    ap-south-2 ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5
    ap-southeast-6 ap-southeast-7 ca-central-1 ca-west-1 cn-north-1 cn-northwest-1 eu-central-1
    eu-central-2 eu-north-1 eu-south-1 eu-south-2 eu-west-1 eu-west-2 eu-west-3 il-central-1
    me-central-1 me-south-1 mx-central-1 sa-east-1 us-east-2 us-gov-east-1 us-gov-west-1 us-west-1
    us-west-2
    """.split()  # noqa: SIM905 - forty regions, one a line, would hide the rules
)


def is_bucket_name(name: str) -> bool:
    """Whether S3 lets a general purpose bucket have this name."""
    return (
        _BUCKET.fullmatch(name) is not None
        and ".." not in name
        and _IP_ADDRESS.fullmatch(name) is None
        and not name.startswith(_RESERVED_STARTS)
        and not name.endswith(_RESERVED_ENDS)
    )


def check_bucket_name(name: str) -> None:
    """Raises InvalidBucketName: S3 lets no bucket have this name."""
    if not is_bucket_name(name):
        raise InvalidBucketName(name)


def key_bytes(key: str) -> bytes:
    """A key's UTF-8 bytes, by which S3 orders keys.

    Raises:
        KeyTooLong: there are more than 1,024.
        InvalidURI: the key is not Unicode text.
    """
    try:
        encoded = key.encode()
    except UnicodeEncodeError as error:
        raise InvalidURI from error
    if len(encoded) > KEY_SIZE_BYTES_MAX:
        raise KeyTooLong(len(encoded), KEY_SIZE_BYTES_MAX)
    return encoded


def choose_region(constraint: str | None, endpoint_region: str) -> str:
    """Where CreateBucket makes a bucket that asks for `constraint` (None: it asks for nothing).

    A regional endpoint makes buckets in its own region only, and wants to be told so; the one of
    us-east-1 makes them anywhere.

    Raises:
        InvalidLocationConstraint: there is no such region to ask for.
        IllegalLocationConstraint: this endpoint does not make buckets there.
    """
    if constraint and constraint not in _CONSTRAINTS:
        raise InvalidLocationConstraint(constraint)
    region = {None: REGION_DEFAULT, "": REGION_DEFAULT, "EU": "eu-west-1"}.get(
        constraint, constraint or REGION_DEFAULT
    )
    if endpoint_region not in (REGION_DEFAULT, region):
        raise IllegalLocationConstraint(constraint)
    return region
