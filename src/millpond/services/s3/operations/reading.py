"""GetObject and HeadObject."""

from dataclasses import dataclass
from typing import Any

from millpond.engines.objects.interface import Blob
from millpond.kernel.body import Body, BytesBody, FileBody, StreamBody
from millpond.kernel.call import Call
from millpond.services.s3 import shapes
from millpond.services.s3.access import find_object
from millpond.services.s3.errors import InvalidPartNumber, InvalidRequest
from millpond.services.s3.model import checksums, conditions, etags, metadata, options, ranges
from millpond.services.s3.model.checksums import Checksum
from millpond.services.s3.model.names import key_bytes
from millpond.services.s3.model.ranges import Span
from millpond.services.s3.model.stored import PartRow, StoredObject
from millpond.services.s3.needs import Needs
from millpond.services.s3.store.objects import load_body, load_rows

Request = shapes.GetObjectRequest | shapes.HeadObjectRequest


@dataclass(frozen=True, slots=True)
class Selection:
    """What of an object is asked for: `span` is None for all of it."""

    stored: StoredObject
    span: Span | None
    checksum: Checksum | None
    parts_count: int | None


async def get_object(
    needs: Needs, call: Call, request: shapes.GetObjectRequest
) -> shapes.GetObjectOutput:
    """An object, or a range or part of it. `content_range` is set where it is not all (status 206).

    Raises:
        NoSuchKey, NoSuchBucket, AccessDenied: it is not there, or not the caller's.
        PreconditionFailed, NotModified: a condition does not hold.
        InvalidRange, InvalidPartNumber: nothing of the object is asked for.
        InvalidArgument, InvalidRequest, NotImplementedHere: an option.

    Source: S3 API reference, GetObject.
    """
    key = key_bytes(request.key)
    options.refuse_options(request)
    async with needs.records.transaction() as transaction:
        stored = await find_object(
            transaction, call, request.bucket, request.key, key, request.expected_bucket_owner
        )
        _check_conditions(stored, request)
        rows: list[PartRow] = []
        if request.part_number is not None and stored.parts_count:
            rows = await load_rows(transaction, request.bucket, key)
        selection = _select(stored, request, rows)
        blob = await load_body(transaction, request.bucket, key, stored)
    body = await _open(needs, blob, selection.span or Span(0, stored.size))
    return shapes.GetObjectOutput(body=body, **_describe(selection, request))


async def head_object(
    needs: Needs, call: Call, request: shapes.HeadObjectRequest
) -> shapes.HeadObjectOutput:
    """What GetObject would answer, without the bytes.

    Raises:
        NoSuchKey, NoSuchBucket, AccessDenied: it is not there, or not the caller's.
        PreconditionFailed, NotModified: a condition does not hold.
        InvalidRange, InvalidPartNumber: nothing of the object is asked for.
        InvalidArgument, InvalidRequest, NotImplementedHere: an option.

    Source: S3 API reference, HeadObject.
    """
    key = key_bytes(request.key)
    options.refuse_options(request)
    async with needs.records.transaction() as transaction:
        stored = await find_object(
            transaction, call, request.bucket, request.key, key, request.expected_bucket_owner
        )
        _check_conditions(stored, request)
        rows: list[PartRow] = []
        if request.part_number is not None and stored.parts_count:
            rows = await load_rows(transaction, request.bucket, key)
    return shapes.HeadObjectOutput(**_describe(_select(stored, request, rows), request))


def _check_conditions(stored: StoredObject, request: Request) -> None:
    conditions.check_read(
        stored,
        if_match=request.if_match,
        if_none_match=request.if_none_match,
        if_modified_since=request.if_modified_since,
        if_unmodified_since=request.if_unmodified_since,
    )


def _wants_checksum(request: Request) -> bool:
    """Whether the answer is to carry the checksum; the C++ SDK writes the mode in lower case."""
    if request.checksum_mode is not None and request.checksum_mode.upper() != "ENABLED":
        raise InvalidRequest("Value for x-amz-checksum-mode header is invalid.")
    return request.checksum_mode is not None


def _select(stored: StoredObject, request: Request, rows: list[PartRow]) -> Selection:
    """The bytes that a request asks for, with the checksum that is theirs.

    A range has none of its own; a part has where the object's checksum is made of its parts'.
    """
    ranges.check_range_or_part(request.range, request.part_number)
    _wants_checksum(request)
    if request.part_number is not None and rows:
        part = ranges.span_of_part(request.part_number, [row.size for row in rows])
        row = rows[request.part_number - 1]
        part_checksum = Checksum(stored.checksum.algorithm, row.checksum, stored.checksum.type)
        return Selection(stored, part, part_checksum, stored.parts_count)
    if request.part_number is not None:
        if request.part_number > 1:
            raise InvalidPartNumber(request.part_number, 1)
        whole = Span(0, stored.size) if stored.size else None
        return Selection(stored, whole, stored.checksum, None)
    span = None if request.range is None else ranges.read_range(request.range, stored.size)
    return Selection(stored, span, stored.checksum if span is None else None, None)


def _describe(selection: Selection, request: Request) -> dict[str, Any]:
    """The members that GetObject and HeadObject answer alike."""
    stored, span, headers = selection.stored, selection.span, selection.stored.headers
    described = {
        "accept_ranges": "bytes",
        "last_modified": conditions.seconds(stored.modified_ms),
        "content_length": stored.size if span is None else span.length,
        "content_range": None if span is None else span.content_range(stored.size),
        "etag": etags.quote(stored.etag),
        "cache_control": request.response_cache_control or headers.cache_control,
        "content_disposition": request.response_content_disposition or headers.content_disposition,
        "content_encoding": request.response_content_encoding or headers.content_encoding,
        "content_language": request.response_content_language or headers.content_language,
        "content_type": request.response_content_type or headers.content_type,
        "expires": request.response_expires or headers.expires,
        "website_redirect_location": headers.website_redirect_location,
        "metadata": metadata.write_metadata(stored.metadata),
        "storage_class": None if stored.storage_class == "STANDARD" else stored.storage_class,
        "parts_count": selection.parts_count,
    }
    if _wants_checksum(request) and selection.checksum is not None:
        described |= checksums.members(selection.checksum)
    return described


async def _open(needs: Needs, blob: Blob, span: Span) -> Body:
    """A blob's bytes as a body: from memory, as a file's, or as a stream."""
    if blob.inline is not None:
        return BytesBody(blob.inline[span.start : span.start + span.length])
    if needs.local_files is not None:
        path = await needs.local_files.local_path(blob, span.start, span.length)
        if path is not None:
            return FileBody(path, span.start, span.length)
    return StreamBody(needs.objects.read(blob, span.start, span.length), span.length)
