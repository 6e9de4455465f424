"""Tells a schema from a sample of records: JSON, with paths into its objects, or CSV.

Columns of JSON are the values that are no objects, named by their paths (`address.city` is
`address_city`, `$.address.city`); lists are kept as text. A column's type is the narrowest that
holds all values of the sample: BOOLEAN, INTEGER, BIGINT, DOUBLE, TIMESTAMP, or VARCHAR of a length
that is a power of two.
Source: developer guide for SQL, Using the schema discovery feature on streaming data.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

COLUMNS_MAX = 1_000
_DEPTH_MAX = 10
_LENGTH_MIN, _LENGTH_MAX = 4, 65_535
_INTEGER_MAX, _BIGINT_MAX = 2**31, 2**63
_TIMESTAMP = re.compile(
    r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)?", re.ASCII
)
_INTEGER = re.compile(r"[+-]?\d{1,19}", re.ASCII)
_DOUBLE = re.compile(r"[+-]?(\d+\.\d*|\.?\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_DELIMITERS = (",", "\t", "|", ";")
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_]+")


class NoSchema(ValueError):
    """The sample is neither JSON nor CSV; the text says why."""


@dataclass(frozen=True, slots=True)
class Detected:
    """SourceSchema with AWS's names, and the sample's rows: a text for each column."""

    schema: dict[str, Any]
    rows: list[list[str]]


def detect(records: Sequence[str]) -> Detected:
    """The schema of records.

    Raises:
        NoSchema: there is none.
    """
    rows = _json_rows(records)
    return _of_json(rows) if rows is not None else _of_csv(records)


# JSON


def _json_rows(records: Sequence[str]) -> list[dict[str, Any]] | None:
    """The objects in the records, which may hold several, or a list of them; None: no JSON."""
    decoder = json.JSONDecoder()
    rows: list[dict[str, Any]] = []
    for record in records:
        place, text = 0, record.strip()
        while place < len(text):
            try:
                value, place = decoder.raw_decode(text, place)
            except (ValueError, RecursionError):
                return None
            values = value if isinstance(value, list) else [value]
            if not values or not all(isinstance(one, dict) for one in values):
                return None
            rows += values
            while place < len(text) and text[place] in " \t\r\n,":
                place += 1
    return rows


def _of_json(rows: list[dict[str, Any]]) -> Detected:
    flat = [dict(_leaves(row, ())) for row in rows]
    paths = list(dict.fromkeys(path for row in flat for path in row))
    if not paths:
        raise NoSchema("The records are JSON objects without members.")
    if len(paths) > COLUMNS_MAX:
        raise NoSchema(f"The records have more than {COLUMNS_MAX} members.")
    names = _unlike("_".join(path) for path in paths)
    columns = [
        {
            "Name": name,
            "Mapping": _path(path),
            "SqlType": _type_of([row[path] for row in flat if path in row]),
        }
        for name, path in zip(names, paths, strict=True)
    ]
    schema = {
        "RecordFormat": {
            "RecordFormatType": "JSON",
            "MappingParameters": {"JSONMappingParameters": {"RecordRowPath": "$"}},
        },
        "RecordEncoding": "UTF-8",
        "RecordColumns": columns,
    }
    return Detected(schema, [[_shown(row.get(path)) for path in paths] for row in flat])


def _leaves(
    value: Mapping[str, Any], above: tuple[str, ...]
) -> Iterable[tuple[tuple[str, ...], Any]]:
    for name, inner in value.items():
        path = (*above, name)
        if isinstance(inner, dict) and inner and len(path) < _DEPTH_MAX:
            yield from _leaves(inner, path)
        else:
            yield path, inner


def _path(path: Iterable[str]) -> str:
    steps = [f".{step}" if re.fullmatch(r"\w+", step) else f"['{step}']" for step in path]
    return "$" + "".join(steps)


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


# CSV


def _of_csv(records: Sequence[str]) -> Detected:
    text = "\n".join(record.strip("\r\n") for record in records)
    lines = [line for line in text.splitlines() if line.strip()]
    best: tuple[int, str, list[list[str]]] = (0, "", [])
    for delimiter in _DELIMITERS:
        rows = _split(lines, delimiter)
        width = len(rows[0]) if rows else 0
        if width > max(best[0], 1) and all(len(row) == width for row in rows):
            best = (width, delimiter, rows)
    width, delimiter, rows = best
    if not rows:
        raise NoSchema(
            "The records are neither JSON objects nor rows of the same number of fields."
        )
    if width > COLUMNS_MAX:
        raise NoSchema(f"The rows have more than {COLUMNS_MAX} fields.")
    head = _head(rows)
    values = rows[1:] if head else rows
    names = _unlike(head or [f"COL_{place}" for place in range(1, width + 1)])
    columns = [
        {
            "Name": name,
            "Mapping": str(place),
            "SqlType": _type_of([_read(row[place]) for row in values]),
        }
        for place, name in enumerate(names)
    ]
    mapping = {"RecordRowDelimiter": "\n", "RecordColumnDelimiter": delimiter}
    schema = {
        "RecordFormat": {
            "RecordFormatType": "CSV",
            "MappingParameters": {"CSVMappingParameters": mapping},
        },
        "RecordEncoding": "UTF-8",
        "RecordColumns": columns,
    }
    return Detected(schema, values)


def _split(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    try:
        return list(csv.reader(io.StringIO("\n".join(lines)), delimiter=delimiter))
    except csv.Error:
        return []


def _head(rows: list[list[str]]) -> list[str] | None:
    """The first row, if it names columns: all words, above a row that is not only words."""
    if len(rows) < 2:
        return None
    first, second = rows[0], rows[1]
    named = all(field and isinstance(_read(field), str) for field in first)
    typed = any(not isinstance(_read(field), str) for field in second)
    return first if named and typed and len(set(first)) == len(first) else None


def _read(field: str) -> Any:
    """A field as what it looks like."""
    text = field.strip()
    if not text:
        return None
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _DOUBLE.fullmatch(text) else field


# Names and types


def _unlike(names: Iterable[str]) -> list[str]:
    """Names as columns may have them, each another."""
    unlike: list[str] = []
    taken: set[str] = set()
    for name in names:
        base = _NOT_IN_NAMES.sub("_", name).strip("_") or "COL"
        if base[0].isdigit():
            base = f"COL_{base}"
        free, number = base[:256], 1
        while free.lower() in taken:
            number += 1
            free = f"{base[:250]}_{number}"
        taken.add(free.lower())
        unlike.append(free)
    return unlike


def _type_of(values: Iterable[Any]) -> str:
    """The narrowest SQL type that holds all values."""
    known = [value for value in values if value is not None]
    if known and all(isinstance(value, bool) for value in known):
        return "BOOLEAN"
    numbers = [
        value for value in known if isinstance(value, (int, float)) and not isinstance(value, bool)
    ]
    if known and len(numbers) == len(known):
        if all(isinstance(value, int) for value in numbers):
            largest = max(abs(value) for value in numbers)
            if largest < _INTEGER_MAX:
                return "INTEGER"
            return "BIGINT" if largest < _BIGINT_MAX else "DOUBLE"
        return "DOUBLE"
    if known and all(isinstance(value, str) and _TIMESTAMP.fullmatch(value) for value in known):
        return "TIMESTAMP"
    longest = max((len(_shown(value)) for value in known), default=1)
    length = _LENGTH_MIN
    while length < longest:
        length *= 2
    return f"VARCHAR({min(length, _LENGTH_MAX)})"
