"""HTTP/2 with prior knowledge on the port of HTTP/1.1: the same requests, the same refusals."""

import json
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.gateway.http2 import Headers, Http2, signed
from tests.gateway.raw import exchange
from tests.gateway.toy import PIECE, Running, Shelf

PUT_RECORD = {
    "content-type": "application/x-amz-json-1.1",
    "x-amz-target": "Kinesis_20131202.PutRecord",
}
RECORD = b'{"StreamName":"s","Data":"aGk=","PartitionKey":"k"}'
HEALTH = "/_millpond/health"


@pytest.fixture
def http2(server: Running, shelf: Shelf) -> Iterator[Http2]:
    with Http2(server.port) as connection:
        yield connection


def s3(server: Running, method: str, key: str, body: bytes = b"") -> Headers:
    headers = signed("s3", method, f"{server.endpoint}/b/{key}", body=body)
    return [*headers, ("content-length", str(len(body)))] if body else headers


def test_a_signed_call_is_answered(server: Running, http2: Http2, shelf: Shelf) -> None:
    headers = signed("kinesis", "POST", f"{server.endpoint}/", body=RECORD, headers=PUT_RECORD)
    heard = http2.request("POST", "/", headers, RECORD)
    assert heard.status == 200
    assert json.loads(heard.body)["ShardId"] == "shardId-1"
    assert shelf.seen[-1].data == b"hi"


def test_both_protocols_are_spoken_on_one_port(server: Running, http2: Http2) -> None:
    request = f"GET {HEALTH} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    assert b'"ready"' in exchange(server.port, request.encode())
    assert http2.request("GET", HEALTH, []).status == 200


def test_the_authority_is_the_host_that_was_signed(server: Running, http2: Http2) -> None:
    headers = signed("kinesis", "POST", "http://elsewhere/", body=RECORD, headers=PUT_RECORD)
    heard = http2.request("POST", "/", headers, RECORD)
    assert (heard.status, json.loads(heard.body)["__type"]) == (400, "InvalidSignatureException")
    http2.authority = "elsewhere"
    assert http2.request("POST", "/", headers, RECORD).status == 200


def test_large_bodies_pass_whole_in_both_directions(
    server: Running, http2: Http2, shelf: Shelf
) -> None:
    content = os.urandom(10_000_000)
    headers = s3(server, "PUT", "large", content)
    assert http2.request("PUT", "/b/large", headers, content).status == 200
    assert shelf.objects["b", "large"] == content
    heard = http2.request("GET", "/b/large", s3(server, "GET", "large"))
    assert heard.headers["content-length"] == "10000000"
    assert bytes(heard.body) == content


def test_many_requests_share_a_connection(server: Running, http2: Http2, shelf: Shelf) -> None:
    for number in range(20):
        shelf.objects["b", str(number)] = os.urandom(300_000)
    streams = [
        http2.begin("GET", f"/b/{number}", s3(server, "GET", str(number))) for number in range(20)
    ]
    for number, stream in enumerate(streams):
        assert bytes(http2.hear(stream).body) == shelf.objects["b", str(number)]


def test_a_body_without_a_length_is_gathered_or_refused(server: Running, http2: Http2) -> None:
    """There is no chunked coding here: nothing announces a body."""
    headers = signed("kinesis", "POST", f"{server.endpoint}/", body=RECORD, headers=PUT_RECORD)
    stream = http2.begin("POST", "/", headers, ends=False)
    http2.send(stream, RECORD[:20], ends=False)
    http2.send(stream, RECORD[20:])
    assert http2.hear(stream).status == 200
    bare = [item for item in s3(server, "PUT", "k", b"hello") if item[0] != "content-length"]
    heard = http2.request("PUT", "/b/k", bare, b"hello")
    assert heard.status == 411
    assert b"MissingContentLength" in heard.body


def test_a_head_has_the_length_and_no_body(server: Running, http2: Http2, shelf: Shelf) -> None:
    shelf.objects["b", "k"] = b"hello"
    heard = http2.request("HEAD", "/b/k", s3(server, "HEAD", "k"))
    assert (heard.status, heard.headers["content-length"], heard.body) == (200, "5", b"")


@pytest.mark.parametrize("pieces", [3, 64])
def test_a_stream_is_answered(server: Running, http2: Http2, pieces: int) -> None:
    key = f"stream/{pieces}"
    heard = http2.request("GET", f"/b/{key}", s3(server, "GET", key))
    assert heard.headers["content-length"] == str(pieces * len(PIECE))
    assert bytes(heard.body) == pieces * PIECE


def test_an_upload_that_breaks_off_is_not_stored(
    server: Running, http2: Http2, shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    content = os.urandom(400_000)
    stream = http2.begin("PUT", "/b/cut", s3(server, "PUT", "cut", content), ends=False)
    http2.send(stream, content[:100_000], ends=False)
    http2.reset(stream)
    short = http2.begin("PUT", "/b/short", s3(server, "PUT", "short", content), ends=False)
    http2.send(short, content[:-1])
    assert http2.hear(short).reset
    assert http2.request("GET", HEALTH, []).status == 200
    assert shelf.objects == {}
    assert not caplog.records


def test_a_large_upload_that_is_refused_hears_why(server: Running, http2: Http2) -> None:
    body = b"x" * 20_000_000
    headers = signed("kinesis", "POST", f"{server.endpoint}/", body=body, headers=PUT_RECORD)
    heard = http2.request("POST", "/", headers, body)
    assert heard.status == 413
    assert http2.request("GET", HEALTH, []).status == 200


@pytest.mark.parametrize(
    "header",
    [
        ("connection", "close"),
        ("transfer-encoding", "chunked"),
        ("content-length", "5"),
        ("X-Upper", "a"),
        ("host", "elsewhere"),
    ],
)
def test_what_http2_forbids_is_refused(
    server: Running, http2: Http2, shelf: Shelf, header: tuple[str, str]
) -> None:
    http2.connection.config.validate_outbound_headers = False
    http2.connection.config.normalize_outbound_headers = False
    headers = signed("kinesis", "POST", f"{server.endpoint}/", body=RECORD, headers=PUT_RECORD)
    stream = http2.begin("POST", "/", [*headers, header], ends=False)
    http2.send(stream, RECORD)
    heard = http2.hear(stream)
    assert http2.closed or heard.reset or heard.status == 400
    assert shelf.seen == []


def test_headers_are_bounded(http2: Http2) -> None:
    flood = [(f"x-{number}", "y" * 100) for number in range(1000)]
    assert http2.request("GET", HEALTH, flood).status == 431


def test_a_client_that_takes_nothing_holds_nobody_up(server: Running, shelf: Shelf) -> None:
    shelf.objects["b", "large"] = os.urandom(5_000_000)
    with Http2(server.port, window=1000) as slow, Http2(server.port) as quick:
        slow.begin("GET", "/b/large", s3(server, "GET", "large"))
        with ThreadPoolExecutor(1) as pool:
            get = pool.submit(quick.request, "GET", "/b/large", s3(server, "GET", "large"))
            assert len(get.result(10).body) == 5_000_000


def test_a_stream_ends_when_its_connection_does(server: Running, shelf: Shelf) -> None:
    ended: threading.Event = shelf.abandoned
    with Http2(server.port, window=1000) as leaving:
        leaving.begin("GET", "/b/stream/10000", s3(server, "GET", "stream/10000"))
        leaving.request("GET", HEALTH, [])
    assert ended.wait(10)
    assert shelf.streamed < 10_000
