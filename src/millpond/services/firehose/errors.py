"""The refusals of Firehose that this service raises."""

from typing import ClassVar

from millpond.kernel.errors import ServiceError


class InvalidArgument(ServiceError):
    code: ClassVar[str] = "InvalidArgumentException"


class ResourceInUse(ServiceError):
    code: ClassVar[str] = "ResourceInUseException"


class ResourceNotFound(ServiceError):
    code: ClassVar[str] = "ResourceNotFoundException"


class ConcurrentModification(ServiceError):
    code: ClassVar[str] = "ConcurrentModificationException"


class InvalidSource(ServiceError):
    code: ClassVar[str] = "InvalidSourceException"


def not_implemented(*options: tuple[str, object]) -> None:
    """Refuse the first option that the caller has set.

    `options` are AWS's names with the caller's values; None, False and empty ones are not set.

    Raises:
        InvalidArgument: naming the option.
    """
    for name, value in options:
        if value:
            raise InvalidArgument(f"{name} is not implemented.")
