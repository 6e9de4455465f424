"""PutObject."""

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Call
from millpond.services.s3 import shapes
from millpond.services.s3.access import find_bucket
from millpond.services.s3.commit import commit
from millpond.services.s3.intake import BODY_SIZE_BYTES_MAX, receive
from millpond.services.s3.model import checksums, conditions, etags, metadata, options
from millpond.services.s3.model.checksums import ALGORITHM_DEFAULT, Checksum
from millpond.services.s3.model.names import key_bytes
from millpond.services.s3.model.stored import StoredObject
from millpond.services.s3.needs import Needs
from millpond.services.s3.store.objects import load_object, save_object

EARLY_CHECK_SIZE_BYTES = 64 * 1024
"""Above this size, it is worth a look at the records before the body is read."""


async def put_object(
    needs: Needs, call: Call, request: shapes.PutObjectRequest
) -> shapes.PutObjectOutput:
    """Store an object in place of any other with its key; it is there in full, or not at all.

    Raises:
        NoSuchBucket, InvalidBucketName, AccessDenied: the bucket is not there, or not the caller's.
        PreconditionFailed, NoSuchKey: If-None-Match or If-Match does not hold.
        BadDigest, InvalidDigest, InvalidRequest: the body is not what its checksums say.
        EntityTooLarge, KeyTooLong, MetadataTooLarge: a limit.
        InvalidStorageClass, AccessControlListNotSupported, NotImplementedHere: an option.

    Source: S3 API reference, PutObject.
    """
    key = key_bytes(request.key)
    options.refuse_options(request)
    options.check_object_acl(request)
    conditions.check_write_headers(request.if_match, request.if_none_match)
    headers = metadata.read_headers(request)
    user_metadata = metadata.read_metadata(request.metadata)
    storage_class = metadata.read_storage_class(request.storage_class)
    claim = checksums.read_claim(request)
    if request.body and (request.body.length or BODY_SIZE_BYTES_MAX) > EARLY_CHECK_SIZE_BYTES:
        await _check_early(needs, call, request, key)
    received = await receive(
        needs,
        request.body,
        content_md5=request.content_md5,
        claim=claim,
        algorithms=() if claim else (ALGORITHM_DEFAULT,),
    )
    algorithm = received.claimed or ALGORITHM_DEFAULT
    checksum = Checksum(algorithm, received.checksums[algorithm])

    async def write(transaction: Transaction) -> None:
        bucket = await find_bucket(transaction, call, request.bucket, request.expected_bucket_owner)
        replaced = await load_object(transaction, request.bucket, key)
        conditions.check_write(replaced, request.key, request.if_match, request.if_none_match)
        stored = StoredObject(
            account=bucket.account,
            etag=received.etag,
            modified_ms=needs.clock.now_ms(),
            size=received.blob.size,
            blob_id=received.blob.id,
            checksum=checksum,
            headers=headers,
            metadata=user_metadata,
            storage_class=storage_class,
        )
        save_object(transaction, request.bucket, key, stored, received.blob, replaced=replaced)

    await commit(needs, received.blob, write)
    return shapes.PutObjectOutput(etag=etags.quote(received.etag), **checksums.members(checksum))


async def _check_early(
    needs: Needs, call: Call, request: shapes.PutObjectRequest, key: bytes
) -> None:
    """Refuse before the body is read what would be refused after it: the bucket, the conditions."""
    async with needs.records.transaction() as transaction:
        await find_bucket(transaction, call, request.bucket, request.expected_bucket_owner)
        if request.if_match is not None or request.if_none_match is not None:
            stored = await load_object(transaction, request.bucket, key)
            conditions.check_write(stored, request.key, request.if_match, request.if_none_match)
