"""The type of a plain Python function's result, from its type hint."""

import datetime
import decimal
import types
import typing
from collections.abc import Callable
from typing import Any

from millpond.engines.streams.types import BIGINT, BOOLEAN, BYTES, DOUBLE, STRING, DataType

_PLAIN: dict[Any, DataType] = {
    bool: BOOLEAN,
    int: BIGINT,
    float: DOUBLE,
    str: STRING,
    bytes: BYTES,
    decimal.Decimal: DataType("DECIMAL", (38, 18)),
    datetime.date: DataType("DATE"),
    datetime.time: DataType("TIME", (0,)),
    datetime.datetime: DataType("TIMESTAMP", (6,)),
}


def result_of(function: Callable[..., Any]) -> DataType | None:
    """What its `->` says; None when it says nothing, or what is no type of SQL."""
    try:
        hint = typing.get_type_hints(function).get("return")
    except (NameError, TypeError):
        return None
    return _type_of(hint)


def _type_of(hint: Any) -> DataType | None:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        real = [one for one in inner if one is not types.NoneType]
        return _type_of(real[0]) if len(real) == 1 else None
    parts = [_type_of(one) for one in inner]
    fields = tuple(("", part) for part in parts if part is not None)
    if origin is list and len(fields) == 1:
        return DataType("ARRAY", (), fields)
    if origin is dict and len(fields) == 2:
        return DataType("MAP", (), fields)
    return _PLAIN.get(hint)
