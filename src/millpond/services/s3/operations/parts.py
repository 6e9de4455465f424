"""Parts of multipart uploads: UploadPart, UploadPartCopy, ListParts."""

from collections.abc import Mapping
from typing import Any

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Call
from millpond.services.s3 import shapes
from millpond.services.s3.access import find_upload
from millpond.services.s3.commit import commit
from millpond.services.s3.errors import InvalidArgument, InvalidRequest
from millpond.services.s3.intake import BODY_SIZE_BYTES_MAX, Received, receive, store_copy
from millpond.services.s3.model import checksums, options, ranges
from millpond.services.s3.model.checksums import KINDS
from millpond.services.s3.model.completion import mismatch
from millpond.services.s3.model.conditions import seconds
from millpond.services.s3.model.copy_source import read_copy_source
from millpond.services.s3.model.etags import quote
from millpond.services.s3.model.listing import read_page_size
from millpond.services.s3.model.names import key_bytes
from millpond.services.s3.model.owners import canonical_id
from millpond.services.s3.model.ranges import Span
from millpond.services.s3.model.stored import Part, Upload
from millpond.services.s3.needs import Needs
from millpond.services.s3.sources import find_source
from millpond.services.s3.store.uploads import load_part, save_part, scan_parts


async def upload_part(
    needs: Needs, call: Call, request: shapes.UploadPartRequest
) -> shapes.UploadPartOutput:
    """Store a part, in place of an earlier one with its number.

    Raises:
        NoSuchUpload, NoSuchBucket, AccessDenied: there is no such upload, or it is not the
            caller's.
        BadDigest, InvalidDigest, InvalidRequest: the body is not what its checksums say, or these
            are not of the upload's algorithm.
        InvalidArgument, EntityTooLarge, NotImplementedHere: a limit or an option.

    Source: S3 API reference, UploadPart.
    """
    options.refuse_options(request)
    ranges.check_part_number(request.part_number)
    claim = checksums.read_claim(request)
    upload = await _find(needs, call, request)
    expected = upload.checksum_algorithm
    if claim is not None and upload.explicit_checksum and claim.algorithm != expected:
        raise InvalidRequest(mismatch(expected, claim.algorithm))
    received = await receive(
        needs,
        request.body,
        content_md5=request.content_md5,
        claim=claim,
        algorithms=[expected],
    )
    await _save(needs, call, request, received)
    shown = received.claimed or expected
    return shapes.UploadPartOutput(
        etag=quote(received.etag), **_checksum_member(shown, received.checksums)
    )


async def upload_part_copy(
    needs: Needs, call: Call, request: shapes.UploadPartCopyRequest
) -> shapes.UploadPartCopyOutput:
    """Make a part of another object's bytes, or of a range of them, up to 5 GiB.

    Raises:
        NoSuchUpload, NoSuchKey, NoSuchBucket, AccessDenied: upload or source is not there, or not
            the caller's.
        PreconditionFailed: a condition on the source does not hold.
        InvalidArgument, InvalidRequest, NotImplementedHere: the range, a limit or an option.

    Source: S3 API reference, UploadPartCopy.
    """
    options.refuse_options(request)
    ranges.check_part_number(request.part_number)
    source = read_copy_source(request.copy_source)
    upload = await _find(needs, call, request)
    original, blob = await find_source(needs, call, source, request)
    span = Span(0, original.size)
    if request.copy_source_range is not None:
        span = ranges.read_copy_range(request.copy_source_range, original.size)
    if span.length > BODY_SIZE_BYTES_MAX:
        raise InvalidRequest(
            "The specified copy source is larger than the maximum allowable size for a copy "
            f"source: {BODY_SIZE_BYTES_MAX}"
        )
    chunks = needs.objects.read(blob, span.start, span.length)
    received = await store_copy(needs, chunks, [upload.checksum_algorithm])
    modified_ms = await _save(needs, call, request, received)
    return shapes.UploadPartCopyOutput(
        copy_part_result=shapes.CopyPartResult(
            etag=quote(received.etag),
            last_modified=seconds(modified_ms),
            **_checksum_member(upload.checksum_algorithm, received.checksums),
        )
    )


async def list_parts(
    needs: Needs, call: Call, request: shapes.ListPartsRequest
) -> shapes.ListPartsOutput:
    """A page of an upload's parts, by number.

    Raises:
        NoSuchUpload, NoSuchBucket, AccessDenied: there is no such upload, or it is not the
            caller's.
        InvalidArgument: the page size or marker is not valid.

    Source: S3 API reference, ListParts.
    """
    options.refuse_options(request)
    limit = read_page_size(request.max_parts, "max-parts")
    marker = request.part_number_marker or 0
    if not 0 <= marker < 1 << 31:
        raise InvalidArgument(
            "Argument part-number-marker must be an integer between 0 and 2147483647",
            "part-number-marker",
            str(marker),
        )
    parts: list[Part] = []
    async with needs.records.transaction() as transaction:
        upload = await _find_in(transaction, call, request)
        async for part in scan_parts(transaction, upload.id, marker):
            parts.append(part)
            if len(parts) > limit:
                break
    shown = parts[:limit]
    return shapes.ListPartsOutput(
        bucket=request.bucket,
        key=request.key,
        upload_id=upload.id,
        part_number_marker=marker,
        next_part_number_marker=shown[-1].number if shown else 0,
        max_parts=limit,
        is_truncated=bool(shown) and len(parts) > limit,
        parts=[
            shapes.Part(
                part_number=part.number,
                last_modified=seconds(part.modified_ms),
                etag=quote(part.etag),
                size=part.blob.size,
                **_checksum_member(upload.checksum_algorithm, part.checksums),
            )
            for part in shown
        ],
        initiator=shapes.Initiator(id=upload.initiator_arn),
        owner=shapes.Owner(id=canonical_id(upload.account)),
        storage_class=upload.storage_class,
        checksum_algorithm=upload.checksum_algorithm if upload.explicit_checksum else None,
        checksum_type=upload.checksum_type if upload.explicit_checksum else None,
    )


async def _find(needs: Needs, call: Call, request: Any) -> Upload:
    async with needs.records.transaction() as transaction:
        return await _find_in(transaction, call, request)


async def _find_in(transaction: Transaction, call: Call, request: Any) -> Upload:
    return await find_upload(
        transaction,
        call,
        request.bucket,
        key_bytes(request.key),
        request.upload_id,
        request.expected_bucket_owner,
    )


async def _save(needs: Needs, call: Call, request: Any, received: Received) -> int:
    """Put the part on record if its upload is still in progress; when that was."""

    async def write(transaction: Transaction) -> int:
        upload = await _find_in(transaction, call, request)
        part = Part(
            number=request.part_number,
            etag=received.etag,
            modified_ms=needs.clock.now_ms(),
            blob=received.blob,
            checksums=dict(received.checksums),
        )
        replaced = await load_part(transaction, upload.id, part.number)
        save_part(transaction, upload.id, part, replaced=replaced)
        return part.modified_ms

    return await commit(needs, received.blob, write)


def _checksum_member(algorithm: str, values: Mapping[str, str]) -> dict[str, Any]:
    return {KINDS[algorithm].member: values[algorithm]}
