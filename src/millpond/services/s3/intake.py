"""Takes a body in: hashes it on its way to the objects engine and checks it before it is kept.

Hashing small bodies costs less than handing them to a thread; of larger ones, each batch is hashed
in a thread while the engine writes it and the next one arrives. What the client claims (length,
Content-MD5, checksum) is checked at the end of the stream, inside it: a refusal there reaches the
engine as a broken stream, and nothing of the body remains.
"""

import asyncio
import base64
import binascii
import hashlib
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping
from dataclasses import dataclass

from millpond.engines.objects.interface import Blob
from millpond.kernel.body import Body, BytesBody
from millpond.services.s3.errors import BadDigest, EntityTooLarge, InvalidDigest, InvalidRequest
from millpond.services.s3.model import checksums
from millpond.services.s3.model.checksums import KINDS, Claim
from millpond.services.s3.needs import Needs

BODY_SIZE_BYTES_MAX = 5 * 1024**3
"""The largest object of one PUT, and the largest part."""
BATCH_SIZE_BYTES = 1024 * 1024
_INLINE_SIZE_BYTES_MAX = 256 * 1024

EMPTY_BODY: Body = BytesBody(b"")


@dataclass(frozen=True, slots=True)
class Received:
    """A body that the engine has and no record names yet. `checksums` are base64 by algorithm."""

    blob: Blob
    etag: str
    checksums: Mapping[str, str]
    claimed: str | None
    """The algorithm whose checksum the client sent."""


class Digests:
    """The MD5 and other checksums of a stream, and its size."""

    def __init__(self, algorithms: Iterable[str]) -> None:
        self.size = 0
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._others = {name: KINDS[name].start() for name in algorithms}
        self._waiting: list[bytes] = []
        self._waiting_size = 0
        self._hashing: asyncio.Future[None] | None = None

    async def add(self, chunk: bytes) -> None:
        self.size += len(chunk)
        self._waiting.append(chunk)
        self._waiting_size += len(chunk)
        if self._waiting_size >= BATCH_SIZE_BYTES:
            await self._hand_over()

    async def finish(self) -> None:
        """Wait until all that was added is hashed."""
        if self._waiting_size > _INLINE_SIZE_BYTES_MAX:
            await self._hand_over()
        await self._settle()
        self._hash(self._waiting)
        self._waiting = []

    @property
    def md5(self) -> bytes:
        return self._md5.digest()

    def digest(self, algorithm: str) -> bytes:
        return self._others[algorithm].digest()

    def texts(self) -> dict[str, str]:
        """The checksums besides the MD5, as S3 writes them."""
        return {name: checksums.text(running.digest()) for name, running in self._others.items()}

    async def _hand_over(self) -> None:
        await self._settle()
        batch, self._waiting, self._waiting_size = self._waiting, [], 0
        self._hashing = asyncio.get_running_loop().run_in_executor(None, self._hash, batch)

    async def _settle(self) -> None:
        hashing, self._hashing = self._hashing, None
        if hashing is not None:
            await hashing

    def _hash(self, batch: list[bytes]) -> None:
        for chunk in batch:
            self._md5.update(chunk)
            for running in self._others.values():
                running.update(chunk)


async def receive(
    needs: Needs,
    body: Body | None,
    *,
    content_md5: str | None,
    claim: Claim | None,
    algorithms: Iterable[str] = (),
) -> Received:
    """Store a request's body, with its ETag and the checksums `algorithms` and the claim ask for.

    Raises:
        EntityTooLarge: it is longer than 5 GiB; nothing is stored.
        InvalidDigest: `content_md5` is no MD5.
        BadDigest: the bytes are not the ones that the client speaks of; nothing is stored.
        InvalidRequest: the announced checksum did not come.
    """
    body = body or EMPTY_BODY
    expected_md5 = None if content_md5 is None else _read_md5(content_md5)
    if body.length is not None and body.length > BODY_SIZE_BYTES_MAX:
        raise EntityTooLarge(body.length, BODY_SIZE_BYTES_MAX)
    digests = Digests({*algorithms, *([claim.algorithm] if claim else ())})

    async def checked() -> AsyncIterator[bytes]:
        async for chunk in body:
            await digests.add(chunk)
            if digests.size > BODY_SIZE_BYTES_MAX:
                raise EntityTooLarge(digests.size, BODY_SIZE_BYTES_MAX)
            yield chunk
        await digests.finish()
        _check_md5(expected_md5, digests.md5)
        if claim is not None:
            claimed = claim.digest or _from_trailer(claim.algorithm, body.trailers)
            checksums.check_digest(claim.algorithm, claimed, digests.digest(claim.algorithm))

    blob = await needs.objects.put(checked())
    late = None
    if claim is None:
        late = await _check_unannounced(needs, blob, body.trailers)
    return Received(
        blob=blob,
        etag=digests.md5.hex(),
        checksums=digests.texts() | (late or {}),
        claimed=claim.algorithm if claim else next(iter(late), None) if late else None,
    )


async def store_copy(
    needs: Needs, chunks: AsyncIterable[bytes], algorithms: Iterable[str]
) -> Received:
    """Store bytes that come from another blob, with their ETag and checksums."""
    digests = Digests(algorithms)

    async def hashed() -> AsyncIterator[bytes]:
        async for chunk in chunks:
            await digests.add(chunk)
            yield chunk
        await digests.finish()

    blob = await needs.objects.put(hashed())
    return Received(blob, digests.md5.hex(), digests.texts(), claimed=None)


def _read_md5(text: str) -> bytes:
    try:
        digest = base64.b64decode(text, validate=True)
    except binascii.Error:
        digest = b""
    if len(digest) != 16:
        raise InvalidDigest(text)
    return digest


def _check_md5(expected: bytes | None, computed: bytes) -> None:
    if expected is not None and expected != computed:
        raise BadDigest(
            "The Content-MD5 you specified did not match what we received.",
            ExpectedDigest=checksums.text(expected),
            CalculatedDigest=checksums.text(computed),
        )


def _from_trailer(algorithm: str, trailers: Mapping[str, str]) -> bytes:
    claim = checksums.read_trailer(trailers)
    if claim is None or claim.digest is None or claim.algorithm != algorithm:
        raise InvalidRequest(
            "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or "
            "x-amz-trailer headers were found."
        )
    return claim.digest


async def _check_unannounced(
    needs: Needs, blob: Blob, trailers: Mapping[str, str]
) -> dict[str, str] | None:
    """A checksum that came in a trailer which `x-amz-sdk-checksum-algorithm` did not announce: the
    bytes are read once more to check it."""
    try:
        claim = checksums.read_trailer(trailers)
        if claim is None or claim.digest is None:
            return None
        digests = Digests([claim.algorithm])
        async for chunk in needs.objects.read(blob):
            await digests.add(chunk)
        await digests.finish()
        checksums.check_digest(claim.algorithm, claim.digest, digests.digest(claim.algorithm))
    except Exception:
        await needs.objects.discard([blob])
        raise
    return digests.texts()
