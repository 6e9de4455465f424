"""S3 as boto3 sees it: a real client, a real server, everything over the socket."""

import base64
import hashlib
import http.client
import io
import itertools
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
import urllib3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.response import StreamingBody

MIB = 1024 * 1024
ALGORITHMS = ("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256")
LARGE = bytes(range(256)) * (20 * MIB // 256)
_numbers = itertools.count()


@pytest.fixture(scope="module")
def s3(server: Any) -> Any:
    return server.client("s3")


@pytest.fixture(scope="module", params=["default", "s3v4"])
def presigning(server: Any, request: pytest.FixtureRequest) -> Any:
    """boto3 signs URLs for an endpoint of one's own with version 2 unless it is told otherwise."""
    if request.param == "default":
        return server.client("s3")
    return server.client("s3", config=Config(signature_version=request.param))


@pytest.fixture
def box(s3: Any) -> str:
    """A bucket of this test's own."""
    name = f"boto3-{next(_numbers)}"
    s3.create_bucket(Bucket=name)
    return name


def refused(code: str, status: int, call: Callable[..., Any], **members: Any) -> dict[str, Any]:
    """See that a call is refused with this code and status; the error."""
    with pytest.raises(ClientError) as refusal:
        call(**members)
    response = refusal.value.response
    assert (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]) == (
        code,
        status,
    )
    assert response["ResponseMetadata"]["RequestId"]
    return response["Error"]


def test_buckets_come_and_go(s3: Any) -> None:
    s3.create_bucket(Bucket="come-and-go")
    assert s3.create_bucket(Bucket="come-and-go")["Location"] == "/come-and-go"
    head = s3.head_bucket(Bucket="come-and-go")
    assert head["BucketRegion"] == "us-east-1"
    assert s3.get_bucket_location(Bucket="come-and-go")["LocationConstraint"] is None
    assert "come-and-go" in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    s3.put_object(Bucket="come-and-go", Key="k")
    error = refused("BucketNotEmpty", 409, s3.delete_bucket, Bucket="come-and-go")
    assert error["BucketName"] == "come-and-go"
    s3.delete_object(Bucket="come-and-go", Key="k")
    s3.delete_bucket(Bucket="come-and-go")
    refused("404", 404, s3.head_bucket, Bucket="come-and-go")
    refused("NoSuchBucket", 404, s3.delete_bucket, Bucket="come-and-go")


def test_buckets_elsewhere(server: Any) -> None:
    europe = server.client("s3", region_name="eu-central-1")
    where = {"LocationConstraint": "eu-central-1"}
    europe.create_bucket(Bucket="elsewhere", CreateBucketConfiguration=where)
    assert europe.get_bucket_location(Bucket="elsewhere")["LocationConstraint"] == "eu-central-1"
    assert europe.head_bucket(Bucket="elsewhere")["BucketRegion"] == "eu-central-1"
    refused(
        "BucketAlreadyOwnedByYou",
        409,
        europe.create_bucket,
        Bucket="elsewhere",
        CreateBucketConfiguration=where,
    )
    refused("IllegalLocationConstraintException", 400, europe.create_bucket, Bucket="elsewhere2")


def test_an_object_comes_back_as_it_was_sent(s3: Any, box: str) -> None:
    said = {
        "ContentType": "text/csv; charset=utf-8",
        "CacheControl": "max-age=60",
        "ContentDisposition": 'attachment; filename="a.csv"',
        "ContentEncoding": "identity",
        "ContentLanguage": "de-DE",
        "WebsiteRedirectLocation": "/elsewhere",
        "StorageClass": "STANDARD_IA",
        "Metadata": {"color": "blue", "with-dash": "1"},
    }
    put = s3.put_object(Bucket=box, Key="a/b c+d", Body=b"content", **said)
    assert put["ETag"] == f'"{hashlib.md5(b"content").hexdigest()}"'
    assert put["ChecksumCRC32"]
    got = s3.get_object(Bucket=box, Key="a/b c+d")
    assert got["Body"].read() == b"content"
    assert {name: got[name] for name in said} == said
    assert got["AcceptRanges"] == "bytes"
    assert got["ContentLength"] == 7
    head = s3.head_object(Bucket=box, Key="a/b c+d")
    assert (head["ETag"], head["LastModified"]) == (put["ETag"], got["LastModified"])
    assert "ServerSideEncryption" not in head


def test_metadata_is_unicode_on_the_wire(s3: Any, box: str) -> None:
    encoded = "=?UTF-8?B?w6TDtg==?="
    s3.put_object(Bucket=box, Key="k", Metadata={"name": encoded})
    assert s3.head_object(Bucket=box, Key="k")["Metadata"] == {"name": encoded}
    refused("MetadataTooLarge", 400, s3.put_object, Bucket=box, Key="k", Metadata={"n": "x" * 2048})


@pytest.mark.parametrize("size", [100, 300_000], ids=["small", "large"])
def test_ranges(s3: Any, box: str, size: int) -> None:
    data = LARGE[:size]
    s3.put_object(Bucket=box, Key="k", Body=data)
    for header, start, end in (
        ("bytes=0-9", 0, 10),
        ("bytes=50-", 50, size),
        ("bytes=-7", size - 7, size),
        (f"bytes=90-{size + 50}", 90, size),
    ):
        got = s3.get_object(Bucket=box, Key="k", Range=header)
        assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
        assert got["ContentRange"] == f"bytes {start}-{end - 1}/{size}"
        assert got["Body"].read() == data[start:end]
        head = s3.head_object(Bucket=box, Key="k", Range=header)
        assert head["ContentLength"] == end - start
    whole = s3.get_object(Bucket=box, Key="k", Range="bytes=0-1,5-6")
    assert whole["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert whole["Body"].read() == data
    error = refused("InvalidRange", 416, s3.get_object, Bucket=box, Key="k", Range=f"bytes={size}-")
    assert error["ActualObjectSize"] == str(size)


def test_conditions(s3: Any, box: str) -> None:
    put = s3.put_object(Bucket=box, Key="k", Body=b"1", IfNoneMatch="*")
    modified = s3.head_object(Bucket=box, Key="k")["LastModified"]
    refused("PreconditionFailed", 412, s3.put_object, Bucket=box, Key="k", IfNoneMatch="*")
    refused("PreconditionFailed", 412, s3.put_object, Bucket=box, Key="k", IfMatch='"aa"')
    refused("PreconditionFailed", 412, s3.get_object, Bucket=box, Key="k", IfMatch='"aa"')
    refused("304", 304, s3.get_object, Bucket=box, Key="k", IfNoneMatch=put["ETag"])
    refused("304", 304, s3.get_object, Bucket=box, Key="k", IfModifiedSince=modified)
    refused("304", 304, s3.head_object, Bucket=box, Key="k", IfNoneMatch=put["ETag"])
    refused("412", 412, s3.head_object, Bucket=box, Key="k", IfMatch='"aa"')
    s3.get_object(Bucket=box, Key="k", IfMatch=put["ETag"], IfUnmodifiedSince=modified)
    s3.put_object(Bucket=box, Key="k", Body=b"2", IfMatch=put["ETag"])
    refused("PreconditionFailed", 412, s3.delete_object, Bucket=box, Key="k", IfMatch=put["ETag"])
    refused("NoSuchKey", 404, s3.put_object, Bucket=box, Key="absent", IfMatch=put["ETag"])


def test_not_modified_has_headers_and_no_body(s3: Any, presigning: Any, box: str) -> None:
    put = s3.put_object(Bucket=box, Key="k", Body=b"1")
    url = presigning.generate_presigned_url("get_object", Params={"Bucket": box, "Key": "k"})
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    target = f"{parts.path}?{parts.query}"
    for _ in range(2):
        connection.request("GET", target, headers={"If-None-Match": put["ETag"]})
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (304, b"")
        assert answer.headers["ETag"] == put["ETag"]
        assert answer.headers["Last-Modified"].endswith(" GMT")
    connection.close()


def test_listings_in_pages(s3: Any, box: str) -> None:
    keys = sorted(
        [f"data/{year}/{month:02d}.csv" for year in (2024, 2025) for month in range(1, 8)]
        + ["top ü.txt", "a+b%20c", "z/😀/x", "z/\x01"],
        key=str.encode,
    )
    for key in keys:
        s3.put_object(Bucket=box, Key=key, Body=b"x")
    for operation in ("list_objects_v2", "list_objects"):
        pages = s3.get_paginator(operation).paginate(Bucket=box, PaginationConfig={"PageSize": 3})
        found = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
        assert found == keys
        pages = list(
            s3.get_paginator(operation).paginate(
                Bucket=box, Delimiter="/", PaginationConfig={"PageSize": 2}
            )
        )
        prefixes = [entry["Prefix"] for page in pages for entry in page.get("CommonPrefixes", [])]
        assert prefixes == ["data/", "z/"]
        assert [entry["Key"] for page in pages for entry in page.get("Contents", [])] == [
            "a+b%20c",
            "top ü.txt",
        ]
    page = s3.list_objects_v2(Bucket=box, Prefix="data/2025/", MaxKeys=2, FetchOwner=True)
    assert (page["KeyCount"], page["MaxKeys"], page["IsTruncated"]) == (2, 2, True)
    entry = page["Contents"][0]
    assert (entry["Size"], entry["StorageClass"], len(entry["Owner"]["ID"])) == (1, "STANDARD", 64)
    assert entry["ChecksumType"] == "FULL_OBJECT"
    page = s3.list_objects_v2(Bucket=box, StartAfter="data/2025/06.csv", Prefix="data/")
    assert [entry["Key"] for entry in page["Contents"]] == ["data/2025/07.csv"]
    assert "Contents" not in s3.list_objects_v2(Bucket=box, Prefix="none")
    refused("InvalidArgument", 400, s3.list_objects_v2, Bucket=box, ContinuationToken="nonsense")


def test_many_are_deleted_at_once(s3: Any, box: str) -> None:
    for number in range(5):
        s3.put_object(Bucket=box, Key=f"k&<{number}>", Body=b"x")
    answer = s3.delete_objects(
        Bucket=box,
        Delete={
            "Objects": [
                {"Key": "k&<0>"},
                {"Key": "absent"},
                {"Key": "k&<1>", "ETag": '"aa"'},
                {"Key": "k&<2>", "VersionId": "nonsense"},
            ]
        },
    )
    assert [entry["Key"] for entry in answer["Deleted"]] == ["k&<0>", "absent"]
    assert [(entry["Key"], entry["Code"]) for entry in answer["Errors"]] == [
        ("k&<1>", "PreconditionFailed"),
        ("k&<2>", "InvalidArgument"),
    ]
    quiet = {"Objects": [{"Key": f"k&<{number}>"} for number in range(5)], "Quiet": True}
    answer = s3.delete_objects(Bucket=box, Delete=quiet)
    assert "Deleted" not in answer
    assert s3.list_objects_v2(Bucket=box)["KeyCount"] == 0


def test_a_list_of_deletions_carries_a_checksum(server: Any, s3: Any, box: str) -> None:
    """boto3 always sends one; without it, S3 refuses."""
    s3.put_object(Bucket=box, Key="k")
    client = server.client("s3")
    client.meta.events.register(
        "before-sign.s3.DeleteObjects",
        lambda request, **_: [
            request.headers.__delitem__(name)
            for name in list(request.headers)
            if name.lower().startswith(("x-amz-checksum", "x-amz-sdk-checksum", "content-md5"))
        ],
    )
    error = refused(
        "InvalidRequest",
        400,
        client.delete_objects,
        Bucket=box,
        Delete={"Objects": [{"Key": "k"}]},
    )
    assert error["Message"].startswith("Missing required header for this request: Content-MD5")
    assert s3.list_objects_v2(Bucket=box)["KeyCount"] == 1


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_checksums_in_trailers(s3: Any, box: str, algorithm: str) -> None:
    """A stream of bytes: boto3 sends its checksum behind it, in a trailer."""
    member = f"Checksum{algorithm}"
    stream = io.BytesIO(LARGE[:300_000])
    put = s3.put_object(Bucket=box, Key="k", Body=stream, ChecksumAlgorithm=algorithm)
    got = s3.get_object(Bucket=box, Key="k", ChecksumMode="ENABLED")
    assert got[member] == put[member]
    assert got["Body"].read() == LARGE[:300_000]
    head = s3.head_object(Bucket=box, Key="k", ChecksumMode="ENABLED")
    assert (head[member], head["ChecksumType"]) == (put[member], "FULL_OBJECT")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_checksums_in_headers(s3: Any, box: str, algorithm: str) -> None:
    member = f"Checksum{algorithm}"
    first = s3.put_object(Bucket=box, Key="k", Body=b"abc", ChecksumAlgorithm=algorithm)
    again = s3.put_object(Bucket=box, Key="k", Body=b"abc", **{member: first[member]})
    assert again[member] == first[member]
    refused("BadDigest", 400, s3.put_object, Bucket=box, Key="k", Body=b"abd",
            **{member: first[member]})  # fmt: skip
    assert s3.get_object(Bucket=box, Key="k")["Body"].read() == b"abc"


def test_content_md5(s3: Any, box: str) -> None:
    right = base64.b64encode(hashlib.md5(b"abc").digest()).decode()
    s3.put_object(Bucket=box, Key="k", Body=b"abc", ContentMD5=right)
    refused("BadDigest", 400, s3.put_object, Bucket=box, Key="k", Body=b"abd", ContentMD5=right)
    refused("InvalidDigest", 400, s3.put_object, Bucket=box, Key="k", Body=b"a", ContentMD5="aa")


def test_a_large_file_goes_up_and_down_in_parts(s3: Any, box: str, tmp_path: Any) -> None:
    source, target = tmp_path / "up", tmp_path / "down"
    source.write_bytes(LARGE)
    config = TransferConfig(multipart_threshold=8 * MIB, multipart_chunksize=8 * MIB)
    s3.upload_file(str(source), box, "large", Config=config, ExtraArgs={"ContentType": "a/b"})
    head = s3.head_object(Bucket=box, Key="large", ChecksumMode="ENABLED")
    assert head["ETag"].endswith('-3"')
    assert head["ContentLength"] == len(LARGE)
    assert head["ContentType"] == "a/b"
    assert head["ChecksumType"] in ("FULL_OBJECT", "COMPOSITE")
    s3.download_file(box, "large", str(target), Config=config)
    assert target.read_bytes() == LARGE
    second = s3.get_object(Bucket=box, Key="large", PartNumber=2)
    assert (second["PartsCount"], second["ContentLength"]) == (3, 8 * MIB)
    assert second["Body"].read() == LARGE[8 * MIB : 16 * MIB]
    s3.copy({"Bucket": box, "Key": "large"}, box, "copied", Config=config)
    assert s3.get_object(Bucket=box, Key="copied")["Body"].read() == LARGE


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_multipart_step_by_step(s3: Any, box: str, algorithm: str) -> None:
    member = f"Checksum{algorithm}"
    begun = s3.create_multipart_upload(Bucket=box, Key="k", ChecksumAlgorithm=algorithm)
    ids = {"Bucket": box, "Key": "k", "UploadId": begun["UploadId"]}
    assert begun["ChecksumAlgorithm"] == algorithm
    parts = []
    for number, data in ((1, LARGE[: 5 * MIB]), (2, b"end")):
        sent = s3.upload_part(**ids, PartNumber=number, Body=data, ChecksumAlgorithm=algorithm)
        parts.append({"PartNumber": number, "ETag": sent["ETag"], member: sent[member]})
    uploads = s3.list_multipart_uploads(Bucket=box)["Uploads"]
    assert [upload["UploadId"] for upload in uploads] == [begun["UploadId"]]
    listed = s3.list_parts(**ids)
    assert [part[member] for part in listed["Parts"]] == [part[member] for part in parts]
    refused("InvalidPartOrder", 400, s3.complete_multipart_upload, **ids,
            MultipartUpload={"Parts": parts[::-1]})  # fmt: skip
    wrong = [parts[0], parts[1] | {"ETag": parts[0]["ETag"]}]
    refused("InvalidPart", 400, s3.complete_multipart_upload, **ids,
            MultipartUpload={"Parts": wrong})  # fmt: skip
    done = s3.complete_multipart_upload(**ids, MultipartUpload={"Parts": parts})
    assert done["ETag"].endswith('-2"')
    kind = "FULL_OBJECT" if algorithm == "CRC64NVME" else "COMPOSITE"
    assert done["ChecksumType"] == kind
    got = s3.get_object(Bucket=box, Key="k", ChecksumMode="ENABLED")
    assert got[member] == done[member]
    assert got["Body"].read() == LARGE[: 5 * MIB] + b"end"


def test_multipart_under_conditions_and_abort(s3: Any, box: str) -> None:
    begun = s3.create_multipart_upload(Bucket=box, Key="k")
    ids = {"Bucket": box, "Key": "k", "UploadId": begun["UploadId"]}
    one = s3.upload_part(**ids, PartNumber=1, Body=b"a")
    two = s3.upload_part(**ids, PartNumber=2, Body=b"b")
    parts = [
        {"PartNumber": number, "ETag": sent["ETag"], "ChecksumCRC32": sent["ChecksumCRC32"]}
        for number, sent in ((1, one), (2, two))
    ]
    refused("EntityTooSmall", 400, s3.complete_multipart_upload, **ids,
            MultipartUpload={"Parts": parts})  # fmt: skip
    s3.put_object(Bucket=box, Key="k", Body=b"there")
    refused("PreconditionFailed", 412, s3.complete_multipart_upload, **ids,
            MultipartUpload={"Parts": parts[:1]}, IfNoneMatch="*")  # fmt: skip
    s3.abort_multipart_upload(**ids)
    refused("NoSuchUpload", 404, s3.list_parts, **ids)
    refused("NoSuchUpload", 404, s3.upload_part, **ids, PartNumber=1, Body=b"a")
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=box)


def test_parts_are_copied(s3: Any, box: str) -> None:
    s3.put_object(Bucket=box, Key="source +%", Body=LARGE[: 6 * MIB])
    begun = s3.create_multipart_upload(Bucket=box, Key="k", ChecksumAlgorithm="CRC64NVME")
    ids = {"Bucket": box, "Key": "k", "UploadId": begun["UploadId"]}
    source = {"Bucket": box, "Key": "source +%"}
    copied = s3.upload_part_copy(
        **ids, PartNumber=1, CopySource=source, CopySourceRange=f"bytes=10-{5 * MIB + 9}"
    )["CopyPartResult"]
    parts = [{"PartNumber": 1, "ETag": copied["ETag"]}]
    s3.complete_multipart_upload(**ids, MultipartUpload={"Parts": parts})
    assert s3.get_object(Bucket=box, Key="k")["Body"].read() == LARGE[10 : 5 * MIB + 10]


def test_copies(s3: Any, box: str) -> None:
    put = s3.put_object(Bucket=box, Key="s", Body=b"abc", Metadata={"m": "1"})
    result = s3.copy_object(Bucket=box, Key="t", CopySource=f"{box}/s")["CopyObjectResult"]
    assert result["ETag"] == put["ETag"]
    assert s3.head_object(Bucket=box, Key="t")["Metadata"] == {"m": "1"}
    refused("InvalidRequest", 400, s3.copy_object, Bucket=box, Key="s", CopySource=f"{box}/s")
    s3.copy_object(
        Bucket=box,
        Key="s",
        CopySource=f"{box}/s",
        MetadataDirective="REPLACE",
        Metadata={"n": "2"},
        ContentType="x/y",
    )
    head = s3.head_object(Bucket=box, Key="s")
    assert (head["Metadata"], head["ContentType"]) == ({"n": "2"}, "x/y")
    refused("PreconditionFailed", 412, s3.copy_object, Bucket=box, Key="t",
            CopySource=f"{box}/s", CopySourceIfNoneMatch=put["ETag"])  # fmt: skip
    refused("NoSuchKey", 404, s3.copy_object, Bucket=box, Key="t", CopySource=f"{box}/absent")


def test_presigned_urls(presigning: Any, box: str) -> None:
    params = {"Bucket": box, "Key": "pre signed/ü"}
    url = presigning.generate_presigned_url("put_object", Params=params)
    assert urllib3.request("PUT", url, body=b"sent").status == 200
    url = presigning.generate_presigned_url(
        "get_object", Params=params | {"ResponseContentType": "text/x-other"}
    )
    got = urllib3.request("GET", url)
    assert (got.status, got.data, got.headers["Content-Type"]) == (200, b"sent", "text/x-other")
    changed = urllib3.request("GET", url.replace("x-other", "x-wrong"))
    assert changed.status == 403
    assert b"SignatureDoesNotMatch" in changed.data


def test_an_old_client_without_checksums(server: Any, box: str) -> None:
    """As SDKs before 2025 do: no trailer, no checksum unless it is asked for."""
    client = server.client(
        "s3",
        config=Config(
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )
    put = client.put_object(Bucket=box, Key="k", Body=io.BytesIO(LARGE[:MIB]))
    assert put["ChecksumCRC64NVME"]
    body: StreamingBody = client.get_object(Bucket=box, Key="k")["Body"]
    assert body.read() == LARGE[:MIB]


@pytest.mark.parametrize("style", ["path", "virtual"])
def test_both_ways_to_name_a_bucket(
    server: Any, box: str, style: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where names below `localhost` resolve, as with most resolvers, buckets may be hosts."""
    resolve = socket.getaddrinfo

    def resolve_localhost(host: str, *rest: Any, **named: Any) -> Any:
        return resolve("127.0.0.1" if host.endswith("localhost") else host, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", resolve_localhost)
    endpoint = server.endpoint.replace("127.0.0.1", "localhost")
    client = server.client(
        "s3", endpoint_url=endpoint, config=Config(s3={"addressing_style": style})
    )
    client.put_object(Bucket=box, Key=f"{style}/k", Body=b"x")
    assert client.get_object(Bucket=box, Key=f"{style}/k")["Body"].read() == b"x"
    assert client.list_objects_v2(Bucket=box)["KeyCount"] >= 1


def test_refusals(s3: Any, box: str) -> None:
    refused("NoSuchKey", 404, s3.get_object, Bucket=box, Key="absent")
    refused("404", 404, s3.head_object, Bucket=box, Key="absent")
    refused("NoSuchBucket", 404, s3.get_object, Bucket="absent-bucket", Key="k")
    refused("NoSuchBucket", 404, s3.put_object, Bucket="absent-bucket", Key="k", Body=LARGE[:MIB])
    refused("KeyTooLongError", 400, s3.put_object, Bucket=box, Key="k" * 1025)
    refused("InvalidStorageClass", 400, s3.put_object, Bucket=box, Key="k", StorageClass="SNOW")
    refused("AccessControlListNotSupported", 400, s3.put_object, Bucket=box, Key="k",
            ACL="public-read")  # fmt: skip
    refused("AccessDenied", 403, s3.get_object, Bucket=box, Key="k",
            ExpectedBucketOwner="999999999999")  # fmt: skip
    refused("InvalidArgument", 400, s3.get_object, Bucket=box, Key="k", VersionId="abc")


def test_what_is_not_implemented_says_so_by_name(s3: Any, box: str) -> None:
    for members, named in (
        ({"Tagging": "a=b"}, "x-amz-tagging"),
        ({"ServerSideEncryption": "AES256"}, "x-amz-server-side-encryption"),
        ({"ServerSideEncryption": "aws:kms"}, "x-amz-server-side-encryption"),
        ({"StorageClass": "GLACIER"}, "GLACIER"),
        ({"ObjectLockLegalHoldStatus": "ON"}, "x-amz-object-lock-legal-hold"),
    ):
        error = refused("NotImplemented", 501, s3.put_object, Bucket=box, Key="k", **members)
        assert named in error["Message"]
    error = refused("NotImplemented", 501, s3.get_object_tagging, Bucket=box, Key="k")
    assert "GetObjectTagging" in error["Message"]
    error = refused("NotImplemented", 501, s3.get_bucket_versioning, Bucket=box)
    assert "GetBucketVersioning" in error["Message"]


def test_the_resource_interface_and_streams(server: Any, box: str) -> None:
    found = server.variables()
    resource = boto3.resource(
        "s3",
        endpoint_url=server.endpoint,
        region_name="us-east-1",
        aws_access_key_id=found["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=found["AWS_SECRET_ACCESS_KEY"],
    )
    bucket = resource.Bucket(box)
    bucket.upload_fileobj(io.BytesIO(b"from a stream"), "s")
    target = io.BytesIO()
    bucket.download_fileobj("s", target)
    assert target.getvalue() == b"from a stream"
    bucket.objects.filter(Prefix="s").delete()
    assert list(bucket.objects.all()) == []
