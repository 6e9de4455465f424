"""The refusals of DynamoDB that this service raises. All are client errors (400)."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

from millpond.kernel.errors import ServiceError, refuse_set


class ValidationError(ServiceError):
    code: ClassVar[str] = "ValidationException"


class ResourceNotFound(ServiceError):
    code: ClassVar[str] = "ResourceNotFoundException"


class TableNotFound(ServiceError):
    """What is asked of continuous backups says so in place of ResourceNotFoundException."""

    code: ClassVar[str] = "TableNotFoundException"


class ResourceInUse(ServiceError):
    code: ClassVar[str] = "ResourceInUseException"


class LimitExceeded(ServiceError):
    code: ClassVar[str] = "LimitExceededException"


class IdempotentParameterMismatch(ServiceError):
    code: ClassVar[str] = "IdempotentParameterMismatchException"


class ConditionalCheckFailed(ServiceError):
    """Shows the item to a caller who asked for it (ReturnValuesOnConditionCheckFailure)."""

    code: ClassVar[str] = "ConditionalCheckFailedException"

    def __init__(self, item: Mapping[str, Any] | None = None) -> None:
        super().__init__("The conditional request failed")
        if item is not None:
            self.members: Mapping[str, Any] = {"Item": item}


class TransactionCanceled(ServiceError):
    """CancellationReasons has one entry for each part of the request, in order."""

    code: ClassVar[str] = "TransactionCanceledException"

    def __init__(self, reasons: Sequence[Mapping[str, Any]]) -> None:
        codes = ", ".join(reason["Code"] for reason in reasons)
        text = "Transaction cancelled, please refer cancellation reasons for specific reasons"
        super().__init__(f"{text} [{codes}]")
        self.members: Mapping[str, Any] = {"CancellationReasons": reasons, "Message": self.message}


def invalid(detail: str) -> ValidationError:
    """The refusal of a parameter's value."""
    return ValidationError(f"One or more parameter values were invalid: {detail}")


not_implemented = partial(refuse_set, ValidationError)
"""Refuse the first of some options that is set; see `refuse_set`."""
