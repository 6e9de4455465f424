"""SplitRows: which records meet all comparisons. A value that cannot be compared meets none."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa

from .gluetypes import StructType
from .paths import find_path
from .plan import Errors, Step
from .values import to_records

_OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
}


def rows_where(
    schema: StructType, comparisons: Mapping[str, Mapping[str, Any]], wanted: bool
) -> Step:
    """The step that keeps the records that meet all comparisons, or the others.

    Raises:
        ValueError: there is no such field or comparator.
    """
    checks = []
    for text, by in comparisons.items() if schema.fields else ():
        path = find_path(schema, text)
        if path is None:
            raise ValueError(f"There is no field {text}.")
        for sign, value in by.items():
            if sign not in _OPERATORS:
                raise ValueError(f"{sign} is no comparator: one of {', '.join(_OPERATORS)}.")
            checks.append((path, sign, value))

    def step(batch: pa.RecordBatch, errors: Errors) -> pa.RecordBatch:
        kept = []
        for record in to_records(batch, schema):
            kept.append(all(_meets(record, *check) for check in checks) is wanted)
        return batch.filter(pa.array(kept, pa.bool_()))

    return step


def _meets(record: Any, path: tuple[str, ...], sign: str, wanted: Any) -> bool:
    value = record
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    if value is None or isinstance(value, (dict, list)):
        return False
    try:
        return bool(_OPERATORS[sign](value, wanted))
    except TypeError:
        return False
