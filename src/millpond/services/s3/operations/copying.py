"""CopyObject."""

from millpond.engines.objects.interface import Blob
from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Call
from millpond.services.s3 import shapes
from millpond.services.s3.access import find_bucket
from millpond.services.s3.commit import commit
from millpond.services.s3.errors import InvalidArgument, InvalidRequest
from millpond.services.s3.intake import BODY_SIZE_BYTES_MAX, Received, store_copy
from millpond.services.s3.model import checksums, conditions, etags, metadata, options
from millpond.services.s3.model.checksums import FULL_OBJECT, Checksum
from millpond.services.s3.model.copy_source import CopySource, read_copy_source
from millpond.services.s3.model.names import key_bytes
from millpond.services.s3.model.stored import Headers, StoredObject
from millpond.services.s3.needs import Needs
from millpond.services.s3.sources import find_source
from millpond.services.s3.store.objects import load_object, save_object


async def copy_object(
    needs: Needs, call: Call, request: shapes.CopyObjectRequest
) -> shapes.CopyObjectOutput:
    """Copy an object of up to 5 GiB, with its metadata or with other metadata.

    The copy has the ETag and checksum of its bytes, however the source was uploaded.

    Raises:
        NoSuchKey, NoSuchBucket, AccessDenied: source or target is not there, or not the caller's.
        PreconditionFailed: a condition on the source or the target does not hold.
        InvalidRequest: a copy to itself that changes nothing, or a source that is too large.
        InvalidArgument, KeyTooLong, MetadataTooLarge: what is asked for is not valid.
        InvalidStorageClass, AccessControlListNotSupported, NotImplementedHere: an option.

    Source: S3 API reference, CopyObject.
    """
    key = key_bytes(request.key)
    options.refuse_options(request)
    options.check_object_acl(request)
    conditions.check_write_headers(request.if_match, request.if_none_match)
    source = read_copy_source(request.copy_source)
    replaces = _check_directives(request)
    _check_change(request, source, replaces)
    headers = metadata.read_headers(request)
    user_metadata = metadata.read_metadata(request.metadata)
    storage_class = metadata.read_storage_class(request.storage_class)
    asked = request.checksum_algorithm and checksums.read_algorithm(request.checksum_algorithm)

    original, original_blob = await find_source(needs, call, source, request)
    if original.size > BODY_SIZE_BYTES_MAX:
        raise InvalidRequest(
            "The specified copy source is larger than the maximum allowable size for a copy "
            f"source: {BODY_SIZE_BYTES_MAX}"
        )
    algorithm = asked or original.checksum.algorithm
    received = await _copy(needs, original, original_blob, algorithm)
    checksum = Checksum(algorithm, received.checksums[algorithm])

    async def write(transaction: Transaction) -> int:
        bucket = await find_bucket(transaction, call, request.bucket, request.expected_bucket_owner)
        replaced = await load_object(transaction, request.bucket, key)
        conditions.check_write(replaced, request.key, request.if_match, request.if_none_match)
        now_ms = needs.clock.now_ms()
        stored = StoredObject(
            account=bucket.account,
            etag=received.etag,
            modified_ms=now_ms,
            size=received.blob.size,
            blob_id=received.blob.id,
            checksum=checksum,
            headers=headers if replaces else _copied_headers(original.headers, headers),
            metadata=user_metadata if replaces else original.metadata,
            storage_class=storage_class,
        )
        save_object(transaction, request.bucket, key, stored, received.blob, replaced=replaced)
        return now_ms

    modified_ms = await commit(needs, received.blob, write)
    return shapes.CopyObjectOutput(
        copy_object_result=shapes.CopyObjectResult(
            etag=etags.quote(received.etag),
            last_modified=conditions.seconds(modified_ms),
            **checksums.members(checksum),
        )
    )


def _check_directives(request: shapes.CopyObjectRequest) -> bool:
    """Whether metadata is replaced. Tags and annotations are not there to be copied."""
    for name, value, known in (
        ("metadata", request.metadata_directive, ("COPY", "REPLACE")),
        ("tagging", request.tagging_directive, ("COPY", "REPLACE")),
        ("object-annotation", request.annotation_directive, ("COPY", "EXCLUDE")),
    ):
        if value is not None and value not in known:
            raise InvalidArgument(f"Unknown {name} directive.", f"x-amz-{name}-directive", value)
    return request.metadata_directive == "REPLACE"


def _check_change(request: shapes.CopyObjectRequest, source: CopySource, replaces: bool) -> None:
    if (
        (source.bucket, source.key) == (request.bucket, request.key)
        and not replaces
        and request.storage_class is None
        and request.website_redirect_location is None
    ):
        raise InvalidRequest(
            "This copy request is illegal because it is trying to copy an object to itself without "
            "changing the object's metadata, storage class, website redirect location or "
            "encryption attributes."
        )


def _copied_headers(original: Headers, asked: Headers) -> Headers:
    """The source's system headers; a website redirect is not copied but said anew."""
    return Headers(
        content_type=original.content_type,
        cache_control=original.cache_control,
        content_disposition=original.content_disposition,
        content_encoding=original.content_encoding,
        content_language=original.content_language,
        expires=original.expires,
        website_redirect_location=asked.website_redirect_location,
    )


async def _copy(needs: Needs, original: StoredObject, blob: Blob, algorithm: str) -> Received:
    """A new blob with the same bytes; they are hashed only if what is wanted is not known."""
    known = original.checksum
    if not original.parts_count and (known.algorithm, known.type) == (algorithm, FULL_OBJECT):
        copy = await needs.objects.concat([blob])
        return Received(copy, original.etag, {algorithm: known.value}, claimed=None)
    return await store_copy(needs, needs.objects.read(blob), [algorithm])
