"""The refusals of Firehose that this service raises."""

from functools import partial
from typing import ClassVar

from millpond.kernel.errors import ServiceError, refuse_set


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


not_implemented = partial(refuse_set, InvalidArgument)
"""Refuse the first of some options that is set; see `refuse_set`."""
