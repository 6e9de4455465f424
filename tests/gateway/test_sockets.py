"""What no client would send, slow clients and many: nothing is smuggled, nothing hangs."""

import asyncio
import json
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from millpond.gateway import adapter, receiving
from millpond.gateway.adapter import listen, serve
from tests.gateway import http2
from tests.gateway.raw import exchange, read, signed
from tests.gateway.toy import Running, Shelf, make_gateway, running

HEALTH = b"GET /_millpond/health HTTP/1.1\r\nHost: h\r\n\r\n"
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
READY = b'"ready"'


def status(answer: bytes) -> int:
    assert answer.startswith(b"HTTP/1.")
    return int(answer.split(b" ", 2)[1])


def head(request: bytes) -> bytes:
    return request.partition(b"\r\n\r\n")[0]


def put(port: int, key: str, framing: str, body: bytes) -> bytes:
    """A signed PUT whose framing is as given, not as it should be."""
    return head(signed("PUT", f"/b/{key}", port, payload="UNSIGNED-PAYLOAD")) + (
        f"\r\n{framing}\r\n\r\n".encode() + body
    )


SMUGGLED = [
    ("two lengths", "Content-Length: 5\r\nContent-Length: 6", b"hello"),
    ("two lengths in one", "Content-Length: 5, 6", b"hello"),
    ("a negative length", "Content-Length: -5", b"hello"),
    ("a length with a plus", "Content-Length: +5", b"hello"),
    ("a hexadecimal length", "Content-Length: 0x5", b"hello"),
    ("an endless length", "Content-Length: 99999999999999999999999", b"hello"),
    ("unknown coding", "Transfer-Encoding: xchunked", b"5\r\nhello\r\n0\r\n\r\n"),
    ("identity", "Transfer-Encoding: identity\r\nContent-Length: 5", b"hello"),
    ("chunked not last", "Transfer-Encoding: chunked, identity", b"5\r\nhello\r\n0\r\n\r\n"),
    ("a space in the name", "Transfer-Encoding : chunked", b"5\r\nhello\r\n0\r\n\r\n"),
    ("a folded line", "X-A: b\r\n c", b""),
    ("a name with a NUL", "X-\x00: b", b""),
]


@pytest.mark.parametrize("name,framing,body", SMUGGLED, ids=[row[0] for row in SMUGGLED])
def test_framing_that_can_be_read_in_two_ways_is_refused(
    server: Running, shelf: Shelf, name: str, framing: str, body: bytes
) -> None:
    answer = exchange(server.port, put(server.port, "k", framing, body) + HEALTH)
    assert status(answer) == 400
    assert READY not in answer
    assert shelf.objects == {}


@pytest.mark.parametrize(
    "body", [b"0\r\n\r\n", b"5\r\nhello\r\n0\r\n\r\n"], ids=["ends early", "ends late"]
)
def test_a_length_beside_chunks_smuggles_nothing(
    server: Running, shelf: Shelf, body: bytes
) -> None:
    """The chunks hold, and the connection ends with the answer: what follows is never read."""
    for framing in (
        f"Content-Length: {len(body)}\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 4",
    ):
        answer = exchange(server.port, put(server.port, "k", framing, body) + HEALTH)
        assert status(answer) == 411
        assert answer.count(b"HTTP/1.1 ") == 1
        assert READY not in answer
    assert shelf.objects == {}


@pytest.mark.parametrize(
    "body",
    [b"zz\r\nhello\r\n0\r\n\r\n", b"5\r\nhelloo\r\n0\r\n\r\n", b"-5\r\nhello\r\n", b"5\r\nhel"],
)
def test_a_broken_http_chunk_ends_the_connection(
    server: Running, shelf: Shelf, body: bytes
) -> None:
    trailers = "x-amz-decoded-content-length"
    request = signed(
        "PUT", "/b/k", server.port, payload="STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        headers=[(trailers, "5")],
    )  # fmt: skip
    framed = head(request) + b"\r\nTransfer-Encoding: chunked\r\n\r\n" + body
    with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
        connection.sendall(framed)
        connection.shutdown(socket.SHUT_WR)
        answer = read(connection)
    assert READY not in answer
    assert not answer or status(answer) == 400
    assert shelf.objects == {}


def test_a_body_that_ends_early_is_not_stored(server: Running, shelf: Shelf) -> None:
    for size in (10, 1_000_000):
        request = signed("PUT", "/b/k", server.port, body=b"x" * size)
        with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
            connection.sendall(request[:-1])
            connection.shutdown(socket.SHUT_WR)
            answer = read(connection)
        assert b"200 OK" not in answer
    assert shelf.objects == {}


def test_a_connection_goes_on_after_refusals(server: Running, shelf: Shelf) -> None:
    """Each request is answered in turn, whether its body was wanted or not."""
    good = signed("PUT", "/b/k", server.port, body=b"content")
    forged = signed("PUT", "/b/k2", server.port, body=b"other", secret="wrong")
    absent = signed("GET", "/b/absent", server.port)
    unsigned = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 7\r\n\r\nunheard"
    parts = [forged, good, absent, unsigned, good, HEALTH]
    answer = exchange(server.port, b"".join(parts), until=READY)
    assert [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]] == [
        403, 200, 404, 403, 200, 200,
    ]  # fmt: skip
    assert shelf.objects == {("b", "k"): b"content"}


def test_a_head_has_the_length_and_no_body(server: Running, shelf: Shelf) -> None:
    shelf.objects["b", "k"] = b"content"
    requests = [
        signed("HEAD", "/b/k", server.port),
        signed("HEAD", "/b/absent", server.port),
        b"HEAD /_millpond/health HTTP/1.1\r\nHost: h\r\n\r\n",
        HEALTH,
    ]
    answer = exchange(server.port, b"".join(requests), until=READY)
    found, absent, health, _ = answer.split(b"HTTP/1.1 ")[1:]
    assert found.startswith(b"200")
    assert b"content-length: 7\r\n" in found
    assert absent.startswith(b"404")
    assert b"content-length: 39\r\n" in health
    assert all(part.endswith(b"\r\n\r\n") for part in (found, absent, health))


def test_the_body_is_called_for_only_when_it_is_wanted(server: Running, shelf: Shelf) -> None:
    expecting = "Expect: 100-continue\r\n"
    for secret, expected in (("wrong", b"403"), (None, b"100")):
        request = signed(
            "PUT", "/b/k", server.port, body=b"x" * 100_000, more=expecting,
            **({"secret": secret} if secret else {}),
        )  # fmt: skip
        with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
            connection.sendall(head(request) + b"\r\n\r\n")
            first = connection.recv(1 << 16)
            assert first.startswith(b"HTTP/1.1 " + expected)
            if not secret:
                connection.sendall(b"x" * 100_000)
                assert status(read(connection, b"\r\n\r\n")) == 200
    assert len(shelf.objects["b", "k"]) == 100_000


def test_a_refused_upload_is_heard_out(server: Running, shelf: Shelf) -> None:
    """A client that sends first and listens afterwards hears the refusal, and may go on."""
    forged = signed("PUT", "/b/k", server.port, body=b"x" * 8_000_000, secret="wrong")
    good = signed("PUT", "/b/k", server.port, body=b"content")
    for _ in range(5):
        answer = exchange(server.port, forged, good, HEALTH, until=READY)
        assert b"<Code>SignatureDoesNotMatch</Code>" in answer
        assert [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]] == [403, 200, 200]


@pytest.mark.parametrize(
    "lines,code",
    [
        ("GET / HTTP/1.1", b"InvalidURI"),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b", b"InvalidURI"),
        ("GET http://other/ HTTP/1.1\r\nHost: h", b"InvalidURI"),
        ("GET http://h/ HTTP/1.1\r\nHost: h", b"AccessDenied"),
        ("GET /a%00b HTTP/1.1\r\nHost: h", b"InvalidURI"),
        ("GET /a%FFb HTTP/1.1\r\nHost: h", b"InvalidURI"),
        ("GET /%C0%AE%C0%AE/ HTTP/1.1\r\nHost: h", b"InvalidURI"),
        ("OPTIONS * HTTP/1.1\r\nHost: h", b"InvalidURI"),
        ("TRACE / HTTP/1.1\r\nHost: h", b"InvalidURI"),
        ("CONNECT h:80 HTTP/1.1\r\nHost: h:80", b"InvalidURI"),
        ("GET /b/../../etc/passwd HTTP/1.1\r\nHost: h", b"AccessDenied"),
        ("GET / HTTP/1.0\r\nHost: h", b"AccessDenied"),
        (
            "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            b"AccessDenied",
        ),
    ],
)
def test_odd_requests_are_refused(server: Running, lines: str, code: bytes) -> None:
    answer = exchange(server.port, lines.encode() + b"\r\n\r\n", until=b"</Error>")
    assert status(answer) in {400, 403}
    assert b"<Code>" + code + b"</Code>" in answer


def test_noise_is_not_understood(server: Running) -> None:
    for noise in (
        b"PRI * HTTP/3.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01",
        b"\r\n\r\n\x00",
    ):
        answer = exchange(server.port, noise)
        assert not answer or status(answer) == 400


def test_headers_are_bounded(server: Running) -> None:
    many = b"".join(b"X-%d: y\r\n" % number for number in range(500))
    long = b"X: " + b"y" * 600_000 + b"\r\n"
    for flood in (many, long):
        answer = exchange(server.port, HEALTH[:-2] + flood + b"\r\n")
        assert status(answer) == 431
    assert READY in exchange(
        server.port, HEALTH[:-2] + b"X: " + b"y" * 60_000 + b"\r\n\r\n", until=READY
    )


@pytest.mark.parametrize("size", [10, 1_000_000])
def test_a_slow_body_is_not_waited_for(
    server: Running, shelf: Shelf, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(receiving, "BODY_IDLE_SECONDS_MAX", 0.2)
    request = signed("PUT", "/b/k", server.port, body=b"x" * size)
    answer = exchange(server.port, request[:-1])
    assert status(answer) == 400
    assert b"<Code>RequestTimeout</Code>" in answer
    assert shelf.objects == {}


def test_a_body_that_trickles_is_not_waited_for_either(
    server: Running, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "BODY_IDLE_SECONDS_MAX", 0.2)
    monkeypatch.setattr(receiving, "BODY_RATE_BYTES_PER_SECOND_MIN", 1_000_000)
    request = signed("PUT", "/b/k", server.port, body=b"x" * 300_000)
    pieces = [request[:-100_000], *[b"x"] * 40]
    try:
        answer = exchange(server.port, *pieces, pause=0.02)
    except (BrokenPipeError, ConnectionResetError):
        answer = b""
    assert not answer or b"<Code>RequestTimeout</Code>" in answer
    assert shelf.objects == {}


@pytest.fixture
def impatient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    monkeypatch.setattr(adapter, "IDLE_SECONDS_MAX", 0.3)
    with running(Shelf(tmp_path)) as started:
        yield started


@pytest.mark.parametrize(
    "start", [b"", b"P", PREFACE[:10], PREFACE, b"GET / HTTP/1.1\r\nHo", HEALTH]
)
def test_an_idle_connection_is_closed(impatient: Running, start: bytes) -> None:
    answer = exchange(impatient.port, start)
    assert (READY in answer) is (start == HEALTH)


def test_an_http2_connection_stays_while_it_answers_pings(impatient: Running) -> None:
    with http2.Http2(impatient.port) as connection:
        until = time.monotonic() + 1.0
        while time.monotonic() < until:
            connection.receive()
        assert connection.request("GET", "/_millpond/health", []).status == 200


def test_a_request_that_is_being_answered_is_not_idle(impatient: Running) -> None:
    body = b'{"Name":"wait"}'
    head = {"content-type": "application/x-amz-json-1.1", "x-amz-target": "AWSGlue.GetDatabase"}
    url = f"{impatient.endpoint}/"
    headers = http2.signed("glue", "POST", url, body=body, headers=head)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    request = (
        f"POST / HTTP/1.1\r\nHost: 127.0.0.1:{impatient.port}\r\n{lines}"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    assert b'"wait"' in exchange(impatient.port, request.encode() + body, until=b'"wait"')


def test_many_idle_connections_keep_nobody_out(server: Running) -> None:
    idle = [socket.create_connection(("127.0.0.1", server.port), 10) for _ in range(400)]
    try:
        for connection in idle[::2]:
            connection.sendall(b"PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n")
        assert READY in exchange(server.port, HEALTH, until=READY)
    finally:
        for connection in idle:
            connection.close()
    assert READY in exchange(server.port, HEALTH, until=READY)


def test_many_clients_are_answered_at_once(client: Any, shelf: Shelf) -> None:
    glue = client("glue", max_pool_connections=40)
    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(lambda _: glue.get_database(Name="wait"), range(40)))
    assert len(answers) == len(shelf.calls) == 40


def test_health_tells_the_version(server: Running) -> None:
    with urllib.request.urlopen(f"{server.endpoint}/_millpond/health") as answer:
        assert answer.headers["content-type"] == "application/json"
        assert json.load(answer) == {"status": "ready", "version": "0.1.0"}


def test_a_port_is_taken_once(server: Running, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="in use"):
        listen("127.0.0.1", server.port)


def test_the_server_listens_on_ipv6(tmp_path: Path) -> None:
    try:
        listen("::1", 0).close()
    except OSError:
        pytest.skip("There is no IPv6 here.")
    with running(Shelf(tmp_path), host="::1") as started:
        url = f"http://[::1]:{started.port}/_millpond/health"
        with urllib.request.urlopen(url) as answer:
            assert answer.status == 200


async def test_the_server_ends_with_what_it_had_begun(tmp_path: Path) -> None:
    """A request that is being answered is finished; afterwards nobody listens."""
    shelf = Shelf(tmp_path)
    stopping, ports = asyncio.Event(), asyncio.Queue[int]()
    serving = asyncio.create_task(
        serve(
            make_gateway(shelf),
            "127.0.0.1",
            0,
            ready=lambda _, port: ports.put_nowait(port),
            stopping=stopping,
        )
    )
    port = await ports.get()
    request = signed("GET", "/b/stream/40", port)
    asked = threading.Event()

    def ask() -> bytes:
        with socket.create_connection(("127.0.0.1", port), 10) as connection:
            connection.sendall(request)
            first = connection.recv(1000)
            asked.set()
            return first + read(connection)

    answering = asyncio.create_task(asyncio.to_thread(ask))
    await asyncio.to_thread(asked.wait, 10)
    stopping.set()
    await asyncio.wait_for(serving, 10)
    assert len(await answering) > 40 * 65536
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 10)
