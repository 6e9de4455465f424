"""Bodies that stream: what a request brings and what an answer carries.

A `Body` is iterated once, chunk by chunk. Iterating a request's body to its end also verifies it
(length, payload hash, chunk signatures): whoever stores a body commits only after its last chunk.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol


class Body(Protocol):
    """A stream of bytes. `length` is in bytes, None when it is known only at the end.

    `trailers` holds the trailing headers (lower-case names), complete once iterated to the end.
    """

    @property
    def length(self) -> int | None: ...

    @property
    def trailers(self) -> Mapping[str, str]: ...

    def __aiter__(self) -> AsyncIterator[bytes]: ...


_NO_TRAILERS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class BytesBody:
    """A body that is in memory already."""

    data: bytes
    trailers: Mapping[str, str] = field(default_factory=dict)

    @property
    def length(self) -> int:
        return len(self.data)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self.data:
            yield self.data


@dataclass(frozen=True, slots=True)
class FileBody:
    """Bytes `start` to `start + length` of a file that nobody changes.

    The gateway lets the HTTP server send it; an in-process caller may open `path` itself.
    """

    path: Path
    start: int
    length: int
    trailers: Mapping[str, str] = field(default_factory=dict)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with self.path.open("rb") as file:
            file.seek(self.start)
            left = self.length
            while left:
                chunk = file.read(min(left, 1 << 20))
                if not chunk:
                    return
                left -= len(chunk)
                yield chunk


@dataclass(frozen=True, slots=True)
class StreamBody:
    """A body produced as it is sent."""

    chunks: AsyncIterator[bytes]
    length: int | None = None

    @property
    def trailers(self) -> Mapping[str, str]:
        return _NO_TRAILERS

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self.chunks


@dataclass(frozen=True, slots=True)
class LiveBody:
    """Pieces that leave as they come, for as long as they come: an answer without a length.

    Whoever sends them closes `pieces` at the end, and when the client is gone or reads too slowly.
    """

    pieces: AsyncGenerator[bytes, None]

    @property
    def length(self) -> None:
        return None

    @property
    def trailers(self) -> Mapping[str, str]:
        return _NO_TRAILERS

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self.pieces


async def gather(body: Body, limit_bytes: int) -> bytes:
    """The whole body.

    Raises:
        ValueError: it is longer than `limit_bytes`.
    """
    chunks: list[bytes] = []
    size = 0
    async for chunk in body:
        size += len(chunk)
        if size > limit_bytes:
            raise ValueError(f"The body is longer than {limit_bytes} bytes.")
        chunks.append(chunk)
    return b"".join(chunks)
