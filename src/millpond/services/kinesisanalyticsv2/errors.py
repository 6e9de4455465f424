"""The refusals of Managed Service for Apache Flink that this service raises."""

from functools import partial
from typing import ClassVar

from millpond.kernel.errors import ServiceError, refuse_set


class CodeValidation(ServiceError):
    """The SQL is wrong, or is not for the engine here; line and column say where."""

    code: ClassVar[str] = "CodeValidationException"


class ConcurrentModification(ServiceError):
    """The application was changed since its version or token was read."""

    code: ClassVar[str] = "ConcurrentModificationException"


class InvalidApplicationConfiguration(ServiceError):
    """The application as it is configured cannot be started."""

    code: ClassVar[str] = "InvalidApplicationConfigurationException"


class InvalidArgument(ServiceError):
    """A parameter cannot be, or is not implemented."""

    code: ClassVar[str] = "InvalidArgumentException"


class InvalidRequest(ServiceError):
    """The request cannot be done for this application."""

    code: ClassVar[str] = "InvalidRequestException"


class LimitExceeded(ServiceError):
    """There are as many as AWS allows."""

    code: ClassVar[str] = "LimitExceededException"


class ResourceInUse(ServiceError):
    """The name is taken, or the application is not in a state for this."""

    code: ClassVar[str] = "ResourceInUseException"


class ResourceNotFound(ServiceError):
    """There is no such application, version, operation, snapshot or part of one."""

    code: ClassVar[str] = "ResourceNotFoundException"


class ResourceProvisionedThroughputExceeded(ServiceError):
    """The stream whose schema was asked for is read by too many."""

    code: ClassVar[str] = "ResourceProvisionedThroughputExceededException"


class TooManyTags(ServiceError):
    """More than 50 tags."""

    code: ClassVar[str] = "TooManyTagsException"


class UnableToDetectSchema(ServiceError):
    """No schema can be told from what was read."""

    code: ClassVar[str] = "UnableToDetectSchemaException"


class UnsupportedOperation(ServiceError):
    """Not for this kind of application, or nothing here can do it."""

    code: ClassVar[str] = "UnsupportedOperationException"


not_implemented = partial(refuse_set, InvalidArgument)
"""Refuse the first of some options that is set; see `refuse_set`."""
