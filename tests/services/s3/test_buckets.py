"""Buckets."""

import asyncio
from typing import Any

import pytest

from millpond.kernel.errors import Conflict
from millpond.services.s3.errors import (
    AccessDenied,
    BucketAlreadyExists,
    BucketAlreadyOwnedByYou,
    BucketNotEmpty,
    IllegalLocationConstraint,
    InvalidArgument,
    InvalidBucketAcl,
    InvalidBucketName,
    NoSuchBucket,
    NotImplementedHere,
)
from millpond.services.s3.shapes import CreateBucketConfiguration, LocationInfo, Tag

TAGGED = CreateBucketConfiguration(tags=[Tag(key="a", value="b")])
ZONAL = CreateBucketConfiguration(location=LocationInfo(name="x"))


def located(constraint: str) -> CreateBucketConfiguration:
    return CreateBucketConfiguration(location_constraint=constraint)


async def test_a_bucket_is_made_once_and_again_in_us_east_1(s3: Any) -> None:
    for _ in range(2):
        answer = await s3("CreateBucket", bucket="one")
        assert answer.location == "/one"
    listed = await s3("ListBuckets")
    assert [(bucket.name, bucket.bucket_region) for bucket in listed.buckets] == [
        ("one", "us-east-1")
    ]
    assert listed.buckets[0].creation_date == 1_700_000_000
    assert len(listed.owner.id) == 64


async def test_elsewhere_making_it_again_is_refused(s3: Any) -> None:
    europe = s3.seen_from(region="eu-west-1")
    answer = await europe(
        "CreateBucket", bucket="two", create_bucket_configuration=located("eu-west-1")
    )
    assert answer.location == "http://localhost:4566/two"
    with pytest.raises(BucketAlreadyOwnedByYou):
        await europe("CreateBucket", bucket="two", create_bucket_configuration=located("eu-west-1"))
    with pytest.raises(BucketAlreadyOwnedByYou):
        await s3("CreateBucket", bucket="two")
    with pytest.raises(IllegalLocationConstraint):
        await europe("CreateBucket", bucket="three")


async def test_a_name_is_taken_for_all_accounts(s3: Any) -> None:
    await s3.make("mine")
    other = s3.seen_from(account="999999999999")
    with pytest.raises(BucketAlreadyExists):
        await other("CreateBucket", bucket="mine")
    for operation in ("HeadBucket", "DeleteBucket", "ListObjectsV2", "GetBucketLocation"):
        with pytest.raises(AccessDenied):
            await other(operation, bucket="mine")
    assert (await other("ListBuckets")).buckets == []


async def test_where_a_bucket_is(s3: Any) -> None:
    await s3.make("home")
    await s3("CreateBucket", bucket="away", create_bucket_configuration=located("EU"))
    assert (await s3("HeadBucket", bucket="home")).bucket_region == "us-east-1"
    assert (await s3("HeadBucket", bucket="away")).bucket_region == "eu-west-1"
    assert (await s3("GetBucketLocation", bucket="home")).location_constraint is None
    assert (await s3("GetBucketLocation", bucket="away")).location_constraint == "EU"


async def test_only_the_expected_owner_s_bucket_is_touched(s3: Any) -> None:
    await s3.make("home")
    await s3("HeadBucket", bucket="home", expected_bucket_owner="123456789012")
    with pytest.raises(AccessDenied):
        await s3("HeadBucket", bucket="home", expected_bucket_owner="999999999999")
    await s3.put("home", "k", b"x")
    with pytest.raises(AccessDenied):
        await s3.get("home", "k", expected_bucket_owner="999999999999")
    with pytest.raises(AccessDenied):
        await s3.put("home", "k", b"y", expected_bucket_owner="999999999999")
    assert await s3.get("home", "k") == b"x"


async def test_a_bucket_that_is_not_there(s3: Any) -> None:
    for operation in ("HeadBucket", "DeleteBucket", "ListObjects", "GetBucketLocation"):
        with pytest.raises(NoSuchBucket) as refusal:
            await s3(operation, bucket="absent")
        assert refusal.value.members == {"BucketName": "absent"}
        with pytest.raises(InvalidBucketName):
            await s3(operation, bucket="No Bucket")


async def test_only_an_empty_bucket_is_deleted(s3: Any) -> None:
    await s3.make("box", "box2")
    await s3.put("box", "k")
    await s3.put("box2", "k")
    with pytest.raises(BucketNotEmpty):
        await s3("DeleteBucket", bucket="box")
    await s3("DeleteObject", bucket="box", key="k")
    await s3("DeleteBucket", bucket="box")
    with pytest.raises(NoSuchBucket):
        await s3("HeadBucket", bucket="box")
    assert await s3.keys("box2") == ["k"]


async def test_uploads_in_progress_end_with_their_bucket(s3: Any) -> None:
    await s3.make("box")
    await s3.upload("box", "k", b"x" * 100_000)
    await s3("DeleteBucket", bucket="box")
    await s3.work()
    assert await s3.records() == {}
    await s3.make("box")
    assert (await s3("ListMultipartUploads", bucket="box")).uploads == []


async def test_buckets_are_listed_in_pages(s3: Any) -> None:
    names = [f"b-{number:02d}" for number in range(7)]
    await s3.make("a-first", *names, "c-last")
    found: list[str] = []
    token = None
    while True:
        page = await s3("ListBuckets", prefix="b-", max_buckets=3, continuation_token=token)
        found += [bucket.name for bucket in page.buckets]
        token = page.continuation_token
        if token is None:
            break
        assert len(page.buckets) == 3
    assert found == names
    first = await s3("ListBuckets", max_buckets=1)
    for bad in ({"prefix": "b-", "continuation_token": first.continuation_token},
                {"continuation_token": "nonsense"}, {"max_buckets": 0}):  # fmt: skip
        with pytest.raises(InvalidArgument):
            await s3("ListBuckets", **bad)


async def test_buckets_are_listed_by_region(s3: Any) -> None:
    await s3.make("home")
    await s3("CreateBucket", bucket="away", create_bucket_configuration=located("us-west-2"))
    listed = await s3("ListBuckets", bucket_region="us-west-2")
    assert [bucket.name for bucket in listed.buckets] == ["away"]


@pytest.mark.parametrize(
    ("members", "named"),
    [
        ({"object_lock_enabled_for_bucket": True}, "object-lock"),
        ({"object_ownership": "ObjectWriter"}, "ownership"),
        ({"bucket_namespace": "account-regional"}, "namespace"),
        ({"create_bucket_configuration": TAGGED}, "Tags"),
        ({"create_bucket_configuration": ZONAL}, "Location"),
    ],
)
async def test_options_that_are_not_there_are_refused_by_name(
    s3: Any, members: dict[str, Any], named: str
) -> None:
    with pytest.raises(NotImplementedHere, match=named):
        await s3("CreateBucket", bucket="box", **members)


async def test_a_bucket_grants_nothing(s3: Any) -> None:
    for members in ({"acl": "public-read"}, {"grant_read": "id=1"}):
        with pytest.raises(InvalidBucketAcl):
            await s3("CreateBucket", bucket="box", **members)
    await s3("CreateBucket", bucket="box", acl="private", object_ownership="BucketOwnerEnforced")


async def test_a_bucket_and_an_object_in_it_do_not_miss_each_other(s3: Any) -> None:
    """Whoever commits first, no object ever lies in a bucket that is gone."""
    outcomes = set()
    for round_ in range(20):
        await s3.make("race")
        put, delete = await asyncio.gather(
            s3.put("race", f"k{round_}", b"x"),
            s3("DeleteBucket", bucket="race"),
            return_exceptions=True,
        )
        if isinstance(delete, Conflict):
            delete = None
            with pytest.raises(BucketNotEmpty):
                await s3("DeleteBucket", bucket="race")
            outcomes.add("put first")
        elif isinstance(put, NoSuchBucket):
            outcomes.add("delete first")
            assert delete is None
            continue
        assert not isinstance(put, Exception)
        assert await s3.keys("race") == [f"k{round_}"]
        await s3("DeleteObject", bucket="race", key=f"k{round_}")
    assert outcomes


@pytest.mark.parametrize("name", ["b" * 5000, "\udcff", "b\x00x", "..", "a/b"])
async def test_a_name_that_no_bucket_has_is_refused_everywhere(s3: Any, name: str) -> None:
    upload = {"key": "k", "upload_id": "0" * 60}
    for operation, members in (
        ("HeadBucket", {}),
        ("DeleteBucket", {}),
        ("ListObjects", {}),
        ("ListObjectsV2", {}),
        ("ListMultipartUploads", {}),
        ("GetObject", {"key": "k"}),
        ("PutObject", {"key": "k"}),
        ("DeleteObject", {"key": "k"}),
        ("CopyObject", {"key": "k", "copy_source": "box/k"}),
        ("CreateMultipartUpload", {"key": "k"}),
        ("ListParts", upload),
        ("AbortMultipartUpload", upload),
        ("UploadPart", {**upload, "part_number": 1}),
    ):
        await s3.make("box")
        await s3.put("box", "k")
        with pytest.raises(InvalidBucketName):
            await s3(operation, bucket=name, **members)
    listed = await s3("ListBuckets", prefix=name)
    assert listed.buckets == []
