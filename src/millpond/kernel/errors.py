"""The two families of errors: refusals that AWS documents, and the platform's own trouble."""

from collections.abc import Mapping
from typing import Any, ClassVar


class ServiceError(Exception):
    """A refusal that AWS documents. Subclasses in a service's `errors.py` set `code` and `status`.

    `members` are further members of the error's shape, with AWS's names (S3's `BucketName`, …).
    """

    code: ClassVar[str] = "InternalFailure"
    status: ClassVar[int] = 400

    def __init__(self, message: str, **members: Any) -> None:
        super().__init__(message)
        self.message = message
        self.members: Mapping[str, Any] = members


def refuse_set(refusal: type[ServiceError], *options: tuple[str, object]) -> None:
    """Refuse the first option that the caller has set: it is not implemented.

    `options` are AWS's names with the caller's values; None, False and empty ones are not set.

    Raises:
        ServiceError: `refusal`, naming the option.
    """
    for name, value in options:
        if value:
            raise refusal(f"{name} is not implemented.")


class EngineError(Exception):
    """The platform's trouble. The subclass says whether trying again is safe."""


class Conflict(EngineError):
    """Another transaction came first; nothing was written. Running again from the start is safe."""


class Unavailable(EngineError):
    """The engine cannot answer now. Unless the text says, the work may or may not be done."""


class Full(EngineError):
    """No space left; nothing was written. Works again once there is space."""


class Damaged(EngineError):
    """Stored bytes do not match their checksum; they are never served."""
