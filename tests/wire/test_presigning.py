"""URLs that we presign are those that botocore would, and those that we let in."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from millpond.kernel.call import Principal
from millpond.kernel.credentials import Credential
from millpond.wire.http import HeaderMap, Request
from millpond.wire.presigning import presign_get
from millpond.wire.sigv4 import check_time, verify
from millpond.wire.sigv4_claim import read_claim

NOW_MS = 1_440_938_160_000
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
PLAIN = {"response-content-type": "text/plain; charset=utf-8", "response-content-encoding": "gzip"}


def credential(token: str | None = None) -> Credential:
    principal = Principal("arn:aws:iam::000000000000:root", "000000000000", "ASIA")
    return Credential("ASIAIOSFODNN7EXAMPLE", SECRET, principal, token)


def presigned(key: str, token: str | None) -> str:
    return presign_get(
        "http://127.0.0.1:4566",
        "logs",
        key,
        credential=credential(token),
        region="us-east-1",
        now_ms=NOW_MS,
        expires_seconds=3600,
        query=PLAIN,
    )


@pytest.mark.parametrize("token", [None, "a/token+with=signs"])
@pytest.mark.parametrize("key", ["a/b.gz", "a b/ü+~'(c).gz"])
def test_a_url_is_let_in_for_as_long_as_it_lives(key: str, token: str | None) -> None:
    parts = urlsplit(presigned(key, token))
    host = parts.netloc
    request = Request("GET", f"/logs/{key}", parts.query, HeaderMap([("host", host)]), host)
    claim = read_claim(request)
    check_time(claim, NOW_MS + 3_600_000, s3=True)
    assert verify(claim, request, SECRET, s3=True, payload_hash=claim.declared_payload)
    query = dict(parse_qsl(parts.query))
    assert query["response-content-encoding"] == "gzip"
    assert query.get("X-Amz-Security-Token") == token


def test_botocore_signs_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = urlsplit(presigned("a/b.gz", "token"))
    signer = S3SigV4QueryAuth(
        Credentials("ASIAIOSFODNN7EXAMPLE", SECRET, "token"), "s3", "us-east-1", expires=3600
    )
    time = dict(parse_qsl(ours.query))["X-Amz-Date"]
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda **_: None, raising=False)
    request = AWSRequest("GET", "http://127.0.0.1:4566/logs/a/b.gz", params=PLAIN)
    request.context["timestamp"] = time
    signer._modify_request_before_signing(request)
    text = signer.string_to_sign(request, signer.canonical_request(request))
    assert dict(parse_qsl(ours.query))["X-Amz-Signature"] == signer.signature(text, request)
