"""Python functions over records: `map` and `filter`.

A function gets a record as a dictionary; a field that is null in a record is None there. A record
for which a function fails becomes an error record, except that `filter` simply leaves out those
that lack what it asks for (KeyError, ValueError, TypeError), as on Glue.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from .casts import to_text
from .gluetypes import DynamicRecord, StructType, _revert_to_dict
from .plan import Errors, Step
from .values import from_records, to_records

Function = Callable[[Any], Any]


def filtering(function: Function, schema: StructType, info: str) -> Step:
    """The step that keeps the records for which a function says so."""

    def step(batch: pa.RecordBatch, errors: Errors) -> pa.RecordBatch:
        kept = []
        for record in to_records(batch, schema):
            try:
                kept.append(bool(function(record)))
            except (KeyError, ValueError, TypeError):
                kept.append(False)
            except Exception as error:
                kept.append(False)
                _tell(errors, error, record, info)
        return batch.filter(pa.array(kept, pa.bool_()))

    return step


def mapping(function: Function, schema: StructType, made: StructType, info: str) -> Step:
    """The step that makes another record of each, of a schema that is known already."""

    def step(batch: pa.RecordBatch, errors: Errors) -> pa.RecordBatch:
        records = []
        for record in to_records(batch, schema):
            try:
                changed = _revert_to_dict(function(record))
            except Exception as error:
                _tell(errors, error, record, info)
                continue
            if changed:
                records.append(changed)
            else:
                _tell(errors, ValueError(_NOTHING), record, info)
        return from_records(records, made)

    return step


_NOTHING = "User-specified function returned None instead of DynamicRecord"


def made_by(function: Function) -> Callable[[DynamicRecord], Any]:
    """What a function makes of a record; None where it fails."""

    def look(record: DynamicRecord) -> Any:
        try:
            return _revert_to_dict(function(record)) or None
        except Exception:
            return None

    return look


def _tell(errors: Errors, error: Exception, record: dict[str, Any], info: str) -> None:
    if errors is not None:
        errors.append(
            error_record(
                str(error),
                stack="".join(traceback.format_exception(type(error), error, error.__traceback__)),
                record=record,
                info=info,
            )
        )


def error_record(
    message: str,
    stack: str = "",
    text: str | None = None,
    source: str | None = None,
    record: dict[str, Any] | None = None,
    info: str = "",
) -> dict[str, Any]:
    """One of `plan.ERROR_SCHEMA`."""
    return {
        "msg": message,
        "stackTrace": stack,
        "input": text,
        "source": source,
        "dynamicRecord": None if record is None else json.dumps(record, default=to_text),
        "site": "",
        "info": info,
    }
