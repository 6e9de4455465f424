"""Presigned URLs of Signature Version 2: what botocore writes is read, the rest is refused."""

from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from botocore.auth import HmacV1QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from millpond.wire.http import HeaderMap, Request
from millpond.wire.sigv2 import check_expiry, read_old_claim, verify_old
from millpond.wire.sigv4_claim import Reason, Refused, read_claim
from tests.wire.signing import KEY, SECRET, request_of


def presign(path: str = "/b/k", query: str = "", token: str | None = None) -> Request:
    request = AWSRequest("GET", f"http://h{path}{query and '?'}{query}", auth_path=path)
    HmacV1QueryAuth(Credentials(KEY, SECRET, token), expires=60).add_auth(request)
    parts = urlsplit(request.url)
    return request_of("GET", f"{parts.path}?{parts.query}", [("host", "h")])


def reason(request: Request) -> Reason:
    with pytest.raises(Refused) as refused:
        verify_old(read_old_claim(request), request, SECRET)
    return refused.value.reason


@pytest.mark.parametrize("path", ["/b/k", "/b/a%20b/%C3%BC", "/b//", "/b/..", "/b/%25"])
@pytest.mark.parametrize(
    "query", ["", "uploadId=1&partNumber=2", "acl", "response-content-type=text%2Fcsv%3Ba%3D%26"]
)
def test_what_botocore_presigns_is_accepted(path: str, query: str) -> None:
    request = presign(path, query)
    claim = read_old_claim(request)
    assert claim.access_key_id == KEY
    verify_old(claim, request, SECRET)
    with pytest.raises(Refused):
        verify_old(claim, request, "another")
    assert reason(replace(request, path=request.path + "x")) is Reason.MISMATCH
    assert reason(replace(request, method="PUT")) is Reason.MISMATCH


def test_a_session_token_is_signed() -> None:
    request = presign(token="a+token/==")
    claim = read_old_claim(request)
    assert claim.session_token == "a+token/=="
    verify_old(claim, request, SECRET)
    other = replace(request, query=request.query.replace("a%2Btoken", "another"))
    assert reason(other) is Reason.MISMATCH


def test_a_url_ends_when_it_says() -> None:
    claim = read_old_claim(presign())
    check_expiry(claim, claim.expires * 1000)
    with pytest.raises(Refused) as refused:
        check_expiry(claim, claim.expires * 1000 + 1000)
    assert refused.value.reason is Reason.PRESIGNED_EXPIRED


@pytest.mark.parametrize(
    "more,expected",
    [
        ("prefix=a", Reason.SIGNATURE_V2),
        ("attributes", Reason.SIGNATURE_V2),
        ("x-id=GetObject", Reason.SIGNATURE_V2),
        ("Expires=1", Reason.SIGNATURE_V2),
        ("", Reason.SIGNATURE_V2),
        ("acl", Reason.MISMATCH),
        ("x-amz-acl=private", Reason.MISMATCH),
    ],
)
def test_nothing_can_be_added_to_a_url(more: str, expected: Reason) -> None:
    request = presign()
    assert reason(replace(request, query=f"{request.query}&{more}")) is expected


@pytest.mark.parametrize("expires", ["", "x", "-1", "1e9", "9" * 12, "²"])
def test_a_url_needs_a_time(expires: str) -> None:
    request = Request("GET", "/b/k", f"AWSAccessKeyId=a&Signature=b&Expires={expires}",
                      HeaderMap([("host", "h")]), "h")  # fmt: skip
    assert reason(request) is Reason.INCOMPLETE
    with pytest.raises(Refused) as refused:
        read_claim(request)
    assert refused.value.reason is Reason.PRESIGNED_V2


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60))
def test_whatever_comes_is_refused_and_never_crashes(query: str) -> None:
    text = f"AWSAccessKeyId=a&Signature=é&Expires=99{query}"
    request = Request("GET", "/b/k", text, HeaderMap([("host", "h")]), "h")
    assert reason(request)
