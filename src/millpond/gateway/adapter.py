"""Granian, the HTTP server: only this module, `receiving` and `sending` know it.

It runs inside the platform's event loop (RSGI; HTTP/1.1 and HTTP/2). What it does for us and what
it does not is written down in `docs/decisions/2026-11-21-gateway-http-server.md`. Requests come in
here, their bodies through `receiving`; answers leave through `sending`.
"""

import asyncio
import os
import resource
import socket
from collections.abc import Callable
from typing import Any

from granian._granian import SocketHolder
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings, HTTP2Settings
from granian.log import LogLevels
from granian.server.embed import Server

from millpond.gateway.chain import Gateway
from millpond.gateway.idle import Requests, close_idle
from millpond.gateway.receiving import SocketBody, body_of
from millpond.gateway.sending import LiveStreams, live_streams_max, send
from millpond.kernel.limits import HEADERS_SIZE_BYTES_MAX
from millpond.wire.http import HeaderMap, Request

CONNECTIONS_MAX = 4096
"""Further clients wait in the backlog until one of these is closed."""
IDLE_SECONDS_MAX = 60.0
"""How long a connection may be silent between requests, or in the middle of a request's head."""

_BACKLOG = 1024
_BUFFER_SIZE_BYTES = 256 * 1024
"""What the server reads at once of a body, and the longest head that it takes in at all."""
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
        body = body_of(request, protocol, multiplexed=multiplexed)
        answer = await self._gateway.answer(request, body)
        if isinstance(body, SocketBody) and not body.ended:
            if "expect" in headers and not body.received and not multiplexed:
                answer.headers.append(("connection", "close"))
            else:
                await body.drain()
        await send(scope, protocol, answer, self.live)


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
