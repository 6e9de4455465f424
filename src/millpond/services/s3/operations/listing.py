"""ListObjects and ListObjectsV2."""

from dataclasses import dataclass

from millpond.kernel.call import Call
from millpond.kernel.pages import BadToken
from millpond.services.s3 import shapes
from millpond.services.s3.access import find_bucket
from millpond.services.s3.errors import InvalidArgument
from millpond.services.s3.model.etags import quote
from millpond.services.s3.model.listing import (
    check_encoding,
    encode,
    read_page_size,
)
from millpond.services.s3.model.names import key_bytes
from millpond.services.s3.model.owners import canonical_id
from millpond.services.s3.needs import Needs
from millpond.services.s3.store.objects import read_object
from millpond.services.s3.store.walk import Page, Space, object_space, walk

_RESTORE_STATUS = "RestoreStatus"


async def list_objects(
    needs: Needs, call: Call, request: shapes.ListObjectsRequest
) -> shapes.ListObjectsOutput:
    """A page of a bucket's objects in the order of their keys' bytes, from `marker` on.

    `next_marker` comes with a delimiter only, as in S3; else the last key serves.

    Raises:
        NoSuchBucket, InvalidBucketName, AccessDenied: the bucket is not there, or not the caller's.
        InvalidArgument: the page size, encoding or an attribute is not valid.

    Source: S3 API reference, ListObjects.
    """
    limit = read_page_size(request.max_keys, "maxKeys")
    check_encoding(request.encoding_type)
    _check_attributes(request.optional_object_attributes)
    wanted = _Wanted(object_space(request.bucket), request.prefix, request.delimiter)
    page = await _page(
        needs, call, request, wanted, start=wanted.behind(request.marker), limit=limit
    )
    encoding = request.encoding_type
    last = page.entries[-1][0].decode() if page.entries else None
    return shapes.ListObjectsOutput(
        name=request.bucket,
        prefix=encode(request.prefix or "", encoding),
        marker=encode(request.marker or "", encoding),
        next_marker=encode(last, encoding) if page.truncated and wanted.delimiter else None,
        delimiter=encode(request.delimiter, encoding),
        max_keys=limit,
        encoding_type=encoding,
        is_truncated=page.truncated,
        contents=_contents(page, encoding, shows_owner=True),
        common_prefixes=_common_prefixes(page, encoding),
    )


async def list_objects_v2(
    needs: Needs, call: Call, request: shapes.ListObjectsV2Request
) -> shapes.ListObjectsV2Output:
    """A page of a bucket's objects in the order of their keys' bytes.

    Raises:
        NoSuchBucket, InvalidBucketName, AccessDenied: the bucket is not there, or not the caller's.
        InvalidArgument: the page size, encoding, token or an attribute is not valid.

    Source: S3 API reference, ListObjectsV2.
    """
    limit = read_page_size(request.max_keys, "maxKeys")
    check_encoding(request.encoding_type)
    _check_attributes(request.optional_object_attributes)
    wanted = _Wanted(object_space(request.bucket), request.prefix, request.delimiter)
    question = f"ListObjectsV2 {request.bucket}"
    start = wanted.behind(request.start_after)
    if request.continuation_token is not None:
        start = wanted.continued(_open_token(needs, question, request.continuation_token))
    page = await _page(needs, call, request, wanted, start=start, limit=limit)
    encoding = request.encoding_type
    return shapes.ListObjectsV2Output(
        name=request.bucket,
        prefix=encode(request.prefix or "", encoding),
        delimiter=encode(request.delimiter, encoding),
        start_after=encode(request.start_after, encoding),
        max_keys=limit,
        encoding_type=encoding,
        key_count=len(page.entries),
        continuation_token=request.continuation_token,
        next_continuation_token=(
            needs.pages.seal(question, _position(page)) if page.truncated else None
        ),
        is_truncated=page.truncated,
        contents=_contents(page, encoding, shows_owner=bool(request.fetch_owner)),
        common_prefixes=_common_prefixes(page, encoding),
    )


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What of a bucket a listing shows, and where in it to begin."""

    space: Space
    prefix_text: str | None
    delimiter_text: str | None

    @property
    def prefix(self) -> bytes:
        return key_bytes(self.prefix_text or "")

    @property
    def delimiter(self) -> bytes:
        return key_bytes(self.delimiter_text or "")

    def behind(self, name: str | None) -> bytes:
        """Behind a key or a common prefix that a listing showed."""
        if not name:
            return b""
        return self.space.behind_listed(key_bytes(name), self.prefix, self.delimiter)

    def continued(self, position: str) -> bytes:
        kind, name = position[0], position[1:].encode()
        return self.space.behind_prefix(name) if kind == "p" else self.space.behind(name)


def _position(page: Page) -> str:
    """Where a page ends: behind a key, or behind a common prefix."""
    key, value = page.entries[-1]
    return ("p" if value is None else "k") + key.decode()


def _open_token(needs: Needs, question: str, token: str) -> str:
    try:
        return needs.pages.open(question, token)
    except BadToken as error:
        raise InvalidArgument(
            "The continuation token provided is incorrect", "continuation-token", token
        ) from error


async def _page(
    needs: Needs,
    call: Call,
    request: shapes.ListObjectsRequest | shapes.ListObjectsV2Request,
    wanted: _Wanted,
    *,
    start: bytes,
    limit: int,
) -> Page:
    async with needs.records.transaction() as transaction:
        await find_bucket(transaction, call, request.bucket, request.expected_bucket_owner)
        return await walk(
            transaction,
            wanted.space,
            prefix=wanted.prefix,
            delimiter=wanted.delimiter,
            start=start,
            limit=limit,
        )


def _contents(page: Page, encoding: str | None, *, shows_owner: bool) -> list[shapes.Object]:
    listed = []
    for key, value in page.entries:
        if value is None:
            continue
        stored = read_object(value)
        listed.append(
            shapes.Object(
                key=encode(key.decode(), encoding),
                last_modified=stored.modified_ms / 1000,
                etag=quote(stored.etag),
                checksum_algorithm=[stored.checksum.algorithm],
                checksum_type=stored.checksum.type,
                size=stored.size,
                storage_class=stored.storage_class,
                owner=shapes.Owner(id=canonical_id(stored.account)) if shows_owner else None,
            )
        )
    return listed


def _common_prefixes(page: Page, encoding: str | None) -> list[shapes.CommonPrefix]:
    return [
        shapes.CommonPrefix(prefix=encode(key.decode(), encoding))
        for key, value in page.entries
        if value is None
    ]


def _check_attributes(attributes: list[str] | None) -> None:
    """No object here is archived, so none has a RestoreStatus to show."""
    for attribute in attributes or ():
        if attribute != _RESTORE_STATUS:
            raise InvalidArgument(
                "Invalid attribute name specified", "x-amz-optional-object-attributes", attribute
            )
