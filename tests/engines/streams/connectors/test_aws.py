"""The client of AWS: signatures, retries, refusals, frames of events."""

import hashlib
import struct
import zlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials

from millpond.engines.streams.connectors import aws as aws_module
from millpond.engines.streams.connectors.aggregated import opened
from millpond.engines.streams.connectors.aws import Aws, AwsError
from millpond.engines.streams.connectors.event_frames import DamagedFrame, FrameReader
from millpond.engines.streams.connectors.interface import Credentials, World
from millpond.engines.streams.connectors.java_dates import moment_ms
from millpond.engines.streams.connectors.options import duration_ms, size_bytes
from millpond.engines.streams.connectors.signing import (
    encoded_path,
    encoded_query,
    signed_headers,
)
from millpond.engines.streams.interface import Access

ACCESS = Access("http://127.0.0.1:1", "eu-west-1", "AKID", "secret", "token")


@pytest.mark.parametrize(
    ("path", "query", "body"),
    [("/", (), b"{}"), ("/a/b.txt", (("list-type", "2"), ("prefix", "a/ b")), b"")],
)
def test_requests_are_signed_as_botocore_signs_them(
    path: str, query: tuple[tuple[str, str], ...], body: bytes
) -> None:
    target, listed = encoded_path(path), encoded_query(query)
    headers = {"X-Amz-Target": "Kinesis_20131202.ListShards"}
    ours = signed_headers(
        ACCESS,
        service="kinesis",
        region="eu-west-1",
        method="POST",
        host="127.0.0.1:1",
        path=target,
        query=listed,
        headers=headers,
        payload_hash=hashlib.sha256(body).hexdigest(),
        stamp="20261121T121314Z",
    )
    request = AWSRequest("POST", f"http://127.0.0.1:1{target}?{listed}", headers, body)
    request.headers["X-Amz-Security-Token"] = "token"
    request.headers["X-Amz-Date"] = request.context["timestamp"] = "20261121T121314Z"
    signer = SigV4Auth(BotoCredentials("AKID", "secret", "token"), "kinesis", "eu-west-1")
    canonical = signer.canonical_request(request)
    signature = signer.signature(signer.string_to_sign(request, canonical), request)
    assert ours["authorization"].endswith(signature)
    assert (
        "SignedHeaders=host;x-amz-date;x-amz-security-token;x-amz-target" in ours["authorization"]
    )


@pytest.fixture
async def serve() -> AsyncIterator[Callable[..., Any]]:
    runners = []

    async def start(handler: Any) -> Aws:
        application = web.Application()
        application.router.add_route("*", "/{tail:.*}", handler)
        runner = web.AppRunner(application)
        runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        endpoint = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return Aws(Credentials(replace(ACCESS, endpoint=endpoint)))

    yield start
    for runner in runners:
        await runner.cleanup()


async def test_what_passes_is_tried_again_and_what_does_not_is_told(serve: Any) -> None:
    answers = [
        (400, '{"__type": "com.amazonaws#ThrottlingException", "message": "slow"}'),
        (503, "busy"),
        (200, '{"ok": 1}'),
        (400, '{"__type": "ResourceNotFoundException", "Message": "no such stream"}'),
    ]

    async def handler(request: web.Request) -> web.Response:
        status, text = answers.pop(0)
        return web.Response(status=status, text=text)

    aws = await serve(handler)
    assert await aws.call("kinesis", "ListShards", {}) == {"ok": 1}
    with pytest.raises(AwsError, match="ResourceNotFoundException: no such stream") as refused:
        await aws.call("kinesis", "ListShards", {})
    assert (refused.value.code, refused.value.status) == ("ResourceNotFoundException", 400)
    await aws.close()


async def test_patience_ends(serve: Any) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=500)

    aws = await serve(handler)
    with pytest.raises(AwsError, match="HTTP 500"):
        await aws.call("kinesis", "ListShards", {}, patience_seconds=0.1)
    await aws.close()
    nowhere = Aws(Credentials(ACCESS))
    with pytest.raises(AwsError, match="does not answer"):
        await nowhere.call("kinesis", "ListShards", {}, patience_seconds=0.1)
    await nowhere.close()


async def test_a_clock_that_is_off_is_set_right(serve: Any) -> None:
    stamps = []

    async def handler(request: web.Request) -> web.Response:
        stamps.append(request.headers["x-amz-date"])
        if len(stamps) == 1:
            text = '{"__type": "InvalidSignatureException", "message": "Signature expired"}'
            headers = {"Date": "Sat, 21 Nov 2037 12:00:00 GMT"}
            return web.Response(status=400, text=text, headers=headers)
        return web.Response(text="{}")

    aws = await serve(handler)
    await aws.call("kinesis", "ListShards", {})
    assert stamps[1].startswith("20371121T12")
    await aws.close()


async def test_renewed_credentials_are_used_at_the_next_call(server: Any, world: World) -> None:
    aws = Aws(world.credentials)
    good = world.credentials.access
    world.credentials.access = replace(good, secret_access_key="wrong")
    with pytest.raises(AwsError):
        await aws.call("kinesis", "ListStreams", {}, patience_seconds=0.1)
    world.credentials.access = good
    assert "StreamNames" in await aws.call("kinesis", "ListStreams", {})
    await aws.close()


async def test_errors_of_s3_are_read_from_xml() -> None:
    body = b"<?xml?><Error><Code>NoSuchKey</Code><Message>gone</Message></Error>"
    error = aws_module.error_of(404, {}, body)
    assert (error.code, error.text, error.passing) == ("NoSuchKey", "gone", False)


def frame(headers: dict[str, str], payload: bytes) -> bytes:
    named = b"".join(
        bytes([len(n)]) + n.encode() + b"\7" + struct.pack(">H", len(v)) + v.encode()
        for n, v in headers.items()
    )
    prelude = struct.pack(">II", 16 + len(named) + len(payload), len(named))
    body = prelude + struct.pack(">I", zlib.crc32(prelude)) + named + payload
    return body + struct.pack(">I", zlib.crc32(body))


def test_frames_are_read_however_they_are_cut_and_damage_is_seen() -> None:
    data = frame({":event-type": "A"}, b"one") + frame({}, b"") + frame({"x": "y"}, b"3" * 999)
    reader = FrameReader()
    found = [each for at in range(0, len(data), 7) for each in reader.feed(data[at : at + 7])]
    assert [each.payload for each in found] == [b"one", b"", b"3" * 999]
    assert found[0].headers == {":event-type": "A"}
    for at in range(0, 30):
        damaged = bytearray(data)
        damaged[at] ^= 1
        with pytest.raises(DamagedFrame):
            list(FrameReader().feed(bytes(damaged)))


def test_what_is_no_aggregate_is_none() -> None:
    for message in (b"", b"\xff" * 30, b"\x1a\x7f", b"\x1a\x02\x08\x05"):
        data = b"\xf3\x89\x9a\xc2" + message + hashlib.md5(message).digest()
        assert not opened(data)


@pytest.mark.parametrize(
    ("text", "pattern", "millis"),
    [
        ("1970-01-01T00:00:01.500Z", "yyyy-MM-dd'T'HH:mm:ss.SSSXXX", 1500),
        ("1970-01-01T02:00:00.000+02:00", "yyyy-MM-dd'T'HH:mm:ss.SSSXXX", 0),
        ("1970/01/02", "yyyy/MM/dd", 86_400_000),
        ("1459799926.480", "yyyy", 1459799926480),
    ],
)
def test_moments_are_read_by_java_patterns(text: str, pattern: str, millis: int) -> None:
    assert moment_ms(text, pattern) == millis
    with pytest.raises(ValueError, match="is not of the date format"):
        moment_ms("soon", pattern)


def test_durations_and_sizes_are_read_as_flink_reads_them() -> None:
    assert [duration_ms(text) for text in ("200", "10 s", "1min", "2 d")] == [
        200, 10_000, 60_000, 172_800_000,
    ]  # fmt: skip
    assert [size_bytes(text) for text in ("5", "128MB", "1 kb")] == [5, 128 << 20, 1024]
    for text in ("", "s", "1 parsec", "-1 s"):
        with pytest.raises(ValueError, match=r"."):
            duration_ms(text)
