"""The refusals of CloudWatch that this service raises, by the names of their shapes.

The query protocol has other codes for them (`InvalidParameterValue`, …): `shapes.MODEL` says which.
"""

from functools import partial
from typing import ClassVar

from millpond.kernel.errors import ServiceError, refuse_set


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


not_implemented = partial(refuse_set, InvalidParameterValue)
"""Refuse the first of some options that is set; see `refuse_set`."""
