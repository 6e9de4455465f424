"""Multipart uploads: begin, abort, list."""

from millpond.kernel.call import Call
from millpond.services.s3 import shapes
from millpond.services.s3.access import find_bucket, find_upload
from millpond.services.s3.errors import InvalidArgument, InvalidRequest
from millpond.services.s3.model import checksums, metadata, options
from millpond.services.s3.model.conditions import seconds
from millpond.services.s3.model.listing import check_encoding, encode, read_page_size
from millpond.services.s3.model.names import key_bytes
from millpond.services.s3.model.owners import canonical_id
from millpond.services.s3.model.stored import Upload
from millpond.services.s3.model.upload_ids import RANDOM_SIZE_BYTES, is_upload_id, make_upload_id
from millpond.services.s3.needs import Needs
from millpond.services.s3.store.uploads import end_upload, read_upload, save_upload
from millpond.services.s3.store.walk import Page, behind_upload, upload_space, walk


async def create_multipart_upload(
    needs: Needs, call: Call, request: shapes.CreateMultipartUploadRequest
) -> shapes.CreateMultipartUploadOutput:
    """Begin an upload; what the object will be besides its bytes is said here.

    Raises:
        NoSuchBucket, InvalidBucketName, AccessDenied: the bucket is not there, or not the caller's.
        InvalidRequest: the checksum's algorithm or type is not valid.
        KeyTooLong, MetadataTooLarge: a limit.
        InvalidStorageClass, AccessControlListNotSupported, NotImplementedHere: an option.

    Source: S3 API reference, CreateMultipartUpload.
    """
    key = key_bytes(request.key)
    options.refuse_options(request)
    options.check_object_acl(request)
    asked = request.checksum_algorithm
    if asked is None and request.checksum_type is not None:
        raise InvalidRequest(
            "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm "
            "header."
        )
    algorithm = checksums.ALGORITHM_DEFAULT if asked is None else checksums.read_algorithm(asked)
    now_ms = needs.clock.now_ms()
    upload = Upload(
        id=make_upload_id(now_ms, needs.ids.hex(RANDOM_SIZE_BYTES)),
        account=call.account,
        initiated_ms=now_ms,
        initiator_arn=call.principal.arn,
        headers=metadata.read_headers(request),
        metadata=metadata.read_metadata(request.metadata),
        storage_class=metadata.read_storage_class(request.storage_class),
        checksum_algorithm=algorithm,
        checksum_type=checksums.choose_type(algorithm, request.checksum_type),
        explicit_checksum=asked is not None,
    )
    async with needs.records.transaction() as transaction:
        await find_bucket(transaction, call, request.bucket, request.expected_bucket_owner)
        save_upload(transaction, request.bucket, key, upload)
    return shapes.CreateMultipartUploadOutput(
        bucket=request.bucket,
        key=request.key,
        upload_id=upload.id,
        checksum_algorithm=upload.checksum_algorithm if upload.explicit_checksum else None,
        checksum_type=upload.checksum_type if upload.explicit_checksum else None,
    )


async def abort_multipart_upload(
    needs: Needs, call: Call, request: shapes.AbortMultipartUploadRequest
) -> shapes.AbortMultipartUploadOutput:
    """End an upload without an object; its parts are removed in the background.

    Raises:
        NoSuchUpload: it is not in progress.
        NoSuchBucket, InvalidBucketName, AccessDenied: the bucket is not there, or not the caller's.

    Source: S3 API reference, AbortMultipartUpload.
    """
    key = key_bytes(request.key)
    options.refuse_options(request)
    async with needs.records.transaction() as transaction:
        upload = await find_upload(
            transaction,
            call,
            request.bucket,
            key,
            request.upload_id,
            request.expected_bucket_owner,
        )
        end_upload(transaction, request.bucket, key, upload.id)
    return shapes.AbortMultipartUploadOutput()


async def list_multipart_uploads(
    needs: Needs, call: Call, request: shapes.ListMultipartUploadsRequest
) -> shapes.ListMultipartUploadsOutput:
    """A page of a bucket's uploads in progress, by key and then by the time they began.

    Raises:
        NoSuchBucket, InvalidBucketName, AccessDenied: the bucket is not there, or not the caller's.
        InvalidArgument: the page size, encoding or marker is not valid.

    Source: S3 API reference, ListMultipartUploads.
    """
    limit = read_page_size(request.max_uploads, "max-uploads")
    check_encoding(request.encoding_type)
    prefix = key_bytes(request.prefix or "")
    delimiter = key_bytes(request.delimiter or "")
    space = upload_space(request.bucket)
    start = b""
    if request.key_marker:
        marker = key_bytes(request.key_marker)
        start = space.behind_listed(marker, prefix, delimiter)
        if request.upload_id_marker:
            _check_marker(request.upload_id_marker)
            start = behind_upload(request.bucket, marker, request.upload_id_marker)
    async with needs.records.transaction() as transaction:
        await find_bucket(transaction, call, request.bucket, request.expected_bucket_owner)
        page = await walk(
            transaction, space, prefix=prefix, delimiter=delimiter, start=start, limit=limit
        )
    encoding = request.encoding_type
    uploads = _uploads(page, encoding)
    next_key, next_upload_id = _next_markers(page)
    return shapes.ListMultipartUploadsOutput(
        bucket=request.bucket,
        key_marker=encode(request.key_marker or "", encoding),
        upload_id_marker=request.upload_id_marker or "",
        next_key_marker=encode(next_key, encoding),
        next_upload_id_marker=next_upload_id,
        prefix=encode(request.prefix or "", encoding),
        delimiter=encode(request.delimiter, encoding),
        max_uploads=limit,
        is_truncated=page.truncated,
        uploads=uploads,
        common_prefixes=[
            shapes.CommonPrefix(prefix=encode(key.decode(), encoding))
            for key, value in page.entries
            if value is None
        ],
        encoding_type=encoding,
    )


def _uploads(page: Page, encoding: str | None) -> list[shapes.MultipartUpload]:
    listed = []
    for key, value in page.entries:
        if value is None:
            continue
        upload = read_upload(value)
        listed.append(
            shapes.MultipartUpload(
                upload_id=upload.id,
                key=encode(key.decode(), encoding),
                initiated=seconds(upload.initiated_ms),
                storage_class=upload.storage_class,
                owner=shapes.Owner(id=canonical_id(upload.account)),
                initiator=shapes.Initiator(id=upload.initiator_arn),
                checksum_algorithm=upload.checksum_algorithm if upload.explicit_checksum else None,
                checksum_type=upload.checksum_type if upload.explicit_checksum else None,
            )
        )
    return listed


def _next_markers(page: Page) -> tuple[str | None, str | None]:
    """Where the next page begins: behind an upload, or behind a common prefix."""
    if not page.truncated:
        return None, None
    key, value = page.entries[-1]
    return key.decode(), None if value is None else read_upload(value).id


def _check_marker(upload_id: str) -> None:
    if not is_upload_id(upload_id):
        raise InvalidArgument("Invalid uploadId marker", "upload-id-marker", upload_id)
