"""Which metric: a namespace, a name and a set of dimensions."""

import hashlib
from collections.abc import Sequence
from functools import cached_property

import msgspec

from millpond.services.cloudwatch.errors import InvalidParameterValue
from millpond.services.cloudwatch.shapes import Dimension

DIMENSIONS_MAX = 30
_encode = msgspec.msgpack.Encoder().encode


class Series(msgspec.Struct, frozen=True, dict=True):
    """A metric by its full name. Dimensions are told apart as a set, and kept in their order."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]

    @cached_property
    def digest(self) -> bytes:
        """Sixteen bytes that stand for the metric."""
        named = (self.namespace, self.name, sorted(self.dimensions))
        return hashlib.blake2b(_encode(named), digest_size=16).digest()


class Point(msgspec.Struct, frozen=True):
    """Where samples belong: a metric, its unit, the second they were taken. `fine` asks that they
    are kept by the second too."""

    series: Series
    unit: str
    time: int
    fine: bool = False


def read_dimensions(
    dimensions: Sequence[Dimension] | None, parameter: str
) -> tuple[tuple[str, str], ...]:
    """Dimensions as they are kept.

    Raises:
        InvalidParameterValue: there are too many, a name comes twice, or a text is not one of
            CloudWatch's.
    """
    read = tuple((dimension.name, dimension.value) for dimension in dimensions or ())
    if len(read) > DIMENSIONS_MAX:
        raise InvalidParameterValue(
            f"The collection {parameter} must not have a size greater than {DIMENSIONS_MAX}."
        )
    if len({name for name, _ in read}) < len(read):
        raise InvalidParameterValue(f"The collection {parameter} names a dimension twice.")
    for number, (name, value) in enumerate(read, 1):
        check_text(name, f"{parameter}.member.{number}.Name")
        check_text(value, f"{parameter}.member.{number}.Value")
        if name.startswith(":"):
            raise InvalidParameterValue(
                f"The parameter {parameter}.member.{number}.Name must not begin with a colon."
            )
    return read


def check_text(text: str, parameter: str) -> None:
    """Refuse a name that is not printable ASCII, or blank.

    Raises:
        InvalidParameterValue: it is not.
    """
    if not (text.isascii() and text.isprintable() and text.strip()):
        raise InvalidParameterValue(
            f"The parameter {parameter} must be printable ASCII characters that are not all blank."
        )
