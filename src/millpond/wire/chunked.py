"""aws-chunked bodies: the framing that carries signatures and checksums inside an S3 upload.

A sans-io decoder: `feed` it what came, take what it gives, call `finish` at the end. Data is given
before its chunk's signature has come, so that memory stays bounded by what was fed; `feed` or
`finish` raises as soon as something is wrong, and a body is good only once `finish` has returned.
Whoever stores it commits after that and never before.

    size-in-hex[;chunk-signature=<64 hex>] CRLF  data CRLF  …  0[;chunk-signature=…] CRLF
    [trailer-name:value CRLF  …  [x-amz-trailer-signature:<64 hex> CRLF]]  CRLF

Sources: S3 API Reference, "Signature Calculations for the Authorization Header: Transferring
Payload in Multiple Chunks" and "… Including Trailing Headers".
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from enum import Enum, auto

from millpond.wire.sigv4 import EMPTY_SHA256, Verified
from millpond.wire.sigv4_claim import Payload

CHUNK_SIZE_BYTES_MIN = 8 * 1024
"""Only the last chunk with data may be smaller."""
_HEADER_SIZE_BYTES_MAX = 256
_TRAILERS_SIZE_BYTES_MAX = 16 * 1024
_CHUNK_HEADER = re.compile(rb"([0-9a-fA-F]{1,16})(?:;chunk-signature=([0-9a-f]{64}))?")
_TRAILER_NAME = re.compile(r"x-amz-checksum-[a-z0-9]{1,16}", re.ASCII)
_TRAILER_SIGNATURE = "x-amz-trailer-signature"


class ChunkFault(Enum):
    """What is wrong with a body; the gateway knows S3's code for each."""

    MALFORMED = auto()
    TOO_SMALL = auto()
    WRONG_LENGTH = auto()
    TRUNCATED = auto()
    TRAILER = auto()
    SIGNATURE = auto()


class BadChunks(Exception):
    """The body is not what was announced or signed; what it gave so far must not be used."""

    def __init__(self, fault: ChunkFault, detail: str) -> None:
        super().__init__(detail)
        self.fault = fault
        self.detail = detail


class _Expect(Enum):
    HEADER = auto()
    DATA = auto()
    DATA_END = auto()
    TRAILER = auto()
    LAST_LINE = auto()
    NOTHING = auto()


class _Signatures:
    """The chain of chunk signatures, each made over its predecessor."""

    def __init__(self, verified: Verified) -> None:
        claim = verified.claim
        self._key = verified.signing_key
        self._prefix = f"{claim.time}\n{claim.scope}\n"
        self._previous = claim.signature

    def check(self, kind: str, digests: str, given: str) -> None:
        text = f"AWS4-HMAC-SHA256-{kind}\n{self._prefix}{self._previous}\n{digests}"
        expected = hmac.digest(self._key, text.encode(), "sha256").hex()
        if not hmac.compare_digest(expected, given):
            raise BadChunks(ChunkFault.SIGNATURE, "The signature of a chunk does not match.")
        self._previous = expected


class ChunkDecoder:
    """Decodes one body of the kind `payload`, which holds `decoded_length` bytes of data and the
    trailers that are named in `trailer_names` (lower case), all of them and no others."""

    def __init__(
        self,
        payload: Payload,
        verified: Verified,
        decoded_length: int,
        trailer_names: frozenset[str] = frozenset(),
    ) -> None:
        if payload not in _KINDS:
            raise AssertionError(f"{payload} has no chunks.")
        signed = payload is not Payload.CHUNKS_UNSIGNED_WITH_TRAILER
        self._with_trailers = payload is not Payload.CHUNKS_SIGNED
        unknown = [name for name in trailer_names if not _TRAILER_NAME.fullmatch(name)]
        if unknown or (trailer_names and not self._with_trailers):
            raise BadChunks(
                ChunkFault.TRAILER,
                "The value specified in the x-amz-trailer header is not supported",
            )
        self._signatures = _Signatures(verified) if signed else None
        self._trailer_names = trailer_names
        self._trailers: dict[str, str] = {}
        self._trailers_size = 0
        self._expect = _Expect.HEADER
        self._line = bytearray()
        self._left = decoded_length
        self._chunk_left = 0
        self._chunk_size = CHUNK_SIZE_BYTES_MIN
        self._chunk_signature = ""
        self._digest = hashlib.sha256()

    @property
    def trailers(self) -> Mapping[str, str]:
        """The trailing headers by lower-case name; complete once `finish` has returned."""
        return self._trailers

    def feed(self, data: bytes) -> list[bytes]:
        """The pieces of the decoded body that `data` completes, in order.

        Raises:
            BadChunks: the body is not what was announced or signed.
        """
        pieces: list[bytes] = []
        position, end = 0, len(data)
        while position < end:
            if self._expect is _Expect.DATA:
                size = min(self._chunk_left, end - position)
                piece = data if size == end else data[position : position + size]
                position += size
                self._take(piece)
                pieces.append(piece)
            else:
                position = self._read_line(data, position)
        return pieces

    def finish(self) -> None:
        """Say that the body has ended.

        Raises:
            BadChunks: it ended early.
        """
        if self._expect is not _Expect.NOTHING:
            raise BadChunks(ChunkFault.TRUNCATED, "The request body terminated unexpectedly")

    def _take(self, piece: bytes) -> None:
        if self._signatures:
            self._digest.update(piece)
        self._chunk_left -= len(piece)
        if not self._chunk_left:
            self._expect = _Expect.DATA_END

    def _read_line(self, data: bytes, position: int) -> int:
        """Add to the line that is being read, and act on it once it is whole."""
        if self._expect is _Expect.NOTHING:
            raise BadChunks(ChunkFault.MALFORMED, "There is data after the last chunk.")
        end = data.find(b"\n", position, position + _TRAILERS_SIZE_BYTES_MAX)
        stop = end + 1 if end >= 0 else min(len(data), position + _TRAILERS_SIZE_BYTES_MAX)
        self._line += data[position:stop]
        in_trailers = self._expect is _Expect.TRAILER
        if len(self._line) > (_TRAILERS_SIZE_BYTES_MAX if in_trailers else _HEADER_SIZE_BYTES_MAX):
            raise BadChunks(ChunkFault.MALFORMED, "A line between chunks is too long.")
        if end >= 0:
            line = bytes(self._line)
            self._line.clear()
            self._end_line(line)
        return stop

    def _end_line(self, line: bytes) -> None:
        if self._expect is _Expect.TRAILER:
            self._read_trailer(line)
            return
        if not line.endswith(b"\r\n"):
            raise BadChunks(ChunkFault.MALFORMED, "A line between chunks must end with CRLF.")
        if self._expect is _Expect.HEADER:
            self._read_header(line[:-2])
        elif line != b"\r\n":
            raise BadChunks(ChunkFault.MALFORMED, "A chunk is longer than its size.")
        elif self._expect is _Expect.DATA_END:
            self._end_chunk()
            self._expect = _Expect.HEADER
        else:
            self._expect = _Expect.NOTHING

    def _read_header(self, header: bytes) -> None:
        match = _CHUNK_HEADER.fullmatch(header)
        if match is None or (match[2] is None) is not (self._signatures is None):
            raise BadChunks(ChunkFault.MALFORMED, "The header of a chunk cannot be read.")
        size = int(match[1], 16)
        if size and self._chunk_size < CHUNK_SIZE_BYTES_MIN:
            raise BadChunks(
                ChunkFault.TOO_SMALL,
                f"Only the last chunk is allowed to have a size less than "
                f"{CHUNK_SIZE_BYTES_MIN} bytes",
            )
        if size > self._left or (not size and self._left):
            raise BadChunks(
                ChunkFault.WRONG_LENGTH,
                "You did not provide the number of bytes specified by the "
                "x-amz-decoded-content-length HTTP header",
            )
        self._left -= size
        self._chunk_left = self._chunk_size = size
        self._chunk_signature = (match[2] or b"").decode()
        if size:
            self._expect = _Expect.DATA
            return
        self._end_chunk()
        self._expect = _Expect.TRAILER if self._with_trailers else _Expect.LAST_LINE

    def _end_chunk(self) -> None:
        if self._signatures:
            digests = f"{EMPTY_SHA256}\n{self._digest.hexdigest()}"
            self._signatures.check("PAYLOAD", digests, self._chunk_signature)
            self._digest = hashlib.sha256()

    def _read_trailer(self, line: bytes) -> None:
        self._trailers_size += len(line)
        if self._trailers_size > _TRAILERS_SIZE_BYTES_MAX:
            raise _malformed_trailer("The trailing headers are too long.")
        text = line.removesuffix(b"\n").removesuffix(b"\r").decode("ascii", errors="replace")
        if not text:
            self._end_trailers_unsigned()
            return
        if not text.isprintable():
            raise _malformed_trailer("A trailing header has a character that it may not have.")
        name, colon, value = text.partition(":")
        name, value = name.strip(" ").lower(), value.strip(" ")
        if self._signatures and name == _TRAILER_SIGNATURE:
            self._end_trailers_signed(self._signatures, value)
        elif not colon or name not in self._trailer_names or name in self._trailers:
            raise _malformed_trailer(f"The trailing header {name[:64]!r} was not announced.")
        else:
            self._trailers[name] = value

    def _end_trailers_unsigned(self) -> None:
        """An empty line: the end, except that some signers put one before the signature."""
        if self._signatures is None:
            self._check_all_came()
            self._expect = _Expect.NOTHING

    def _end_trailers_signed(self, signatures: _Signatures, given: str) -> None:
        self._check_all_came()
        canonical = "".join(f"{name}:{self._trailers[name]}\n" for name in sorted(self._trailers))
        signatures.check("TRAILER", hashlib.sha256(canonical.encode()).hexdigest(), given)
        self._expect = _Expect.LAST_LINE

    def _check_all_came(self) -> None:
        missing = self._trailer_names - self._trailers.keys()
        if missing:
            raise _malformed_trailer(f"The trailing header {min(missing)!r} is missing.")


_KINDS = frozenset(
    {
        Payload.CHUNKS_SIGNED,
        Payload.CHUNKS_SIGNED_WITH_TRAILER,
        Payload.CHUNKS_UNSIGNED_WITH_TRAILER,
    }
)


def _malformed_trailer(detail: str) -> BadChunks:
    return BadChunks(
        ChunkFault.TRAILER,
        "The request contained trailing data that was not well-formed or did not conform to our "
        f"published schema. {detail}",
    )
