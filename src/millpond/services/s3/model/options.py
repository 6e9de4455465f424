"""Options that S3 has and this service has not: each is refused by its name, none is ignored.

Encryption is among them even as `AES256`: nothing is encrypted at rest here, and an answer must not
say that it is. Access control lists are off, as in every bucket that S3 makes today: the two that
say what holds anyway are taken.
"""

from functools import cache
from typing import Any

from millpond.services.s3.errors import (
    AccessControlListNotSupported,
    InvalidArgument,
    InvalidBucketAcl,
    NotImplementedHere,
)

_REFUSED = {
    "bucket_key_enabled": "x-amz-server-side-encryption-bucket-key-enabled",
    "copy_source_sse_customer_algorithm": (
        "x-amz-copy-source-server-side-encryption-customer-algorithm"
    ),
    "copy_source_sse_customer_key": "x-amz-copy-source-server-side-encryption-customer-key",
    "copy_source_sse_customer_key_md5": "x-amz-copy-source-server-side-encryption-customer-key-MD5",
    "if_match_initiated_time": "x-amz-if-match-initiated-time",
    "if_match_last_modified_time": "x-amz-if-match-last-modified-time",
    "if_match_size": "x-amz-if-match-size",
    "object_lock_event_hold": "x-amz-object-lock-event-hold",
    "object_lock_event_hold_duration_days": "x-amz-object-lock-event-hold-duration-days",
    "object_lock_event_hold_duration_years": "x-amz-object-lock-event-hold-duration-years",
    "object_lock_legal_hold_status": "x-amz-object-lock-legal-hold",
    "object_lock_mode": "x-amz-object-lock-mode",
    "object_lock_retain_until_date": "x-amz-object-lock-retain-until-date",
    "server_side_encryption": "x-amz-server-side-encryption",
    "sse_customer_algorithm": "x-amz-server-side-encryption-customer-algorithm",
    "sse_customer_key": "x-amz-server-side-encryption-customer-key",
    "sse_customer_key_md5": "x-amz-server-side-encryption-customer-key-MD5",
    "ssekms_encryption_context": "x-amz-server-side-encryption-context",
    "ssekms_key_id": "x-amz-server-side-encryption-aws-kms-key-id",
    "tagging": "x-amz-tagging",
    "write_offset_bytes": "x-amz-write-offset-bytes",
}
_GRANTS = (
    "grant_full_control",
    "grant_read",
    "grant_read_acp",
    "grant_write",
    "grant_write_acp",
)


def refuse_options(request: Any) -> None:
    """Raises NotImplementedHere: the request uses an option that is not implemented."""
    for member, header in _refused_among(request.__struct_fields__):
        if getattr(request, member) is not None:
            raise NotImplementedHere(header)
    if getattr(request, "bypass_governance_retention", None):
        raise InvalidArgument(
            "x-amz-bypass-governance-retention is only applicable to Object Lock enabled buckets.",
            "x-amz-bypass-governance-retention",
            "true",
        )
    check_version(getattr(request, "version_id", None))


def check_version(version_id: str | None) -> None:
    """Raises InvalidArgument: without versioning, an object has one version, named `null`."""
    if version_id is not None and version_id != "null":
        raise InvalidArgument("Invalid version id specified", "versionId", version_id)


def check_object_acl(request: Any) -> None:
    """Raises AccessControlListNotSupported: the request grants something."""
    if request.acl not in (None, "private", "bucket-owner-full-control") or _grants(request):
        raise AccessControlListNotSupported


def check_bucket_options(request: Any) -> None:
    """What CreateBucket may ask for besides a name and a region.

    Raises:
        InvalidBucketAcl: an access control list that grants something.
        NotImplementedHere: anything else.
    """
    if request.acl not in (None, "private") or _grants(request):
        raise InvalidBucketAcl
    if request.object_lock_enabled_for_bucket:
        raise NotImplementedHere("x-amz-bucket-object-lock-enabled")
    if request.object_ownership not in (None, "BucketOwnerEnforced"):
        raise NotImplementedHere(f"x-amz-object-ownership: {request.object_ownership}")
    if request.bucket_namespace not in (None, "global"):
        raise NotImplementedHere(f"x-amz-bucket-namespace: {request.bucket_namespace}")
    configuration = request.create_bucket_configuration
    for member in ("location", "bucket", "tags"):
        if getattr(configuration, member, None):
            raise NotImplementedHere(f"CreateBucketConfiguration.{member.capitalize()}")


def _grants(request: Any) -> bool:
    return any(getattr(request, member, None) is not None for member in _GRANTS)


@cache
def _refused_among(fields: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Those of a request's members that are refused."""
    return tuple((name, _REFUSED[name]) for name in fields if name in _REFUSED)
