"""Finds the source of a copy, under the conditions that the caller sets for it."""

from typing import Any

from millpond.engines.objects.interface import Blob
from millpond.kernel.call import Call
from millpond.services.s3.access import find_object
from millpond.services.s3.model import conditions
from millpond.services.s3.model.copy_source import CopySource
from millpond.services.s3.model.names import key_bytes
from millpond.services.s3.model.stored import StoredObject
from millpond.services.s3.needs import Needs
from millpond.services.s3.store.objects import load_body


async def find_source(
    needs: Needs, call: Call, source: CopySource, request: Any
) -> tuple[StoredObject, Blob]:
    """The object to copy and its blob, which stays readable for a while even if it is deleted.

    Raises:
        NoSuchKey, NoSuchBucket, InvalidBucketName, AccessDenied: it is not there, or not the
            caller's.
        PreconditionFailed: a condition on the source does not hold.
    """
    key = key_bytes(source.key)
    async with needs.records.transaction() as transaction:
        stored = await find_object(
            transaction,
            call,
            source.bucket,
            source.key,
            key,
            request.expected_source_bucket_owner,
        )
        conditions.check_copy_source(
            stored,
            if_match=request.copy_source_if_match,
            if_none_match=request.copy_source_if_none_match,
            if_modified_since=request.copy_source_if_modified_since,
            if_unmodified_since=request.copy_source_if_unmodified_since,
        )
        return stored, await load_body(transaction, source.bucket, key, stored)
