"""The refusals of Kinesis: every error of its model."""

from typing import ClassVar

from millpond.kernel.errors import ServiceError


class AccessDenied(ServiceError):
    code: ClassVar[str] = "AccessDeniedException"


class DryRunOperation(ServiceError):
    """The call would have been done, were it not for `DryRun`."""

    code: ClassVar[str] = "DryRunOperationException"


class ExpiredIterator(ServiceError):
    code: ClassVar[str] = "ExpiredIteratorException"


class ExpiredNextToken(ServiceError):
    code: ClassVar[str] = "ExpiredNextTokenException"


class InternalFailure(ServiceError):
    code: ClassVar[str] = "InternalFailureException"
    status: ClassVar[int] = 500


class InvalidArgument(ServiceError):
    code: ClassVar[str] = "InvalidArgumentException"


class KmsNotFound(ServiceError):
    code: ClassVar[str] = "KMSNotFoundException"


class LimitExceeded(ServiceError):
    code: ClassVar[str] = "LimitExceededException"


class ProvisionedThroughputExceeded(ServiceError):
    code: ClassVar[str] = "ProvisionedThroughputExceededException"


class ResourceInUse(ServiceError):
    code: ClassVar[str] = "ResourceInUseException"


class ResourceNotFound(ServiceError):
    code: ClassVar[str] = "ResourceNotFoundException"


class Validation(ServiceError):
    code: ClassVar[str] = "ValidationException"
