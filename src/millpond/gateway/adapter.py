"""Granian: the only file that knows the HTTP server.

The server (RSGI, HTTP/1.1) runs inside the platform's event loop. What it does for us and what it
does not is written down in `docs/decisions/2026-11-21-gateway-http-server.md`; in short: it decodes
the path once, drops the framing, and queues whatever a `response_stream` is given. So bodies leave
as bytes, as files, or through a pipe, which gives back-pressure.
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
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.embed import Server

from millpond.gateway.bodies import BodyFailed
from millpond.gateway.chain import Gateway
from millpond.gateway.refusals import Trouble
from millpond.kernel.body import Body, BytesBody, FileBody
from millpond.kernel.limits import (
    BODY_GATHERED_BYTES_MAX,
    BODY_IDLE_SECONDS_MAX,
)
from millpond.wire.http import Answer, HeaderMap, Request

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
_ANSWERED_AT_ONCE_BYTES_MAX = 1024 * 1024
_DRAINED_SECONDS_MAX = 5.0
_FILE_THREADS_MAX = 32
_NO_BODY = BytesBody(b"")
_NO_TRAILERS: Mapping[str, str] = {}

_log = logging.getLogger("millpond.gateway")


class SocketBody:
    """A request's body as it comes from the socket. `length` is None when it comes in HTTP chunks.

    Raises BodyFailed while it is iterated: it ended early, or came too slowly.
    """

    trailers = _NO_TRAILERS

    def __init__(self, protocol: Any, length: int | None) -> None:
        self._protocol = protocol
        self._pieces: AsyncIterator[bytes] | None = None
        self.length = length
        self.received = 0
        self.ended = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        began = asyncio.get_running_loop().time()
        while data := await self._next():
            yield data
            self._check_rate(began)
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
        self.received += len(data)
        return data

    async def _read(self) -> bytes:
        if self._pieces is None:
            if self.length is not None and self.length <= _READ_AT_ONCE_BYTES_MAX:
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
    """The RSGI application: turns what the server gives into values, and an Answer into calls."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        headers = HeaderMap(scope.headers.items())
        request = Request(
            method=scope.method,
            path=scope.path,
            query=scope.query_string,
            headers=headers,
            host=scope.authority or headers.get("host") or "",
        )
        body = _body_of(headers, protocol)
        answer = await self._gateway.answer(request, body)
        if isinstance(body, SocketBody) and not body.ended:
            if "expect" in headers and not body.received:
                answer.headers.append(("connection", "close"))
            else:
                await body.drain()
        await _send(protocol, request.method, answer)


def _body_of(headers: HeaderMap, protocol: Any) -> SocketBody | BytesBody:
    """The server has checked the framing: several lengths are the same one, and a length beside
    HTTP chunks is gone."""
    lengths = headers.get_all("content-length")
    if lengths:
        length = int(lengths[0].partition(",")[0])
        return SocketBody(protocol, length) if length else _NO_BODY
    return SocketBody(protocol, None) if "transfer-encoding" in headers else _NO_BODY


async def _send(protocol: Any, method: str, answer: Answer) -> None:
    headers, body = answer.headers, answer.body
    if isinstance(body, BytesBody):
        body = body.data
    if method == "HEAD":
        length = len(body) if isinstance(body, bytes) else body.length
        if length:
            headers = _with_length(headers, length)
        protocol.response_empty(answer.status, headers)
    elif isinstance(body, bytes):
        if body:
            protocol.response_bytes(answer.status, headers, body)
        else:
            protocol.response_empty(answer.status, headers)
    elif isinstance(body, FileBody):
        _send_file(protocol, answer.status, headers, body)
    else:
        await _send_stream(protocol, answer.status, headers, body)


def _send_file(protocol: Any, status: int, headers: list[tuple[str, str]], body: FileBody) -> None:
    path, end = str(body.path), body.start + body.length
    try:
        whole = os.stat(path).st_size >= end  # noqa: PTH116 - once for every large answer
    except OSError:
        whole = False
    if not whole:
        _log.error("A file of an answer is missing or too short: %s", path)
        protocol.response_empty(500, [])
    elif body.length:
        headers = _with_length(headers, body.length)
        protocol.response_file_range(status, headers, path, body.start, end)
    else:
        protocol.response_empty(status, headers)


async def _send_stream(
    protocol: Any, status: int, headers: list[tuple[str, str]], body: Body
) -> None:
    """Send a body that is made while it is sent.

    A small one is sent at once. So is one of unknown length, whose breaking off the client could
    not tell from its end. Others go through a pipe, which holds their source up when the client is
    slow; if they break off, the server closes the connection before the announced length.
    """
    pieces = aiter(body)
    begun: list[bytes] = []
    size = 0
    limit = BODY_GATHERED_BYTES_MAX if body.length is None else _ANSWERED_AT_ONCE_BYTES_MAX
    try:
        async for piece in pieces:
            begun.append(piece)
            size += len(piece)
            if size > limit:
                break
        else:
            protocol.response_bytes(status, headers, b"".join(begun))
            return
        if body.length is None:
            raise ValueError(f"An answer of unknown length is longer than {limit} bytes.")
    except Exception:
        _log.exception("The body of an answer failed before it was sent")
        protocol.response_empty(500, [])
        return
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    pipe = _Pipe(reader, writer)
    try:
        protocol.response_file(status, _with_length(headers, body.length), f"/dev/fd/{reader}")
        for piece in begun:
            await pipe.write(piece)
        begun.clear()
        async for piece in pieces:
            await pipe.write(piece)
    except (BrokenPipeError, TimeoutError):
        _log.debug("A client went away in the middle of an answer")
    except Exception:
        _log.exception("The body of an answer failed while it was sent")
    finally:
        pipe.close()


class _Pipe:
    """Both ends of a pipe whose reading end the server opens by its path, once it comes to it.

    The first write that has to wait and may then go on shows that it was opened: from then on
    only the server reads, and a client that goes away breaks the pipe.
    """

    def __init__(self, reader: int, writer: int) -> None:
        self._reader: int | None = reader
        self._writer = writer

    async def write(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            try:
                left = left[os.write(self._writer, left) :]
            except BlockingIOError:
                await self._wait()
                self._close_reader()

    def close(self) -> None:
        self._close_reader()
        os.close(self._writer)

    async def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        writable = asyncio.Event()
        loop.add_writer(self._writer, writable.set)
        try:
            async with asyncio.timeout(BODY_IDLE_SECONDS_MAX):
                await writable.wait()
        finally:
            loop.remove_writer(self._writer)

    def _close_reader(self) -> None:
        if self._reader is not None:
            os.close(self._reader)
            self._reader = None


def _with_length(headers: list[tuple[str, str]], length: int) -> list[tuple[str, str]]:
    if any(name.lower() == "content-length" for name, _ in headers):
        return headers
    return [*headers, ("content-length", str(length))]


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
            http=HTTPModes.http1,
            websockets=False,
            backlog=_BACKLOG,
            backpressure=_connections_max(),
            runtime_blocking_threads=_FILE_THREADS_MAX,
            http1_settings=HTTP1Settings(
                header_read_timeout=int(IDLE_SECONDS_MAX * 1000),
                max_buffer_size=_BUFFER_SIZE_BYTES,
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

    `ready` is called once clients can connect, with the address and port. Requests that are being
    answered then have `stop_seconds` to end.

    Raises:
        OSError: the address cannot be listened on.
        RuntimeError: the server ended by itself.
    """
    with listen(host, port) as listener:
        address, bound = listener.getsockname()[:2]
        server = _Server(listener, Application(gateway))
        serving = asyncio.create_task(server.serve())
        stop = asyncio.create_task(stopping.wait())
        try:
            ready(address, bound)
            await asyncio.wait((serving, stop), return_when=asyncio.FIRST_COMPLETED)
            if not stop.done():
                raise RuntimeError("The HTTP server ended by itself.") from serving.exception()
            server.stop()
            await asyncio.wait((serving,), timeout=stop_seconds)
        finally:
            stop.cancel()
            serving.cancel()
            await asyncio.gather(serving, stop, return_exceptions=True)


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens on `host` and `port`, alone.

    Raises:
        OSError: it cannot; most often something else does already.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
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
