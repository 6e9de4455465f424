"""The refusals of CloudWatch Logs that this service raises."""

from functools import partial
from typing import ClassVar

from millpond.kernel.errors import ServiceError, refuse_set


class InvalidParameter(ServiceError):
    """A parameter is specified incorrectly."""

    code: ClassVar[str] = "InvalidParameterException"


class ResourceNotFound(ServiceError):
    """There is no such log group or stream."""

    code: ClassVar[str] = "ResourceNotFoundException"


class ResourceAlreadyExists(ServiceError):
    """The name is taken."""

    code: ClassVar[str] = "ResourceAlreadyExistsException"


class MalformedQuery(ServiceError):
    """A query's text is none: `queryCompileError` says where, in characters of the text."""

    code: ClassVar[str] = "MalformedQueryException"

    def __init__(self, message: str, start: int, end: int) -> None:
        location = {"startCharOffset": start, "endCharOffset": end}
        super().__init__(message, queryCompileError={"location": location, "message": message})


class TooManyTags(ServiceError):
    """A log group can have no more than 50 tags."""

    code: ClassVar[str] = "TooManyTagsException"


class LimitExceeded(ServiceError):
    """There can be no more of them."""

    code: ClassVar[str] = "LimitExceededException"


class InvalidOperation(ServiceError):
    """The operation does not fit the state of the resource."""

    code: ClassVar[str] = "InvalidOperationException"


class Protected(ServiceError):
    """The log group is protected from deletion."""

    code: ClassVar[str] = "ValidationException"


class OperationAborted(ServiceError):
    """Another change came first."""

    code: ClassVar[str] = "OperationAbortedException"


class SessionTimeout(ServiceError):
    """A live tail was open for three hours."""

    code: ClassVar[str] = "SessionTimeoutException"


class ServiceUnavailable(ServiceError):
    """It cannot be said whether the work was done."""

    code: ClassVar[str] = "ServiceUnavailableException"
    status: ClassVar[int] = 503


def no_group() -> ResourceNotFound:
    return ResourceNotFound("The specified log group does not exist.")


def no_stream() -> ResourceNotFound:
    return ResourceNotFound("The specified log stream does not exist.")


not_implemented = partial(refuse_set, InvalidParameter)
"""Refuse the first of some options that is set; see `refuse_set`."""
