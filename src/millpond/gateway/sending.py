"""Answers on their way out: bytes at once, files by the server, streams through a pipe.

The server queues whatever its `response_stream` is given, without bound. So what is made while it
is sent goes through a pipe that the server opens as a file: it holds its source up when the client
is slow, and breaks when the client has gone.
"""

import asyncio
import contextlib
import fcntl
import logging
import os
import resource
from typing import Any

from millpond.gateway.hangups import Hangups
from millpond.kernel.body import Body, BytesBody, FileBody, LiveBody
from millpond.kernel.limits import BODY_GATHERED_BYTES_MAX, BODY_IDLE_SECONDS_MAX
from millpond.wire.http import Answer

LIVE_STREAMS_MAX = 512
"""Each holds one of the server's threads while it waits, and three descriptors. More are refused
with 503."""

_ANSWERED_AT_ONCE_BYTES_MAX = 1024 * 1024
_PAGE_SIZE_BYTES = resource.getpagesize()
_PIPE_SIZE_BYTES = 256 * 1024

_log = logging.getLogger("millpond.gateway")


class LiveStreams:
    """The live answers that are being sent. Made in the event loop."""

    def __init__(self) -> None:
        self._hangups = Hangups()
        self._sending: set[asyncio.Task[None]] = set()
        self._none_left = asyncio.Event()
        self._none_left.set()
        self._ended = False
        self._most = live_streams_max()

    async def send(
        self,
        protocol: Any,
        client: str,
        status: int,
        headers: list[tuple[str, str]],
        body: LiveBody,
    ) -> None:
        """Send the pieces of `body` as they come, until they end, the client goes or reads nothing
        for `BODY_IDLE_SECONDS_MAX`, or all streams are ended."""
        if self._ended or len(self._sending) >= self._most:
            await body.pieces.aclose()
            protocol.response_empty(503, [])
            return
        pipe = Pipe()
        protocol.response_file(status, headers, pipe.path)
        sending = asyncio.create_task(_pump(body, pipe))
        self._sending.add(sending)
        self._none_left.clear()
        try:
            with self._hangups.watching(client) as gone:
                await asyncio.wait((sending, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sending.cancel()
            await asyncio.wait((sending,))
            pipe.close()
            await body.pieces.aclose()
            self._sending.discard(sending)
            if not self._sending:
                self._none_left.set()

    async def end(self) -> None:
        """End every stream, and refuse new ones. The clients see ends, not breaks."""
        self._ended = True
        for sending in self._sending:
            sending.cancel()
        await self._none_left.wait()
        self._hangups.close()


def live_streams_max() -> int:
    """An eighth of the files that this process may have open, and at most LIVE_STREAMS_MAX."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return LIVE_STREAMS_MAX if soft == resource.RLIM_INFINITY else min(LIVE_STREAMS_MAX, soft // 8)


async def send(scope: Any, protocol: Any, answer: Answer, live: LiveStreams) -> None:
    """Send `answer` to the request that `scope` describes."""
    headers, body = answer.headers, answer.body
    if isinstance(body, BytesBody):
        body = body.data
    if scope.method == "HEAD":
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
    elif isinstance(body, LiveBody):
        await live.send(protocol, scope.client, answer.status, headers, body)
    else:
        await _send_stream(protocol, answer.status, headers, body)


async def _pump(body: LiveBody, pipe: "Pipe") -> None:
    try:
        await pipe.write(await anext(body.pieces))
        await pipe.opened()
        async for piece in body.pieces:
            await pipe.write(piece)
    except (BrokenPipeError, TimeoutError):
        _log.debug("A client went away, or stopped reading, in the middle of a stream")
    except Exception:
        _log.exception("A stream of events failed while it was sent")


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
    pipe = Pipe()
    try:
        protocol.response_file(status, _with_length(headers, body.length), pipe.path)
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


class Pipe:
    """Both ends of a pipe whose reading end the server opens by its `path`, once it comes to it.

    It has room for one write at first. When there is room again, the server has opened it: from
    then on only the server reads, and a client that goes away breaks the pipe.
    """

    def __init__(self) -> None:
        reader, self._writer = os.pipe()
        fcntl.fcntl(self._writer, fcntl.F_SETPIPE_SZ, _PAGE_SIZE_BYTES)
        os.set_blocking(self._writer, False)
        self.path = f"/dev/fd/{reader}"
        self._reader: int | None = reader

    async def write(self, data: bytes) -> None:
        """Put `data` in, as fast as the client takes it.

        Raises:
            BrokenPipeError: the client has gone.
            TimeoutError: the client has taken nothing for `BODY_IDLE_SECONDS_MAX`.
        """
        left = memoryview(data)
        while left:
            try:
                left = left[os.write(self._writer, left) :]
            except BlockingIOError:
                await self._wait()

    async def opened(self) -> None:
        """Wait for the server to have read what was written first.

        Raises:
            TimeoutError: it has not for `BODY_IDLE_SECONDS_MAX`.
        """
        if self._reader is not None:
            await self._wait()

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
        if self._reader is not None:
            self._close_reader()
            with contextlib.suppress(PermissionError):
                fcntl.fcntl(self._writer, fcntl.F_SETPIPE_SZ, _PIPE_SIZE_BYTES)

    def _close_reader(self) -> None:
        if self._reader is not None:
            os.close(self._reader)
            self._reader = None


def _with_length(headers: list[tuple[str, str]], length: int) -> list[tuple[str, str]]:
    if any(name.lower() == "content-length" for name, _ in headers):
        return headers
    return [*headers, ("content-length", str(length))]
