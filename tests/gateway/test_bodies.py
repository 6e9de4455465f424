"""Uploads in every way that S3 clients sign them, and downloads as bytes, files and streams."""

import base64
import hashlib
import http.client
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import urllib3
from botocore.exceptions import ClientError

from millpond.wire.http import Request
from millpond.wire.sigv4 import Verified, derive_key
from millpond.wire.sigv4_claim import Payload, read_claim
from tests.gateway.toy import (
    KEY,
    PIECE,
    SECRET,
    TEMPORARY_KEY,
    TEMPORARY_SECRET,
    TOKEN,
    Running,
    Shelf,
)
from tests.wire.chunk_signing import SIGNED, SIGNED_TRAILER, UNSIGNED, write_chunks
from tests.wire.signing import sign_as

SIZES = [0, 1, 200_000, 262_144, 262_145, 3_000_000]
HTTP = urllib3.PoolManager(retries=False)
DECLARED = {
    SIGNED: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    SIGNED_TRAILER: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
    UNSIGNED: "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
}


def content(size: int) -> bytes:
    return (hashlib.sha256(str(size).encode()).digest() * (size // 32 + 1))[:size]


def crc32(data: bytes) -> str:
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("signed", [True, False])
def test_boto3_uploads_and_downloads(client: Any, shelf: Shelf, size: int, signed: bool) -> None:
    data = content(size)
    s3 = client("s3", s3={"payload_signing_enabled": signed})
    etag = s3.put_object(Bucket="b", Key="k", Body=data)["ETag"]
    assert etag == f'"{hashlib.md5(data).hexdigest()}"'
    answer = s3.get_object(Bucket="b", Key="k")
    assert answer["ContentLength"] == size
    assert answer["Body"].read() == data
    assert s3.head_object(Bucket="b", Key="k")["ContentLength"] == size


@pytest.mark.usefixtures("local_names")
@pytest.mark.parametrize(
    "key",
    ["a b+c&d=e?f#g%h", "ü/Ωж/日本", "a//b", "/a", "a/../b", "..", "a%2Fb", "a\\b", "~_-.!'()*"],
)
@pytest.mark.parametrize("style", ["path", "virtual"])
def test_a_key_comes_through_as_it_is(client: Any, shelf: Shelf, key: str, style: str) -> None:
    s3 = client("s3", s3={"addressing_style": style}, endpoint_url=_localhost(client))
    s3.put_object(Bucket="bucket", Key=key, Body=b"x")
    assert list(shelf.objects) == [("bucket", key)]
    assert s3.get_object(Bucket="bucket", Key=key)["Body"].read() == b"x"
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": key})
    assert _fetch(url) == (200, b"x")


def _localhost(client: Callable[..., Any]) -> str:
    return str(client("s3").meta.endpoint_url).replace("127.0.0.1", "localhost")


def _fetch(url: str, method: str = "GET", **more: Any) -> Any:
    """As a browser would, of a host that names a bucket too; returns status and content."""
    netloc, _, target = url.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection("127.0.0.1", int(netloc.rpartition(":")[2]), timeout=10)
    headers = {"host": netloc, **more.get("headers", {})}
    connection.request(method, f"/{target}", more.get("body"), headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content


PRESIGNING = [("us-east-1", "AWSAccessKeyId="), ("eu-central-1", "X-Amz-Signature=")]
"""boto3 presigns by Version 2 in the older regions, by Version 4 in the others."""


@pytest.mark.usefixtures("local_names")
@pytest.mark.parametrize("style", ["path", "virtual"])
@pytest.mark.parametrize("region,mark", PRESIGNING)
def test_presigned_urls_read_and_write(
    client: Any, shelf: Shelf, style: str, region: str, mark: str
) -> None:
    s3 = client(
        "s3", s3={"addressing_style": style}, endpoint_url=_localhost(client), region_name=region
    )
    where = {"Bucket": "b", "Key": "a key/ü"}
    put = s3.generate_presigned_url("put_object", Params=where)
    assert mark in put
    assert _fetch(put, "PUT", body=b"content")[0] == 200
    typed = s3.generate_presigned_url("put_object", Params={**where, "ContentType": "text/csv"})
    headers = {"content-type": "text/csv"}
    assert _fetch(typed, "PUT", body=b"content", headers=headers)[0] == 200
    assert shelf.seen[-1][0].content_type == "text/csv"
    wrong = {"content-type": "text/html"}
    assert _fetch(typed, "PUT", body=b"content", headers=wrong)[0] == 403
    more = {**headers, "x-amz-acl": "public-read"}
    assert _fetch(typed, "PUT", body=b"content", headers=more)[0] == 403
    get = s3.generate_presigned_url("get_object", Params=where)
    assert _fetch(get) == (200, b"content")
    assert _fetch(get, "PUT", body=b"other")[0] == 403
    assert _fetch(get.replace("a%20key", "b%20key"))[0] == 403
    for more_query in ("versionId=1", "uploads", "response-content-type=text/html"):
        assert _fetch(f"{get}&{more_query}")[0] == 403
    for unsigned in ("attributes", "prefix=a", "Signature=a"):
        assert _fetch(f"{get}&{unsigned}")[0] in {400, 403}
    typed = s3.generate_presigned_url(
        "get_object", Params={**where, "ResponseContentType": "text/csv; charset=utf-8"}
    )
    assert _fetch(typed) == (200, b"content")
    assert shelf.objects == {("b", "a key/ü"): b"content"}


@pytest.mark.parametrize("region,mark", PRESIGNING)
def test_temporary_credentials_presign_with_their_token(
    client: Any, shelf: Shelf, region: str, mark: str
) -> None:
    shelf.objects["b", "k"] = b"content"
    for token, status in ((TOKEN, 200), ("another", 400), (None, 400)):
        s3 = client(
            "s3",
            region_name=region,
            aws_access_key_id=TEMPORARY_KEY,
            aws_secret_access_key=TEMPORARY_SECRET,
            aws_session_token=token,
        )
        url = s3.generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k"})
        assert mark in url
        assert _fetch(url)[0] == status
    assert shelf.calls[0].principal.access_key_id == TEMPORARY_KEY
    assert shelf.calls[0].region in {region, "us-east-1"}


def test_a_url_of_version_2_carries_headers_that_it_signs(client: Any, shelf: Shelf) -> None:
    s3 = client("s3", region_name="us-east-1")
    where = {"Bucket": "b", "Key": "k", "Metadata": {"color": "blue"}}
    url = s3.generate_presigned_url("put_object", Params=where)
    assert "x-amz-meta-color=blue" in url
    assert _fetch(url, "PUT", body=b"x")[0] == 200
    assert shelf.seen[-1][0].metadata == {"color": "blue"}
    assert _fetch(url, "PUT", body=b"x", headers={"x-amz-meta-color": "blue"})[0] == 200
    assert _fetch(url, "PUT", body=b"x", headers={"x-amz-meta-color": "red"})[0] == 403
    assert _fetch(url.replace("=blue", "=red"), "PUT", body=b"x")[0] == 403


@pytest.mark.usefixtures("local_names")
def test_boto3_signs_every_operation_in_the_virtual_style(client: Any, shelf: Shelf) -> None:
    s3 = client("s3", s3={"addressing_style": "virtual"}, endpoint_url=_localhost(client))
    s3.delete_objects(Bucket="bucket", Delete={"Objects": [{"Key": "a"}]})
    assert shelf.seen[-1].bucket == "bucket"
    assert shelf.seen[-1].delete.objects[0].key == "a"


class Upload:
    """An aws-chunked upload, signed by another signer than the one that is tested."""

    def __init__(self, server: Running, payload: Payload, size: int, trailers: dict[str, str]):
        headers = [
            ("content-encoding", "aws-chunked,gzip"),
            ("x-amz-decoded-content-length", str(size)),
        ]
        if trailers:
            headers.append(("x-amz-trailer", ",".join(trailers)))
        self.server = server
        self.payload = payload
        self.trailers = trailers
        self.request: Request = sign_as(
            {"method": "PUT", "target": "/b/k", "headers": headers},
            KEY, SECRET, service="s3", payload=DECLARED[payload], at=datetime.now(UTC),
            host=f"h:{server.port}",
        )  # fmt: skip
        claim = read_claim(self.request)
        key = derive_key(SECRET, claim.date, claim.region, "s3")
        self.seed = Verified(claim, key)

    def body(self, data: bytes, chunk_size: int = 65536) -> bytes:
        chunks = [data[start : start + chunk_size] for start in range(0, len(data), chunk_size)]
        return write_chunks(self.payload, chunks, self.trailers, self.seed)

    def send(self, body: bytes, *, chunked: bool = False) -> tuple[int, str]:
        """Its status and text; `chunked`: in HTTP chunks, without a length."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=10)
        headers = {name: self.request.headers.get(name) for name in self.request.headers}
        pieces = (body[start : start + 50_000] for start in range(0, len(body), 50_000))
        connection.request(
            "PUT", "/b/k", pieces if chunked else body, headers, encode_chunked=chunked
        )
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text


@pytest.mark.parametrize("payload", DECLARED)
@pytest.mark.parametrize("size", [0, 100, 1_000_000])
@pytest.mark.parametrize("chunked", [False, True])
def test_chunked_uploads_are_decoded(
    server: Running, shelf: Shelf, payload: Payload, size: int, chunked: bool
) -> None:
    data = content(size)
    trailers = {} if payload is SIGNED else {"x-amz-checksum-crc32": crc32(data)}
    upload = Upload(server, payload, size, trailers)
    assert upload.send(upload.body(data), chunked=chunked)[0] == 200
    assert shelf.objects["b", "k"] == data
    request, came, length = shelf.seen[-1]
    assert (came, length) == (trailers, size)
    assert request.content_encoding == "gzip"
    assert request.content_length == size


@pytest.mark.parametrize("payload", DECLARED)
@pytest.mark.parametrize("chunked", [False, True])
def test_a_chunked_upload_that_is_not_whole_is_not_stored(
    server: Running, shelf: Shelf, payload: Payload, chunked: bool
) -> None:
    data = content(200_000)
    upload = Upload(server, payload, len(data), {})
    body = upload.body(data)
    cases = [
        (body[:-2], "IncompleteBody"),
        (body[: len(body) // 2], "IncompleteBody"),
        (upload.body(data[:-1]), "IncompleteBody"),
        (upload.body(data + b"x"), "IncompleteBody"),
        (body + b"more", "InvalidRequest"),
        (upload.body(data, 8000), "InvalidChunkSizeError"),
        (b"", "IncompleteBody"),
    ]
    if payload is not UNSIGNED:
        cases.append((body.replace(data[:9], b"different"), "SignatureDoesNotMatch"))
    for wrong, code in cases:
        status, text = upload.send(wrong, chunked=chunked)
        assert status in {400, 403}
        assert f"<Code>{code}</Code>" in text
    assert shelf.objects == {}


def test_an_unsigned_trailer_needs_a_signed_head(server: Running, shelf: Shelf) -> None:
    """CVE-2025-31489: any secret would do, with a known key."""
    upload = Upload(server, UNSIGNED, 5, {"x-amz-checksum-crc32": crc32(b"hello")})
    authorization = upload.request.headers.get("authorization") or ""
    forged = [(n, upload.request.headers.get(n) or "") for n in upload.request.headers]
    forged = [(n, v) for n, v in forged if n != "authorization"]
    forged.append(("authorization", authorization[:-4] + "0000"))
    upload.request = type(upload.request)(
        "PUT", "/b/k", "", type(upload.request.headers)(forged), upload.request.host
    )
    status, text = upload.send(upload.body(b"hello"))
    assert (status, "SignatureDoesNotMatch" in text) == (403, True)
    assert shelf.objects == {}


def test_a_checksum_in_a_trailer_must_be_the_announced_one(server: Running, shelf: Shelf) -> None:
    upload = Upload(server, UNSIGNED, 5, {"x-amz-checksum-crc32": "AAAAAA=="})
    upload.trailers = {"x-amz-checksum-sha1": "AAAAAA=="}
    status, text = upload.send(upload.body(b"hello"))
    assert (status, "<Code>MalformedTrailerError</Code>" in text) == (400, True)
    assert shelf.objects == {}


@pytest.mark.parametrize("size", [10, 1_000_000])
def test_a_body_with_another_hash_is_not_stored(server: Running, shelf: Shelf, size: int) -> None:
    data = content(size)
    request = sign_as(
        {"method": "PUT", "target": "/b/k"}, KEY, SECRET, service="s3",
        payload=hashlib.sha256(data).hexdigest(), at=datetime.now(UTC), host=f"h:{server.port}",
    )  # fmt: skip
    headers = {name: request.headers.get(name) for name in request.headers}
    url = f"{server.endpoint}/b/k"
    wrong = HTTP.request("PUT", url, body=data[:-1] + b"!", headers=headers)
    assert wrong.status == 400
    assert b"<Code>XAmzContentSHA256Mismatch</Code>" in wrong.data
    assert shelf.objects == {}
    assert HTTP.request("PUT", url, body=data, headers=headers).status == 200


def test_an_upload_of_unknown_length_is_refused(server: Running, shelf: Shelf) -> None:
    request = sign_as(
        {"method": "PUT", "target": "/b/k"}, KEY, SECRET, service="s3",
        payload="UNSIGNED-PAYLOAD", at=datetime.now(UTC), host=f"h:{server.port}",
    )  # fmt: skip
    headers = {name: request.headers.get(name) for name in request.headers}
    answer = HTTP.request(
        "PUT", f"{server.endpoint}/b/k", body=iter([b"hello"]), headers=headers, chunked=True
    )
    assert answer.status == 411
    assert b"<Code>MissingContentLength</Code>" in answer.data


def test_a_large_upload_that_is_refused_hears_why(client: Any, shelf: Shelf) -> None:
    """boto3 waits for 100-continue, so nothing of the body is sent."""
    s3 = client("s3", aws_secret_access_key="another")
    with pytest.raises(ClientError) as refused:
        s3.put_object(Bucket="b", Key="k", Body=b"x" * (40 << 20))
    assert refused.value.response["Error"]["Code"] == "SignatureDoesNotMatch"
    assert client("s3").put_object(Bucket="b", Key="k", Body=b"x" * (20 << 20))["ETag"]


def test_a_json_body_is_bounded(client: Any, shelf: Shelf) -> None:
    with pytest.raises(ClientError) as refused:
        client("glue").create_database(DatabaseInput={"Name": "d", "Description": "x" * (17 << 20)})
    assert refused.value.response["Error"]["Code"] == "RequestEntityTooLargeException"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413


def test_an_xml_body_is_bounded(client: Any, shelf: Shelf) -> None:
    objects = [{"Key": "k" * 1000}] * 17_000
    with pytest.raises(ClientError) as refused:
        client("s3").delete_objects(Bucket="b", Delete={"Objects": objects})
    assert refused.value.response["Error"]["Code"] == "MaxMessageLengthExceeded"


def test_a_range_of_a_file_is_answered(client: Any, shelf: Shelf) -> None:
    data = content(3_000_000)
    shelf.objects["b", "k"] = data
    answer = client("s3").get_object(Bucket="b", Key="k", Range="bytes=1000000-1999999")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert answer["ContentRange"] == "bytes 1000000-1999999/3000000"
    assert answer["ContentLength"] == 1_000_000
    assert answer["Body"].read() == data[1_000_000:2_000_000]


@pytest.mark.parametrize("pieces", [0, 1, 16, 17, 100])
def test_a_stream_is_answered(client: Any, shelf: Shelf, pieces: int) -> None:
    answer = client("s3").get_object(Bucket="b", Key=f"stream/{pieces}")
    assert answer["ContentLength"] == pieces * len(PIECE)
    assert answer["Body"].read() == PIECE * pieces


def test_a_stream_of_unknown_length_is_gathered(client: Any, shelf: Shelf) -> None:
    answer = client("s3").get_object(Bucket="b", Key="stream/40/unknown")
    assert answer["ContentLength"] == 40 * len(PIECE)
    assert answer["Body"].read() == PIECE * 40
    with pytest.raises(ClientError) as refused:
        client("s3").get_object(Bucket="b", Key="stream/300/unknown")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500


def test_a_stream_that_breaks_off_is_never_taken_for_whole(client: Any, shelf: Shelf) -> None:
    with pytest.raises(ClientError) as refused:
        client("s3").get_object(Bucket="b", Key="stream/3/breaks")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    answer = client("s3").get_object(Bucket="b", Key="stream/100/breaks")
    with pytest.raises(Exception, match=r"(?i)incomplete|broken"):
        answer["Body"].read()


def test_a_file_that_is_gone_is_an_error(client: Any, shelf: Shelf) -> None:
    with pytest.raises(ClientError) as refused:
        client("s3").get_object(Bucket="b", Key="missing-file")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500


def test_a_stream_waits_for_a_slow_client_and_ends_when_it_goes(client: Any, shelf: Shelf) -> None:
    """1.3 GB, of which the client reads nothing: only what fits in buffers is ever made."""
    answer = client("s3").get_object(Bucket="b", Key="stream/20000")
    assert answer["Body"].read(1)
    assert not shelf.abandoned.wait(0.3)
    made = shelf.streamed
    assert made < 400
    answer["Body"].close()
    assert shelf.abandoned.wait(10)
    assert shelf.streamed < 400
