"""What a signed request claims about its signer (Signature Version 4), read but not verified.

Exactly one mechanism is accepted: the Authorization header or a presigned query. Every part is
checked for its form, everything is signed that must be, and the default of each choice is to
refuse. `wire/sigv4.py` verifies what is read here.

Sources: IAM User Guide, "Signature Version 4 for API requests"; S3 API Reference, "Authenticating
Requests (AWS Signature Version 4)".
"""

import functools
import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from urllib.parse import unquote_to_bytes

from millpond.wire.http import Request

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
EXPIRES_SECONDS_MAX = 7 * 24 * 3600

_PRESIGNED = ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature")
_PRESIGNED_ALL = frozenset((*_PRESIGNED, "X-Amz-Date", "X-Amz-SignedHeaders", "X-Amz-Expires"))
_TIME = re.compile(r"\d{8}T\d{6}Z", re.ASCII)
_HEX_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_REGION = re.compile(r"[a-z]{2,4}(-[a-z]{1,16}){1,3}-[0-9]{1,2}", re.ASCII)


class Reason(Enum):
    """Why a request is refused; the gateway knows the code of each in each protocol."""

    MISSING = auto()
    TWO_MECHANISMS = auto()
    UNSUPPORTED_TYPE = auto()
    SIGNATURE_V2 = auto()
    PRESIGNED_V2 = auto()
    """Not for S3: `wire/sigv2.py` understands it."""
    SIGNATURE_V4A = auto()
    INCOMPLETE = auto()
    MALFORMED = auto()
    SCOPE = auto()
    DATE_MISSING = auto()
    UNSIGNED_HEADERS = auto()
    PAYLOAD_HASH_MISSING = auto()
    PAYLOAD_HASH_INVALID = auto()
    EXPIRED = auto()
    NOT_YET_VALID = auto()
    PRESIGNED_EXPIRED = auto()
    PRESIGNED_NOT_YET_VALID = auto()
    MISMATCH = auto()


class Refused(Exception):
    """The request is not authenticated. `members` are facts that S3 puts into its error."""

    def __init__(self, reason: Reason, detail: str = "", **members: str) -> None:
        super().__init__(detail or reason.name)
        self.reason = reason
        self.detail = detail
        self.members: Mapping[str, str] = members


class Mechanism(Enum):
    """Where the signature travels."""

    HEADER = auto()
    QUERY = auto()


class Payload(Enum):
    """What the signature says about the body."""

    HASHED = auto()
    """The SHA-256 of the body is signed; the body must have it."""
    UNSIGNED = auto()
    CHUNKS_SIGNED = auto()
    CHUNKS_SIGNED_WITH_TRAILER = auto()
    CHUNKS_UNSIGNED_WITH_TRAILER = auto()


_DECLARED_PAYLOADS = {
    UNSIGNED_PAYLOAD: Payload.UNSIGNED,
    "STREAMING-UNSIGNED-PAYLOAD-TRAILER": Payload.CHUNKS_UNSIGNED_WITH_TRAILER,
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD": Payload.CHUNKS_SIGNED,
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER": Payload.CHUNKS_SIGNED_WITH_TRAILER,
}


@dataclass(frozen=True, slots=True)
class Claim:
    """What a request says about its signer; nothing of it is verified yet.

    `time` is `yyyymmddThhmmssZ`, `epoch` the same in seconds. `declared_payload` is the value that
    stands in for the body's hash in S3 requests; the other services sign the hash itself.
    """

    mechanism: Mechanism
    access_key_id: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str
    time: str
    epoch: int
    expires_seconds: int
    session_token: str | None
    declared_payload: str

    @property
    def scope(self) -> str:
        return f"{self.date}/{self.region}/{self.service}/aws4_request"


def claimed_service(request: Request) -> str | None:
    """The service that the credential scope names, whatever else is wrong; None without one.

    For choosing the form of a refusal, never for deciding anything else.
    """
    header = request.headers.get("authorization")
    if header is None:
        credential = _parameters(request.query).get("X-Amz-Credential", "")
    else:
        credential = header.partition("Credential=")[2].partition(",")[0].strip()
    parts = credential.rsplit("/", 4)
    return parts[3] if len(parts) == 5 else None


def read_claim(request: Request) -> Claim:
    """What the request claims.

    Raises:
        Refused: there is no claim, more than one, or it is not well formed.
    """
    authorization = request.headers.get_all("authorization")
    parameters = _parameters(request.query)
    presigned = any(name in parameters for name in _PRESIGNED)
    signed_by_v2 = "AWSAccessKeyId" in parameters
    if len(authorization) + presigned + signed_by_v2 > 1:
        raise Refused(Reason.TWO_MECHANISMS, ArgumentName="Authorization")
    if authorization:
        return _read_header(request, authorization[0])
    if presigned:
        return _read_query(request, parameters)
    raise Refused(Reason.PRESIGNED_V2 if signed_by_v2 else Reason.MISSING)


def is_region(text: str) -> bool:
    """Whether `text` has the form of an AWS region's name, such as `eu-central-1`."""
    return _REGION.fullmatch(text) is not None


def _read_header(request: Request, authorization: str) -> Claim:
    algorithm, _, rest = authorization.strip().partition(" ")
    if algorithm == "AWS":
        raise Refused(Reason.SIGNATURE_V2)
    if algorithm.startswith("AWS4-ECDSA-"):
        raise Refused(Reason.SIGNATURE_V4A, algorithm)
    if algorithm != ALGORITHM:
        raise Refused(Reason.UNSUPPORTED_TYPE, algorithm[:32], ArgumentName="Authorization")
    parts: dict[str, str] = {}
    for part in rest.split(","):
        name, equals, value = part.strip().partition("=")
        if not equals or name in parts:
            raise Refused(Reason.MALFORMED, "the authorization header cannot be read.")
        parts[name] = value
    missing = [name for name in ("Credential", "SignedHeaders", "Signature") if name not in parts]
    if missing:
        raise Refused(
            Reason.INCOMPLETE,
            " ".join(f"Authorization header requires '{name}' parameter." for name in missing),
        )
    if len(parts) > 3:
        raise Refused(Reason.MALFORMED, "the authorization header has an unknown component.")
    stamp = _one(request, "x-amz-date") or _from_date_header(request)
    if stamp is None:
        raise Refused(Reason.DATE_MISSING)
    return _claim(
        request,
        Mechanism.HEADER,
        credential=parts["Credential"],
        signed_headers=parts["SignedHeaders"],
        signature=parts["Signature"],
        stamp=stamp,
        expires_seconds=0,
        session_token=_one(request, "x-amz-security-token"),
        declared_payload=_one(request, "x-amz-content-sha256") or "",
    )


def _read_query(request: Request, parameters: Mapping[str, str]) -> Claim:
    algorithm = parameters.get("X-Amz-Algorithm", "")
    if algorithm.startswith("AWS4-ECDSA-"):
        raise Refused(Reason.SIGNATURE_V4A, algorithm)
    if algorithm not in {"", ALGORITHM}:
        raise Refused(Reason.MALFORMED, f'X-Amz-Algorithm only supports "{ALGORITHM}"')
    if not all(parameters.get(name) for name in _PRESIGNED_ALL):
        raise Refused(
            Reason.INCOMPLETE,
            "Query-string authentication version 4 requires the X-Amz-Algorithm, "
            "X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and "
            "X-Amz-Expires parameters.",
        )
    return _claim(
        request,
        Mechanism.QUERY,
        credential=parameters["X-Amz-Credential"],
        signed_headers=parameters["X-Amz-SignedHeaders"],
        signature=parameters["X-Amz-Signature"],
        stamp=parameters["X-Amz-Date"],
        expires_seconds=_expires_seconds(parameters["X-Amz-Expires"]),
        session_token=parameters.get("X-Amz-Security-Token"),
        declared_payload=_one(request, "x-amz-content-sha256")
        or parameters.get("X-Amz-Content-Sha256", UNSIGNED_PAYLOAD),
    )


def _expires_seconds(text: str) -> int:
    if re.fullmatch(r"-\d{1,18}", text, re.ASCII):
        raise Refused(Reason.MALFORMED, "X-Amz-Expires must be non-negative")
    if not re.fullmatch(r"\d{1,18}", text, re.ASCII):
        raise Refused(Reason.MALFORMED, "X-Amz-Expires should be a number")
    seconds = int(text)
    if not 1 <= seconds <= EXPIRES_SECONDS_MAX:
        raise Refused(
            Reason.MALFORMED,
            "X-Amz-Expires must be at least one second and at most a week; that is, the given "
            f"X-Amz-Expires must be from 1 to {EXPIRES_SECONDS_MAX} seconds",
        )
    return seconds


def _claim(
    request: Request,
    mechanism: Mechanism,
    *,
    credential: str,
    signed_headers: str,
    signature: str,
    stamp: str,
    expires_seconds: int,
    session_token: str | None,
    declared_payload: str,
) -> Claim:
    scope = credential.rsplit("/", 4)
    if len(scope) != 5 or not scope[0]:
        raise Refused(
            Reason.INCOMPLETE,
            "the Credential is mal-formed; "
            'expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".',
        )
    access_key_id, date, region, service, terminator = scope
    epoch = _epoch(stamp)
    if epoch is None:
        raise Refused(
            Reason.MALFORMED,
            "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"",
        )
    if terminator != "aws4_request":
        raise Refused(
            Reason.SCOPE,
            "Credential should be scoped with a valid terminator: 'aws4_request', "
            f"not '{terminator}'.",
        )
    if date != stamp[:8]:
        raise Refused(
            Reason.SCOPE,
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from "
            f"HTTP: '{date}' != '{stamp[:8]}', from '{stamp}'.",
        )
    if not is_region(region):
        raise Refused(
            Reason.SCOPE, f"Credential should be scoped to a valid region, not '{region}'."
        )
    if not _HEX_DIGEST.fullmatch(signature):
        raise Refused(Reason.MISMATCH, AWSAccessKeyId=access_key_id, SignatureProvided=signature)
    names = tuple(signed_headers.split(";"))
    if any(earlier >= later for earlier, later in itertools.pairwise(names)):
        raise Refused(Reason.MALFORMED, "the SignedHeaders must be in order, each once.")
    unsigned = [
        name
        for name in request.headers
        if name not in names and (name.startswith("x-amz-") or name == "content-md5")
    ]
    if "host" not in names:
        unsigned.append("host")
    if unsigned:
        unsigned.sort()
        raise Refused(Reason.UNSIGNED_HEADERS, unsigned[0], HeadersNotSigned=", ".join(unsigned))
    return Claim(
        mechanism,
        access_key_id,
        date,
        region,
        service,
        names,
        signature,
        stamp,
        epoch,
        expires_seconds,
        session_token,
        declared_payload,
    )


def check_declared_payload(claim: Claim) -> Payload:
    """How S3 is to take the body.

    Raises:
        Refused: nothing is declared, or something that is not known.
    """
    declared = claim.declared_payload
    if not declared:
        raise Refused(Reason.PAYLOAD_HASH_MISSING)
    if declared.startswith("STREAMING-AWS4-ECDSA-"):
        raise Refused(Reason.SIGNATURE_V4A, declared)
    payload = _DECLARED_PAYLOADS.get(declared)
    if payload is not None:
        return payload
    if _HEX_DIGEST.fullmatch(declared):
        return Payload.HASHED
    raise Refused(
        Reason.PAYLOAD_HASH_INVALID,
        ArgumentName="x-amz-content-sha256",
        ArgumentValue=declared[:128],
    )


def _parameters(query: str) -> dict[str, str]:
    """The parameters of a query that say who signed it; one that stands twice counts as none."""
    parameters: dict[str, str] = {}
    if not query:
        return parameters
    for item in query.split("&"):
        raw_name, _, raw_value = item.partition("=")
        name = _decoded(raw_name)
        if name.startswith("X-Amz-") or name == "AWSAccessKeyId":
            parameters[name] = "" if name in parameters else _decoded(raw_value)
    return parameters


def _decoded(text: str) -> str:
    return unquote_to_bytes(text).decode(errors="replace") if "%" in text else text


def _one(request: Request, name: str) -> str | None:
    """The only value of a header, trimmed; None if it is absent."""
    values = request.headers.get_all(name)
    if len(values) > 1:
        raise Refused(Reason.MALFORMED, f"The header {name} stands twice.")
    return values[0].strip() if values else None


def _from_date_header(request: Request) -> str | None:
    text = _one(request, "date")
    if text is None or _TIME.fullmatch(text):
        return text
    try:
        moment = parsedate_to_datetime(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return text
    return moment.strftime("%Y%m%dT%H%M%SZ")


@functools.lru_cache(maxsize=64)
def _epoch(stamp: str) -> int | None:
    if not _TIME.fullmatch(stamp):
        return None
    try:
        moment = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ")
    except ValueError:
        return None
    return int(moment.replace(tzinfo=UTC).timestamp())
