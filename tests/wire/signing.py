"""Requests as other signers sign them: awscrt's (the AWS C runtime), and botocore's.

What comes out is what Millpond's HTTP server would hand on: the path decoded once, the query raw.
"""

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from awscrt import auth, http

from millpond.wire.http import HeaderMap, Request

KEY, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
SIGNED_AT = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
NOW_MS = int(SIGNED_AT.timestamp() * 1000)
DATA = Path(__file__).parent / "sigv4"


def read_cases(name: str) -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = json.loads((DATA / name).read_text())
    return cases


def request_of(method: str, target: str, headers: list[tuple[str, str]]) -> Request:
    path, _, query = target.partition("?")
    items = HeaderMap(headers)
    return Request(method, unquote(path), query, items, items.get("host") or "")


def sign(case: dict[str, Any], **how: Any) -> Request:
    """The request of a case, signed with the usual key."""
    return sign_as(case, KEY, SECRET, **how)


def sign_as(
    case: dict[str, Any],
    key: str,
    secret: str,
    *,
    service: str = "service",
    query: bool = False,
    payload: str | None = None,
    expires_seconds: int = 3600,
    region: str = "us-east-1",
    session_token: str | None = None,
    at: datetime = SIGNED_AT,
    host: str = "example.amazonaws.com",
) -> Request:
    """The request of a case, signed by awscrt. `payload` is a declared payload hash."""
    s3 = service == "s3"
    body = case.get("body", "").encode()
    headers = [("host", host), *map(tuple, case.get("headers", []))]
    if body:
        headers.append(("content-length", str(len(body))))
    request = http.HttpRequest(
        case.get("method", "GET"), case["target"], http.HttpHeaders(headers), io.BytesIO(body)
    )
    in_header = s3 and not query
    auth.aws_sign_request(
        request,
        auth.AwsSigningConfig(
            algorithm=auth.AwsSigningAlgorithm.V4,
            signature_type=auth.AwsSignatureType.HTTP_REQUEST_QUERY_PARAMS
            if query
            else auth.AwsSignatureType.HTTP_REQUEST_HEADERS,
            credentials_provider=auth.AwsCredentialsProvider.new_static(
                key, secret, session_token or case.get("session_token")
            ),
            region=region,
            service=service,
            date=at,
            use_double_uri_encode=not s3,
            should_normalize_uri_path=not s3,
            signed_body_value=payload,
            signed_body_header_type=auth.AwsSignedBodyHeaderType.X_AMZ_CONTENT_SHA_256
            if in_header
            else auth.AwsSignedBodyHeaderType.NONE,
            expiration_in_seconds=expires_seconds if query else None,
        ),
    ).result(10)
    return request_of(request.method, request.path, list(request.headers))
