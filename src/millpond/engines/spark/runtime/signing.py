"""Requests to the endpoint, signed with the job's credentials (Signature Version 4).

Source: AWS General Reference, "Create a signed AWS API request".
"""

import hashlib
import hmac
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from http.client import HTTPResponse
from typing import cast

_PLAIN = "-._~"


def quote_path(path: str) -> str:
    """A path as S3 wants it in a request: each byte but slashes and unreserved ones escaped."""
    return urllib.parse.quote(path, safe="/" + _PLAIN)


def sign(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    service: str,
    environment: Mapping[str, str],
    now: float,
) -> dict[str, str]:
    """All headers of a request to `url`, whose path and query are escaped already."""
    parts = urllib.parse.urlsplit(url)
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    region = environment.get("AWS_REGION", "us-east-1")
    payload = hashlib.sha256(body).hexdigest()
    signed = {name.lower(): value.strip() for name, value in headers.items()}
    signed |= {"host": parts.netloc, "x-amz-date": stamp, "x-amz-content-sha256": payload}
    if token := environment.get("AWS_SESSION_TOKEN"):
        signed["x-amz-security-token"] = token
    names = ";".join(sorted(signed))
    lines = "".join(f"{name}:{signed[name]}\n" for name in sorted(signed))
    query = "&".join(sorted(parts.query.split("&"))) if parts.query else ""
    canonical = "\n".join((method, parts.path or "/", query, lines, names, payload))
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    key = b"AWS4" + environment["AWS_SECRET_ACCESS_KEY"].encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}".encode(), "sha256")
    credential = f"{environment['AWS_ACCESS_KEY_ID']}/{scope}"
    signed["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, "
        f"Signature={signature.hex()}"
    )
    return signed


def request(
    method: str, path: str, headers: Mapping[str, str], body: bytes, service: str
) -> HTTPResponse:
    """Send a request to the endpoint of the environment; `path` is escaped already.

    Raises:
        urllib.error.HTTPError: the answer is a refusal.
        OSError: the endpoint cannot be reached.
    """
    url = os.environ["AWS_ENDPOINT_URL"].rstrip("/") + path
    signed = sign(
        method, url, headers, body, service=service, environment=os.environ, now=time.time()
    )
    sent = urllib.request.Request(url, data=body or None, headers=signed, method=method)  # noqa: S310
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return cast(HTTPResponse, opener.open(sent, timeout=60))
