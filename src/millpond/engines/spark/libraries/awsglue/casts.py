"""Values turned into another type. What cannot be turned is null, as in Glue: no record fails.

* Text becomes a number only if all of it is one, a date or a time in ISO's form, a boolean if it
  is `true` or `false` in any case.
* Fractions are cut off, numbers that do not fit are null.
* Numbers of seconds become times, and times numbers of seconds since 1970 (UTC).
* Structs, arrays and maps become text as JSON.

Sources: "DynamicFrame class" and "ResolveChoice" (AWS Glue developer guide); Spark's CAST for
times.
"""

from __future__ import annotations

import datetime
import decimal
import json
import math
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from .columns import conform, fields_of
from .conversions import to_arrow
from .gluetypes import (
    ArrayType,
    ChoiceType,
    DataType,
    DecimalType,
    MapType,
    NullType,
    StructType,
    UnknownType,
)
from .values import _reader

_WHOLE = {"byte": 8, "short": 16, "int": 32, "long": 64}
_NUMBERS = {*_WHOLE, "float", "double", "decimal"}
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def cast(array: pa.Array, have: DataType, want: DataType) -> pa.Array:
    """The values as `want`."""
    if isinstance(have, ChoiceType):
        parts = [
            cast(a, one, want) for one, a in zip(have.sorted(), fields_of(array), strict=False)
        ]
        return _first_present(parts, want, len(array))
    if have == want:
        return array
    if isinstance(have, (NullType, UnknownType)) or isinstance(want, (NullType, UnknownType)):
        return pa.nulls(len(array), to_arrow(want))
    if isinstance(want, (StructType, ArrayType, MapType, ChoiceType)):
        if type(have) is type(want):
            return conform(array, have, want)
        return pa.nulls(len(array), to_arrow(want))
    source, target = have.typeName(), want.typeName()
    if source in _NUMBERS and target in ("float", "double"):
        return array.cast(to_arrow(want), safe=False)
    if source in _WHOLE and target in _WHOLE and _WHOLE[target] >= _WHOLE[source]:
        return array.cast(to_arrow(want))
    if target == "string" and source in (*_WHOLE, "boolean"):
        return array.cast(pa.string())
    if source == "string" and target in (*_WHOLE, "double"):
        fast = _parse_numbers(array, want)
        if fast is not None:
            return fast
    return _one_by_one(array, have, want)


def _first_present(parts: list[pa.Array], want: DataType, rows: int) -> pa.Array:
    if not parts:
        return pa.nulls(rows, to_arrow(want))
    if not isinstance(want, (StructType, ArrayType, MapType, ChoiceType)):
        return pc.coalesce(*parts)
    made: list[Any] = [None] * rows
    for part in parts:
        for at, value in enumerate(part.to_pylist()):
            if made[at] is None:
                made[at] = value
    return pa.array(made, to_arrow(want))


def _parse_numbers(array: pa.Array, want: DataType) -> pa.Array | None:
    """All at once when every text is a number in plain form."""
    try:
        trimmed = pc.utf8_trim_whitespace(array)
        return pc.if_else(pc.equal(trimmed, ""), None, trimmed).cast(to_arrow(want))
    except pa.ArrowInvalid:
        return None


def _one_by_one(array: pa.Array, have: DataType, want: DataType) -> pa.Array:
    read = _reader(have)
    made = [cast_value(read(value), want) for value in array.to_pylist()]
    return pa.array(made, to_arrow(want))


def cast_value(value: Any, want: DataType) -> Any:
    """One value as a type without parts; None when it cannot be."""
    if value is None:
        return None
    target = want.typeName()
    try:
        if target in {"string", "enum"}:
            return to_text(value)
        if target in _WHOLE:
            return _whole(value, _WHOLE[target])
        if target in ("float", "double"):
            return _float(value)
        if target == "decimal":
            return _decimal(value, want)
        if target == "boolean":
            return _boolean(value)
        if target == "date":
            moment = _moment(value)
            return moment.date() if moment else None
        if target == "timestamp":
            return _moment(value)
        if target == "binary":
            return value.encode() if isinstance(value, str) else bytes(value)
    except (ValueError, TypeError, OverflowError, ArithmeticError):
        pass
    return None


def to_text(value: Any) -> str:
    """A value as Glue writes it."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return double_text(value)
    if isinstance(value, datetime.datetime):
        text = value.replace(tzinfo=None).isoformat(" ")
        return text.rstrip("0") if "." in text else text
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode("utf-8", "replace")
    if isinstance(value, (dict, list)):
        return json.dumps(value, default=to_text, separators=(",", ":"), ensure_ascii=False)
    return str(value)


def double_text(value: float) -> str:
    """A double as Java's `Double.toString` has it."""
    if math.isnan(value):
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        text = repr(value)
        if "e" not in text:
            return text
        return format(decimal.Decimal(text), "f")
    sign, digits, exponent = decimal.Decimal(repr(value)).normalize().as_tuple()
    whole = "".join(map(str, digits))
    mantissa = f"{whole[0]}.{whole[1:] or '0'}"
    return f"{'-' if sign else ''}{mantissa}E{int(exponent) + len(whole) - 1}"


def _whole(value: Any, bits: int) -> int | None:
    if isinstance(value, datetime.datetime):
        value = (value.replace(tzinfo=datetime.UTC) - _EPOCH).total_seconds() // 1
    if isinstance(value, str):
        text = value.strip()
        if not text.isascii() or "_" in text:
            return None
    whole = int(value)
    return whole if -(1 << bits - 1) <= whole < 1 << bits - 1 else None


def _float(value: Any) -> float | None:
    if isinstance(value, datetime.datetime):
        return (value.replace(tzinfo=datetime.UTC) - _EPOCH).total_seconds()
    if isinstance(value, str) and ("_" in value or not value.isascii()):
        return None
    return float(value)


def _decimal(value: Any, want: DataType) -> decimal.Decimal | None:
    assert isinstance(want, DecimalType)
    if isinstance(value, str):
        value = value.strip()
    given = decimal.Decimal(repr(value) if isinstance(value, float) else value)
    if not given.is_finite():
        return None
    exact = decimal.Context(prec=76, rounding=decimal.ROUND_HALF_UP)
    made = given.quantize(decimal.Decimal(1).scaleb(-want.scale), context=exact)
    return made if len(made.as_tuple().digits) <= want.precision else None


def _boolean(value: Any) -> bool | None:
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return bool(value) if isinstance(value, (int, float, decimal.Decimal)) else None


def _moment(value: Any) -> datetime.datetime | None:
    if isinstance(value, datetime.datetime):
        moment = value
    elif isinstance(value, datetime.date):
        moment = datetime.datetime.combine(value, datetime.time())
    elif isinstance(value, bool):
        return None
    elif isinstance(value, (int, float, decimal.Decimal)):
        moment = _EPOCH + datetime.timedelta(seconds=float(value))
    else:
        moment = _parse_moment(str(value).strip())
    if moment.tzinfo is not None:
        moment = moment.astimezone(datetime.UTC)
    return moment.replace(tzinfo=None)


def _parse_moment(text: str) -> datetime.datetime:
    text = text.replace("T", " ", 1)
    if text.endswith("Z"):
        text = text[:-1] + "+00:00"
    head, dot, tail = text.partition(".")
    if dot:
        digits = tail[: len(tail) - len(tail.lstrip("0123456789"))]
        text = f"{head}.{(digits + '000000')[:6]}{tail[len(digits) :]}"
    return datetime.datetime.fromisoformat(text)
