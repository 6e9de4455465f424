"""The refusals of CloudWatch that this service raises, by the names of their shapes.

The query protocol has other codes for them (`InvalidParameterValue`, …): `shapes.MODEL` says which.
"""

from typing import ClassVar

from millpond.kernel.errors import ServiceError


class InvalidParameterValue(ServiceError):
    """A value is bad or out of range."""

    code: ClassVar[str] = "InvalidParameterValueException"


class InvalidParameterCombination(ServiceError):
    """Parameters were used together that cannot be used together."""

    code: ClassVar[str] = "InvalidParameterCombinationException"


class MissingRequiredParameter(ServiceError):
    """A parameter is missing that is required."""

    code: ClassVar[str] = "MissingRequiredParameterException"


class InvalidNextToken(ServiceError):
    """The token is none that this operation gave out for this question."""

    code: ClassVar[str] = "InvalidNextToken"


def not_implemented(*options: tuple[str, object]) -> None:
    """Refuse the first option that the caller has set.

    `options` are AWS's names with the caller's values; None, False and empty ones are not set.

    Raises:
        InvalidParameterValue: naming the option.
    """
    for name, value in options:
        if value:
            raise InvalidParameterValue(f"{name} is not implemented.")
