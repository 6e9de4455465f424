"""Whether a request's conditions hold for the object that is there.

Times count in whole seconds, as Last-Modified does.

Sources: S3 API reference, GetObject, CopyObject, PutObject and DeleteObject; S3 user guide,
"Conditional requests"; RFC 9110, section 13.
"""

from email.utils import formatdate

from millpond.services.s3.errors import (
    NoSuchKey,
    NotImplementedHere,
    NotModified,
    PreconditionFailed,
)
from millpond.services.s3.model import etags
from millpond.services.s3.model.stored import StoredObject


def seconds(time_ms: int) -> int:
    """A time as S3 tells it."""
    return time_ms // 1000


def check_read(
    stored: StoredObject,
    *,
    if_match: str | None,
    if_none_match: str | None,
    if_modified_since: float | None,
    if_unmodified_since: float | None,
) -> None:
    """Conditions of GetObject and HeadObject: an ETag's condition outweighs a time's.

    Raises:
        PreconditionFailed: If-Match or If-Unmodified-Since does not hold.
        NotModified: If-None-Match or If-Modified-Since does not hold.
    """
    _check_match(stored, if_match, if_unmodified_since, ("If-Match", "If-Unmodified-Since"))
    if _is_unchanged(stored, if_none_match, if_modified_since):
        raise NotModified(
            etags.quote(stored.etag), formatdate(seconds(stored.modified_ms), usegmt=True)
        )


def check_copy_source(
    stored: StoredObject,
    *,
    if_match: str | None,
    if_none_match: str | None,
    if_modified_since: float | None,
    if_unmodified_since: float | None,
) -> None:
    """The same conditions on the source of a copy, where each failure is a PreconditionFailed."""
    names = ("x-amz-copy-source-If-Match", "x-amz-copy-source-If-Unmodified-Since")
    _check_match(stored, if_match, if_unmodified_since, names)
    if _is_unchanged(stored, if_none_match, if_modified_since):
        raise PreconditionFailed(
            "x-amz-copy-source-If-None-Match"
            if if_none_match is not None
            else "x-amz-copy-source-If-Modified-Since"
        )


def check_write_headers(if_match: str | None, if_none_match: str | None) -> None:
    """S3 writes under `If-None-Match: *` or `If-Match: <ETag>`, one of them.

    Raises:
        NotImplementedHere: it is another condition.
    """
    if if_none_match is not None and (if_none_match.strip() != "*" or if_match is not None):
        raise NotImplementedHere("If-None-Match")
    if if_match is not None and if_match.strip() == "*":
        raise NotImplementedHere("If-Match")


def check_write(
    stored: StoredObject | None, key: str, if_match: str | None, if_none_match: str | None
) -> None:
    """Conditions of PutObject, CopyObject and CompleteMultipartUpload on what is there.

    Raises:
        PreconditionFailed: an object is there that must not be, or it is another one.
        NoSuchKey: the object to be replaced is not there.
    """
    if if_none_match is not None and stored is not None:
        raise PreconditionFailed("If-None-Match")
    if if_match is not None:
        if stored is None:
            raise NoSuchKey(key)
        if not etags.matches(if_match, stored.etag):
            raise PreconditionFailed("If-Match")


def check_delete(stored: StoredObject | None, key: str, if_match: str | None) -> None:
    """The condition of DeleteObject: an ETag, or `*` for any object.

    Raises:
        PreconditionFailed: another object is there, or none where any would do.
        NoSuchKey: the object with that ETag is not there.
    """
    if if_match is None:
        return
    if stored is None:
        if if_match.strip() == "*":
            raise PreconditionFailed("If-Match")
        raise NoSuchKey(key)
    if not etags.matches(if_match, stored.etag):
        raise PreconditionFailed("If-Match")


def _check_match(
    stored: StoredObject,
    if_match: str | None,
    if_unmodified_since: float | None,
    names: tuple[str, str],
) -> None:
    if if_match is not None:
        if not etags.matches(if_match, stored.etag):
            raise PreconditionFailed(names[0])
    elif if_unmodified_since is not None and seconds(stored.modified_ms) > if_unmodified_since:
        raise PreconditionFailed(names[1])


def _is_unchanged(
    stored: StoredObject, if_none_match: str | None, if_modified_since: float | None
) -> bool:
    if if_none_match is not None:
        return etags.matches(if_none_match, stored.etag)
    return if_modified_since is not None and seconds(stored.modified_ms) <= if_modified_since
