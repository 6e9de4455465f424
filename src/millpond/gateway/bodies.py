"""Request bodies on their way in: checked while they stream, good only once they have ended.

What comes from a socket raises `BodyFailed` when it ends early or stalls. `VerifiedBody` checks it
against what was signed: iterating it to the end raises when the hash, the length or the signature
of a chunk is wrong, so whoever stores it and commits afterwards never commits a wrong one.
"""

import asyncio
import hashlib
import hmac
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from millpond.gateway.refusals import Trouble, refuse, refuse_chunks, refuse_hash
from millpond.kernel.body import Body
from millpond.wire.chunked import BadChunks
from millpond.wire.shape import ServiceModel

HASHED_ELSEWHERE_BYTES_MIN = 128 * 1024
"""Pieces from this size on are hashed in a thread, while the event loop goes on."""
GATHERED_HASHED_ELSEWHERE_BYTES_MIN = 1024 * 1024
"""The same for gathered bodies: below, the way to the thread costs more than it spares."""

_hashing = ThreadPoolExecutor(max_workers=2, thread_name_prefix="millpond-hash")
_NO_TRAILERS: Mapping[str, str] = {}


class BodyFailed(Exception):
    """A body did not come as it was announced."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.name)
        self.trouble = trouble


class InOnePiece(ABC):
    """A body that may be small enough to be taken whole, which is cheaper."""

    in_one_piece: bool

    @abstractmethod
    async def whole(self) -> bytes:
        """All of it. Raises BodyFailed."""


class Check(Protocol):
    """Takes a body as it comes and gives it as it is meant; raises when it is wrong."""

    @property
    def trailers(self) -> Mapping[str, str]: ...

    def feed(self, data: bytes) -> list[bytes]: ...

    def finish(self) -> None: ...


class Unchecked:
    """A body of which only the length is known."""

    trailers = _NO_TRAILERS

    def feed(self, data: bytes) -> list[bytes]:
        return [data]

    def finish(self) -> None:
        """The source has checked the length."""


class HashCheck:
    """A body whose SHA-256 was signed."""

    trailers = _NO_TRAILERS

    def __init__(self, expected: str) -> None:
        self._expected = expected
        self._hash = hashlib.sha256()

    def feed(self, data: bytes) -> list[bytes]:
        self._hash.update(data)
        return [data]

    def finish(self) -> None:
        computed = self._hash.hexdigest()
        if not hmac.compare_digest(computed, self._expected):
            raise refuse_hash(self._expected, computed)


class VerifiedBody:
    """A request's body for one operation of the service `model`; read once.

    Iterating raises ServiceError: the body is not what was announced or signed.
    """

    def __init__(self, model: ServiceModel, source: Body, check: Check, length: int) -> None:
        self._model = model
        self._source = source
        self._check = check
        self._length = length
        self.begun = False

    @property
    def length(self) -> int:
        return self._length

    @property
    def trailers(self) -> Mapping[str, str]:
        return self._check.trailers

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self.begun:
            raise RuntimeError("A request's body can be read only once.")
        self.begun = True
        check = self._check
        try:
            async for data in self._source:
                if len(data) < HASHED_ELSEWHERE_BYTES_MIN or isinstance(check, Unchecked):
                    for piece in check.feed(data):
                        yield piece
                    continue
                fed = asyncio.get_running_loop().run_in_executor(_hashing, check.feed, data)
                if isinstance(check, HashCheck):
                    try:
                        yield data
                    finally:
                        await fed
                else:
                    for piece in await fed:
                        yield piece
            check.finish()
        except BadChunks as bad:
            raise refuse_chunks(self._model, bad) from bad
        except BodyFailed as failed:
            raise refuse(self._model, failed.trouble) from failed


async def sha256_hex(data: bytes) -> str:
    """The SHA-256 of a gathered body; of a large one in a thread, while the event loop goes on."""
    if len(data) < GATHERED_HASHED_ELSEWHERE_BYTES_MIN:
        return hashlib.sha256(data).hexdigest()
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_hashing, lambda: hashlib.sha256(data).hexdigest())


async def gather_limited(model: ServiceModel, body: Body, limit_bytes: int) -> bytes:
    """The whole body of a request for the service `model`.

    Raises:
        ServiceError: it is longer than `limit_bytes`, or did not come as announced.
    """
    if body.length is not None and body.length > limit_bytes:
        raise refuse(model, Trouble.BODY_TOO_LARGE)
    if body.length == 0:
        return b""
    pieces: list[bytes] = []
    size = 0
    try:
        if isinstance(body, InOnePiece) and body.in_one_piece:
            return await body.whole()
        async for piece in body:
            size += len(piece)
            if size > limit_bytes:
                raise refuse(model, Trouble.BODY_TOO_LARGE)
            pieces.append(piece)
    except BodyFailed as failed:
        raise refuse(model, failed.trouble) from failed
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
