"""Reads JSON records, an object (or several, or an array of objects) in each.

Records of the usual form are read by msgspec into structures made for the table, then column by
column into Arrow. One that does not fit them, by a number written as text, a missing field that
must be there, or for being no JSON at all, is looked at again on its own, with all that Flink's
JSON format allows; what is then left is an error, and the others do not pay for it.

Source: JsonParserRowDataDeserializationSchema and JsonParserToRowDataConverters of Apache Flink.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pyarrow as pa

from millpond.engines.streams.arrow import Array
from millpond.engines.streams.connectors.interface import RecordError
from millpond.engines.streams.connectors.options import boolean
from millpond.engines.streams.formats import texts, unread
from millpond.engines.streams.formats.interface import Decoded
from millpond.engines.streams.formats.json_columns import ColumnBuilder, fetched
from millpond.engines.streams.formats.json_paths import path_of
from millpond.engines.streams.formats.json_shapes import shape_of
from millpond.engines.streams.types import Column, DataType, schema_of

_MISSING: Any = object()


class JsonDecoder:
    """Reads records of a table's columns. `paths` places a column elsewhere than under its name."""

    def __init__(
        self,
        columns: Sequence[Column],
        options: Mapping[str, str],
        paths: Mapping[str, str] | None = None,
    ) -> None:
        self._columns = tuple(columns)
        self._schema = schema_of(columns)
        self._standard = options.get("timestamp-format.standard", texts.SQL).upper()
        self._ignores_errors = boolean(options.get("ignore-parse-errors", "false"))
        self._needs_all = boolean(options.get("fail-on-missing-field", "false"))
        self._paths = [
            path_of((paths or {})[column.name]) if column.name in (paths or {}) else (column.name,)
            for column in columns
        ]
        shape = shape_of(self._columns, self._paths, self._needs_all)
        self._fast: Any = None if shape is None else msgspec.json.Decoder(shape[0])
        self._getters = () if shape is None else shape[1]

    def decode(self, records: Array) -> Decoded:
        """Read records (a binary array without NULLs)."""
        lines: list[Any] = records.to_pylist()
        fast_rows, odd = self._read_fast(lines)
        rows, wrong = self._build(fast_rows)
        if not odd and not wrong:
            return Decoded(rows, None, ())
        places = _without(range(len(lines)), set(odd))
        if wrong:
            kept = [at for at in range(len(places)) if at not in wrong]
            odd = sorted(odd + [places[at] for at in wrong])
            rows = rows.take(pa.array(kept, pa.int64()))
            places = [places[at] for at in kept]
        return self._merge(rows, places, lines, odd)

    def _read_fast(self, lines: list[bytes]) -> tuple[list[Any], list[int]]:
        """What was read, and the places of those records that were not."""
        if self._fast is None:
            return [], list(range(len(lines)))
        decode = self._fast.decode
        try:
            return list(map(decode, lines)), []
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError):
            pass
        rows, odd = [], []
        for place, line in enumerate(lines):
            try:
                rows.append(decode(line))
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError):
                odd.append(place)
        return rows, odd

    def _build(self, rows: list[Any]) -> tuple[pa.Table, set[int]]:
        """A table of what was read, and the places of rows with a value that does not fit."""
        if not rows:
            return self._schema.empty_table(), set()
        wrong: set[int] = set()
        build = ColumnBuilder(self._standard, wrong).build
        arrays = [
            build(fetched(rows, getters), column.type, None)
            for column, getters in zip(self._columns, self._getters, strict=True)
        ]
        return pa.Table.from_arrays(arrays, schema=self._schema), wrong

    def _merge(
        self, rows: pa.Table, places: list[int], lines: list[bytes], odd: list[int]
    ) -> Decoded:
        """Put the rows of odd records between the others, in order."""
        values: list[list[Any]] = []
        value_places: list[int] = []
        errors = []
        for place in odd:
            try:
                found = self._read_slow(lines[place])
            except (ValueError, RecursionError) as reason:
                if not self._ignores_errors:
                    errors.append(_error(reason, lines[place]))
                continue
            values += found
            value_places += [place] * len(found)
        taken = places + value_places
        if values:
            columns = zip(*values, strict=True)
            odd_rows = pa.Table.from_arrays(
                [
                    pa.array(column, field.type)
                    for column, field in zip(columns, self._schema, strict=True)
                ],
                schema=self._schema,
            )
            order = sorted(range(len(taken)), key=taken.__getitem__)
            rows = pa.concat_tables([rows, odd_rows]).take(pa.array(order, pa.int64()))
            taken = [taken[at] for at in order]
        return Decoded(rows, pa.array(taken, pa.int64()), errors)

    def _read_slow(self, line: bytes) -> list[list[Any]]:
        """The rows of one record.

        Raises:
            ValueError: it cannot be read; the text says why.
        """
        return [self._row(document) for document in _documents(line)]

    def _row(self, document: Any) -> list[Any]:
        if not isinstance(document, dict):
            raise ValueError("JSON object or array expected")
        return [
            self._field(_at(document, path), column)
            for column, path in zip(self._columns, self._paths, strict=True)
        ]

    def _field(self, value: Any, column: Column) -> Any:
        if value is _MISSING:
            if self._needs_all:
                raise ValueError(f"Could not find field with name '{column.name}'")
            return None
        try:
            return self._value(value, column.type)
        except ValueError as reason:
            raise ValueError(f"Fail to deserialize at field: {column.name}: {reason}") from None

    def _value(self, value: Any, kind: DataType) -> Any:
        if value is None:
            return None
        try:
            return self._converted(value, kind)
        except ValueError:
            if self._ignores_errors:
                return None
            raise

    def _converted(self, value: Any, kind: DataType) -> Any:
        name = kind.name
        if name in texts.TEXTS:
            return _text(value)
        if name == "ROW":
            _expect(value, dict, kind)
            return {
                field: self._field(value.get(field, _MISSING), Column(field, inner))
                for field, inner in kind.fields
            }
        if name in ("ARRAY",):
            _expect(value, list, kind)
            return [self._value(each, kind.fields[0][1]) for each in value]
        if name in ("MAP", "MULTISET"):
            _expect(value, dict, kind)
            return self._entries(value, kind)
        if isinstance(value, dict | list):
            raise ValueError(f"an object or array is no {kind.flink()}")
        if name in texts.INTEGERS and isinstance(value, _Number):
            return texts.in_range(_whole(value), kind)
        text = _text(value)
        return texts.read_text(text, kind, self._standard)

    def _entries(self, value: dict[str, Any], kind: DataType) -> list[tuple[Any, Any]]:
        key, inner = kind.fields[0][1], kind.fields[-1][1]
        return [
            (self._converted(name, key), self._value(each, inner)) for name, each in value.items()
        ]


class _Number(float):
    """A JSON number that is not a whole one, with its text."""

    text: str

    def __new__(cls, text: str) -> "_Number":
        made = super().__new__(cls, text)
        made.text = text
        return made


def _refuse_constant(text: str) -> Any:
    raise ValueError(f"Non-standard token '{text}'")


_SLOW = json.JSONDecoder(parse_float=_Number, parse_constant=_refuse_constant, strict=False)


def _documents(line: bytes) -> list[Any]:
    """The objects of a record: those of an array, or those that follow one another."""
    text = line.decode("utf-8-sig")
    found: list[Any] = []
    at, end = 0, len(text.rstrip(" \t\r\n"))
    while True:
        while at < end and text[at] in " \t\r\n":
            at += 1
        if at >= end:
            break
        document, at = _SLOW.raw_decode(text, at)
        found += document if isinstance(document, list) else [document]
    if not found and "[" not in text:
        raise ValueError("JSON object or array expected, the record is empty")
    return found


def _at(document: Any, path: Sequence[str | int]) -> Any:
    for part in path:
        if isinstance(part, str):
            document = document.get(part, _MISSING) if isinstance(document, dict) else _MISSING
        elif isinstance(document, list) and -len(document) <= part < len(document):
            document = document[part]
        else:
            return _MISSING
    return document


def _text(value: Any) -> str:
    if isinstance(value, _Number):
        return value.text
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict | list):
        plain = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return plain.encode("utf-8", "replace").decode()
    return str(value).lower() if isinstance(value, bool) else str(value)


def _whole(value: _Number) -> int:
    try:
        return int(value)
    except (OverflowError, ValueError):
        raise ValueError(f"'{value.text[:60]}' is no whole number") from None


def _expect(value: Any, wanted: type, kind: DataType) -> None:
    if not isinstance(value, wanted):
        raise ValueError(f"{'an object' if wanted is dict else 'an array'} for {kind.flink()}")


def _error(reason: Exception, line: bytes) -> RecordError:
    said = "it is nested too deeply" if isinstance(reason, RecursionError) else str(reason)
    return RecordError(f"Failed to deserialize JSON: {said[:500]}", unread.as_text(line))


def _without(places: range, left_out: set[int]) -> list[int]:
    return [place for place in places if place not in left_out] if left_out else list(places)
