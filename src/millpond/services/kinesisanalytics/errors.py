"""The refusals of version 1; all others are version 2's own."""

from typing import ClassVar

from millpond.kernel.errors import ServiceError


class UnsupportedOperation(ServiceError):
    """The application is one of version 2 alone."""

    code: ClassVar[str] = "UnsupportedOperationException"
