"""Prefixes of S3 objects, with expressions `!{namespace:value}` that are evaluated for an object.

Source: Firehose Developer Guide, Understand custom prefixes for Amazon S3 objects.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from millpond.services.firehose.errors import InvalidArgument
from millpond.services.firehose.model.timestamps import BadPattern, format_time

EVALUATED_SIZE_MAX = 512
"""Characters of an evaluated prefix that AWS takes."""
RANDOM_LENGTH = 11
_DEFAULT_PATTERN = "yyyy/MM/dd/HH/"
_EXPRESSION = re.compile(r"!\{([^{}:]*):([^{}]*)\}")
_NAMESPACES = ("firehose", "timestamp", "partitionKeyFromQuery", "partitionKeyFromLambda")
_SAMPLE = datetime(2018, 8, 27, 10, 30, 1, tzinfo=UTC)


class Expression(NamedTuple):
    namespace: str
    value: str


@dataclass(frozen=True)
class Prefix:
    """A prefix, taken apart: text and expressions in order."""

    text: str
    parts: tuple[str | Expression, ...] = field(init=False)

    def __post_init__(self) -> None:
        parts: list[str | Expression] = []
        end = 0
        for match in _EXPRESSION.finditer(self.text):
            parts.append(self.text[end : match.start()])
            parts.append(Expression(match.group(1), match.group(2)))
            end = match.end()
        parts.append(self.text[end:])
        object.__setattr__(self, "parts", tuple(part for part in parts if part))

    @cached_property
    def expressions(self) -> tuple[Expression, ...]:
        return tuple(part for part in self.parts if isinstance(part, Expression))

    @cached_property
    def keys(self) -> tuple[Expression, ...]:
        """The expressions that partition."""
        return tuple(found for found in self.expressions if found.namespace.startswith("part"))

    def uses(self, namespace: str, value: str | None = None) -> bool:
        return any(
            found.namespace == namespace and value in (None, found.value)
            for found in self.expressions
        )

    def evaluate(
        self,
        when: datetime,
        random: str,
        keys: Mapping[Expression, str] | None = None,
        error_type: str = "",
    ) -> str:
        """The prefix of an object whose oldest record arrived at `when`; `random` are the
        characters of its random strings."""
        return "".join(
            part if isinstance(part, str) else _value(part, when, random, keys or {}, error_type)
            for part in self.parts
        )


@lru_cache(maxsize=1024)
def read_prefix(text: str) -> Prefix:
    return Prefix(text)


def _value(
    part: Expression,
    when: datetime,
    random: str,
    keys: Mapping[Expression, str],
    error_type: str,
) -> str:
    if part.namespace == "timestamp":
        return format_time(part.value, when)
    if part.namespace == "firehose":
        return random if part.value == "random-string" else error_type
    return keys[part]


def object_prefix(
    prefix: str | None, when: datetime, random: str, keys: Mapping[Expression, str] | None = None
) -> str:
    """Where an object goes: a prefix without any expression is followed by the hour."""
    read = read_prefix(prefix or "")
    if read.expressions:
        return read.evaluate(when, random, keys)
    return read.text + format_time(_DEFAULT_PATTERN, when)


def error_prefix(
    error_output_prefix: str | None, prefix: str | None, when: datetime, random: str, kind: str
) -> str:
    """Where failed records of a kind go; without expressions kind and hour follow."""
    read = read_prefix(error_output_prefix or prefix or "")
    if error_output_prefix and read.expressions:
        return read.evaluate(when, random, None, kind)
    return f"{read.text}{kind}/{format_time(_DEFAULT_PATTERN, when)}"


def check_prefixes(
    prefix: str | None, error_output_prefix: str | None, *, partitioned: bool
) -> None:
    """Judge the prefixes of one S3 configuration.

    Raises:
        InvalidArgument: naming the prefix and what is wrong with it.
    """
    data = _checked("Prefix", prefix)
    errors = _checked("ErrorOutputPrefix", error_output_prefix)
    if data.uses("firehose", "error-output-type"):
        raise InvalidArgument("Prefix cannot contain !{firehose:error-output-type}.")
    if data.expressions and not error_output_prefix:
        raise InvalidArgument(
            "ErrorOutputPrefix cannot be null or empty when Prefix contains expressions."
        )
    if errors.expressions and not errors.uses("firehose", "error-output-type"):
        raise InvalidArgument(
            "ErrorOutputPrefix with expressions must contain at least one "
            "instance of !{firehose:error-output-type}."
        )
    if errors.keys:
        raise InvalidArgument("ErrorOutputPrefix cannot contain partition keys.")
    if data.keys and not partitioned:
        raise InvalidArgument(
            "Dynamic Partitioning Namespaces can only be part of a prefix expression when "
            "Dynamic Partitioning is enabled."
        )
    if partitioned and not data.keys:
        raise InvalidArgument(
            "S3 Prefix should contain Dynamic Partitioning namespaces when Dynamic Partitioning is "
            "enabled."
        )
    if partitioned and not error_output_prefix:
        raise InvalidArgument(
            "ErrorOutputPrefix must be specified when dynamic partitioning is enabled."
        )


def _checked(name: str, text: str | None) -> Prefix:
    read = read_prefix(text or "")
    if any("!{" in part for part in read.parts if isinstance(part, str)):
        raise InvalidArgument(
            f"{name} is not valid: '!{{' may only begin an expression of the "
            "form !{namespace:value}."
        )
    for expression in read.expressions:
        if expression.namespace not in _NAMESPACES:
            raise InvalidArgument(f"{name} contains an unknown namespace: {expression.namespace}.")
        if expression.namespace == "firehose":
            if expression.value not in ("error-output-type", "random-string"):
                raise InvalidArgument(
                    f"{name} contains an unknown value of the firehose namespace: "
                    f"{expression.value}."
                )
        elif not expression.value:
            raise InvalidArgument(f"{name} contains an expression without a value.")
    _check_length(name, read)
    return read


def _check_length(name: str, read: Prefix) -> None:
    keys = dict.fromkeys(read.keys, "")
    try:
        evaluated = read.evaluate(_SAMPLE, "r" * RANDOM_LENGTH, keys, "processing-failed")
    except BadPattern as error:
        raise InvalidArgument(f"{name} contains an invalid timestamp pattern: {error}.") from error
    if len(evaluated) > EVALUATED_SIZE_MAX:
        raise InvalidArgument(
            f"{name} cannot be longer than {EVALUATED_SIZE_MAX} characters after "
            "its expressions are evaluated."
        )


def check_zone(name: str | None) -> None:
    """Judge a CustomTimeZone.

    Raises:
        InvalidArgument: there is no such time zone.
    """
    if not name:
        return
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidArgument(f"CustomTimeZone is not a known time zone: {name}.") from error


def zoned(time_ms: int, zone: str | None) -> datetime:
    """A time as prefixes and names tell it: in UTC, or the custom time zone."""
    return datetime.fromtimestamp(time_ms / 1000, ZoneInfo(zone) if zone else UTC)
