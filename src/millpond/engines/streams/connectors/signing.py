"""Signs requests to AWS: Signature Version 4 in the Authorization header.

Source: AWS, "Signature Version 4 signing process".
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from functools import lru_cache
from urllib.parse import quote

from millpond.engines.streams.interface import Access

UNSIGNED = "UNSIGNED-PAYLOAD"
_ALGORITHM = "AWS4-HMAC-SHA256"
_UNRESERVED = "-_.~"


def encoded_path(path: str) -> str:
    """A path as it is sent and signed: each part percent-encoded once."""
    return quote(path, safe="/" + _UNRESERVED)


def encoded_query(query: Sequence[tuple[str, str]]) -> str:
    """A query as it is sent and signed: in order of its names."""
    pairs = sorted((quote(n, safe=_UNRESERVED), quote(v, safe=_UNRESERVED)) for n, v in query)
    return "&".join(f"{name}={value}" for name, value in pairs)


def signed_headers(
    access: Access,
    *,
    service: str,
    region: str,
    method: str,
    host: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    payload_hash: str,
    stamp: str,
) -> dict[str, str]:
    """The headers to send: `headers` and those that sign them.

    `path` and `query` are encoded; `payload_hash` is the body's SHA-256 in hexadecimal, or
    `UNSIGNED`; `stamp` is the time as `20261121T121314Z`.
    """
    sent = {name.lower(): " ".join(value.split()) for name, value in headers.items()}
    sent |= {"host": host, "x-amz-date": stamp}
    if service == "s3":
        sent["x-amz-content-sha256"] = payload_hash
    if access.session_token:
        sent["x-amz-security-token"] = access.session_token
    names = sorted(sent)
    listed = ";".join(names)
    lines = "".join(f"{name}:{sent[name]}\n" for name in names)
    canonical = f"{method}\n{path}\n{query}\n{lines}\n{listed}\n{payload_hash}"
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    key = _key(access.secret_access_key, stamp[:8], region, service)
    signature = _mac(key, f"{_ALGORITHM}\n{stamp}\n{scope}\n{digest}").hex()
    sent["authorization"] = (
        f"{_ALGORITHM} Credential={access.access_key_id}/{scope}, "
        f"SignedHeaders={listed}, Signature={signature}"
    )
    return sent


def _mac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")


@lru_cache(maxsize=16)
def _key(secret: str, day: str, region: str, service: str) -> bytes:
    key = _mac(f"AWS4{secret}".encode(), day)
    for part in (region, service, "aws4_request"):
        key = _mac(key, part)
    return key
