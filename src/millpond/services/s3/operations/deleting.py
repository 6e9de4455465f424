"""DeleteObject and DeleteObjects."""

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Call
from millpond.kernel.errors import ServiceError
from millpond.services.s3 import shapes
from millpond.services.s3.access import find_bucket
from millpond.services.s3.errors import MalformedXML, NotImplementedHere
from millpond.services.s3.model import conditions, options
from millpond.services.s3.model.names import key_bytes
from millpond.services.s3.needs import Needs
from millpond.services.s3.store import objects

KEYS_MAX = 1000


async def delete_object(
    needs: Needs, call: Call, request: shapes.DeleteObjectRequest
) -> shapes.DeleteObjectOutput:
    """Delete an object; one that is not there counts as deleted.

    Raises:
        NoSuchBucket, InvalidBucketName, AccessDenied: the bucket is not there, or not the caller's.
        PreconditionFailed, NoSuchKey: If-Match does not hold.
        InvalidArgument, NotImplementedHere: an option.

    Source: S3 API reference, DeleteObject.
    """
    options.refuse_options(request)
    async with needs.records.transaction() as transaction:
        await find_bucket(transaction, call, request.bucket, request.expected_bucket_owner)
        await _delete(transaction, request.bucket, request.key, request.if_match)
    return shapes.DeleteObjectOutput()


async def delete_objects(
    needs: Needs, call: Call, request: shapes.DeleteObjectsRequest
) -> shapes.DeleteObjectsOutput:
    """Delete up to 1,000 objects. What cannot be deleted is told by key; the others are.

    Raises:
        MalformedXML: there are no keys, or too many.
        NoSuchBucket, InvalidBucketName, AccessDenied: the bucket is not there, or not the caller's.

    Source: S3 API reference, DeleteObjects.
    """
    options.refuse_options(request)
    asked = request.delete.objects
    if not 1 <= len(asked) <= KEYS_MAX:
        raise MalformedXML
    deleted: list[shapes.DeletedObject] = []
    errors: list[shapes.Error] = []
    async with needs.records.transaction() as transaction:
        await find_bucket(transaction, call, request.bucket, request.expected_bucket_owner)
        for item in asked:
            try:
                options.check_version(item.version_id)
                if item.size is not None or item.last_modified_time is not None:
                    raise NotImplementedHere("Delete.Object.Size and LastModifiedTime")
                await _delete(transaction, request.bucket, item.key, item.etag)
            except ServiceError as refusal:
                errors.append(
                    shapes.Error(
                        key=item.key,
                        version_id=item.version_id,
                        code=refusal.code,
                        message=refusal.message,
                    )
                )
            else:
                deleted.append(shapes.DeletedObject(key=item.key, version_id=item.version_id))
    return shapes.DeleteObjectsOutput(
        deleted=None if request.delete.quiet else deleted, errors=errors or None
    )


async def _delete(transaction: Transaction, bucket: str, name: str, if_match: str | None) -> None:
    key = key_bytes(name)
    stored = await objects.load_object(transaction, bucket, key)
    conditions.check_delete(stored, name, if_match)
    if stored is not None:
        objects.delete_object(transaction, bucket, key, stored)
