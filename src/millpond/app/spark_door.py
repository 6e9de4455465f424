"""The door for PySpark programs in a shell: a port that starts a Spark engine when one knocks.

Programs find it by SPARK_REMOTE and show the token of SPARK_CONNECT_AUTHENTICATE_TOKEN, which
only `millpond env` knows. The engine behind it asks no questions, so the door looks at each
connection's first request before a byte of it passes. It then hands bytes through in both
directions, and ends the engine once no program has been connected for a while.
"""

import asyncio
import contextlib
import errno
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from millpond.app.grpc_opening import (
    FAILED_PRECONDITION,
    UNAUTHENTICATED,
    NotGrpc,
    Opening,
    read_opening,
    refusal,
)
from millpond.kernel.clock import Clock

_OPENING_SECONDS_MAX = 20.0
_PORTS_TRIED_MAX = 16
_CHUNK_SIZE_BYTES = 256 * 1024

_log = logging.getLogger(__name__)


class Engine(Protocol):
    """A running Spark Connect server."""

    @property
    def address(self) -> tuple[str, int]: ...

    @property
    def is_running(self) -> bool: ...

    async def stop(self) -> None: ...


class EngineMissing(Exception):
    """No engine could be started; the text tells the user why and what to do."""


class SparkDoor:
    """Listens from `open` until `close`."""

    def __init__(
        self,
        token: str,
        start_engine: Callable[[], Awaitable[Engine]],
        clock: Clock,
        idle_seconds: float,
    ) -> None:
        self._token = token
        self._start_engine = start_engine
        self._clock = clock
        self._idle_seconds = idle_seconds
        self._engine: Engine | None = None
        self._starting = asyncio.Lock()
        self._connections: set[asyncio.Task[None]] = set()
        self._ending: asyncio.Task[None] | None = None
        self._servers: list[asyncio.Server] = []

    async def open(self, port: int) -> int:
        """Listen on this machine alone; the port (asked for, or a free one for 0).

        It is taken on both of the addresses that `localhost` can mean, so that nobody else is
        shown the token.

        Raises:
            OSError: the port is taken.
        """
        attempts = 1 if port else _PORTS_TRIED_MAX
        for attempt in range(1, attempts + 1):
            first = await asyncio.start_server(self._accept, "127.0.0.1", port)
            self._servers = [first]
            found = int(first.sockets[0].getsockname()[1])
            try:
                self._servers.append(await asyncio.start_server(self._accept, "::1", found))
            except OSError as error:
                if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                    return found
                first.close()
                if attempt == attempts:
                    raise
            else:
                return found
        raise AssertionError("The last attempt returns or raises.")

    async def close(self) -> None:
        """Stop listening, end the connections and the engine."""
        for server in self._servers:
            server.close()
        for task in (*self._connections, self._ending):
            if task is not None:
                task.cancel()
        if self._connections:
            await asyncio.wait(self._connections)
        await self._end_engine()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.create_task(self._serve(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_OPENING_SECONDS_MAX):
                opening = await read_opening(reader, writer, self._token)
            if not opening.shows_token:
                message = "The token is missing or wrong. Run: eval $(millpond env)"
                await _refuse(writer, opening.stream, UNAUTHENTICATED, message)
                return
            try:
                engine = await self._ready_engine()
            except EngineMissing as error:
                await _refuse(writer, opening.stream, FAILED_PRECONDITION, str(error))
                return
            await self._hand_through(engine, opening, reader, writer)
        except (OSError, EOFError, TimeoutError, NotGrpc) as error:
            _log.debug("A Spark connection ended: %r.", error)
        finally:
            writer.close()
            self._end_engine_later()

    async def _hand_through(
        self,
        engine: Engine,
        opening: Opening,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        far_reader, far_writer = await asyncio.open_connection(*engine.address)
        try:
            far_writer.write(opening.data)
            ways = [
                asyncio.create_task(_pump(reader, far_writer)),
                asyncio.create_task(_pump(far_reader, writer)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        finally:
            far_writer.close()

    async def _ready_engine(self) -> Engine:
        async with self._starting:
            if self._engine is not None and not self._engine.is_running:
                await self._end_engine()
            if self._engine is None:
                self._engine = await self._start_engine()
            return self._engine

    def _end_engine_later(self) -> None:
        if self._engine is None or len(self._connections) > 1:
            return
        if self._ending is not None:
            self._ending.cancel()
        self._ending = asyncio.create_task(self._end_idle_engine())

    async def _end_idle_engine(self) -> None:
        await self._clock.sleep(self._idle_seconds)
        async with self._starting:
            if not self._connections:
                await self._end_engine()

    async def _end_engine(self) -> None:
        engine, self._engine = self._engine, None
        if engine is not None:
            await engine.stop()


async def _refuse(writer: asyncio.StreamWriter, stream: int, status: int, message: str) -> None:
    writer.write(refusal(stream, status, message))
    await writer.drain()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(1.0):
            await writer.wait_closed()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(_CHUNK_SIZE_BYTES):
        writer.write(chunk)
        await writer.drain()
