"""Presigned S3 URLs of Signature Version 2, which boto3 and the AWS CLI still make by default in
the older regions, us-east-1 among them. Nothing else of Version 2 is understood.

Version 2 leaves most query parameters unsigned. A URL is taken only when every parameter is one
that it does sign, so that nothing can be added to a URL that was handed out.

Source: S3 User Guide, "Signing and authenticating REST requests (AWS signature version 2)", Query
String Request Authentication Alternative.
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, unquote

from millpond.wire.http import HeaderMap, Request
from millpond.wire.sigv4_claim import Reason, Refused

_OWN = frozenset({"AWSAccessKeyId", "Signature", "Expires"})
_HEADERS_IN_QUERY = frozenset({"content-md5", "content-type"})
_SIGNED = frozenset(
    ("acl", "delete", "lifecycle", "location", "logging", "notification", "partNumber", "policy",
     "requestPayment", "response-cache-control", "response-content-disposition",
     "response-content-encoding", "response-content-language", "response-content-type",
     "response-expires", "restore", "tagging", "torrent", "uploadId", "uploads", "versionId",
     "versioning", "versions", "website")
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class OldClaim:
    """What such a URL says about its signer, unverified. `expires` is in seconds of the epoch.

    `headers` are the request's, and those that the URL carries as parameters (`x-amz-…`).
    """

    access_key_id: str
    signature: str
    expires: int
    session_token: str | None
    headers: HeaderMap
    subresources: tuple[str, ...]
    service = "s3"


def read_old_claim(request: Request) -> OldClaim:
    """What a presigned URL claims.

    Raises:
        Refused: it is not whole, or has parameters that Version 2 does not sign.
    """
    own: dict[str, str] = {}
    carried: dict[str, str] = {}
    subresources: dict[str, str] = {}
    seen: set[str] = set()
    for item in request.query.split("&"):
        raw_name, equals, raw_value = item.partition("=")
        name, value = unquote(raw_name), unquote(raw_value)
        if name in seen:
            raise Refused(Reason.SIGNATURE_V2)
        seen.add(name)
        if name in _OWN:
            own[name] = value
        elif name in _SIGNED:
            subresources[name] = f"{name}={value}" if equals else name
        elif name.startswith("x-amz-"):
            carried[name] = value
        elif name not in _HEADERS_IN_QUERY:
            raise Refused(Reason.SIGNATURE_V2)
    if own.keys() != _OWN or not re.fullmatch(r"\d{1,11}", own["Expires"], re.ASCII):
        raise Refused(
            Reason.INCOMPLETE,
            "Query-string authentication requires the Signature, Expires and AWSAccessKeyId "
            "parameters",
        )
    return OldClaim(
        own["AWSAccessKeyId"],
        own["Signature"],
        int(own["Expires"]),
        carried.get("x-amz-security-token") or request.headers.get("x-amz-security-token"),
        _with_carried(request.headers, carried),
        tuple(subresources[name] for name in sorted(subresources)),
    )


def check_expiry(claim: OldClaim, now_ms: int) -> None:
    """Refuse a URL whose time is over.

    Raises:
        Refused: it is.
    """
    now = now_ms // 1000
    if claim.expires < now:
        raise Refused(
            Reason.PRESIGNED_EXPIRED, Expires=_extended(claim.expires), ServerTime=_extended(now)
        )


def verify_old(claim: OldClaim, request: Request, secret_access_key: str) -> None:
    """Return if the signature is right. `request` is path-style.

    Raises:
        Refused: the signature does not match.
    """
    text = _string_to_sign(claim, request)
    digest = hmac.digest(secret_access_key.encode(), text.encode(), hashlib.sha1)
    expected = base64.b64encode(digest)
    if not hmac.compare_digest(expected, claim.signature.encode()):
        raise Refused(
            Reason.MISMATCH,
            AWSAccessKeyId=claim.access_key_id,
            StringToSign=text,
            SignatureProvided=claim.signature,
            StringToSignBytes=text.encode().hex(" "),
        )


def _string_to_sign(claim: OldClaim, request: Request) -> str:
    headers = claim.headers
    lines = [
        request.method,
        headers.get("content-md5") or "",
        headers.get("content-type") or "",
        str(claim.expires),
        *(
            f"{name}:{','.join(value.strip() for value in headers.get_all(name))}"
            for name in sorted(headers)
            if name.startswith("x-amz-")
        ),
    ]
    query = "?" + "&".join(claim.subresources) if claim.subresources else ""
    lines.append(quote(request.path, safe="/-_.~") + query)
    return "\n".join(lines)


def _with_carried(headers: HeaderMap, carried: dict[str, str]) -> HeaderMap:
    items = [(name, value) for name in headers for value in headers.get_all(name)]
    for name, value in carried.items():
        if name not in headers:
            items.append((name, value))
        elif headers.get_all(name) != [value]:
            raise Refused(Reason.UNSIGNED_HEADERS, name, HeadersNotSigned=name)
    return HeaderMap(items)


def _extended(epoch: int) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
