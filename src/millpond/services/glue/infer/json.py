"""JSON: one record a line, records in one array, or one record over many lines.

Integers are `int` where 32 bits hold them all and `bigint` otherwise, as Glue writes them. Column
names are folded to lower case; names inside of structs stay as they are. A value nested deeper
than `DEPTH_MAX`, or a struct with a member that Hive's type syntax cannot name, is a `string`.

An array at the root gives the columns of its records. (Glue's own classifier gives one column
`array`, from which Athena reads nothing; its JSON path `$[*]` gives what is given here.)
"""

import json
import re
from collections.abc import Iterable
from itertools import islice
from typing import Any

from millpond.services.glue.classifiers.json_path import parse_json_path, select
from millpond.services.glue.infer.schema import FileSchema, column_name
from millpond.services.glue.infer.types import (
    BIGINT,
    BOOLEAN,
    DOUBLE,
    INT,
    STRING,
    UNSEEN,
    Array,
    HiveType,
    Struct,
    merge_all,
)

DEPTH_MAX = 32
RECORDS_MAX = 20_000
COLUMNS_MAX = 10_000

_SPACE = re.compile(r"[ \t\r\n]*")
_MEMBER = re.compile(r"[^\s:<>,`(){}]+(?: [^\s:<>,`(){}]+)*")


def infer_json(
    text: str, compression: str, sample_bytes: int, whole: bool, path: str = ""
) -> FileSchema | None:
    """The schema of JSON text, or None when `text` is not such. A cut-off end is left out. With a
    JSON path, the records are what stands there."""
    start = _skip_space(text, 0)
    is_array = text.startswith("[", start)
    try:
        if is_array:
            records = _read_array(text, start + 1)
        elif text.startswith("{", start):
            records = _read_records(text, start, whole)
        else:
            return None
    except (ValueError, RecursionError):
        return None
    if path:
        documents = [records] if is_array else records
        records = list(islice(select(documents, parse_json_path(path)), RECORDS_MAX))
    if not records or not all(isinstance(record, dict) for record in records):
        return None
    columns, paths = _columns(records)
    if not columns or len(columns) > COLUMNS_MAX:
        return None
    return FileSchema(
        classification="json",
        compression=compression,
        columns=tuple(columns.items()),
        records=len(records),
        sample_bytes=sample_bytes,
        whole=whole,
        paths=paths,
        json_path=path or ("$[*]" if is_array else ""),
    )


def _read_records(text: str, position: int, whole: bool) -> list[Any]:
    """Records one after another, whatever space is between them.

    Raises:
        ValueError: not JSON, other than where the sample is cut off.
    """
    decoder = json.JSONDecoder()
    records: list[Any] = []
    while position < len(text) and len(records) < RECORDS_MAX:
        try:
            record, end = decoder.raw_decode(text, position)
        except ValueError:
            if whole or not records:
                raise
            break
        records.append(record)
        position = _skip_space(text, end)
    return records


def _read_array(text: str, position: int) -> list[Any]:
    """The items of an array, up to where the sample is cut off."""
    decoder = json.JSONDecoder()
    records: list[Any] = []
    position = _skip_space(text, position)
    while position < len(text) and text[position] != "]" and len(records) < RECORDS_MAX:
        try:
            record, end = decoder.raw_decode(text, position)
        except ValueError:
            if not records:
                raise
            break
        records.append(record)
        position = _skip_space(text, end)
        if position < len(text) and text[position] == ",":
            position = _skip_space(text, position + 1)
        elif position < len(text) and text[position] != "]":
            raise ValueError("An array's items are separated by commas.")
    return records


def _skip_space(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    assert found is not None
    return found.end()


def _columns(records: Iterable[dict[str, Any]]) -> tuple[dict[str, HiveType], tuple[str, ...]]:
    columns: dict[str, list[HiveType]] = {}
    paths: dict[str, None] = {}
    for record in records:
        for member, value in record.items():
            name = column_name(member)
            if not name:
                continue
            columns.setdefault(name, []).append(_value_type(value, 1))
            if member.isprintable():
                paths[member] = None
    merged = {name: _writable(merge_all(kinds)) for name, kinds in columns.items()}
    return merged, tuple(paths)


def _value_type(value: Any, depth: int) -> HiveType:
    if value is None:
        return UNSEEN
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, int):
        if -(2**31) <= value < 2**31:
            return INT
        return BIGINT if -(2**63) <= value < 2**63 else DOUBLE
    if isinstance(value, float):
        return DOUBLE
    if isinstance(value, str) or depth >= DEPTH_MAX:
        return STRING
    if isinstance(value, list):
        return Array(merge_all(_value_type(part, depth + 1) for part in value))
    fields = ((name, _value_type(part, depth + 1)) for name, part in value.items())
    return Struct(tuple(fields))


def _writable(kind: HiveType) -> HiveType:
    """The type, with what Hive's syntax cannot write replaced by `string`."""
    if isinstance(kind, Array):
        return Array(_writable(kind.item))
    if isinstance(kind, Struct):
        if not kind.fields or not all(_is_writable(name) for name, _ in kind.fields):
            return STRING
        return Struct(tuple((name, _writable(part)) for name, part in kind.fields))
    return kind


def _is_writable(name: str) -> bool:
    """Whether Hive's type syntax can name a field so."""
    return name.isprintable() and _MEMBER.fullmatch(name) is not None
