"""The refusals of EMR. Older operations answer ValidationException, which AWS sends and its model
leaves out; newer ones InvalidRequestException."""

from typing import ClassVar

from millpond.kernel.errors import ServiceError


class InvalidRequest(ServiceError):
    code: ClassVar[str] = "InvalidRequestException"

    def __init__(self, message: str) -> None:
        super().__init__(message, ErrorCode="InvalidRequest")


class Validation(ServiceError):
    code: ClassVar[str] = "ValidationException"
