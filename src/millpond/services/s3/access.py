"""Finds what a call is about, or refuses: is it there, and is it the caller's?"""

from millpond.engines.records.interface import Transaction
from millpond.kernel.call import Call
from millpond.services.s3.errors import AccessDenied, NoSuchBucket, NoSuchKey, NoSuchUpload
from millpond.services.s3.model.names import check_bucket_name
from millpond.services.s3.model.stored import Bucket, StoredObject, Upload
from millpond.services.s3.model.upload_ids import is_upload_id
from millpond.services.s3.store.buckets import load_bucket
from millpond.services.s3.store.objects import load_object
from millpond.services.s3.store.uploads import load_upload


async def find_bucket(
    transaction: Transaction, call: Call, name: str, expected_owner: str | None
) -> Bucket:
    """The bucket.

    Raises:
        NoSuchBucket: it is not there.
        InvalidBucketName: no bucket can have that name.
        AccessDenied: it is another account's, or not the expected one's.
    """
    check_bucket_name(name)
    bucket = await load_bucket(transaction, name)
    if bucket is None:
        raise NoSuchBucket(name)
    _check_owner(bucket.account, call, expected_owner)
    return bucket


async def find_object(
    transaction: Transaction, call: Call, bucket: str, name: str, key: bytes, owner: str | None
) -> StoredObject:
    """The object, found with one read: its record says whose it is.

    Raises:
        NoSuchKey: it is not there.
        NoSuchBucket, InvalidBucketName, AccessDenied: as `find_bucket`.
    """
    check_bucket_name(bucket)
    stored = await load_object(transaction, bucket, key)
    if stored is None:
        await find_bucket(transaction, call, bucket, owner)
        raise NoSuchKey(name)
    _check_owner(stored.account, call, owner)
    return stored


async def find_upload(
    transaction: Transaction, call: Call, bucket: str, key: bytes, upload_id: str, owner: str | None
) -> Upload:
    """The upload in progress.

    Raises:
        NoSuchUpload: it is not there, or was completed or aborted.
        NoSuchBucket, InvalidBucketName, AccessDenied: as `find_bucket`.
    """
    check_bucket_name(bucket)
    upload = None
    if is_upload_id(upload_id):
        upload = await load_upload(transaction, bucket, key, upload_id)
    if upload is None:
        await find_bucket(transaction, call, bucket, owner)
        raise NoSuchUpload(upload_id)
    _check_owner(upload.account, call, owner)
    return upload


def _check_owner(account: str, call: Call, expected_owner: str | None) -> None:
    if account != call.account or expected_owner not in (None, account):
        raise AccessDenied
