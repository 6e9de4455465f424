"""Turns JSON values into the values of a column, by its type and its SerDe's leniency.

Pure. OpenX reads numbers and booleans from text too; the Hive SerDe does not. Both write text of
whatever else stands where text is asked for.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from typing import Any

import msgspec

from millpond.services.firehose.convert.timestamps import ReadTime, read_date
from millpond.services.firehose.convert.types import Type

Read = Callable[[Any], Any]
"""Reads a value that is not null.

Raises:
    ValueError: it does not fit; the text says why.
"""
_RANGES: Mapping[str, int] = {"tinyint": 7, "smallint": 15, "int": 31, "bigint": 63}
_WHOLE = re.compile(r"[+-]?\d{1,19}", re.ASCII)
_DECIMALS = Context(prec=80)
_encode = msgspec.json.Encoder(decimal_format="number").encode


@dataclass(frozen=True, slots=True)
class Serde:
    """How values are read. `is_lenient`: numbers and booleans from text. `key` gives the column's
    or field's name for a key of the JSON, `map_key` the key of a map for one; None: they are the
    same."""

    is_lenient: bool
    read_time: ReadTime
    key: Callable[[str], str] | None = None
    map_key: Callable[[str], str] | None = None


def reader_of(type_: Type, serde: Serde) -> Read:
    """What reads values of a type."""
    match type_.name:
        case "string":
            return text_of
        case "binary":
            return lambda value: text_of(value).encode()
        case "boolean":
            return _lenient_boolean if serde.is_lenient else _boolean
        case "tinyint" | "smallint" | "int" | "bigint":
            return _whole(_RANGES[type_.name], serde.is_lenient)
        case "float" | "double":
            return _lenient_number if serde.is_lenient else _number
        case "decimal":
            return _decimal(type_, serde.is_lenient)
        case "date":
            return read_date
        case "timestamp" | "timestamptz":
            return serde.read_time
        case "refused":
            return _refuse
        case "array":
            return _array(_inner(type_, 0, serde))
        case "map":
            key, one = reader_of(type_.inner[0], serde), _inner(type_, 1, serde)
            return _map(key, one, serde)
        case "struct":
            return _struct(type_, serde)
    raise AssertionError(type_.name)


def text_of(value: Any) -> str:
    """A value as text: JSON, but for text itself."""
    return value if isinstance(value, str) else _encode(value).decode()


def _misfit(value: Any, what: str) -> ValueError:
    return ValueError(f"{text_of(value)[:64]} is no {what}.")


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise _misfit(value, "boolean")


def _lenient_boolean(value: Any) -> bool:
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    return _boolean(value)


def _whole(bits: int, is_lenient: bool) -> Read:
    low, high = -(1 << bits), (1 << bits) - 1

    def read(value: Any) -> int:
        if is_lenient and isinstance(value, str) and _WHOLE.fullmatch(value):
            value = int(value)
        if isinstance(value, float | Decimal) and -1e19 < value < 1e19 and value % 1 == 0:
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise _misfit(value, "whole number")
        if not low <= value <= high:
            raise ValueError(f"{value} is out of range ({low} to {high}).")
        return value

    return read


def _number(value: Any) -> float:
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            raise ValueError("A number is out of range.") from None
    raise _misfit(value, "number")


def _lenient_number(value: Any) -> float:
    if isinstance(value, str) and "_" not in value:
        try:
            return float(value)
        except ValueError:
            raise _misfit(value, "number") from None
    return _number(value)


def _decimal(type_: Type, is_lenient: bool) -> Read:
    step = Decimal(1).scaleb(-type_.scale)
    high = Decimal(10) ** (type_.precision - type_.scale)

    def read(value: Any) -> Decimal:
        allowed = (int, float, Decimal, str) if is_lenient else (int, float, Decimal)
        if isinstance(value, bool) or not isinstance(value, allowed):
            raise _misfit(value, "number")
        try:
            exact = Decimal(str(value)) if isinstance(value, float | str) else Decimal(value)
            rounded = exact.quantize(step, ROUND_HALF_UP, _DECIMALS)
            fits = abs(rounded) < high
        except InvalidOperation:
            raise _misfit(value, "number that fits") from None
        if not fits:
            raise ValueError(f"{value} does not fit decimal({type_.precision},{type_.scale}).")
        return rounded

    return read


def _refuse(value: Any) -> Any:
    raise ValueError("Values of its type are not implemented.")


def _inner(type_: Type, at: int, serde: Serde) -> Read:
    """What reads a value inside another one, which may be null unless it is required."""
    read = reader_of(type_.inner[at], serde)
    is_required = bool(type_.required) and type_.required[at]

    def read_inner(value: Any) -> Any:
        if value is not None:
            return read(value)
        if is_required:
            raise ValueError("A value is missing that is required.")
        return None

    return read_inner


def _array(read: Read) -> Read:
    def read_array(value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise _misfit(value, "array")
        return [read(one) for one in value]

    return read_array


def _map(read_key: Read, read_value: Read, serde: Serde) -> Read:
    def read_map(value: Any) -> list[tuple[Any, Any]]:
        if not isinstance(value, dict):
            raise _misfit(value, "map")
        found: dict[Any, Any] = {}
        for name, one in value.items():
            found[read_key(serde.map_key(name) if serde.map_key else name)] = read_value(one)
        return list(found.items())

    return read_map


def _struct(type_: Type, serde: Serde) -> Read:
    fields = [
        (name, serde.key(name) if serde.key else name, _inner(type_, at, serde))
        for at, name in enumerate(type_.fields)
    ]

    def read_struct(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _misfit(value, "struct")
        keyed = {serde.key(name): one for name, one in value.items()} if serde.key else value
        return {name: read(keyed.get(key)) for name, key, read in fields}

    return read_struct
