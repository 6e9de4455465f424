"""The refusals of Athena that this service raises. All are client errors (400)."""

from typing import ClassVar

from millpond.kernel.errors import ServiceError


class InvalidRequest(ServiceError):
    """A member breaks a rule; `AthenaErrorCode` says which family of rules."""

    code: ClassVar[str] = "InvalidRequestException"

    def __init__(self, message: str, athena_error_code: str = "INVALID_INPUT") -> None:
        super().__init__(message, AthenaErrorCode=athena_error_code)


class ResourceNotFound(ServiceError):
    code: ClassVar[str] = "ResourceNotFoundException"

    def __init__(self, message: str, resource_name: str) -> None:
        super().__init__(message, ResourceName=resource_name)


class MetadataFailure(ServiceError):
    """The catalog refused or does not know what was asked for."""

    code: ClassVar[str] = "MetadataException"
