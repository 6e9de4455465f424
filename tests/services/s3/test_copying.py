"""CopyObject."""

import base64
import hashlib
from typing import Any

import pytest

from millpond.services.s3.errors import (
    InvalidArgument,
    InvalidRequest,
    NoSuchBucket,
    NoSuchKey,
    NotImplementedHere,
    PreconditionFailed,
)
from millpond.services.s3.shapes import CompletedMultipartUpload, CompletedPart

SMALL = b"some bytes"
LARGE = bytes(range(256)) * 24_000  # 5.8 MiB


async def copy(s3: Any, source: str, key: str, **members: Any) -> Any:
    answer = await s3("CopyObject", bucket="box", key=key, copy_source=source, **members)
    return answer.copy_object_result


@pytest.mark.parametrize("data", [SMALL, LARGE], ids=["small", "large"])
async def test_a_copy_is_an_object_of_its_own(s3: Any, data: bytes) -> None:
    await s3.make("box", "from")
    put = await s3.put(
        "from", "s", data, content_type="a/b", metadata={"m": "1"}, storage_class="STANDARD_IA"
    )
    s3.needs.clock.advance(5)
    result = await copy(s3, "from/s", "t")
    assert (result.etag, result.last_modified) == (put.etag, 1_700_000_005)
    assert result.checksum_crc64nvme == put.checksum_crc64nvme
    await s3("DeleteObject", bucket="from", key="s")
    await s3.work()
    got = await s3("HeadObject", bucket="box", key="t")
    assert (got.content_type, got.metadata, got.storage_class) == ("a/b", {"m": "1"}, None)
    assert await s3.get("box", "t") == data


async def test_metadata_is_replaced_when_that_is_asked_for(s3: Any) -> None:
    await s3.make("box")
    await s3.put("box", "s", SMALL, content_type="a/b", metadata={"m": "1"})
    await copy(s3, "box/s", "t", content_type="c/d", metadata={"n": "2"})
    assert (await s3("HeadObject", bucket="box", key="t")).metadata == {"m": "1"}
    await copy(
        s3, "box/s", "t", metadata_directive="REPLACE", content_type="c/d", metadata={"n": "2"}
    )
    head = await s3("HeadObject", bucket="box", key="t")
    assert (head.content_type, head.metadata) == ("c/d", {"n": "2"})
    with pytest.raises(InvalidArgument, match="Unknown metadata directive"):
        await copy(s3, "box/s", "t", metadata_directive="MERGE")


async def test_an_object_is_copied_to_itself_only_to_change_it(s3: Any) -> None:
    await s3.make("box")
    await s3.put("box", "s", LARGE, metadata={"m": "1"})
    with pytest.raises(InvalidRequest, match="copy an object to itself without changing"):
        await copy(s3, "box/s", "s")
    await copy(s3, "box/s", "s", metadata_directive="REPLACE", metadata={"n": "2"})
    await copy(s3, "box/s", "s", storage_class="STANDARD_IA")
    await s3.work()
    head = await s3("HeadObject", bucket="box", key="s")
    assert (head.metadata, head.storage_class) == ({"n": "2"}, "STANDARD_IA")
    assert await s3.get("box", "s") == LARGE


async def test_a_copy_of_a_joined_object_has_the_etag_of_its_bytes(s3: Any) -> None:
    await s3.make("box")
    upload_id = await s3.upload("box", "s", LARGE, SMALL)
    parts = [
        CompletedPart(part_number=number, etag=hashlib.md5(part).hexdigest())
        for number, part in ((1, LARGE), (2, SMALL))
    ]
    await s3(
        "CompleteMultipartUpload",
        bucket="box",
        key="s",
        upload_id=upload_id,
        multipart_upload=CompletedMultipartUpload(parts=parts),
    )
    result = await copy(s3, "box/s", "t", checksum_algorithm="SHA256")
    whole = LARGE + SMALL
    assert result.etag == f'"{hashlib.md5(whole).hexdigest()}"'
    assert result.checksum_sha256 == base64.b64encode(hashlib.sha256(whole).digest()).decode()
    assert await s3.get("box", "t") == whole
    assert (await s3("GetObject", bucket="box", key="t", part_number=1)).parts_count is None


async def test_copying_under_conditions(s3: Any) -> None:
    await s3.make("box")
    put = await s3.put("box", "s", SMALL)
    await copy(s3, "box/s", "t", copy_source_if_match=put.etag, if_none_match="*")
    for members in (
        {"copy_source_if_match": '"aa"'},
        {"copy_source_if_none_match": put.etag},
        {"copy_source_if_modified_since": 1_700_000_000},
        {"copy_source_if_unmodified_since": 1},
        {"if_none_match": "*"},
        {"if_match": '"aa"'},
    ):
        with pytest.raises(PreconditionFailed):
            await copy(s3, "box/s", "t", **members)
    await copy(s3, "box/s", "t", if_match=put.etag)


async def test_the_source_must_be_there(s3: Any) -> None:
    await s3.make("box")
    await s3.put("box", "s%20?x", SMALL)
    await copy(s3, "/box/s%2520%3Fx", "t")
    await copy(s3, "box/s%2520%3Fx?versionId=null", "t")
    for source, error in (
        ("box/absent", NoSuchKey),
        ("absent/s", NoSuchBucket),
        ("box/", InvalidArgument),
        ("/", InvalidArgument),
        ("box/%FF", InvalidArgument),
        ("box/s?versionId=abc", InvalidArgument),
    ):
        with pytest.raises(error):
            await copy(s3, source, "t")
    with pytest.raises(NoSuchBucket):
        await s3("CopyObject", bucket="absent", key="t", copy_source="box/s%2520%3Fx")
    with pytest.raises(NotImplementedHere, match="x-amz-tagging"):
        await copy(s3, "box/s%2520%3Fx", "t", tagging="a=b", tagging_directive="REPLACE")
