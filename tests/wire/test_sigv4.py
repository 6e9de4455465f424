"""Signatures that other signers made are accepted, and whatever differs from them is refused."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from millpond.wire.http import HeaderMap, Request
from millpond.wire.sigv4 import Verified, check_time, derive_key, verify
from millpond.wire.sigv4_claim import (
    Claim,
    Mechanism,
    Payload,
    Reason,
    Refused,
    check_declared_payload,
    claimed_service,
    is_region,
    read_claim,
)
from tests.wire.signing import KEY, NOW_MS, SECRET, read_cases, request_of, sign

CASES = read_cases("cases.json")
PUBLISHED = read_cases("published.json")
PUBLISHED_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
EVERY_WAY = [(service, query) for service in ("service", "s3") for query in (False, True)]


def check(
    request: Request,
    *,
    body: bytes = b"",
    secret: str = SECRET,
    s3: bool = False,
    now_ms: int = NOW_MS,
) -> Verified:
    claim = read_claim(request)
    check_time(claim, now_ms, s3=s3)
    payload_hash = claim.declared_payload if s3 else hashlib.sha256(body).hexdigest()
    return verify(claim, request, secret, s3=s3, payload_hash=payload_hash)


def refusal(request: Request, **given: Any) -> Refused:
    with pytest.raises(Refused) as refused:
        check(request, **given)
    return refused.value


def with_headers(request: Request, *items: tuple[str, str], without: str = "") -> Request:
    kept = [
        (name, value)
        for name in request.headers
        for value in request.headers.get_all(name)
        if name != without and name not in dict(items)
    ]
    return replace(request, headers=HeaderMap([*kept, *items]))


def authorization(request: Request, old: str, new: str) -> Request:
    """The request with a part of its Authorization header replaced."""
    text = request.headers.get("authorization") or ""
    assert old in text
    return with_headers(request, ("authorization", text.replace(old, new, 1)))


def signed(case: dict[str, Any], service: str, query: bool) -> Request:
    payload = "UNSIGNED-PAYLOAD" if service == "s3" and query else None
    return sign(case, service=service, query=query, payload=payload)


@pytest.mark.parametrize("case", PUBLISHED, ids=lambda case: case["name"])
def test_the_signatures_in_the_documentation_of_s3_are_right(case: dict[str, Any]) -> None:
    request = request_of(case["method"], case["target"], case["headers"])
    claim = read_claim(request)
    check_time(claim, claim.epoch * 1000, s3=True)
    payload_hash = claim.declared_payload
    assert verify(claim, request, PUBLISHED_SECRET, s3=True, payload_hash=payload_hash)
    with pytest.raises(Refused):
        verify(claim, request, SECRET, s3=True, payload_hash=payload_hash)


@pytest.mark.parametrize("service,query", EVERY_WAY)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_what_the_aws_runtime_signs_is_accepted(
    case: dict[str, Any], service: str, query: bool
) -> None:
    request = signed(case, service, query)
    verified = check(request, body=case.get("body", "").encode(), s3=service == "s3")
    claim = verified.claim
    assert (claim.access_key_id, claim.service, claim.region) == (KEY, service, "us-east-1")
    assert claim.mechanism is (Mechanism.QUERY if query else Mechanism.HEADER)
    assert claim.session_token == case.get("session_token")


@pytest.mark.parametrize("service,query", EVERY_WAY)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_what_was_changed_after_signing_is_refused(
    case: dict[str, Any], service: str, query: bool
) -> None:
    request = signed(case, service, query)
    body, s3 = case.get("body", "").encode(), service == "s3"
    claim = read_claim(request)
    changed = [
        replace(request, method="DELETE"),
        replace(request, path=request.path.rstrip("/") + "/more"),
        replace(request, query=f"{request.query}&more=1" if request.query else "more=1"),
        *(
            with_headers(request, (name, f"{request.headers.get(name)}1"))
            for name in claim.signed_headers
            if name not in {"x-amz-date", "x-amz-content-sha256"}
        ),
    ]
    for other in changed:
        assert refusal(other, body=body, s3=s3).reason is Reason.MISMATCH
    assert refusal(request, body=body, s3=s3, secret=SECRET + "x").reason is Reason.MISMATCH
    if not s3:
        assert refusal(request, body=body + b"x").reason is Reason.MISMATCH


def test_a_plus_in_a_query_is_a_space_as_javas_sdk_writes_it() -> None:
    request = sign({"target": "/?prefix=a%20b%2Bc"}, service="s3")
    verified = check(replace(request, query="prefix=a+b%2Bc"), body=b"", s3=True)
    assert verified.claim.access_key_id == KEY
    assert refusal(replace(request, query="prefix=a+b+c"), s3=True).reason is Reason.MISMATCH


def test_every_part_of_the_scope_is_signed() -> None:
    request = sign({"target": "/"})
    for old, new in (
        ("us-east-1", "eu-west-1"),
        ("/service/", "/other/"),
        (f"Credential={KEY}", "Credential=AKIDOTHER"),
    ):
        changed = authorization(request, old, new)
        if old.startswith("Credential"):
            assert read_claim(changed).access_key_id == "AKIDOTHER"
        else:
            assert refusal(changed).reason is Reason.MISMATCH


def test_the_time_is_signed() -> None:
    request = sign({"target": "/"})
    later = with_headers(request, ("x-amz-date", "20150830T123601Z"))
    assert refusal(later).reason is Reason.MISMATCH


def test_a_presigned_urls_lifetime_is_signed() -> None:
    request = sign({"target": "/"}, service="s3", query=True, payload="UNSIGNED-PAYLOAD")
    assert check(request, s3=True)
    longer = replace(request, query=request.query.replace("Expires=3600", "Expires=36000"))
    assert refusal(longer, s3=True).reason is Reason.MISMATCH


def test_s3_tells_what_was_signed_and_never_with_what() -> None:
    members = refusal(sign({"target": "/"}), secret="another").members
    assert members["CanonicalRequest"].startswith("GET\n/\n\nhost:example.amazonaws.com\n")
    assert members["StringToSign"].startswith("AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/")
    assert bytes.fromhex(members["StringToSignBytes"]).decode() == members["StringToSign"]
    assert bytes.fromhex(members["CanonicalRequestBytes"]).decode() == members["CanonicalRequest"]
    assert "another" not in str(members)


HEADER_CHANGES: list[tuple[str, Callable[[Request], Request], Reason]] = [
    ("no signature", lambda r: with_headers(r, without="authorization"), Reason.MISSING),
    (
        "two headers",
        lambda r: with_headers(r, *[("authorization", r.headers.get("authorization") or "")] * 2),
        Reason.TWO_MECHANISMS,
    ),
    ("header and query", lambda r: replace(r, query="X-Amz-Signature=a"), Reason.TWO_MECHANISMS),
    (
        "header and encoded query",
        lambda r: replace(r, query="a=b&X-Amz-%43redential=a%2Fb"),
        Reason.TWO_MECHANISMS,
    ),
    ("header and V2 query", lambda r: replace(r, query="AWSAccessKeyId=a"), Reason.TWO_MECHANISMS),
    ("V2", lambda r: with_headers(r, ("authorization", "AWS key:signature")), Reason.SIGNATURE_V2),
    (
        "V2 query",
        lambda r: replace(
            with_headers(r, without="authorization"), query="AWSAccessKeyId=a&Signature=b&Expires=1"
        ),
        Reason.PRESIGNED_V2,
    ),
    (
        "V4A",
        lambda r: authorization(r, "AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"),
        Reason.SIGNATURE_V4A,
    ),
    ("Basic", lambda r: with_headers(r, ("authorization", "Basic YTpi")), Reason.UNSUPPORTED_TYPE),
    ("nothing", lambda r: with_headers(r, ("authorization", "")), Reason.UNSUPPORTED_TYPE),
    (
        "lower case",
        lambda r: authorization(r, "AWS4-HMAC-SHA256", "aws4-hmac-sha256"),
        Reason.UNSUPPORTED_TYPE,
    ),
    ("no Signature", lambda r: authorization(r, ", Signature=", ", Other="), Reason.INCOMPLETE),
    ("more parts", lambda r: authorization(r, ", Sig", ", Other=1, Sig"), Reason.MALFORMED),
    ("a part twice", lambda r: authorization(r, ", Sig", ", Signature=1, Sig"), Reason.MALFORMED),
    ("no sense", lambda r: authorization(r, "Credential=", "Credential"), Reason.MALFORMED),
    ("no date", lambda r: with_headers(r, without="x-amz-date"), Reason.DATE_MISSING),
    ("bad date", lambda r: with_headers(r, ("x-amz-date", "20150830")), Reason.MALFORMED),
    ("no date", lambda r: with_headers(r, ("x-amz-date", "20151399T123600Z")), Reason.MALFORMED),
    (
        "two dates",
        lambda r: with_headers(r, *[("x-amz-date", "20150830T123600Z")] * 2),
        Reason.MALFORMED,
    ),
    ("another day", lambda r: authorization(r, "/20150830/", "/20150831/"), Reason.SCOPE),
    ("a short scope", lambda r: authorization(r, "/us-east-1", ""), Reason.INCOMPLETE),
    ("no key", lambda r: authorization(r, f"={KEY}/", "=/"), Reason.INCOMPLETE),
    ("bad terminator", lambda r: authorization(r, "aws4_request", "aws5_request"), Reason.SCOPE),
    ("no region", lambda r: authorization(r, "us-east-1", "mars"), Reason.SCOPE),
    ("bad signature", lambda r: authorization(r, "Signature=", "Signature=z"), Reason.MISMATCH),
    ("host unsigned", lambda r: authorization(r, "host;", ""), Reason.UNSIGNED_HEADERS),
    ("x-amz unsigned", lambda r: with_headers(r, ("x-amz-acl", "a")), Reason.UNSIGNED_HEADERS),
    ("md5 unsigned", lambda r: with_headers(r, ("content-md5", "a")), Reason.UNSIGNED_HEADERS),
    ("out of order", lambda r: authorization(r, "host;x-amz", "z;host;x-amz"), Reason.MALFORMED),
    ("a name twice", lambda r: authorization(r, "host;", "host;host;"), Reason.MALFORMED),
]


@pytest.mark.parametrize("name,change,reason", HEADER_CHANGES, ids=[c[0] for c in HEADER_CHANGES])
def test_a_header_that_is_not_whole_is_refused_with_its_reason(
    name: str, change: Callable[[Request], Request], reason: Reason
) -> None:
    request = sign({"target": "/"})
    assert check(request)
    assert refusal(change(request)).reason is reason


QUERY_CHANGES = [
    ("X-Amz-Algorithm=AWS4-HMAC-SHA256", "X-Amz-Algorithm=AWS5", Reason.MALFORMED),
    ("X-Amz-Algorithm=AWS4-HMAC-SHA256", "a=b", Reason.INCOMPLETE),
    (
        "X-Amz-Algorithm=AWS4-HMAC-SHA256",
        "X-Amz-Algorithm=AWS4-ECDSA-P256-SHA256",
        Reason.SIGNATURE_V4A,
    ),
    ("X-Amz-Expires=3600", "X-Amz-Expires=0", Reason.MALFORMED),
    ("X-Amz-Expires=3600", "X-Amz-Expires=-1", Reason.MALFORMED),
    ("X-Amz-Expires=3600", "X-Amz-Expires=604801", Reason.MALFORMED),
    ("X-Amz-Expires=3600", "X-Amz-Expires=1e3", Reason.MALFORMED),
    ("X-Amz-Expires=3600", "X-Amz-Expires=%D9%A3", Reason.MALFORMED),
    ("X-Amz-Expires=3600", "X-Amz-Expires=" + "9" * 5000, Reason.MALFORMED),
    ("X-Amz-Expires=3600", "X-Amz-Expires=", Reason.INCOMPLETE),
    ("X-Amz-Expires=3600", "", Reason.INCOMPLETE),
    ("X-Amz-Expires=3600", "X-Amz-Expires=3600&X-Amz-Expires=3600", Reason.INCOMPLETE),
    ("X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders=date", Reason.UNSIGNED_HEADERS),
]


@pytest.mark.parametrize("old,new,reason", QUERY_CHANGES)
def test_a_presigned_query_that_is_not_whole_is_refused_with_its_reason(
    old: str, new: str, reason: Reason
) -> None:
    request = sign({"target": "/?a=b"}, query=True)
    assert old in request.query
    assert refusal(replace(request, query=request.query.replace(old, new))).reason is reason


@pytest.mark.parametrize("seconds", [1, 604800])
def test_a_presigned_url_lives_from_a_second_to_a_week(seconds: int) -> None:
    request = sign({"target": "/"}, query=True, expires_seconds=seconds)
    assert check(request, now_ms=NOW_MS + seconds * 1000)
    late = refusal(request, now_ms=NOW_MS + (seconds + 1) * 1000)
    assert late.reason is Reason.PRESIGNED_EXPIRED
    assert late.members["X-Amz-Expires"] == str(seconds)


@pytest.mark.parametrize("s3,minutes", [(True, 15), (False, 5)])
def test_a_signature_is_good_for_some_minutes_before_and_after(s3: bool, minutes: int) -> None:
    request = sign({"target": "/"}, service="s3" if s3 else "service")
    skew_ms = minutes * 60_000
    assert check(request, s3=s3, now_ms=NOW_MS + skew_ms)
    assert check(request, s3=s3, now_ms=NOW_MS - skew_ms)
    assert refusal(request, s3=s3, now_ms=NOW_MS + skew_ms + 1000).reason is Reason.EXPIRED
    early = refusal(request, s3=s3, now_ms=NOW_MS - skew_ms - 1000)
    assert early.reason is Reason.NOT_YET_VALID


def test_a_late_signature_is_refused_in_the_words_of_aws() -> None:
    late = refusal(sign({"target": "/"}), now_ms=NOW_MS + 6 * 60_000)
    assert late.detail == (
        "Signature expired: 20150830T123600Z is now earlier than "
        "20150830T123700Z (20150830T124200Z - 5 min.)"
    )
    early = refusal(sign({"target": "/"}), now_ms=NOW_MS - 6 * 60_000)
    assert early.detail == (
        "Signature not yet current: 20150830T123600Z is still later than "
        "20150830T123500Z (20150830T123000Z + 5 min.)"
    )


def test_a_presigned_url_of_the_future_is_refused() -> None:
    request = sign({"target": "/"}, service="s3", query=True, payload="UNSIGNED-PAYLOAD")
    early = refusal(request, s3=True, now_ms=NOW_MS - 16 * 60_000)
    assert early.reason is Reason.PRESIGNED_NOT_YET_VALID


@pytest.mark.parametrize(
    "declared,payload",
    [
        ("UNSIGNED-PAYLOAD", Payload.UNSIGNED),
        ("STREAMING-UNSIGNED-PAYLOAD-TRAILER", Payload.CHUNKS_UNSIGNED_WITH_TRAILER),
        ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", Payload.CHUNKS_SIGNED),
        ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", Payload.CHUNKS_SIGNED_WITH_TRAILER),
        ("a" * 64, Payload.HASHED),
        ("", Reason.PAYLOAD_HASH_MISSING),
        ("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", Reason.SIGNATURE_V4A),
        ("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER", Reason.SIGNATURE_V4A),
        ("STREAMING-SOMETHING-NEW", Reason.PAYLOAD_HASH_INVALID),
        ("unsigned-payload", Reason.PAYLOAD_HASH_INVALID),
        ("A" * 64, Reason.PAYLOAD_HASH_INVALID),
        ("a" * 63, Reason.PAYLOAD_HASH_INVALID),
    ],
)
def test_only_known_declarations_of_a_payload_are_taken(
    declared: str, payload: Payload | Reason
) -> None:
    claim = replace(read_claim(sign({"target": "/"})), declared_payload=declared)
    if isinstance(payload, Payload):
        assert check_declared_payload(claim) is payload
        return
    with pytest.raises(Refused) as refused:
        check_declared_payload(claim)
    assert refused.value.reason is payload


@pytest.mark.parametrize(
    "date", ["Sun, 30 Aug 2015 12:36:00 GMT", "Sun, 30 Aug 2015 14:36:00 +0200", "20150830T123600Z"]
)
def test_a_request_may_be_dated_by_its_date_header(date: str) -> None:
    request = sign({"target": "/"})
    text = (request.headers.get("authorization") or "").replace("x-amz-date", "date")
    dated = with_headers(
        with_headers(request, without="x-amz-date"),
        ("date", date),
        ("authorization", text.replace("host;date", "date;host")),
    )
    claim = read_claim(dated)
    assert claim.time == "20150830T123600Z"
    key = derive_key(SECRET, "20150830", "us-east-1", "service")
    signature = botocore_signature(dated, claim, key)
    assert check(authorization(dated, claim.signature, signature))


def botocore_signature(request: Request, claim: Claim, key: bytes) -> str:
    signer = botocore.auth.SigV4Auth(Credentials(KEY, SECRET), claim.service, claim.region)
    sent = AWSRequest(request.method, f"https://{request.host}{request.path}")
    sent.context["timestamp"] = claim.time
    for name in claim.signed_headers:
        sent.headers[name] = request.headers.get(name)
    text = signer.string_to_sign(sent, signer.canonical_request(sent))
    return str(signer.signature(text, sent))


def test_a_derived_key_is_of_one_secret() -> None:
    scope = ("20150830", "us-east-1", "service")
    assert derive_key("old", *scope) != derive_key("new", *scope)
    assert derive_key.cache_info().maxsize == 1024


@pytest.mark.parametrize(
    "name,good",
    [
        ("us-east-1", True),
        ("us-gov-west-1", True),
        ("ap-southeast-7", True),
        ("eusc-de-east-1", True),
        ("us-east-1\n", False),
        ("us-east", False),
        ("", False),
        ("../../etc-1", False),
        ("US-EAST-1", False),
    ],
)
def test_regions_have_the_form_of_aws_regions(name: str, good: bool) -> None:
    assert is_region(name) is good


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)


@settings(max_examples=150, deadline=None)
@given(
    segments=st.lists(TEXTS.map(lambda text: text.replace("/", "")), max_size=4),
    query=st.lists(st.tuples(TEXTS.filter(bool), TEXTS), max_size=4),
    metadata=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20),
    s3=st.booleans(),
)
def test_whatever_botocore_signs_is_accepted(
    segments: list[str], query: list[tuple[str, str]], metadata: str, s3: bool
) -> None:
    path = "/" + "/".join(quote(segment, safe="~") for segment in segments)
    text = "&".join(f"{quote(k, safe='')}={quote(v, safe='')}" for k, v in query)
    url = f"https://example.amazonaws.com{path}" + (f"?{text}" if text else "")
    request = AWSRequest("GET", url, headers={"x-amz-meta-text": metadata})
    make = botocore.auth.S3SigV4Auth if s3 else botocore.auth.SigV4Auth
    make(Credentials(KEY, SECRET), "s3" if s3 else "glue", "eu-west-1").add_auth(request)
    headers = [("host", "example.amazonaws.com")]
    headers += [(name.lower(), value) for name, value in request.headers.items()]
    sent = request_of("GET", path + (f"?{text}" if text else ""), headers)
    claim = read_claim(sent)
    assert check(sent, s3=s3, now_ms=claim.epoch * 1000)


@settings(max_examples=300, deadline=None)
@given(
    authorization=st.none()
    | st.text(max_size=80)
    | st.builds("AWS4-HMAC-SHA256 Credential={},SignedHeaders={},Signature={}".format, *[TEXTS] * 3)
    | st.builds(
        "AWS4-HMAC-SHA256 Credential=k/{}/us-east-1/s3/aws4_request,SignedHeaders=host,"
        "Signature={}".format,
        st.sampled_from(["20150830", "2015083", "²0150830"]),
        st.sampled_from(["0" * 64, "", "é"]),
    ),
    query=st.text(max_size=60)
    | st.lists(
        st.sampled_from(
            [
                "X-Amz-Algorithm=AWS4-HMAC-SHA256",
                "X-Amz-Credential=a/20150830/us-east-1/s3/aws4_request",
                "X-Amz-Credential=a/b",
                "X-Amz-Date=20150830T123600Z",
                "X-Amz-Expires=1",
                "X-Amz-SignedHeaders=host",
                "X-Amz-Signature=" + "0" * 64,
                "%zz=%",
                "=",
            ]
        ),
        max_size=8,
    ).map("&".join),
    date=st.sampled_from(["20150830T123600Z", "20150830T126000Z", "x", "", "²0150830T123600Z"])
    | st.text(max_size=30),
    name=st.sampled_from(["x-amz-date", "date"]),
)
def test_whatever_comes_is_refused_and_never_crashes(
    authorization: str | None, query: str, date: str, name: str
) -> None:
    headers = [("host", "h"), (name, date)]
    if authorization is not None:
        headers.append(("authorization", authorization))
    request = Request("GET", "/\ud7ff/../x", query, HeaderMap(headers), "h")
    claimed_service(request)
    assert refusal(request, s3=True)
    assert refusal(request, s3=False)
