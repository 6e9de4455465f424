"""Multipart uploads."""

import base64
import hashlib
import zlib
from typing import Any

import pytest
from awscrt.checksums import crc64nvme

from millpond.kernel.body import BytesBody, gather
from millpond.services.s3.errors import (
    BadDigest,
    EntityTooSmall,
    InvalidArgument,
    InvalidPart,
    InvalidPartNumber,
    InvalidPartOrder,
    InvalidRange,
    InvalidRequest,
    MalformedXML,
    NoSuchBucket,
    NoSuchKey,
    NoSuchUpload,
    NotImplementedHere,
    PreconditionFailed,
)
from millpond.services.s3.shapes import CompletedMultipartUpload, CompletedPart

MIB = 1024 * 1024
FIRST = bytes(range(256)) * (5 * MIB // 256)
SECOND = FIRST[::-1]
LAST = b"the end"
WHOLE = FIRST + SECOND + LAST


def text(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


def crc32(data: bytes) -> str:
    return text(zlib.crc32(data).to_bytes(4, "big"))


def etag(*parts: bytes) -> str:
    joined = b"".join(hashlib.md5(part).digest() for part in parts)
    return f'"{hashlib.md5(joined).hexdigest()}-{len(parts)}"'


def listed(*parts: bytes, **members: list[str]) -> list[CompletedPart]:
    return [
        CompletedPart(
            part_number=number,
            etag=hashlib.md5(part).hexdigest(),
            **{name: values[number - 1] for name, values in members.items()},
        )
        for number, part in enumerate(parts, 1)
    ]


async def complete(s3: Any, upload_id: str, parts: list[CompletedPart], **members: Any) -> Any:
    return await s3(
        "CompleteMultipartUpload",
        bucket="box",
        key="k",
        upload_id=upload_id,
        multipart_upload=CompletedMultipartUpload(parts=parts),
        **members,
    )


async def test_parts_become_an_object(s3: Any) -> None:
    await s3.make("box")
    upload_id = await s3.upload(
        "box", "k", FIRST, SECOND, LAST, content_type="a/b", metadata={"m": "1"}
    )
    assert await s3.keys("box") == []
    s3.needs.clock.advance(3)
    done = await complete(s3, upload_id, listed(FIRST, SECOND, LAST))
    assert done.etag == etag(FIRST, SECOND, LAST)
    assert done.location == "http://localhost:4566/box/k"
    assert (done.checksum_crc64nvme, done.checksum_type) == (
        text(crc64nvme(WHOLE).to_bytes(8, "big")),
        "FULL_OBJECT",
    )
    got = await s3("GetObject", bucket="box", key="k")
    assert await gather(got.body, 1 << 30) == WHOLE
    assert (got.etag, got.content_type, got.metadata) == (done.etag, "a/b", {"m": "1"})
    assert got.last_modified == 1_700_000_003
    assert got.parts_count is None
    assert await s3.work() == ["remove-parts", "remove-blobs"]
    assert {key.split(b"\x00")[1] for key in await s3.records()} == {
        b"bucket",
        b"object",
        b"rows",
        b"blob",
    }


async def test_a_part_of_an_object_can_be_read(s3: Any) -> None:
    await s3.make("box")
    upload_id = await s3.upload("box", "k", FIRST, SECOND, LAST, checksum_algorithm="CRC32")
    sums = {"checksum_crc32": [crc32(part) for part in (FIRST, SECOND, LAST)]}
    await complete(s3, upload_id, listed(FIRST, SECOND, LAST, **sums))
    for number, part in enumerate((FIRST, SECOND, LAST), 1):
        got = await s3(
            "GetObject", bucket="box", key="k", part_number=number, checksum_mode="ENABLED"
        )
        assert await gather(got.body, 1 << 30) == part
        start = WHOLE.index(part)
        assert got.content_range == f"bytes {start}-{start + len(part) - 1}/{len(WHOLE)}"
        assert (got.parts_count, got.checksum_crc32) == (3, crc32(part))
        head = await s3("HeadObject", bucket="box", key="k", part_number=number)
        assert (head.content_length, head.parts_count) == (len(part), 3)
    with pytest.raises(InvalidPartNumber):
        await s3.get("box", "k", part_number=4)
    with pytest.raises(InvalidArgument):
        await s3.get("box", "k", part_number=0)
    with pytest.raises(InvalidRequest):
        await s3.get("box", "k", part_number=1, range="bytes=0-1")


async def test_a_part_may_be_sent_again(s3: Any) -> None:
    await s3.make("box")
    upload_id = await s3.upload("box", "k", SECOND, LAST)
    await s3.part("box", "k", upload_id, 1, FIRST)
    with pytest.raises(InvalidPart):
        await complete(s3, upload_id, listed(SECOND, LAST))
    await complete(s3, upload_id, listed(FIRST, LAST))
    assert await s3.get("box", "k") == FIRST + LAST


async def test_not_all_parts_need_be_used(s3: Any) -> None:
    await s3.make("box")
    upload_id = await s3.upload("box", "k", FIRST, SECOND, LAST)
    parts = listed(FIRST, SECOND, LAST)
    await complete(s3, upload_id, [parts[0], parts[2]])
    assert await s3.get("box", "k") == FIRST + LAST
    await s3.work()
    s3.needs.clock.advance(100)
    assert b"s3\x00part\x00" not in b"".join(await s3.records())


async def test_completing_again_answers_the_same(s3: Any) -> None:
    await s3.make("box")
    upload_id = await s3.upload("box", "k", FIRST, LAST)
    once = await complete(s3, upload_id, listed(FIRST, LAST))
    assert await complete(s3, upload_id, listed(FIRST, LAST)) == once
    for other in (listed(FIRST), [CompletedPart(part_number=1, etag="zz")]):
        with pytest.raises(NoSuchUpload):
            await complete(s3, upload_id, other)
    await s3.put("box", "k", b"other")
    with pytest.raises(NoSuchUpload):
        await complete(s3, upload_id, listed(FIRST, LAST))


async def test_the_list_of_parts_must_be_right(s3: Any) -> None:
    await s3.make("box")
    upload_id = await s3.upload("box", "k", FIRST, LAST)
    parts = listed(FIRST, LAST)
    for wrong, error in (
        ([], MalformedXML),
        ([CompletedPart(part_number=1)], MalformedXML),
        ([CompletedPart(etag=parts[0].etag)], MalformedXML),
        (parts[::-1], InvalidPartOrder),
        ([parts[0], parts[0]], InvalidPartOrder),
        ([*parts, CompletedPart(part_number=3, etag=parts[0].etag)], InvalidPart),
        ([CompletedPart(part_number=1, etag="aa")], InvalidPart),
    ):
        with pytest.raises(error):
            await complete(s3, upload_id, wrong)
    await complete(s3, upload_id, parts)


async def test_a_completion_without_a_body_is_told_what_is_missing(s3: Any) -> None:
    await s3.make("box")
    upload_id = await s3.upload("box", "k", FIRST)
    with pytest.raises(InvalidRequest, match="You must specify at least one part"):
        await s3("CompleteMultipartUpload", bucket="box", key="k", upload_id=upload_id)


async def test_all_parts_but_the_last_have_five_mebibytes(s3: Any) -> None:
    await s3.make("box")
    upload_id = await s3.upload("box", "k", LAST, LAST)
    with pytest.raises(EntityTooSmall) as refusal:
        await complete(s3, upload_id, listed(LAST, LAST))
    assert refusal.value.members["PartNumber"] == "1"
    assert refusal.value.members["MinSizeAllowed"] == "5242880"
    await complete(s3, upload_id, listed(LAST))
    assert await s3.get("box", "k") == LAST


@pytest.mark.parametrize("number", [0, -1, 10_001])
async def test_parts_are_numbered_from_one_to_ten_thousand(s3: Any, number: int) -> None:
    await s3.make("box")
    upload_id = await s3.upload("box", "k")
    with pytest.raises(InvalidArgument, match="between 1 and 10000"):
        await s3.part("box", "k", upload_id, number, LAST)


async def test_a_composite_checksum(s3: Any) -> None:
    await s3.make("box")
    begun = await s3("CreateMultipartUpload", bucket="box", key="k", checksum_algorithm="SHA256")
    assert (begun.checksum_algorithm, begun.checksum_type) == ("SHA256", "COMPOSITE")
    sums = [hashlib.sha256(part).digest() for part in (FIRST, LAST)]
    for number, part in enumerate((FIRST, LAST), 1):
        sent = await s3.part(
            "box", "k", begun.upload_id, number, part, checksum_sha256=text(sums[number - 1])
        )
        assert sent.checksum_sha256 == text(sums[number - 1])
    with pytest.raises(InvalidRequest, match="was missing for part 1"):
        await complete(s3, begun.upload_id, listed(FIRST, LAST))
    with pytest.raises(InvalidPart):
        wrong = [text(sums[1]), text(sums[1])]
        await complete(s3, begun.upload_id, listed(FIRST, LAST, checksum_sha256=wrong))
    right = listed(FIRST, LAST, checksum_sha256=[text(digest) for digest in sums])
    whole = text(hashlib.sha256(b"".join(sums)).digest())
    with pytest.raises(BadDigest):
        await complete(s3, begun.upload_id, right, checksum_sha256=text(sums[0]))
    with pytest.raises(BadDigest):
        await complete(s3, begun.upload_id, right, checksum_type="FULL_OBJECT")
    done = await complete(s3, begun.upload_id, right, checksum_sha256=f"{whole}-2")
    assert (done.checksum_sha256, done.checksum_type) == (f"{whole}-2", "COMPOSITE")
    head = await s3("HeadObject", bucket="box", key="k", checksum_mode="ENABLED")
    assert (head.checksum_sha256, head.checksum_type) == (f"{whole}-2", "COMPOSITE")


async def test_a_full_object_checksum(s3: Any) -> None:
    await s3.make("box")
    upload_id = await s3.upload(
        "box", "k", FIRST, LAST, checksum_algorithm="CRC32", checksum_type="FULL_OBJECT"
    )
    with pytest.raises(BadDigest):
        await complete(s3, upload_id, listed(FIRST, LAST), checksum_crc32=crc32(FIRST))
    with pytest.raises(InvalidRequest):
        await complete(s3, upload_id, listed(FIRST, LAST), mpu_object_size=5)
    done = await complete(
        s3,
        upload_id,
        listed(FIRST, LAST),
        checksum_crc32=crc32(FIRST + LAST),
        mpu_object_size=len(FIRST + LAST),
        checksum_type="FULL_OBJECT",
    )
    assert (done.checksum_crc32, done.checksum_type) == (crc32(FIRST + LAST), "FULL_OBJECT")


async def test_a_part_has_the_upload_s_checksum_and_no_other(s3: Any) -> None:
    await s3.make("box")
    chosen = await s3.upload("box", "k", checksum_algorithm="SHA256")
    with pytest.raises(InvalidRequest, match=r"expected checksum Type: sha256, actual .*: crc32"):
        await s3.part("box", "k", chosen, 1, LAST, checksum_crc32=crc32(LAST))
    free = await s3.upload("box", "k")
    sent = await s3.part("box", "k", free, 1, LAST, checksum_crc32=crc32(LAST))
    assert sent.checksum_crc32 == crc32(LAST)
    done = await complete(s3, free, listed(LAST, checksum_crc32=[crc32(LAST)]))
    assert done.checksum_crc64nvme == text(crc64nvme(LAST).to_bytes(8, "big"))
    with pytest.raises(BadDigest):
        await s3.part("box", "k", chosen, 1, LAST, checksum_sha256=text(b"0" * 32))


@pytest.mark.parametrize(
    "members",
    [
        {"checksum_type": "COMPOSITE"},
        {"checksum_algorithm": "SHA1", "checksum_type": "FULL_OBJECT"},
        {"checksum_algorithm": "CRC64NVME", "checksum_type": "COMPOSITE"},
        {"checksum_algorithm": "CRC16"},
    ],
)
async def test_an_upload_has_a_checksum_that_s3_has(s3: Any, members: dict[str, str]) -> None:
    await s3.make("box")
    with pytest.raises(InvalidRequest):
        await s3("CreateMultipartUpload", bucket="box", key="k", **members)


async def test_completing_under_a_condition(s3: Any) -> None:
    await s3.make("box")
    put = await s3.put("box", "k", b"there")
    upload_id = await s3.upload("box", "k", LAST)
    with pytest.raises(PreconditionFailed):
        await complete(s3, upload_id, listed(LAST), if_none_match="*")
    with pytest.raises(PreconditionFailed):
        await complete(s3, upload_id, listed(LAST), if_match='"aa"')
    await complete(s3, upload_id, listed(LAST), if_match=put.etag)
    assert await s3.get("box", "k") == LAST


async def test_an_aborted_upload_is_gone(s3: Any) -> None:
    await s3.make("box")
    upload_id = await s3.upload("box", "k", FIRST, SECOND)
    ids = {"bucket": "box", "key": "k", "upload_id": upload_id}
    await s3("AbortMultipartUpload", **ids)
    for operation in ("AbortMultipartUpload", "ListParts"):
        with pytest.raises(NoSuchUpload):
            await s3(operation, **ids)
    with pytest.raises(NoSuchUpload):
        await s3.part("box", "k", upload_id, 1, FIRST)
    with pytest.raises(NoSuchUpload):
        await complete(s3, upload_id, listed(FIRST))
    await s3.work()
    assert [key.split(b"\x00")[1] for key in await s3.records()] == [b"bucket"]


@pytest.mark.parametrize("upload_id", ["", "abc", "0" * 60, "\x00", "../x"])
async def test_an_upload_that_is_not_there(s3: Any, upload_id: str) -> None:
    await s3.make("box")
    with pytest.raises(NoSuchUpload):
        await s3("ListParts", bucket="box", key="k", upload_id=upload_id)
    with pytest.raises(NoSuchUpload):
        await s3.part("box", "k", upload_id, 1, LAST)
    with pytest.raises(NoSuchBucket):
        await s3("ListParts", bucket="absent", key="k", upload_id=upload_id)
    mine = await s3.upload("box", "k")
    with pytest.raises(NoSuchUpload):
        await s3.part("box", "other-key", mine, 1, LAST)


async def test_parts_are_listed_in_pages(s3: Any) -> None:
    await s3.make("box")
    upload_id = await s3.upload("box", "k", storage_class="STANDARD_IA", checksum_algorithm="CRC32")
    for number in (1, 2, 7, 10_000):
        await s3.part("box", "k", upload_id, number, b"x" * number)
    ids = {"bucket": "box", "key": "k", "upload_id": upload_id}
    page = await s3("ListParts", **ids, max_parts=2)
    assert [part.part_number for part in page.parts] == [1, 2]
    assert (page.is_truncated, page.next_part_number_marker, page.part_number_marker) == (
        True,
        2,
        0,
    )
    page = await s3("ListParts", **ids, max_parts=2, part_number_marker=2)
    assert [part.part_number for part in page.parts] == [7, 10_000]
    assert (page.is_truncated, page.next_part_number_marker) == (False, 10_000)
    part = page.parts[0]
    assert (part.size, part.etag) == (7, f'"{hashlib.md5(b"x" * 7).hexdigest()}"')
    assert part.checksum_crc32 == crc32(b"x" * 7)
    assert (page.storage_class, page.checksum_algorithm, page.checksum_type) == (
        "STANDARD_IA",
        "CRC32",
        "COMPOSITE",
    )
    assert page.initiator.id == "arn:aws:iam::123456789012:root"
    with pytest.raises(InvalidArgument):
        await s3("ListParts", **ids, part_number_marker=-1)


async def test_uploads_are_listed_in_pages(s3: Any) -> None:
    await s3.make("box")
    begun = []
    for key in ("b", "a/1", "b", "a/2", "c\x00", "c"):
        begun.append((key, await s3.upload("box", key)))
        s3.needs.clock.advance(1)
    wanted = sorted(begun, key=lambda entry: (entry[0].encode(), begun.index(entry)))
    found: list[tuple[str, str]] = []
    markers: dict[str, Any] = {}
    while True:
        page = await s3("ListMultipartUploads", bucket="box", max_uploads=2, **markers)
        found += [(upload.key, upload.upload_id) for upload in page.uploads]
        if not page.is_truncated:
            break
        markers = {
            "key_marker": page.next_key_marker,
            "upload_id_marker": page.next_upload_id_marker,
        }
    assert found == wanted
    page = await s3("ListMultipartUploads", bucket="box", delimiter="/", max_uploads=1)
    assert [listed.prefix for listed in page.common_prefixes] == ["a/"]
    assert (page.next_key_marker, page.next_upload_id_marker) == ("a/", None)
    page = await s3("ListMultipartUploads", bucket="box", delimiter="/", key_marker="a/")
    assert [upload.key for upload in page.uploads] == ["b", "b", "c", "c\x00"]
    page = await s3("ListMultipartUploads", bucket="box", prefix="c", encoding_type="url")
    assert [upload.key for upload in page.uploads] == ["c", "c%00"]
    page = await s3("ListMultipartUploads", bucket="box", key_marker="b")
    assert [upload.key for upload in page.uploads] == ["c", "c\x00"]
    with pytest.raises(InvalidArgument):
        await s3("ListMultipartUploads", bucket="box", key_marker="a", upload_id_marker="nonsense")


async def test_a_part_is_copied_from_an_object(s3: Any) -> None:
    await s3.make("box", "from")
    put = await s3.put("from", "s ü", WHOLE)
    upload_id = await s3.upload("box", "k", checksum_algorithm="SHA1")
    ids = {"bucket": "box", "key": "k", "upload_id": upload_id}
    source = "/from/s%20%C3%BC"
    size = len(FIRST)
    first = await s3(
        "UploadPartCopy",
        **ids,
        part_number=1,
        copy_source=source,
        copy_source_range=f"bytes=0-{size - 1}",
        copy_source_if_match=put.etag,
    )
    result = first.copy_part_result
    assert result.etag == f'"{hashlib.md5(FIRST).hexdigest()}"'
    assert result.checksum_sha1 == text(hashlib.sha1(FIRST).digest())
    await s3("UploadPartCopy", **ids, part_number=2, copy_source=source)
    sums = [text(hashlib.sha1(part).digest()) for part in (FIRST, WHOLE)]
    await complete(s3, upload_id, listed(FIRST, WHOLE, checksum_sha1=sums))
    assert await s3.get("box", "k") == FIRST + WHOLE


async def test_a_part_is_copied_from_what_is_there(s3: Any) -> None:
    await s3.make("box")
    put = await s3.put("box", "source", LAST)
    upload_id = await s3.upload("box", "k")
    ids = {"bucket": "box", "key": "k", "upload_id": upload_id, "part_number": 1}
    for members, error in (
        ({"copy_source": "box/absent"}, NoSuchKey),
        ({"copy_source": "absent/source"}, NoSuchBucket),
        ({"copy_source": "box"}, InvalidArgument),
        ({"copy_source": "box/source?versionId=7"}, InvalidArgument),
        ({"copy_source": "arn:aws:s3:us-east-1:1:accesspoint/a/object/b"}, NotImplementedHere),
        ({"copy_source": "box/source", "copy_source_range": "bytes=0-7"}, InvalidArgument),
        ({"copy_source": "box/source", "copy_source_if_none_match": put.etag}, PreconditionFailed),
    ):
        with pytest.raises(error):
            await s3("UploadPartCopy", **ids, **members)
    with pytest.raises(NoSuchUpload):
        await s3("UploadPartCopy", **ids | {"upload_id": "0"}, copy_source="box/source")


async def test_a_range_of_a_joined_object_crosses_its_parts(s3: Any) -> None:
    await s3.make("box")
    upload_id = await s3.upload("box", "k", FIRST, LAST)
    await complete(s3, upload_id, listed(FIRST, LAST))
    size = len(FIRST)
    assert await s3.get("box", "k", range=f"bytes={size - 3}-{size + 2}") == FIRST[-3:] + LAST[:3]
    with pytest.raises(InvalidRange):
        await s3.get("box", "k", range=f"bytes={size + len(LAST)}-")


async def test_an_empty_body_is_a_part(s3: Any) -> None:
    await s3.make("box")
    upload_id = await s3.upload("box", "k")
    await s3(
        "UploadPart", bucket="box", key="k", upload_id=upload_id, part_number=1, body=BytesBody(b"")
    )
    done = await complete(s3, upload_id, listed(b""))
    assert done.etag == etag(b"")
    assert await s3.get("box", "k") == b""
