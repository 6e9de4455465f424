"""Refusals of the wire itself: requests that are not what the model says, or of which it knows
nothing. Texts are AWS's where AWS's are known."""

from collections.abc import Mapping
from functools import cache
from typing import ClassVar

from millpond.kernel.errors import ServiceError
from millpond.wire.shape import ServiceModel

COMMON_QUERY_CODES: Mapping[str, str] = {
    "MissingAuthenticationTokenException": "MissingAuthenticationToken",
    "IncompleteSignatureException": "IncompleteSignature",
    "InvalidSignatureException": "SignatureDoesNotMatch",
    "UnrecognizedClientException": "InvalidClientTokenId",
    "ExpiredTokenException": "ExpiredToken",
    "AccessDeniedException": "AccessDenied",
    "RequestEntityTooLargeException": "RequestEntityTooLarge",
    "SerializationException": "MalformedInput",
    "RequestTimeoutException": "RequestTimeout",
    "ServiceUnavailableException": "ServiceUnavailable",
}
"""What the query protocol calls the errors that every service has, by their names in JSON."""


class WireError(ServiceError):
    """A refusal that comes from a protocol's framework rather than from a service."""


class SerializationException(WireError):
    """JSON: the body is not JSON, or a member has the wrong type."""

    code = "SerializationException"


class ValidationException(WireError):
    """A member breaks a constraint of the model. The code is `ServiceModel.validation_code`."""

    code = "ValidationException"


class UnknownOperationException(WireError):
    """JSON: the target names no operation of the service."""

    code = "UnknownOperationException"


class UnknownPath(UnknownOperationException):
    """REST-JSON: no operation has this method and path."""

    status = 404


class MissingAction(WireError):
    """query: the request names no action."""

    code = "MissingAction"


class InvalidAction(WireError):
    """query: the service has no such action, or not in this version."""

    code = "InvalidAction"


class MalformedInput(WireError):
    """query: a parameter has the wrong type."""

    code = "MalformedInput"


class MalformedQueryString(WireError):
    """query: the form is not percent-encoded UTF-8."""

    code = "MalformedQueryString"


class MalformedXML(WireError):
    """REST-XML: the body is not XML, or not of this operation's schema."""

    code = "MalformedXML"

    def __init__(self) -> None:
        super().__init__(
            "The XML you provided was not well-formed or did not validate against our "
            "published schema"
        )


class InvalidURI(WireError):
    """REST: the query string is not percent-encoded UTF-8."""

    code = "InvalidURI"

    def __init__(self) -> None:
        super().__init__("Couldn't parse the specified URI.")


class InvalidArgument(WireError):
    """S3: a header or query parameter has the wrong type."""

    code = "InvalidArgument"


class InvalidRequest(WireError):
    """S3: a header that the operation needs is missing."""

    code = "InvalidRequest"


class InvalidDigest(WireError):
    """S3: Content-MD5 is not the Base64 of sixteen bytes."""

    code = "InvalidDigest"


class BadDigest(WireError):
    """S3: the body is not the one whose digest was sent."""

    code = "BadDigest"


class MethodNotAllowed(WireError):
    """S3: no operation has this method on this resource."""

    code = "MethodNotAllowed"
    status = 405


class NotImplementedByMillpond(WireError):
    """AWS has the operation; Millpond does not."""

    code: ClassVar[str] = "NotImplemented"
    status = 501

    def __init__(self, service: str, operation: str) -> None:
        super().__init__(f"Millpond does not implement {service} {operation} yet.")


def query_code(model: ServiceModel, code: str) -> str:
    """The code in the query protocol of an error of a service that speaks others too."""
    return model.query_codes.get(code) or COMMON_QUERY_CODES.get(code, code)


def query_error(model: ServiceModel, error: ServiceError) -> str:
    """The header `x-amzn-query-error`: the code in the query protocol, and whose fault it is."""
    fault = "Sender" if error.status < 500 else "Receiver"
    return f"{query_code(model, error.code)};{fault}"


@cache
def validation_error(code: str) -> type[ValidationException]:
    """The error of a service that answers a broken constraint with `code`."""
    return type(code, (ValidationException,), {"code": code})
