"""Buckets."""

from millpond.kernel.call import Call
from millpond.kernel.pages import BadToken
from millpond.services.s3 import shapes
from millpond.services.s3.access import find_bucket
from millpond.services.s3.errors import (
    BucketAlreadyExists,
    BucketAlreadyOwnedByYou,
    BucketNotEmpty,
    InvalidArgument,
)
from millpond.services.s3.model.conditions import seconds
from millpond.services.s3.model.names import REGION_DEFAULT, check_bucket_name, choose_region
from millpond.services.s3.model.options import check_bucket_options
from millpond.services.s3.model.owners import canonical_id
from millpond.services.s3.model.stored import Bucket
from millpond.services.s3.needs import Needs
from millpond.services.s3.store.buckets import (
    delete_bucket as delete_bucket_record,
)
from millpond.services.s3.store.buckets import (
    load_bucket,
    save_bucket,
    scan_buckets,
)
from millpond.services.s3.store.objects import has_objects
from millpond.services.s3.store.uploads import end_uploads

BUCKETS_MAX = 10_000


async def create_bucket(
    needs: Needs, call: Call, request: shapes.CreateBucketRequest
) -> shapes.CreateBucketOutput:
    """Make a bucket. In us-east-1, making one's own bucket again succeeds and changes nothing.

    Raises:
        InvalidBucketName: S3 lets no bucket have that name.
        InvalidLocationConstraint, IllegalLocationConstraint: not in that region, or not from here.
        BucketAlreadyOwnedByYou: the caller has it already, outside us-east-1.
        BucketAlreadyExists: another account has it.
        InvalidBucketAcl, NotImplementedHere: an option that is not available.

    Source: S3 API reference, CreateBucket.
    """
    name = request.bucket
    check_bucket_name(name)
    check_bucket_options(request)
    configuration = request.create_bucket_configuration
    constraint = (configuration.location_constraint if configuration else None) or ""
    region = choose_region(constraint, call.region)
    async with needs.records.transaction() as transaction:
        existing = await load_bucket(transaction, name)
        if existing is None:
            bucket = Bucket(
                name=name,
                account=call.account,
                region=region,
                constraint=constraint,
                created_ms=needs.clock.now_ms(),
            )
            save_bucket(transaction, bucket)
        elif existing.account != call.account:
            raise BucketAlreadyExists(name)
        elif not existing.region == region == REGION_DEFAULT:
            raise BucketAlreadyOwnedByYou(name)
    if region == REGION_DEFAULT:
        return shapes.CreateBucketOutput(location=f"/{name}")
    return shapes.CreateBucketOutput(location=f"{call.endpoint}/{name}")


async def head_bucket(
    needs: Needs, call: Call, request: shapes.HeadBucketRequest
) -> shapes.HeadBucketOutput:
    """Say where a bucket is.

    Raises:
        NoSuchBucket, InvalidBucketName, AccessDenied: it is not there, or not the caller's.

    Source: S3 API reference, HeadBucket.
    """
    async with needs.records.transaction() as transaction:
        bucket = await find_bucket(transaction, call, request.bucket, request.expected_bucket_owner)
    return shapes.HeadBucketOutput(bucket_region=bucket.region, access_point_alias=False)


async def get_bucket_location(
    needs: Needs, call: Call, request: shapes.GetBucketLocationRequest
) -> shapes.GetBucketLocationOutput:
    """The location constraint that a bucket was made with: none in us-east-1.

    Raises:
        NoSuchBucket, InvalidBucketName, AccessDenied: it is not there, or not the caller's.

    Source: S3 API reference, GetBucketLocation.
    """
    async with needs.records.transaction() as transaction:
        bucket = await find_bucket(transaction, call, request.bucket, request.expected_bucket_owner)
    return shapes.GetBucketLocationOutput(location_constraint=bucket.constraint or None)


async def delete_bucket(needs: Needs, call: Call, request: shapes.DeleteBucketRequest) -> None:
    """Delete a bucket that has no objects. Uploads in progress end with it.

    Raises:
        BucketNotEmpty: it has objects.
        NoSuchBucket, InvalidBucketName, AccessDenied: it is not there, or not the caller's.

    Source: S3 API reference, DeleteBucket.
    """
    async with needs.records.transaction() as transaction:
        await find_bucket(transaction, call, request.bucket, request.expected_bucket_owner)
        if await has_objects(transaction, request.bucket):
            raise BucketNotEmpty(request.bucket)
        await end_uploads(transaction, request.bucket)
        delete_bucket_record(transaction, request.bucket)


async def list_buckets(
    needs: Needs, call: Call, request: shapes.ListBucketsRequest
) -> shapes.ListBucketsOutput:
    """The caller's buckets by name: all at once, or in pages where `max-buckets` asks for them.

    Raises:
        InvalidArgument: the page size or the continuation token is not valid.

    Source: S3 API reference, ListBuckets.
    """
    limit = BUCKETS_MAX if request.max_buckets is None else request.max_buckets
    if not 1 <= limit <= BUCKETS_MAX:
        raise InvalidArgument(
            f"Argument max-buckets must be an integer between 1 and {BUCKETS_MAX}",
            "max-buckets",
            str(limit),
        )
    prefix = request.prefix or ""
    question = f"ListBuckets {call.account} {request.bucket_region or ''} {prefix}"
    after = ""
    if request.continuation_token is not None:
        try:
            after = needs.pages.open(question, request.continuation_token)
        except BadToken as error:
            raise InvalidArgument(
                "The continuation token provided is incorrect",
                "continuation-token",
                request.continuation_token,
            ) from error
    found: list[Bucket] = []
    async with needs.records.transaction() as transaction:
        async for bucket in scan_buckets(transaction, prefix, after):
            if bucket.account == call.account and request.bucket_region in (None, bucket.region):
                found.append(bucket)
            if len(found) > limit:
                break
    page = found[:limit]
    return shapes.ListBucketsOutput(
        buckets=[
            shapes.Bucket(
                name=bucket.name,
                creation_date=seconds(bucket.created_ms),
                bucket_region=bucket.region,
            )
            for bucket in page
        ],
        owner=shapes.Owner(id=canonical_id(call.account)),
        continuation_token=(
            needs.pages.seal(question, page[-1].name) if len(found) > limit else None
        ),
        prefix=request.prefix,
    )
