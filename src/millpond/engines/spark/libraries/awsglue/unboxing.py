"""Unbox: text in a field that is itself a record, in JSON, CSV, XML or Avro.

Source: "Unbox class" (AWS Glue developer guide).
"""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa

from . import changes
from .columns import at_path
from .gluetypes import Field, StringType
from .paths import Path, find_path, type_at
from .plan import Errors, Rows
from .records import error_record
from .refusals import NotSupported, is_true, refuse_others
from .shapes import to_type
from .values import to_array, to_records

_OPTIONS = ("separator", "escaper", "quoteChar", "skipFirst", "withHeader", "withSchema", "rowTag")
Parse = Callable[[str], Any]


def unbox(rows: Rows, text: str, format_name: str, options: Mapping[str, Any], info: str) -> Rows:
    """The rows with the field's text parsed: it is of the type that all texts together have.

    Raises:
        ValueError: there is no such field.
        NotSupported: the format or an option is not supported.
    """
    if rows.is_empty:
        return rows
    path = find_path(rows.schema, text)
    if path is None:
        raise ValueError(f"There is no field {text}.")
    if not isinstance(type_at(rows.schema, path), StringType):
        return rows
    parse = _parser(format_name.lower(), options)
    kind = to_type(_look(rows, path, parse))

    def change(field: Field) -> changes.Made:
        return [(Field(field.name, kind), lambda array: _parsed(array, parse)[0](kind))]

    schema, step = changes.at_path(rows.schema, path, change)
    old = rows.schema

    def checked(batch: pa.RecordBatch, errors: Errors) -> pa.RecordBatch:
        try:
            array = at_path(batch, old, path)
        except ValueError:
            return step(batch, errors)
        wrong = _parsed(array, parse)[1]
        if any(wrong):
            if errors is not None:
                records = to_records(batch, old)
                errors += [
                    error_record(message, text=array[at].as_py(), record=records[at], info=info)
                    for at, message in enumerate(wrong)
                    if message
                ]
            batch = batch.filter(pa.array([not message for message in wrong], pa.bool_()))
        return step(batch, errors)

    return rows.then(checked, schema, can_fail=True)


def _look(rows: Rows, path: Path, parse: Parse) -> Any:
    def look(record: Any) -> Any:
        shown: list[Any] = []
        _values(record, path, shown)
        found = []
        for text in shown:
            try:
                found.append(parse(text))
            except (ValueError, KeyError, TypeError):
                continue
        return {"found": found}

    shape = rows.shape(look)
    return shape.get("struct", {}).get("found", {}).get("array", {})


def _values(value: Any, path: Path, found: list[Any]) -> None:
    if isinstance(value, list):
        for one in value:
            _values(one, path, found)
    elif not path:
        if isinstance(value, str):
            found.append(value)
    elif isinstance(value, dict):
        _values(value.get(path[0]), path[1:], found)


def _parsed(array: pa.Array, parse: Parse) -> tuple[Callable[[Any], pa.Array], list[str]]:
    values, wrong = [], []
    for text in array.to_pylist():
        message = ""
        value = None
        if text is not None:
            try:
                value = parse(text)
            except (ValueError, KeyError, TypeError) as error:
                message = str(error) or type(error).__name__
        values.append(value)
        wrong.append(message)
    return (lambda kind: to_array(values, kind)), wrong


def _parser(name: str, options: Mapping[str, Any]) -> Parse:
    refuse_others("unbox", options, _OPTIONS)
    if name == "json":
        return json.loads
    if name == "csv":
        return _csv(options)
    if name == "avro":
        return _avro(options)
    raise NotSupported(f"unbox: the format {name} is not supported; json, csv and avro are.")


def _csv(options: Mapping[str, Any]) -> Parse:
    separator = str(options.get("separator", ","))
    quote = str(options.get("quoteChar", '"'))
    escape = str(options.get("escaper") or "") or None
    header = is_true(options.get("withHeader", False))
    skip = is_true(options.get("skipFirst", False))

    def parse(text: str) -> Any:
        lines = list(
            csv.reader(io.StringIO(text), delimiter=separator, quotechar=quote, escapechar=escape)
        )
        names = lines.pop(0) if header and lines else None
        row = (lines[1:] if skip else lines)[0] if lines else []
        return {(names[i] if names else f"col{i}"): value for i, value in enumerate(row)}

    return parse


def _avro(options: Mapping[str, Any]) -> Parse:
    given = options.get("withSchema")
    if not given:
        raise ValueError("unbox: Avro needs its schema in the option withSchema.")
    declared = json.loads(given) if isinstance(given, str) else given

    def parse(text: str) -> Any:
        import fastavro  # noqa: PLC0415 - only Avro needs it

        return fastavro.schemaless_reader(io.BytesIO(base64.b64decode(text)), declared, None)

    return parse
