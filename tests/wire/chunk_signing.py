"""Writes aws-chunked bodies, as S3's documentation describes them."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence

from millpond.wire.sigv4 import Verified
from millpond.wire.sigv4_claim import Claim, Mechanism, Payload

EMPTY = hashlib.sha256(b"").hexdigest()
SIGNED, UNSIGNED = Payload.CHUNKS_SIGNED, Payload.CHUNKS_UNSIGNED_WITH_TRAILER
SIGNED_TRAILER = Payload.CHUNKS_SIGNED_WITH_TRAILER
_TIME, _SCOPE = "20130524T000000Z", "20130524/us-east-1/s3/aws4_request"


def seed(signature: str = "0" * 64, key: bytes = b"k" * 32) -> Verified:
    """What the chunks' signatures continue from."""
    claim = Claim(
        Mechanism.HEADER, "AKID", "20130524", "us-east-1", "s3", ("host",), signature,
        _TIME, 1369353600, 0, None, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    )  # fmt: skip
    return Verified(claim, key)


def write_chunks(
    payload: Payload,
    chunks: Sequence[bytes],
    trailers: Mapping[str, str] | None = None,
    start: Verified | None = None,
    *,
    newline: bytes = b"\r\n",
) -> bytes:
    """The body whose data is `chunks`; each is one chunk, and the empty last one is added."""
    start = start or seed()
    previous = start.claim.signature
    prefix = f"{start.claim.time}\n{start.claim.scope}"
    out = b""
    for chunk in [*chunks, b""]:
        out += f"{len(chunk):x}".encode()
        if payload is not UNSIGNED:
            digests = f"{EMPTY}\n{hashlib.sha256(chunk).hexdigest()}"
            text = f"AWS4-HMAC-SHA256-PAYLOAD\n{prefix}\n{previous}\n{digests}"
            previous = hmac.digest(start.signing_key, text.encode(), "sha256").hex()
            out += f";chunk-signature={previous}".encode()
        out += b"\r\n" + chunk + (b"\r\n" if chunk else b"")
    if payload is SIGNED:
        return out + b"\r\n"
    canonical = ""
    for name, value in sorted((trailers or {}).items()):
        out += f"{name}:{value}".encode() + newline
        canonical += f"{name}:{value}\n"
    if payload is SIGNED_TRAILER:
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        text = f"AWS4-HMAC-SHA256-TRAILER\n{prefix}\n{previous}\n{digest}"
        signature = hmac.digest(start.signing_key, text.encode(), "sha256").hex()
        out += f"x-amz-trailer-signature:{signature}\r\n".encode()
    return out + b"\r\n"
