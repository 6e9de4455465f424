"""Verifies Signature Version 4: time, then the signature itself, compared in constant time.

Pure: the time and the secret are handed in, the claim is what `wire/sigv4_claim.py` read. Only what
`verify` returned may be trusted.

Sources: IAM User Guide, "Create a signed AWS API request"; S3 API Reference, "Signature
Calculations for the Authorization Header".
"""

import functools
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, unquote_to_bytes

from millpond.wire.http import Request
from millpond.wire.sigv4_claim import ALGORITHM, Claim, Mechanism, Reason, Refused

EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
SKEW_SECONDS_S3 = 15 * 60
SKEW_SECONDS = 5 * 60

_DERIVED_KEYS_MAX = 1024
_UNRESERVED = "-_.~"
_SPACES = re.compile(r"[ \t]+")


@dataclass(frozen=True, slots=True)
class Verified:
    """A claim that holds, with what the signatures of its chunks continue from."""

    claim: Claim
    signing_key: bytes


def check_time(claim: Claim, now_ms: int, *, s3: bool) -> None:
    """Refuse what was signed too long ago, or for later.

    Raises:
        Refused: it is 15 minutes (S3) or 5 minutes (others) off, or a presigned URL has expired.
    """
    now = now_ms // 1000
    skew = SKEW_SECONDS_S3 if s3 else SKEW_SECONDS
    presigned = claim.mechanism is Mechanism.QUERY
    if claim.epoch > now + skew:
        later = (
            f"Signature not yet current: {claim.time} is still later than "
            f"{_basic(now + skew)} ({_basic(now)} + {skew // 60} min.)"
        )
        if presigned and s3:
            raise Refused(Reason.PRESIGNED_NOT_YET_VALID, later, ServerTime=_extended(now))
        raise Refused(Reason.NOT_YET_VALID, later, **_skew_members(claim, now, skew))
    if presigned:
        end = claim.epoch + claim.expires_seconds
        if end < now:
            raise Refused(
                Reason.PRESIGNED_EXPIRED,
                f"Signature expired: {claim.time} is now earlier than {_basic(now)} "
                f"({_basic(end)} has passed.)",
                **{"X-Amz-Expires": str(claim.expires_seconds)},
                Expires=_extended(end),
                ServerTime=_extended(now),
            )
    elif claim.epoch < now - skew:
        earlier = (
            f"Signature expired: {claim.time} is now earlier than "
            f"{_basic(now - skew)} ({_basic(now)} - {skew // 60} min.)"
        )
        raise Refused(Reason.EXPIRED, earlier, **_skew_members(claim, now, skew))


def verify(
    claim: Claim, request: Request, secret_access_key: str, *, s3: bool, payload_hash: str
) -> Verified:
    """The claim, once its signature is found to be right.

    `payload_hash` is what the signer put last in the canonical request: the body's SHA-256 in hex,
    or for S3 the claim's `declared_payload`.

    Raises:
        Refused: the signature does not match.
    """
    key = derive_key(secret_access_key, claim.date, claim.region, claim.service)
    canonical = canonical_request(claim, request, s3=s3, payload_hash=payload_hash)
    text = _string_to_sign(claim, canonical)
    if _is_signed(text, key, claim):
        return Verified(claim, key)
    _, arn, rest = request.path.partition("/arn:")
    if arn and not s3:
        whole = canonical_request(
            claim, request, s3=s3, payload_hash=payload_hash, label=f"{arn[1:]}{rest}"
        )
        if _is_signed(_string_to_sign(claim, whole), key, claim):
            return Verified(claim, key)
    raise Refused(
        Reason.MISMATCH,
        AWSAccessKeyId=claim.access_key_id,
        StringToSign=text,
        SignatureProvided=claim.signature,
        StringToSignBytes=text.encode().hex(" "),
        CanonicalRequest=canonical,
        CanonicalRequestBytes=canonical.encode().hex(" "),
    )


def _string_to_sign(claim: Claim, canonical: str) -> str:
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    return "\n".join((ALGORITHM, claim.time, claim.scope, digest))


def _is_signed(text: str, key: bytes, claim: Claim) -> bool:
    expected = hmac.digest(key, text.encode(), "sha256").hex()
    return hmac.compare_digest(expected, claim.signature)


@functools.lru_cache(maxsize=_DERIVED_KEYS_MAX)
def derive_key(secret_access_key: str, date: str, region: str, service: str) -> bytes:
    """The signing key of a secret for one day, region and service.

    Remembered by the secret itself, so that a changed secret never finds its predecessor's key.
    """
    key = hmac.digest(b"AWS4" + secret_access_key.encode(), date.encode(), "sha256")
    for part in (region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def canonical_request(
    claim: Claim, request: Request, *, s3: bool, payload_hash: str, label: str = ""
) -> str:
    """The text whose hash is signed, rebuilt from the request as it came.

    `label` is the end of the path where it is one segment, whose slashes were encoded as it was
    signed (an ARN): the path comes decoded, which does not tell.
    """
    path = _canonical_path(request.path.removesuffix(label), s3=s3)
    lines = [
        request.method,
        path + quote(quote(label, _UNRESERVED), _UNRESERVED),
        _canonical_query(request.query) if request.query else "",
    ]
    headers = request.headers
    for name in claim.signed_headers:
        values = headers.get_all(name)
        value = _trimmed(values[0]) if len(values) == 1 else ",".join(map(_trimmed, values))
        lines.append(f"{name}:{value}")
    lines += ("", ";".join(claim.signed_headers), payload_hash)
    return "\n".join(lines)


def _basic(epoch: int) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y%m%dT%H%M%SZ")


def _extended(epoch: int) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _skew_members(claim: Claim, now: int, skew: int) -> dict[str, str]:
    return {
        "RequestTime": claim.time,
        "ServerTime": _extended(now),
        "MaxAllowedSkewMilliseconds": str(skew * 1000),
    }


def _canonical_path(path: str, *, s3: bool) -> str:
    if path == "/":
        return path
    if s3:
        return quote(path, safe="/" + _UNRESERVED)
    once = quote(_normalised(path), safe="/" + _UNRESERVED)
    return quote(once, safe="/" + _UNRESERVED)


def _normalised(path: str) -> str:
    """Without empty and dot segments, as AWS's signers leave them out."""
    segments: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del segments[-1:]
        elif segment not in {"", "."}:
            segments.append(segment)
    end = "/" if segments and path.endswith("/") else ""
    return "/" + "/".join(segments) + end


def _canonical_query(query: str) -> str:
    items = []
    for item in query.split("&"):
        name, _, value = item.partition("=")
        encoded = (_encoded(name), _encoded(value))
        if item and encoded[0] != "X-Amz-Signature":
            items.append(encoded)
    items.sort()
    return "&".join(f"{name}={value}" for name, value in items)


def _encoded(text: str) -> str:
    """Decoded and encoded again, so that every spelling of a character becomes AWS's. A plus is a
    space, as it is for whoever reads the query: AWS's SDK for Java 1 writes it so, and signs `%20`.
    """
    if text.isalnum() and text.isascii():
        return text
    return quote(unquote_to_bytes(text.replace("+", " ")), _UNRESERVED)


def _trimmed(value: str) -> str:
    if "  " in value or "\t" in value:
        value = _SPACES.sub(" ", value)
    return value.strip(" ")
