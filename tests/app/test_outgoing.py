"""Requests to addresses that users name, against real servers."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from millpond.app.outgoing import HttpOutgoing
from millpond.kernel.outgoing import Unreachable

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Serve = Callable[[Handler], Awaitable[str]]


@pytest.fixture
async def outgoing() -> AsyncIterator[HttpOutgoing]:
    one = HttpOutgoing()
    yield one
    await one.close()


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    runners: list[web.AppRunner] = []

    async def start(handler: Handler) -> str:
        app = web.Application(client_max_size=16 << 20)
        app.router.add_route("*", "/{path:.*}", handler)
        runners.append(web.AppRunner(app, shutdown_timeout=0.1))
        await runners[-1].setup()
        site = web.TCPSite(runners[-1], "127.0.0.1", 0)
        await site.start()
        server: Any = site._server
        return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    yield start
    for runner in runners:
        await runner.cleanup()


async def test_a_request_arrives_as_it_was_made_and_is_answered(
    outgoing: HttpOutgoing, serve: Serve
) -> None:
    seen: list[tuple[str, str, str, bytes]] = []

    async def handler(request: web.Request) -> web.Response:
        body = await request.content.read()
        encoding = request.headers["Content-Encoding"]
        seen.append((request.method, request.path_qs, encoding, body))
        return web.Response(status=418, text="short and stout", headers={"X-Pot": "Tea"})

    url = await serve(handler)
    body = gzip.compress(b"hello")
    reply = await outgoing.send(
        "PUT", f"{url}/a?b=c", headers={"Content-Encoding": "gzip"}, body=body, seconds_max=5
    )
    assert seen == [("PUT", "/a?b=c", "gzip", b"hello")]
    assert (reply.status, reply.headers["x-pot"], reply.body) == (418, "Tea", b"short and stout")


async def test_connections_are_used_again(outgoing: HttpOutgoing, serve: Serve) -> None:
    peers: set[Any] = set()

    async def handler(request: web.Request) -> web.Response:
        assert request.transport is not None
        peers.add(request.transport.get_extra_info("peername"))
        return web.Response()

    url = await serve(handler)
    for _ in range(3):
        await outgoing.send("GET", url, headers={}, body=b"", seconds_max=5)
    assert len(peers) == 1


async def test_no_more_of_an_answer_is_kept_than_asked_for(
    outgoing: HttpOutgoing, serve: Serve
) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=bytes(1 << 20))

    url = await serve(handler)
    reply = await outgoing.send(
        "GET", url, headers={}, body=b"", seconds_max=5, reply_size_bytes_max=1000
    )
    assert len(reply.body) == 1000


async def test_a_small_compressed_answer_does_not_fill_the_memory(
    outgoing: HttpOutgoing, serve: Serve
) -> None:
    async def handler(request: web.Request) -> web.Response:
        bomb = gzip.compress(bytes(50 << 20))
        return web.Response(body=bomb, headers={"Content-Encoding": "gzip"})

    url = await serve(handler)
    reply = await outgoing.send(
        "GET", url, headers={}, body=b"", seconds_max=5, reply_size_bytes_max=5000
    )
    assert reply.body == bytes(5000)


async def test_redirects_are_not_followed(outgoing: HttpOutgoing, serve: Serve) -> None:
    asked: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        asked.append(request.path)
        raise web.HTTPFound("/elsewhere")

    url = await serve(handler)
    reply = await outgoing.send("GET", f"{url}/here", headers={}, body=b"", seconds_max=5)
    assert (reply.status, asked) == (302, ["/here"])


async def test_cookies_are_not_kept(outgoing: HttpOutgoing, serve: Serve) -> None:
    cookies: list[str | None] = []

    async def handler(request: web.Request) -> web.Response:
        cookies.append(request.headers.get("Cookie"))
        return web.Response(headers={"Set-Cookie": "session=1"})

    url = await serve(handler)
    for _ in range(2):
        await outgoing.send("GET", url, headers={}, body=b"", seconds_max=5)
    assert cookies == [None, None]


async def test_silence_ends_in_time(outgoing: HttpOutgoing, serve: Serve) -> None:
    async def handler(request: web.Request) -> web.Response:
        await asyncio.sleep(60)
        return web.Response()

    url = await serve(handler)
    with pytest.raises(Unreachable, match="no answer in time") as silent:
        await outgoing.send("GET", url, headers={}, body=b"", seconds_max=0.05)
    assert isinstance(silent.value.__cause__, TimeoutError)


async def test_a_closed_port_is_unreachable(outgoing: HttpOutgoing, serve: Serve) -> None:
    with pytest.raises(Unreachable):
        await outgoing.send("GET", "http://127.0.0.1:1/", headers={}, body=b"", seconds_max=5)


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://[fe80::1]/",
        "http://[::ffff:169.254.169.254]/",
        "http://2852039166/latest/",
        "http://0xa9fea9fe/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "http://",
        "http://[::1",
        "http://host:port/",
        "",
    ],
)
async def test_addresses_that_nobody_should_ask_are_refused(
    outgoing: HttpOutgoing, url: str
) -> None:
    with pytest.raises(Unreachable):
        await outgoing.send("GET", url, headers={}, body=b"", seconds_max=2)


async def test_what_is_secret_in_an_address_is_not_told(outgoing: HttpOutgoing) -> None:
    url = "http://user:hunter2@127.0.0.1:1/path?token=hunter3"
    with pytest.raises(Unreachable) as told:
        await outgoing.send("GET", url, headers={}, body=b"", seconds_max=2)
    assert "hunter" not in str(told.value) and "127.0.0.1" in str(told.value)


async def test_a_header_cannot_smuggle_another(outgoing: HttpOutgoing, serve: Serve) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response()

    url = await serve(handler)
    with pytest.raises(Unreachable):
        await outgoing.send("GET", url, headers={"A": "b\r\nC: d"}, body=b"", seconds_max=2)
