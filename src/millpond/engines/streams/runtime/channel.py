"""The process's end of the talk with the server.

Standard input and output are taken away before user code comes: reading gives nothing, and what is
printed goes to standard error, which the server makes log lines of.
"""

import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator

from millpond.engines.streams.runtime.protocol import (
    FRAME_SIZE_BYTES_MAX,
    FromProcess,
    ToProcess,
    decode_to_process,
    frame,
)


class Channel:
    """To be made once, first of all. `tell` may be called from any thread."""

    def __init__(self) -> None:
        self._given = os.dup(0)
        self._answers = os.dup(1)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)
        for stream in (sys.stdout, sys.stderr):
            stream.reconfigure(line_buffering=True, errors="backslashreplace")  # type: ignore[union-attr]
        self._telling = threading.Lock()

    def tell(self, message: FromProcess) -> None:
        """Say something; nothing where nobody listens any more."""
        data = frame(message)
        with self._telling:
            try:
                while data:
                    data = data[os.write(self._answers, data) :]
            except OSError:
                return

    def hear(self) -> ToProcess | None:
        """The server's next message; None at the end."""
        header = self._exactly(4)
        body = header and self._exactly(int.from_bytes(header, "big"))
        return decode_to_process(body) if body else None

    async def commands(self) -> AsyncIterator[ToProcess]:
        """The server's messages, as they come, to the end."""
        reader = asyncio.StreamReader(limit=FRAME_SIZE_BYTES_MAX)
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(self._given, "rb", 0)
        )
        try:
            while True:
                size = int.from_bytes(await reader.readexactly(4), "big")
                yield decode_to_process(await reader.readexactly(size))
        except asyncio.IncompleteReadError:
            return

    def _exactly(self, size: int) -> bytes:
        parts = b""
        while len(parts) < size:
            part = os.read(self._given, size - len(parts))
            if not part:
                return b""
            parts += part
        return parts
