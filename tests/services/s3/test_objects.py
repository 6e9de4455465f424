"""Putting, reading and deleting objects."""

import base64
import hashlib
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from millpond.kernel.body import BytesBody, FileBody, StreamBody, gather
from millpond.services.s3.errors import (
    AccessControlListNotSupported,
    BadDigest,
    EntityTooLarge,
    InvalidArgument,
    InvalidDigest,
    InvalidRange,
    InvalidRequest,
    KeyTooLong,
    NoSuchBucket,
    NoSuchKey,
    NotImplementedHere,
    NotModified,
    PreconditionFailed,
)
from millpond.services.s3.shapes import Delete, ObjectIdentifier

SMALL = b"some bytes"
LARGE = bytes(range(256)) * 8192  # 2 MiB


@pytest.fixture(params=["small", "large"])
def data(request: pytest.FixtureRequest) -> bytes:
    return SMALL if request.param == "small" else LARGE


async def test_an_object_is_read_as_it_was_put(
    s3: Any, data: bytes, md5: Callable[[bytes], str]
) -> None:
    await s3.make("box")
    put = await s3.put("box", "a/k", data)
    assert put.etag == f'"{md5(data)}"'
    got = await s3("GetObject", bucket="box", key="a/k")
    assert await gather(got.body, 1 << 30) == data
    assert (got.etag, got.content_length, got.accept_ranges) == (put.etag, len(data), "bytes")
    assert got.content_type == "binary/octet-stream"
    assert got.last_modified == 1_700_000_000
    assert got.content_range is None
    assert got.storage_class is None
    head = await s3("HeadObject", bucket="box", key="a/k")
    assert (head.etag, head.content_length) == (put.etag, len(data))


async def test_an_empty_object(s3: Any) -> None:
    await s3.make("box")
    put = await s3("PutObject", bucket="box", key="k")
    assert put.etag == '"d41d8cd98f00b204e9800998ecf8427e"'
    assert await s3.get("box", "k") == b""
    with pytest.raises(InvalidRange):
        await s3.get("box", "k", range="bytes=0-")
    assert (await s3("GetObject", bucket="box", key="k", part_number=1)).content_range is None


async def test_a_large_object_leaves_as_a_file_or_as_a_stream(s3: Any) -> None:
    await s3.make("box")
    await s3.put("box", "k", LARGE)
    body = (await s3("GetObject", bucket="box", key="k", range="bytes=5-1048580")).body
    assert isinstance(body, FileBody)
    assert body.path.read_bytes() == LARGE
    assert await gather(body, 1 << 30) == LARGE[5:1048581]
    elsewhere = s3.lent(local_files=None)
    body = (await elsewhere("GetObject", bucket="box", key="k", range="bytes=5-1048580")).body
    assert isinstance(body, StreamBody)
    assert body.length == 1048576
    assert await gather(body, 1 << 30) == LARGE[5:1048581]


async def test_a_range_has_its_bytes_and_says_which(s3: Any, data: bytes) -> None:
    await s3.make("box")
    await s3.put("box", "k", data)
    size = len(data)
    asked = {"bytes=2-4": (2, 5), "bytes=-3": (size - 3, size), "bytes=7-": (7, size)}
    for header, (start, end) in asked.items():
        got = await s3("GetObject", bucket="box", key="k", range=header, checksum_mode="ENABLED")
        assert await gather(got.body, 1 << 30) == data[start:end]
        assert got.content_range == f"bytes {start}-{end - 1}/{size}"
        assert got.content_length == end - start
        assert got.checksum_crc64nvme is None
        head = await s3("HeadObject", bucket="box", key="k", range=header)
        assert head.content_range == got.content_range
    several = await s3("GetObject", bucket="box", key="k", range="bytes=0-1,3-4")
    assert several.content_range is None
    assert await gather(several.body, 1 << 30) == data


async def test_what_was_said_about_an_object_is_said_again(s3: Any) -> None:
    await s3.make("box")
    said = {
        "content_type": "text/csv",
        "cache_control": "max-age=1",
        "content_disposition": "attachment",
        "content_encoding": "gzip",
        "content_language": "de",
        "expires": "Thu, 01 Dec 1994 16:00:00 GMT",
        "website_redirect_location": "/there",
        "storage_class": "STANDARD_IA",
    }
    await s3.put("box", "k", SMALL, metadata={"Color": "=?UTF-8?B?w6TDtg==?="}, **said)
    for operation in ("GetObject", "HeadObject"):
        answer = await s3(operation, bucket="box", key="k")
        assert {name: getattr(answer, name) for name in said} == said
        assert answer.metadata == {"color": "=?UTF-8?B?w6TDtg==?="}
    over = await s3(
        "GetObject",
        bucket="box",
        key="k",
        response_content_type="text/plain",
        response_cache_control="no-store",
        response_content_disposition="inline",
        response_content_encoding="identity",
        response_content_language="fr",
        response_expires="0",
    )
    assert (over.content_type, over.cache_control, over.content_disposition) == (
        "text/plain",
        "no-store",
        "inline",
    )
    assert (over.content_encoding, over.content_language, over.expires) == ("identity", "fr", "0")


async def test_an_object_replaces_another_entirely(s3: Any) -> None:
    await s3.make("box")
    for first, second in ((SMALL, LARGE), (LARGE, SMALL), (LARGE, LARGE[1:]), (SMALL, b"other")):
        await s3.put("box", "k", first, content_type="a/b", metadata={"m": "1"})
        await s3.put("box", "k", second)
        got = await s3("GetObject", bucket="box", key="k")
        assert await gather(got.body, 1 << 30) == second
        assert (got.content_type, got.metadata) == ("binary/octet-stream", None)
    await s3("DeleteObject", bucket="box", key="k")
    await s3.work()
    assert [key for key in await s3.records() if not key.startswith(b"s3\x00bucket")] == []


async def test_what_is_not_there(s3: Any) -> None:
    with pytest.raises(NoSuchBucket):
        await s3.get("absent", "k")
    with pytest.raises(NoSuchBucket):
        await s3.put("absent", "k", SMALL)
    with pytest.raises(NoSuchBucket):
        await s3.put("absent", "k", LARGE)
    await s3.make("box")
    with pytest.raises(NoSuchKey) as refusal:
        await s3.get("box", "k")
    assert refusal.value.members == {"Key": "k"}
    await s3("DeleteObject", bucket="box", key="k")


async def test_a_body_for_a_bucket_that_is_not_there_is_not_read(s3: Any, streamed: Any) -> None:
    body = streamed(LARGE)
    with pytest.raises(NoSuchBucket):
        await s3("PutObject", bucket="absent", key="k", body=body)
    assert body.times_read == 0


async def test_keys_are_any_unicode_and_never_paths(s3: Any) -> None:
    await s3.make("box")
    keys = ["../../etc/passwd", "/", "//", "a//b", ".", "\x00", "\x7f\n", "ü/😀", "a b+c%20"]
    for key in keys:
        await s3.put("box", key, key.encode())
    for key in keys:
        assert await s3.get("box", key) == key.encode()
    assert await s3.keys("box") == sorted(keys, key=str.encode)
    with pytest.raises(KeyTooLong):
        await s3.put("box", "k" * 1025, b"")


CHECKSUMS = {
    "crc32": "y/Q5Jg==",
    "crc32c": "4waSgw==",
    "crc64nvme": "rosUhgp5mIg=",
    "sha1": base64.b64encode(hashlib.sha1(b"123456789").digest()).decode(),
    "sha256": base64.b64encode(hashlib.sha256(b"123456789").digest()).decode(),
}


@pytest.mark.parametrize("algorithm", CHECKSUMS)
async def test_a_checksum_in_a_header_is_checked_and_kept(s3: Any, algorithm: str) -> None:
    await s3.make("box")
    member, value = f"checksum_{algorithm}", CHECKSUMS[algorithm]
    put = await s3.put("box", "k", b"123456789", **{member: value})
    assert (getattr(put, member), put.checksum_type) == (value, "FULL_OBJECT")
    assert getattr(await s3("HeadObject", bucket="box", key="k"), member) is None
    head = await s3("HeadObject", bucket="box", key="k", checksum_mode="ENABLED")
    assert (getattr(head, member), head.checksum_type) == (value, "FULL_OBJECT")
    with pytest.raises(BadDigest, match=f"The {algorithm.upper()} you specified did not match"):
        await s3.put("box", "k", b"12345678", **{member: value})
    assert await s3.get("box", "k") == b"123456789"


@pytest.mark.parametrize("algorithm", CHECKSUMS)
@pytest.mark.parametrize("announced", [True, False])
async def test_a_checksum_in_a_trailer_is_checked_and_kept(
    s3: Any, streamed: Any, algorithm: str, announced: bool
) -> None:
    await s3.make("box")
    member, value = f"checksum_{algorithm}", CHECKSUMS[algorithm]
    said = {"checksum_algorithm": algorithm.upper()} if announced else {}
    trailers = {f"x-amz-checksum-{algorithm}": value}
    body = streamed(b"1234", b"56789", trailers=trailers)
    put = await s3("PutObject", bucket="box", key="k", body=body, **said)
    assert getattr(put, member) == value
    wrong = streamed(b"1234", b"5678", trailers=trailers)
    with pytest.raises(BadDigest):
        await s3("PutObject", bucket="box", key="k", body=wrong, **said)
    assert await s3.get("box", "k") == b"123456789"
    listed = await s3("ListObjectsV2", bucket="box")
    assert listed.contents[0].checksum_algorithm == [algorithm.upper()]


async def test_a_trailer_that_was_announced_must_come(s3: Any, streamed: Any) -> None:
    await s3.make("box")
    with pytest.raises(InvalidRequest, match="no corresponding x-amz-checksum"):
        await s3(
            "PutObject", bucket="box", key="k", body=streamed(b"x"), checksum_algorithm="CRC32"
        )
    assert await s3.keys("box") == []


async def test_without_a_checksum_s3_computes_its_own(s3: Any) -> None:
    await s3.make("box")
    put = await s3.put("box", "k", b"123456789")
    assert (put.checksum_crc64nvme, put.checksum_type) == ("rosUhgp5mIg=", "FULL_OBJECT")


async def test_a_large_body_is_hashed_as_a_small_one_is(s3: Any, streamed: Any) -> None:
    await s3.make("box")
    pieces = [LARGE[start : start + 70_001] for start in range(0, len(LARGE), 70_001)]
    crc32 = base64.b64encode(zlib.crc32(LARGE).to_bytes(4, "big")).decode()
    put = await s3(
        "PutObject",
        bucket="box",
        key="k",
        body=streamed(*pieces, trailers={"x-amz-checksum-crc32": crc32}),
        checksum_algorithm="CRC32",
        content_md5=base64.b64encode(hashlib.md5(LARGE).digest()).decode(),
    )
    assert put.etag == f'"{hashlib.md5(LARGE).hexdigest()}"'
    assert put.checksum_crc32 == crc32
    assert await s3.get("box", "k") == LARGE


async def test_content_md5_is_checked(s3: Any) -> None:
    await s3.make("box")
    right = base64.b64encode(hashlib.md5(LARGE).digest()).decode()
    await s3.put("box", "k", LARGE, content_md5=right)
    with pytest.raises(BadDigest, match="The Content-MD5 you specified did not match"):
        await s3.put("box", "k", LARGE + b"x", content_md5=right)
    for wrong in ("nonsense", "AAAA"):
        with pytest.raises(InvalidDigest):
            await s3.put("box", "k", SMALL, content_md5=wrong)
    assert await s3.get("box", "k") == LARGE
    assert s3.files() == 1


async def test_five_gibibytes_are_the_most(s3: Any) -> None:
    await s3.make("box")

    class Endless:
        length = 5 * 1024**3 + 1
        trailers: dict[str, str] = {}

        def __aiter__(self) -> Any:
            raise AssertionError("It is not read.")

    with pytest.raises(EntityTooLarge):
        await s3("PutObject", bucket="box", key="k", body=Endless())


async def test_writing_under_a_condition(s3: Any, data: bytes) -> None:
    await s3.make("box")
    with pytest.raises(NoSuchKey):
        await s3.put("box", "k", data, if_match='"aa"')
    first = await s3.put("box", "k", data, if_none_match="*")
    with pytest.raises(PreconditionFailed) as refusal:
        await s3.put("box", "k", data + b"2", if_none_match="*")
    assert refusal.value.members == {"Condition": "If-None-Match"}
    await s3.put("box", "k", data + b"3", if_match=first.etag)
    with pytest.raises(PreconditionFailed):
        await s3.put("box", "k", data + b"4", if_match=first.etag)
    assert await s3.get("box", "k") == data + b"3"
    with pytest.raises(NotImplementedHere, match="If-None-Match"):
        await s3.put("box", "k", data, if_none_match=first.etag)


async def test_reading_under_a_condition(s3: Any) -> None:
    await s3.make("box")
    put = await s3.put("box", "k", SMALL)
    for operation in ("GetObject", "HeadObject"):
        await s3(operation, bucket="box", key="k", if_match=put.etag)
        with pytest.raises(PreconditionFailed):
            await s3(operation, bucket="box", key="k", if_match='"aa"')
        with pytest.raises(NotModified):
            await s3(operation, bucket="box", key="k", if_none_match=put.etag)
        with pytest.raises(NotModified):
            await s3(operation, bucket="box", key="k", if_modified_since=1_700_000_000)


async def test_deleting_under_a_condition(s3: Any) -> None:
    await s3.make("box")
    put = await s3.put("box", "k", SMALL)
    with pytest.raises(PreconditionFailed):
        await s3("DeleteObject", bucket="box", key="k", if_match='"aa"')
    await s3("DeleteObject", bucket="box", key="k", if_match=put.etag)
    assert await s3.keys("box") == []
    with pytest.raises(NoSuchKey):
        await s3("DeleteObject", bucket="box", key="k", if_match=put.etag)


async def test_many_objects_are_deleted_at_once(s3: Any) -> None:
    await s3.make("box")
    put = await s3.put("box", "a", SMALL)
    for key in ("b", "c", "d"):
        await s3.put("box", key, LARGE)
    answer = await s3(
        "DeleteObjects",
        bucket="box",
        delete=Delete(
            objects=[
                ObjectIdentifier(key="a", etag=put.etag),
                ObjectIdentifier(key="absent"),
                ObjectIdentifier(key="b", etag='"aa"'),
                ObjectIdentifier(key="c", version_id="null"),
                ObjectIdentifier(key="d", version_id="7"),
                ObjectIdentifier(key="k" * 1025),
            ]
        ),
    )
    assert [(item.key, item.version_id) for item in answer.deleted] == [
        ("a", None),
        ("absent", None),
        ("c", "null"),
    ]
    assert [(item.key[:1], item.code) for item in answer.errors] == [
        ("b", "PreconditionFailed"),
        ("d", "InvalidArgument"),
        ("k", "KeyTooLongError"),
    ]
    assert await s3.keys("box") == ["b", "d"]


async def test_a_quiet_delete_tells_errors_only(s3: Any) -> None:
    await s3.make("box")
    await s3.put("box", "a", SMALL)
    objects = [ObjectIdentifier(key="a"), ObjectIdentifier(key="b", version_id="7")]
    answer = await s3("DeleteObjects", bucket="box", delete=Delete(objects=objects, quiet=True))
    assert answer.deleted is None
    assert [item.key for item in answer.errors] == ["b"]


async def test_a_thousand_keys_are_the_most(s3: Any) -> None:
    await s3.make("box")
    objects = [ObjectIdentifier(key=str(number)) for number in range(1001)]
    for asked in (objects, []):
        with pytest.raises(Exception, match="XML") as refusal:
            await s3("DeleteObjects", bucket="box", delete=Delete(objects=asked))
        assert refusal.value.code == "MalformedXML"
    answer = await s3("DeleteObjects", bucket="box", delete=Delete(objects=objects[:1000]))
    assert len(answer.deleted) == 1000


@pytest.mark.parametrize(
    ("member", "value", "named"),
    [
        ("tagging", "a=b", "x-amz-tagging"),
        ("server_side_encryption", "AES256", "x-amz-server-side-encryption"),
        ("server_side_encryption", "aws:kms", "x-amz-server-side-encryption"),
        ("sse_customer_algorithm", "AES256", "customer-algorithm"),
        ("ssekms_key_id", "key", "aws-kms-key-id"),
        ("object_lock_mode", "GOVERNANCE", "x-amz-object-lock-mode"),
        ("object_lock_legal_hold_status", "ON", "x-amz-object-lock-legal-hold"),
        ("write_offset_bytes", 0, "x-amz-write-offset-bytes"),
        ("storage_class", "GLACIER", "x-amz-storage-class: GLACIER"),
    ],
)
async def test_options_that_are_not_there_are_refused_by_name(
    s3: Any, member: str, value: Any, named: str
) -> None:
    await s3.make("box")
    with pytest.raises(NotImplementedHere, match=named) as refusal:
        await s3.put("box", "k", SMALL, **{member: value})
    assert refusal.value.status == 501
    assert await s3.keys("box") == []


async def test_an_object_grants_nothing(s3: Any) -> None:
    await s3.make("box")
    for acl in ("private", "bucket-owner-full-control"):
        await s3.put("box", "k", SMALL, acl=acl)
    for members in ({"acl": "public-read"}, {"grant_read": "id=1"}):
        with pytest.raises(AccessControlListNotSupported):
            await s3.put("box", "k", SMALL, **members)


async def test_an_object_has_one_version(s3: Any) -> None:
    await s3.make("box")
    await s3.put("box", "k", SMALL)
    assert await s3.get("box", "k", version_id="null") == SMALL
    for operation in ("GetObject", "HeadObject", "DeleteObject"):
        with pytest.raises(InvalidArgument, match="Invalid version id"):
            await s3(operation, bucket="box", key="k", version_id="abc")
    await s3("DeleteObject", bucket="box", key="k", version_id="null")
    assert await s3.keys("box") == []


async def test_a_body_that_breaks_leaves_nothing(s3: Any) -> None:
    await s3.make("box")

    class Broken(BytesBody):
        async def __aiter__(self) -> Any:
            yield LARGE
            raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        await s3("PutObject", bucket="box", key="k", body=Broken(LARGE + LARGE))
    assert await s3.keys("box") == []
    assert s3.files() == 0
