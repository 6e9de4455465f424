"""Is a gathered body the one that the client meant? Content-MD5 and S3's checksums of it."""

import base64
import binascii
import hashlib
import hmac
import zlib
from collections.abc import Callable, Mapping

from awscrt import checksums

from millpond.wire.errors import BadDigest, InvalidDigest, InvalidRequest
from millpond.wire.http import HeaderMap

_ALGORITHMS: Mapping[str, Callable[[bytes], bytes]] = {
    "x-amz-checksum-crc32": lambda body: zlib.crc32(body).to_bytes(4, "big"),
    "x-amz-checksum-crc32c": lambda body: checksums.crc32c(body).to_bytes(4, "big"),
    "x-amz-checksum-crc64nvme": lambda body: checksums.crc64nvme(body).to_bytes(8, "big"),
    "x-amz-checksum-sha1": lambda body: hashlib.sha1(body, usedforsecurity=False).digest(),
    "x-amz-checksum-sha256": lambda body: hashlib.sha256(body).digest(),
    "x-amz-checksum-sha512": lambda body: hashlib.sha512(body).digest(),
    "x-amz-checksum-md5": lambda body: hashlib.md5(body, usedforsecurity=False).digest(),
}


def check_body(
    body: bytes,
    headers: HeaderMap,
    trailers: Mapping[str, str],
    *,
    required: bool,
    except_headers: Mapping[str, object],
) -> None:
    """Compare `body` with each digest that was sent of it, in a header or a trailer.

    `except_headers` are checksum headers that the operation gives another meaning
    (CompleteMultipartUpload: the object's). With `required` there must be one.

    Raises:
        InvalidDigest: Content-MD5 is not a digest.
        BadDigest: one does not match.
        InvalidRequest: none was sent and one is required, or its algorithm is not known.
    """
    seen = _check_md5(body, headers.get("content-md5"))
    for name, value in _checksums(headers, trailers):
        if name in except_headers:
            continue
        seen = True
        algorithm = _ALGORITHMS.get(name)
        kind = name.removeprefix("x-amz-checksum-").upper()
        if algorithm is None:
            raise InvalidRequest(f"Millpond does not check {kind} checksums yet.")
        if not hmac.compare_digest(base64.b64encode(algorithm(body)), value.encode()):
            raise BadDigest(f"The {kind} you specified did not match the calculated checksum.")
    if required and not seen and "x-amz-trailer" not in headers:
        raise InvalidRequest(
            "Missing required header for this request: Content-MD5 OR x-amz-checksum-*"
        )


def _check_md5(body: bytes, sent: str | None) -> bool:
    if sent is None:
        return False
    try:
        digest = base64.b64decode(sent, validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if len(digest) != 16:
        raise InvalidDigest("The Content-MD5 you specified was invalid.")
    if not hmac.compare_digest(hashlib.md5(body, usedforsecurity=False).digest(), digest):
        raise BadDigest("The Content-MD5 you specified did not match what we received.")
    return True


def _checksums(headers: HeaderMap, trailers: Mapping[str, str]) -> list[tuple[str, str]]:
    sent = [(name, headers.get(name) or "") for name in headers]
    return [
        (name, value)
        for name, value in [*sent, *trailers.items()]
        if name.startswith("x-amz-checksum-")
        and name not in ("x-amz-checksum-mode", "x-amz-checksum-algorithm", "x-amz-checksum-type")
    ]
