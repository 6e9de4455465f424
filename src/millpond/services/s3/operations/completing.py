"""CompleteMultipartUpload."""

from collections.abc import Sequence
from urllib.parse import quote

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Call
from millpond.services.s3 import shapes
from millpond.services.s3.access import find_bucket, find_upload
from millpond.services.s3.commit import commit
from millpond.services.s3.errors import InvalidRequest, NoSuchUpload
from millpond.services.s3.model import checksums, completion, conditions, etags, options
from millpond.services.s3.model.checksums import Checksum
from millpond.services.s3.model.names import key_bytes
from millpond.services.s3.model.stored import Part, PartRow, StoredObject, Upload
from millpond.services.s3.needs import Needs
from millpond.services.s3.store.objects import load_object, save_object
from millpond.services.s3.store.uploads import end_upload, scan_parts


async def complete_multipart_upload(
    needs: Needs, call: Call, request: shapes.CompleteMultipartUploadRequest
) -> shapes.CompleteMultipartUploadOutput:
    """Make an object of an upload's parts.

    Completing again with the same parts answers the same, as long as the object is there. A part
    that is uploaded anew while this runs counts as uploaded after it.

    Raises:
        NoSuchUpload, NoSuchBucket, AccessDenied: there is no such upload, or it is not the
            caller's.
        InvalidPart, InvalidPartOrder, EntityTooSmall, MalformedXML: the list of parts;
            InvalidRequest where there is none at all.
        PreconditionFailed, NoSuchKey: If-None-Match or If-Match does not hold.
        BadDigest, InvalidRequest: the object is not what the client says it is.
        NotImplementedHere: an option.

    Source: S3 API reference, CompleteMultipartUpload.
    """
    key = key_bytes(request.key)
    options.refuse_options(request)
    conditions.check_write_headers(request.if_match, request.if_none_match)
    if request.multipart_upload is None:
        raise InvalidRequest("You must specify at least one part")
    asked = request.multipart_upload.parts or []
    completion.check_list(asked, request.upload_id)

    async with needs.records.transaction() as transaction:
        try:
            upload = await _find(transaction, call, request, key)
        except NoSuchUpload:
            return await _answer_again(transaction, call, request, key)
        present = await load_object(transaction, request.bucket, key)
        conditions.check_write(present, request.key, request.if_match, request.if_none_match)
        stored_parts = {part.number: part async for part in scan_parts(transaction, upload.id)}
    parts = completion.choose_parts(upload, asked, stored_parts)
    etag = etags.join_parts([part.etag for part in parts])
    checksum = _join(upload, parts)
    completion.check_whole(request, checksum, sum(part.blob.size for part in parts))
    blob = await needs.objects.concat([part.blob for part in parts])

    async def write(transaction: Transaction) -> None:
        await _find(transaction, call, request, key)
        replaced = await load_object(transaction, request.bucket, key)
        conditions.check_write(replaced, request.key, request.if_match, request.if_none_match)
        stored = StoredObject(
            account=upload.account,
            etag=etag,
            modified_ms=needs.clock.now_ms(),
            size=blob.size,
            blob_id=blob.id,
            checksum=checksum,
            headers=upload.headers,
            metadata=upload.metadata,
            storage_class=upload.storage_class,
            parts_count=len(parts),
            upload_id=upload.id,
        )
        rows = [
            PartRow(part.number, part.blob.size, part.checksums[upload.checksum_algorithm])
            for part in parts
        ]
        save_object(transaction, request.bucket, key, stored, blob, replaced=replaced, rows=rows)
        end_upload(transaction, request.bucket, key, upload.id)

    try:
        await commit(needs, blob, write)
    except NoSuchUpload:
        async with needs.records.transaction() as transaction:
            return await _answer_again(transaction, call, request, key)
    return _answer(call, request, etag, checksum)


async def _find(
    transaction: Transaction,
    call: Call,
    request: shapes.CompleteMultipartUploadRequest,
    key: bytes,
) -> Upload:
    return await find_upload(
        transaction, call, request.bucket, key, request.upload_id, request.expected_bucket_owner
    )


async def _answer_again(
    transaction: Transaction,
    call: Call,
    request: shapes.CompleteMultipartUploadRequest,
    key: bytes,
) -> shapes.CompleteMultipartUploadOutput:
    """The answer to an upload that is complete already.

    Raises:
        NoSuchUpload: it is not, or with other parts, or the object is not there any more.
    """
    await find_bucket(transaction, call, request.bucket, request.expected_bucket_owner)
    stored = await load_object(transaction, request.bucket, key)
    if stored is None or stored.upload_id != request.upload_id:
        raise NoSuchUpload(request.upload_id)
    asked = request.multipart_upload.parts if request.multipart_upload else None
    try:
        etag = etags.join_parts([etags.unquote(part.etag or "") for part in asked or ()])
    except ValueError:
        etag = ""
    if etag != stored.etag:
        raise NoSuchUpload(request.upload_id)
    return _answer(call, request, stored.etag, stored.checksum)


def _join(upload: Upload, parts: Sequence[Part]) -> Checksum:
    algorithm = upload.checksum_algorithm
    rows = [(part.checksums[algorithm], part.blob.size) for part in parts]
    return checksums.join(algorithm, upload.checksum_type, rows)


def _answer(
    call: Call, request: shapes.CompleteMultipartUploadRequest, etag: str, checksum: Checksum
) -> shapes.CompleteMultipartUploadOutput:
    return shapes.CompleteMultipartUploadOutput(
        location=f"{call.endpoint}/{request.bucket}/{quote(request.key)}",
        bucket=request.bucket,
        key=request.key,
        etag=etags.quote(etag),
        **checksums.members(checksum),
    )
