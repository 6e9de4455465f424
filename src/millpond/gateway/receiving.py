"""Requests' bodies on their way in: as they come, bounded in time."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

from granian._granian import RSGIProtocolClosed

from millpond.gateway.bodies import BodyFailed, InOnePiece
from millpond.gateway.refusals import Trouble
from millpond.kernel.body import BytesBody
from millpond.kernel.limits import BODY_GATHERED_BYTES_MAX, BODY_IDLE_SECONDS_MAX
from millpond.wire.http import Request

BODY_RATE_BYTES_PER_SECOND_MIN = 1024
"""A body that comes more slowly than this, on the whole, is not waited for."""

_READ_AT_ONCE_BYTES_MAX = 256 * 1024
_DRAINED_SECONDS_MAX = 5.0
_METHODS_WITH_BODY = frozenset({"PATCH", "POST", "PUT"})
_NO_BODY = BytesBody(b"")
_NO_TRAILERS: Mapping[str, str] = {}


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


def body_of(request: Request, protocol: Any, *, multiplexed: bool) -> SocketBody | BytesBody:
    """The body of a request that the server begins to hand over.

    The server has checked the framing: several lengths are the same one, and a length beside
    HTTP chunks is gone. In HTTP/2 nothing but the length tells of a body before it comes.
    """
    headers = request.headers
    lengths = headers.get_all("content-length")
    if lengths:
        length = int(lengths[0].partition(",")[0])
        return SocketBody(protocol, length) if length else _NO_BODY
    if multiplexed and request.method in _METHODS_WITH_BODY:
        return SocketBody(protocol, None)
    return SocketBody(protocol, None) if "transfer-encoding" in headers else _NO_BODY


def _is_cancelled() -> bool:
    """Whether it is we who are cancelled, and not what the server was to give us: that is how it
    tells that an HTTP/2 stream was reset."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0
