"""Makes presigned URLs: a GET of an object in S3 that a browser can open. Pure.

Source: S3 API Reference, "Authenticating Requests: Using Query Parameters (AWS Signature Version
4)".
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

from millpond.kernel.credentials import Credential
from millpond.wire.sigv4 import derive_key
from millpond.wire.sigv4_claim import ALGORITHM

EXPIRES_SECONDS_MAX = 7 * 24 * 3600
_UNRESERVED = "-_.~"


def presign_get(
    endpoint: str,
    bucket: str,
    key: str,
    *,
    credential: Credential,
    region: str,
    now_ms: int,
    expires_seconds: int,
    query: Mapping[str, str],
) -> str:
    """The URL of an object at an endpoint (a URL without a path), for so many seconds from now.
    `query` are further parameters, such as `response-content-type`."""
    time = datetime.fromtimestamp(now_ms // 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{time[:8]}/{region}/s3/aws4_request"
    parameters = {
        **query,
        "X-Amz-Algorithm": ALGORITHM,
        "X-Amz-Credential": f"{credential.access_key_id}/{scope}",
        "X-Amz-Date": time,
        "X-Amz-Expires": str(min(expires_seconds, EXPIRES_SECONDS_MAX)),
        "X-Amz-SignedHeaders": "host",
    }
    if credential.session_token:
        parameters["X-Amz-Security-Token"] = credential.session_token
    encoded = sorted((quote(n, _UNRESERVED), quote(v, _UNRESERVED)) for n, v in parameters.items())
    written = "&".join(f"{name}={value}" for name, value in encoded)
    path = quote(f"/{bucket}/{key}", "/" + _UNRESERVED)
    host = urlsplit(endpoint).netloc
    canonical = "\n".join(("GET", path, written, f"host:{host}", "", "host", "UNSIGNED-PAYLOAD"))
    text = "\n".join((ALGORITHM, time, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    signing_key = derive_key(credential.secret_access_key, time[:8], region, "s3")
    signature = hmac.digest(signing_key, text.encode(), "sha256").hex()
    return f"{endpoint}{path}?{written}&X-Amz-Signature={signature}"
