"""The gateway's own refusals, in the words and codes of each protocol.

A refusal's reason is one thing; AWS names it `InvalidAccessKeyId` in S3, `InvalidClientTokenId` in
the query protocol and `UnrecognizedClientException` in JSON. The tables here are the whole of it.

Sources: S3 API Reference, "Error responses"; IAM and Glue API References, "Common Errors".
"""

from collections.abc import Mapping
from enum import Enum, auto
from functools import cache

from millpond.kernel.errors import ServiceError
from millpond.wire.chunked import BadChunks, ChunkFault
from millpond.wire.errors import COMMON_QUERY_CODES
from millpond.wire.shape import ServiceModel
from millpond.wire.sigv4_claim import Mechanism, Reason, Refused


class Trouble(Enum):
    """What else the gateway refuses."""

    UNKNOWN_KEY = auto()
    BAD_TOKEN = auto()
    EXPIRED_TOKEN = auto()
    NOT_AUTHORISED = auto()
    BODY_TOO_LARGE = auto()
    BODY_TRUNCATED = auto()
    BODY_SLOW = auto()
    BODY_NOT_GZIP = auto()
    LENGTH_MISSING = auto()
    UNREADABLE = auto()
    HEAD_TOO_LARGE = auto()
    OVERLOADED = auto()
    FULL = auto()
    INTERNAL = auto()


_Row = tuple[str, int, str]
"""Code, status, and the sentence where AWS always says the same."""

_S3_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. "
    "Check your key and signing method."
)
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your "
    "AWS Secret Access Key and signing method. Consult the service documentation for details."
)
_BAD_TOKEN = "The security token included in the request is invalid."  # noqa: S105
_EXPIRED_TOKEN = "The security token included in the request is expired"  # noqa: S105
_INTERNAL = "The request processing has failed because of an unknown error, exception or failure."
_FULL = "The server has no space left on its disk. What was stored is safe; make space first."
_OTHER_MECHANISM = (
    "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."
)

_S3: Mapping[Reason | Trouble | ChunkFault, _Row] = {
    Reason.MISSING: ("AccessDenied", 403, "Access Denied"),
    Reason.TWO_MECHANISMS: (
        "InvalidArgument",
        400,
        "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature "
        "query string parameter or the Authorization header should be specified",
    ),
    Reason.UNSUPPORTED_TYPE: ("InvalidArgument", 400, "Unsupported Authorization Type"),
    Reason.SIGNATURE_V2: ("InvalidRequest", 400, _OTHER_MECHANISM),
    Reason.PRESIGNED_V2: ("InvalidRequest", 400, _OTHER_MECHANISM),
    Reason.SIGNATURE_V4A: ("NotImplemented", 501, "Millpond does not implement SigV4A"),
    Reason.INCOMPLETE: ("AuthorizationHeaderMalformed", 400, ""),
    Reason.MALFORMED: ("AuthorizationHeaderMalformed", 400, ""),
    Reason.SCOPE: ("AuthorizationHeaderMalformed", 400, ""),
    Reason.DATE_MISSING: (
        "AccessDenied",
        403,
        "AWS authentication requires a valid Date or x-amz-date header",
    ),
    Reason.UNSIGNED_HEADERS: (
        "AccessDenied",
        403,
        "There were headers present in the request which were not signed",
    ),
    Reason.PAYLOAD_HASH_MISSING: (
        "InvalidRequest",
        400,
        "Missing required header for this request: x-amz-content-sha256",
    ),
    Reason.PAYLOAD_HASH_INVALID: (
        "InvalidArgument",
        400,
        "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, "
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a "
        "valid sha256 value.",
    ),
    Reason.EXPIRED: (
        "RequestTimeTooSkewed",
        403,
        "The difference between the request time and the current time is too large.",
    ),
    Reason.NOT_YET_VALID: (
        "RequestTimeTooSkewed",
        403,
        "The difference between the request time and the current time is too large.",
    ),
    Reason.PRESIGNED_EXPIRED: ("AccessDenied", 403, "Request has expired"),
    Reason.PRESIGNED_NOT_YET_VALID: ("AccessDenied", 403, "Request is not valid yet"),
    Reason.MISMATCH: ("SignatureDoesNotMatch", 403, _S3_MISMATCH),
    ChunkFault.SIGNATURE: ("SignatureDoesNotMatch", 403, _S3_MISMATCH),
    ChunkFault.MALFORMED: ("InvalidRequest", 400, ""),
    ChunkFault.TOO_SMALL: ("InvalidChunkSizeError", 403, ""),
    ChunkFault.WRONG_LENGTH: ("IncompleteBody", 400, ""),
    ChunkFault.TRUNCATED: ("IncompleteBody", 400, ""),
    ChunkFault.TRAILER: ("MalformedTrailerError", 400, ""),
    Trouble.UNKNOWN_KEY: (
        "InvalidAccessKeyId",
        403,
        "The AWS Access Key Id you provided does not exist in our records.",
    ),
    Trouble.BAD_TOKEN: (
        "InvalidToken",
        400,
        "The provided token is malformed or otherwise invalid.",
    ),
    Trouble.EXPIRED_TOKEN: ("ExpiredToken", 400, "The provided token has expired."),
    Trouble.NOT_AUTHORISED: ("AccessDenied", 403, ""),
    Trouble.BODY_TOO_LARGE: ("MaxMessageLengthExceeded", 400, "Your request was too big."),
    Trouble.BODY_TRUNCATED: (
        "IncompleteBody",
        400,
        "You did not provide the number of bytes specified by the Content-Length HTTP header",
    ),
    Trouble.BODY_SLOW: (
        "RequestTimeout",
        400,
        "Your socket connection to the server was not read from or written to within the timeout "
        "period. Idle connections will be closed.",
    ),
    Trouble.BODY_NOT_GZIP: ("InvalidRequest", 400, "The request body is not valid gzip."),
    Trouble.LENGTH_MISSING: (
        "MissingContentLength",
        411,
        "You must provide the Content-Length HTTP header.",
    ),
    Trouble.UNREADABLE: ("InvalidURI", 400, "Couldn't parse the specified URI."),
    Trouble.HEAD_TOO_LARGE: (
        "RequestHeaderSectionTooLarge",
        400,
        "Your request header and query-string sizes exceed the maximum allowed size.",
    ),
    Trouble.OVERLOADED: ("SlowDown", 503, "Please reduce your request rate."),
    Trouble.FULL: ("ServiceUnavailable", 503, _FULL),
    Trouble.INTERNAL: (
        "InternalError",
        500,
        "We encountered an internal error. Please try again.",
    ),
}

_QUERY: Mapping[Reason | Trouble | ChunkFault, _Row] = {
    Reason.MISSING: ("MissingAuthenticationToken", 403, "Request is missing Authentication Token"),
    Reason.TWO_MECHANISMS: ("IncompleteSignature", 400, "Only one auth mechanism allowed"),
    Reason.UNSUPPORTED_TYPE: ("IncompleteSignature", 400, _OTHER_MECHANISM),
    Reason.SIGNATURE_V2: ("IncompleteSignature", 400, _OTHER_MECHANISM),
    Reason.PRESIGNED_V2: ("IncompleteSignature", 400, _OTHER_MECHANISM),
    Reason.SIGNATURE_V4A: ("NotImplemented", 501, "Millpond does not implement SigV4A"),
    Reason.INCOMPLETE: ("IncompleteSignature", 400, ""),
    Reason.MALFORMED: ("IncompleteSignature", 400, ""),
    Reason.SCOPE: ("SignatureDoesNotMatch", 403, ""),
    Reason.DATE_MISSING: (
        "IncompleteSignature",
        400,
        "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
    ),
    Reason.UNSIGNED_HEADERS: ("SignatureDoesNotMatch", 403, ""),
    Reason.EXPIRED: ("SignatureDoesNotMatch", 403, ""),
    Reason.NOT_YET_VALID: ("SignatureDoesNotMatch", 403, ""),
    Reason.PRESIGNED_EXPIRED: ("SignatureDoesNotMatch", 403, ""),
    Reason.MISMATCH: ("SignatureDoesNotMatch", 403, _MISMATCH),
    Trouble.UNKNOWN_KEY: ("InvalidClientTokenId", 403, _BAD_TOKEN),
    Trouble.BAD_TOKEN: ("InvalidClientTokenId", 403, _BAD_TOKEN),
    Trouble.EXPIRED_TOKEN: ("ExpiredToken", 403, _EXPIRED_TOKEN),
    Trouble.NOT_AUTHORISED: ("AccessDenied", 403, ""),
    Trouble.BODY_TOO_LARGE: ("RequestEntityTooLarge", 413, "The request is too large."),
    Trouble.BODY_TRUNCATED: ("MalformedInput", 400, "The request body ended early."),
    Trouble.BODY_SLOW: ("RequestTimeout", 408, "The request body came too slowly."),
    Trouble.BODY_NOT_GZIP: ("MalformedInput", 400, "The request body is not valid gzip."),
    Trouble.UNREADABLE: ("MalformedInput", 400, "The request target cannot be read."),
    Trouble.HEAD_TOO_LARGE: ("RequestEntityTooLarge", 413, "The request's head is too large."),
    Trouble.OVERLOADED: (
        "ServiceUnavailable",
        503,
        "The request has failed due to a temporary failure of the server.",
    ),
    Trouble.FULL: ("ServiceUnavailable", 503, _FULL),
    Trouble.INTERNAL: ("InternalFailure", 500, _INTERNAL),
}

_NAMES = {code: name for name, code in COMMON_QUERY_CODES.items()}


def refuse(
    model: ServiceModel, why: Reason | Trouble | ChunkFault, detail: str = "", **members: str
) -> ServiceError:
    """The refusal as the protocol of `model` has it. `detail` stands where AWS's sentence varies;
    `members` are told by S3 alone."""
    if model.protocol == "rest-xml":
        code, status, sentence = _S3[why]
        return _type(code, status)(sentence or detail, **members)
    code, status, sentence = _QUERY[why]
    if model.protocol != "query":
        code = _NAMES.get(code, code)
        if model.protocol != "rest-json" and status == 403:
            status = 400
    return _type(code, status)(sentence or detail)


def refuse_claim(
    model: ServiceModel, refused: Refused, mechanism: Mechanism | None
) -> ServiceError:
    """A signature's refusal as the protocol of `model` has it."""
    why, detail = refused.reason, refused.detail
    if model.protocol == "rest-xml":
        if _S3[why][0] == "AuthorizationHeaderMalformed":
            if mechanism is Mechanism.QUERY:
                return _type("AuthorizationQueryParametersError", 400)(detail)
            detail = f"The authorization header is malformed; {detail}"
    elif why is Reason.UNSIGNED_HEADERS:
        detail = f"'{detail}' must be a 'SignedHeader' in the AWS Authorization."
    return refuse(model, why, detail, **refused.members)


def refuse_chunks(model: ServiceModel, bad: BadChunks) -> ServiceError:
    """What is wrong with an aws-chunked body."""
    return refuse(model, bad.fault, bad.detail)


def refuse_hash(given: str, computed: str) -> ServiceError:
    """S3's word for a body that is not the one that was signed."""
    return _type("XAmzContentSHA256Mismatch", 400)(
        "The provided 'x-amz-content-sha256' header does not match what was computed.",
        ClientComputedContentSHA256=given,
        S3ComputedContentSHA256=computed,
    )


@cache
def _type(code: str, status: int) -> type[ServiceError]:
    return type(code, (ServiceError,), {"code": code, "status": status})
