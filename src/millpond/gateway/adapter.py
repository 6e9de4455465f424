"""Granian: the only file that knows the HTTP server.

The server (RSGI, HTTP/1.1) runs inside the platform's event loop. What it does for us and what it
does not is written down in `docs/decisions/2026-11-21-gateway-http-server.md`. Requests come in
here; answers leave through `sending`.
"""

import asyncio
import logging
import os
import resource
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from granian._granian import RSGIProtocolClosed, SocketHolder
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings, HTTP2Settings
from granian.log import LogLevels
from granian.server.embed import Server

from millpond.gateway.bodies import BodyFailed, InOnePiece
from millpond.gateway.chain import Gateway
from millpond.gateway.idle import Requests, close_idle
from millpond.gateway.refusals import Trouble
from millpond.gateway.sending import LiveStreams, live_streams_max, send
from millpond.kernel.body import BytesBody
from millpond.kernel.limits import (
    BODY_GATHERED_BYTES_MAX,
    BODY_IDLE_SECONDS_MAX,
    HEADERS_SIZE_BYTES_MAX,
)
from millpond.wire.http import HeaderMap, Request

CONNECTIONS_MAX = 4096
"""Further clients wait in the backlog until one of these is closed."""
BODY_RATE_BYTES_PER_SECOND_MIN = 1024
"""A body that comes more slowly than this, on the whole, is not waited for."""
IDLE_SECONDS_MAX = 60.0
"""How long a connection may be silent between requests, or in the middle of a request's head."""

_BACKLOG = 1024
_BUFFER_SIZE_BYTES = 256 * 1024
"""What the server reads at once of a body, and the longest head that it takes in at all."""
_READ_AT_ONCE_BYTES_MAX = 256 * 1024
_DRAINED_SECONDS_MAX = 5.0
_H2_CONNECTION_WINDOW_SIZE_BYTES = 4 * 1024 * 1024
_H2_STREAM_WINDOW_SIZE_BYTES = 1024 * 1024
_H2_STREAMS_MAX = 256
"""Requests at a time on one HTTP/2 connection."""
_H2_FRAME_SIZE_BYTES = 64 * 1024
_H2_SEND_BUFFER_SIZE_BYTES = 128 * 1024
"""What the server keeps of an answer that one HTTP/2 stream does not take."""
_H2_PING_SECONDS_MAX = 20
_FILE_THREADS_MAX = 32
"""For files and streams of known length; live streams come on top."""
_METHODS_WITH_BODY = frozenset({"POST", "PUT"})
_NO_BODY = BytesBody(b"")
_NO_TRAILERS: Mapping[str, str] = {}

_log = logging.getLogger("millpond.gateway")


class SocketBody(InOnePiece):
    """A request's body as it comes from the socket. `length` is None when it comes in HTTP chunks.

    Raises BodyFailed while it is iterated: it ended early, or came too slowly.
    """

    trailers = _NO_TRAILERS

    def __init__(self, protocol: Any, length: int | None) -> None:
        self._protocol = protocol
        self._pieces: AsyncIterator[bytes] | None = None
        self.length = length
        self.in_one_piece = length is not None and length <= _READ_AT_ONCE_BYTES_MAX
        self.received = 0
        self.ended = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        began = asyncio.get_running_loop().time()
        while data := await self._next():
            yield data
            self._check_rate(began)
        self._end()

    async def whole(self) -> bytes:
        data = await self._next()
        self._end()
        return data

    def _end(self) -> None:
        self.ended = True
        if self.length is not None and self.received != self.length:
            raise BodyFailed(Trouble.BODY_TRUNCATED)

    async def drain(self) -> None:
        """Read what is left of a body that nobody wanted, if it is not too much, so that the
        client hears the answer before the connection closes."""
        enough = self.received + BODY_GATHERED_BYTES_MAX
        if self.length is not None and self.length > enough:
            return
        try:
            async with asyncio.timeout(_DRAINED_SECONDS_MAX):
                while self.received < enough and await self._next():
                    pass
        except (BodyFailed, TimeoutError):
            return

    async def _next(self) -> bytes:
        """What comes next; empty at the end."""
        if self.received == self.length:
            return b""
        try:
            async with asyncio.timeout(BODY_IDLE_SECONDS_MAX):
                data = await self._read()
        except TimeoutError as error:
            self.ended = True
            raise BodyFailed(Trouble.BODY_SLOW) from error
        except RSGIProtocolClosed as error:
            self.ended = True
            raise BodyFailed(Trouble.BODY_TRUNCATED) from error
        except asyncio.CancelledError as error:
            if _is_cancelled():
                raise
            self.ended = True
            raise BodyFailed(Trouble.BODY_TRUNCATED) from error
        self.received += len(data)
        return data

    async def _read(self) -> bytes:
        if self._pieces is None:
            if self.in_one_piece:
                data: bytes = await self._protocol()
                return data
            self._pieces = aiter(self._protocol)
        try:
            while not (data := await anext(self._pieces)):
                pass
        except StopAsyncIteration:
            return b""
        return data

    def _check_rate(self, began: float) -> None:
        elapsed = asyncio.get_running_loop().time() - began
        if elapsed > BODY_IDLE_SECONDS_MAX + self.received / BODY_RATE_BYTES_PER_SECOND_MIN:
            raise BodyFailed(Trouble.BODY_SLOW)


class Application:
    """The RSGI application: turns what the server gives into values, and an Answer into calls.
    Made in the event loop."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self.live = LiveStreams()
        self.requests = Requests()

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        client = scope.client
        self.requests.begin(client)
        try:
            await self._answer(scope, protocol)
        finally:
            self.requests.end(client)

    async def _answer(self, scope: Any, protocol: Any) -> None:
        items, authority = scope.headers.items(), scope.authority
        multiplexed = scope.http_version == "2"
        if multiplexed and authority and "host" not in scope.headers:
            items.append(("host", authority))
        headers = HeaderMap(items)
        request = Request(
            method=scope.method,
            path=scope.path,
            query=scope.query_string,
            headers=headers,
            host=authority or headers.get("host") or "",
        )
        body = _body_of(request, protocol, multiplexed=multiplexed)
        answer = await self._gateway.answer(request, body)
        if isinstance(body, SocketBody) and not body.ended:
            if "expect" in headers and not body.received and not multiplexed:
                answer.headers.append(("connection", "close"))
            else:
                await body.drain()
        await send(scope, protocol, answer, self.live)


def _is_cancelled() -> bool:
    """Whether it is we who are cancelled, and not what the server was to give us: that is how it
    tells that an HTTP/2 stream was reset."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


def _body_of(request: Request, protocol: Any, *, multiplexed: bool) -> SocketBody | BytesBody:
    """The server has checked the framing: several lengths are the same one, and a length beside
    HTTP chunks is gone. In HTTP/2 nothing but the length tells of a body before it comes."""
    headers = request.headers
    lengths = headers.get_all("content-length")
    if lengths:
        length = int(lengths[0].partition(",")[0])
        return SocketBody(protocol, length) if length else _NO_BODY
    if multiplexed and request.method in _METHODS_WITH_BODY:
        return SocketBody(protocol, None)
    return SocketBody(protocol, None) if "transfer-encoding" in headers else _NO_BODY


class _Server(Server):  # type: ignore[misc]
    """Granian's embedded server on a socket of our own.

    Left to itself it would open one that others may share (SO_REUSEPORT), and tell no port.
    """

    def __init__(self, listener: socket.socket, application: Application) -> None:
        address, port = listener.getsockname()[:2]
        super().__init__(
            application,
            address=address,
            port=port,
            interface=Interfaces.RSGI,
            http=HTTPModes.auto,
            websockets=False,
            backlog=_BACKLOG,
            backpressure=_connections_max(),
            runtime_blocking_threads=_FILE_THREADS_MAX + live_streams_max(),
            http1_settings=HTTP1Settings(
                header_read_timeout=int(IDLE_SECONDS_MAX * 1000),
                max_buffer_size=_BUFFER_SIZE_BYTES,
            ),
            http2_settings=HTTP2Settings(
                initial_connection_window_size=_H2_CONNECTION_WINDOW_SIZE_BYTES,
                initial_stream_window_size=_H2_STREAM_WINDOW_SIZE_BYTES,
                keep_alive_interval=int(IDLE_SECONDS_MAX / 2 * 1000),
                keep_alive_timeout=_H2_PING_SECONDS_MAX,
                max_concurrent_streams=_H2_STREAMS_MAX,
                max_frame_size=_H2_FRAME_SIZE_BYTES,
                max_headers_size=HEADERS_SIZE_BYTES_MAX,
                max_send_buffer_size=_H2_SEND_BUFFER_SIZE_BYTES,
            ),
            log_level=LogLevels.error,
            log_dictconfig={"loggers": {"_granian": {"handlers": [], "propagate": True}}},
            log_access=False,
        )
        self._listener = listener

    def _init_shared_socket(self) -> None:
        descriptor = os.dup(self._listener.fileno())  # which the holder closes
        self._shd = SocketHolder(descriptor, False, _BACKLOG)  # type: ignore[call-arg]


async def serve(
    gateway: Gateway,
    host: str,
    port: int,
    *,
    ready: Callable[[str, int], None],
    stopping: asyncio.Event,
    stop_seconds: float = 5.0,
) -> None:
    """Answer requests on `host` and `port` (0: a free one) until `stopping` is set.

    `ready` is called once clients can connect, with the address and port. When it is to stop, live
    streams end at once; requests that are being answered have `stop_seconds` to end.

    Raises:
        OSError: the address cannot be listened on.
        RuntimeError: the server ended by itself.
    """
    with listen(host, port) as listener:
        address, bound = listener.getsockname()[:2]
        application = Application(gateway)
        server = _Server(listener, application)
        serving = asyncio.create_task(server.serve())
        stop = asyncio.create_task(stopping.wait())
        watching = asyncio.create_task(close_idle(bound, application.requests, IDLE_SECONDS_MAX))
        try:
            ready(address, bound)
            await asyncio.wait((serving, stop), return_when=asyncio.FIRST_COMPLETED)
            if not stop.done():
                raise RuntimeError("The HTTP server ended by itself.") from serving.exception()
            await application.live.end()
            server.stop()
            await asyncio.wait((serving,), timeout=stop_seconds)
        finally:
            for task in (stop, serving, watching):
                task.cancel()
            await asyncio.gather(stop, serving, watching, return_exceptions=True)


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens on `host` and `port`, alone. Its connections send at once what they are
    given: an event must not wait for the client to acknowledge the answer before it.

    Raises:
        OSError: it cannot; most often something else does already.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def _connections_max() -> int:
    """Half of the files that this process may have open, and at most CONNECTIONS_MAX."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return CONNECTIONS_MAX if soft == resource.RLIM_INFINITY else min(CONNECTIONS_MAX, soft // 2)
