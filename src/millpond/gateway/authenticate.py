"""Who sent a request: SigV4 against the access keys, and the body against what was signed.

The mechanism is decided once, when the claim is read; nothing behind this step looks at a
credential again. The body of a JSON or form request is gathered and its hash is part of the
signature. S3 signs a hash that travels in a header: its bodies stream, through a `VerifiedBody`.
"""

import hmac
from dataclasses import dataclass, replace

from millpond.gateway.bodies import (
    HashCheck,
    Unchecked,
    VerifiedBody,
    gather_limited,
    sha256_hex,
)
from millpond.gateway.refusals import Trouble, refuse, refuse_chunks, refuse_claim
from millpond.kernel.body import Body, BytesBody
from millpond.kernel.call import Principal
from millpond.kernel.credentials import Credential, Credentials
from millpond.kernel.limits import BODY_GATHERED_BYTES_MAX
from millpond.wire.chunked import BadChunks, ChunkDecoder
from millpond.wire.http import HeaderMap, Request
from millpond.wire.shape import ServiceModel
from millpond.wire.sigv2 import OldClaim, check_expiry, verify_old
from millpond.wire.sigv4 import EMPTY_SHA256, Verified, check_time, verify
from millpond.wire.sigv4_claim import (
    Claim,
    Mechanism,
    Payload,
    Refused,
    check_declared_payload,
)

_EMPTY = BytesBody(b"")


@dataclass(frozen=True, slots=True)
class Authenticated:
    """A verified request: who sent it, to which region ("": any), and its body.

    `body` is bytes for every protocol but S3's. `request` is the one that the operation sees:
    without the aws-chunked framing's own headers.
    """

    principal: Principal
    region: str
    body: bytes | Body
    request: Request


async def authenticate(
    claim: Claim | OldClaim | Refused,
    *,
    sent: Request,
    request: Request,
    body: Body,
    model: ServiceModel,
    credentials: Credentials,
    now_ms: int,
) -> Authenticated:
    """Who sent `sent`. `request` is the same in path style.

    Raises:
        ServiceError: nobody whom Millpond knows, or not like this.
    """
    if isinstance(claim, Refused):
        presigned = "authorization" not in sent.headers
        raise refuse_claim(model, claim, Mechanism.QUERY if presigned else Mechanism.HEADER)
    if isinstance(claim, OldClaim):
        return await _authenticate_old(
            claim,
            request=request,
            body=body,
            model=model,
            credentials=credentials,
            now_ms=now_ms,
        )
    s3 = model.signing_name == "s3"
    try:
        payload = check_declared_payload(claim) if s3 else Payload.HASHED
        check_time(claim, now_ms, s3=s3)
        credential = await _find(claim.access_key_id, model, credentials)
        given: bytes | Body = body
        payload_hash = claim.declared_payload
        if not s3:
            given = await gather_limited(model, body, BODY_GATHERED_BYTES_MAX)
            payload_hash = await sha256_hex(given)
        secret = credential.secret_access_key
        verified = verify(claim, sent, secret, s3=s3, payload_hash=payload_hash)
    except Refused as refused:
        raise refuse_claim(model, refused, claim.mechanism) from refused
    _check_token(claim.session_token, credential, model, now_ms)
    if s3:
        given = _verified_body(verified, payload, sent, body, model)
        if isinstance(given, VerifiedBody) and payload not in (Payload.HASHED, Payload.UNSIGNED):
            request = _without_framing(request, given.length)
    return Authenticated(credential.principal, claim.region, given, request)


async def _authenticate_old(
    claim: OldClaim,
    *,
    request: Request,
    body: Body,
    model: ServiceModel,
    credentials: Credentials,
    now_ms: int,
) -> Authenticated:
    """The same for a presigned URL of Signature Version 2."""
    try:
        check_expiry(claim, now_ms)
        credential = await _find(claim.access_key_id, model, credentials)
        verify_old(claim, request, credential.secret_access_key)
    except Refused as refused:
        raise refuse_claim(model, refused, Mechanism.QUERY) from refused
    _check_token(claim.session_token, credential, model, now_ms)
    given = _unsigned_body(body, model)
    return Authenticated(credential.principal, "", given, replace(request, headers=claim.headers))


async def _find(access_key_id: str, model: ServiceModel, credentials: Credentials) -> Credential:
    credential = await credentials.find(access_key_id)
    if credential is None:
        raise refuse(model, Trouble.UNKNOWN_KEY, AWSAccessKeyId=access_key_id)
    return credential


def _check_token(
    session_token: str | None, credential: Credential, model: ServiceModel, now_ms: int
) -> None:
    """A temporary key goes with its own session token until it ends, another key with none."""
    token, expected = session_token or "", credential.session_token or ""
    if not hmac.compare_digest(token.encode(), expected.encode()):
        raise refuse(model, Trouble.BAD_TOKEN)
    if credential.expires_ms is not None and credential.expires_ms <= now_ms:
        raise refuse(model, Trouble.EXPIRED_TOKEN)


def _verified_body(
    verified: Verified, payload: Payload, request: Request, body: Body, model: ServiceModel
) -> Body:
    declared = verified.claim.declared_payload
    if payload is Payload.UNSIGNED:
        return _unsigned_body(body, model)
    if payload is Payload.HASHED:
        if body.length is None:
            raise refuse(model, Trouble.LENGTH_MISSING)
        if not body.length and declared == EMPTY_SHA256:
            return _EMPTY
        return VerifiedBody(model, body, HashCheck(declared), body.length)
    length = request.headers.get("x-amz-decoded-content-length") or ""
    if not (length.isascii() and length.isdigit() and len(length) < 16):
        raise refuse(model, Trouble.LENGTH_MISSING)
    named = request.headers.get("x-amz-trailer") or ""
    trailers = frozenset(name.strip().lower() for name in named.split(",") if name.strip())
    try:
        decoder = ChunkDecoder(payload, verified, int(length), trailers)
    except BadChunks as bad:
        raise refuse_chunks(model, bad) from bad
    return VerifiedBody(model, body, decoder, int(length))


def _unsigned_body(body: Body, model: ServiceModel) -> Body:
    if body.length is None:
        raise refuse(model, Trouble.LENGTH_MISSING)
    return VerifiedBody(model, body, Unchecked(), body.length) if body.length else _EMPTY


def _without_framing(request: Request, length: int) -> Request:
    """The request as if its body had come plain: S3 does not keep `aws-chunked`."""
    items: list[tuple[str, str]] = []
    for name in request.headers:
        for value in request.headers.get_all(name):
            if name == "content-encoding":
                codings = [coding.strip() for coding in value.split(",")]
                left = ",".join(coding for coding in codings if coding.lower() != "aws-chunked")
                if left:
                    items.append((name, left))
            elif name not in {"content-length", "transfer-encoding"}:
                items.append((name, value))
    items.append(("content-length", str(length)))
    return replace(request, headers=HeaderMap(items))
