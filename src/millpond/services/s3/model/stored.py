"""Buckets, objects, uploads and parts as they are kept.

Times are milliseconds since the Unix epoch, ETags stand without their quotes. `version` is the
layout's, so that a later one can tell what it reads.
"""

import msgspec

from millpond.engines.objects.interface import Blob
from millpond.services.s3.model.checksums import Checksum


class Bucket(msgspec.Struct, frozen=True, kw_only=True):
    """`constraint` is the LocationConstraint that it was made with, "" for us-east-1."""

    version: int = 1
    name: str
    account: str
    region: str
    constraint: str
    created_ms: int


class Headers(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a client may say about an object, and hears again when it reads it."""

    content_type: str | None = None
    cache_control: str | None = None
    content_disposition: str | None = None
    content_encoding: str | None = None
    content_language: str | None = None
    expires: str | None = None
    website_redirect_location: str | None = None


class StoredObject(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An object without its body. `blob_id` is empty when a record of its own holds the body.

    `account` is the bucket's owner, so that reading an object needs no look at its bucket. Where
    an object was made by an upload, `upload_id` names it and `parts_count` is its number of parts.
    """

    version: int = msgspec.field(default_factory=lambda: 1)
    account: str
    etag: str
    modified_ms: int
    size: int
    blob_id: str = ""
    checksum: Checksum
    headers: Headers = Headers()
    metadata: dict[str, str] = {}
    storage_class: str = "STANDARD"
    parts_count: int = 0
    upload_id: str = ""


class PartRow(msgspec.Struct, frozen=True, array_like=True):
    """What remains known of a part after its upload was completed. `checksum` is base64."""

    number: int
    size: int
    checksum: str


class Upload(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A multipart upload in progress. `explicit_checksum`: its client chose the algorithm."""

    version: int = msgspec.field(default_factory=lambda: 1)
    id: str
    account: str
    initiated_ms: int
    initiator_arn: str
    headers: Headers = Headers()
    metadata: dict[str, str] = {}
    storage_class: str = "STANDARD"
    checksum_algorithm: str
    checksum_type: str
    explicit_checksum: bool = False


class Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A part of an upload in progress. `checksums` are base64, by algorithm: the upload's, and
    the one its client sent."""

    version: int = msgspec.field(default_factory=lambda: 1)
    number: int
    etag: str
    modified_ms: int
    blob: Blob
    checksums: dict[str, str]
