"""Reads CSV records (RFC 4180), a row in each.

Records without quotes, escapes and line ends inside are split by Arrow all at once; others one by
one. Then each column is read from its texts.

Source: CsvRowDataDeserializationSchema and CsvToRowDataConverters of Apache Flink 2.x.
"""

import csv
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from millpond.engines.streams.arrow import Array, pc
from millpond.engines.streams.connectors.interface import RecordError
from millpond.engines.streams.formats import texts, unread
from millpond.engines.streams.formats.csv_form import CsvForm
from millpond.engines.streams.formats.interface import Decoded
from millpond.engines.streams.types import Column, DataType, schema_of


class CsvDecoder:
    """Reads records of a table's columns. `paths` gives columns other fields (from 0 on) than
    their place; then a record may have more fields than there are columns."""

    def __init__(
        self,
        columns: Sequence[Column],
        options: Mapping[str, str],
        paths: Mapping[str, str] | None = None,
    ) -> None:
        self._columns = tuple(columns)
        self._schema = schema_of(columns)
        self._form = CsvForm.of(options)
        places = {name: int(path) for name, path in (paths or {}).items()}
        self._places = [places.get(each.name, at) for at, each in enumerate(columns)]
        self._is_exact = not places
        self._fields = max(self._places, default=-1) + 1
        special = [each for each in (self._form.quote, self._form.escape, "\r", "\n") if each]
        self._special = "|".join(f"\\x{{{ord(each):x}}}" for each in special)

    def decode(self, records: Array) -> Decoded:
        """Read records (a binary array without NULLs)."""
        errors: dict[int, str] = {}
        lines, places = self._lines(records, errors)
        fields, places = self._split(lines, places, errors)
        arrays = []
        for column, at in zip(self._columns, self._places, strict=True):
            read, wrong = self._column(fields[at], column.type)
            arrays.append(read)
            if not self._form.ignores_errors:
                for row, reason in wrong.items():
                    errors.setdefault(
                        int(places[row]),
                        f"Fail to deserialize at field: {column.name}: {reason}",
                    )
        rows = pa.Table.from_arrays(arrays, schema=self._schema)
        if errors:
            kept = ~np.isin(places, list(errors))
            rows, places = rows.filter(pa.array(kept)), places[kept]
        if rows.num_rows == len(records):
            return Decoded(rows, None, ())
        told = [] if self._form.ignores_errors else _told(errors, records)
        return Decoded(rows, pa.array(places, pa.int64()), told)

    def _lines(self, records: Array, errors: dict[int, str]) -> tuple[Array, Any]:
        """The records as texts without the line end that they may have, and their places."""
        try:
            lines: Array = records.cast(pa.string())
        except pa.ArrowInvalid:
            found: list[str | None] = []
            for place, record in enumerate(records.to_pylist()):
                try:
                    found.append(record.decode())
                except UnicodeDecodeError as reason:
                    errors[place] = str(reason)
                    found.append(None)
            lines = pa.array(found, pa.string())
        places = np.arange(len(lines))
        lines = pc.utf8_rtrim(lines, "\r\n")
        passed = lines.is_valid()
        if self._form.allows_comments:
            passed = pc.and_(passed, pc.invert(pc.fill_null(pc.starts_with(lines, "#"), False)))
        kept = passed.to_numpy(zero_copy_only=False)
        return (lines, places) if kept.all() else (lines.filter(passed), places[kept])

    def _split(self, lines: Array, places: Any, errors: dict[int, str]) -> tuple[list[Array], Any]:
        """The fields of each line, by their number, and the places of lines that are whole."""
        is_special = pc.match_substring_regex(lines, self._special).to_numpy(zero_copy_only=False)
        if not is_special.any():
            return self._split_plain(lines, places, errors)
        plain, plain_places = self._split_plain(
            lines.filter(pa.array(~is_special)), places[~is_special], errors
        )
        odd_rows, odd_places = [], []
        odd = lines.filter(pa.array(is_special)).to_pylist()
        for place, line in zip(places[is_special], odd, strict=True):
            try:
                odd_rows.append(self._fields_of(line))
                odd_places.append(place)
            except (csv.Error, ValueError) as reason:
                errors[int(place)] = str(reason)
        merged = np.concatenate([plain_places, np.array(odd_places, plain_places.dtype)])
        order = pa.array(np.argsort(merged, kind="stable"))
        fields = []
        for at in range(self._fields):
            more = pa.array([row[at] for row in odd_rows], pa.string())
            fields.append(pa.concat_arrays([plain[at], more]).take(order))
        return fields, np.sort(merged)

    def _split_plain(
        self, lines: Array, places: Any, errors: dict[int, str]
    ) -> tuple[list[Array], Any]:
        parts: Array = pc.split_pattern(lines, self._form.delimiter)
        sizes = pc.list_value_length(parts).to_numpy(zero_copy_only=False)
        fits = sizes == self._fields if self._is_exact else sizes >= self._fields
        if not fits.all():
            if not self._form.ignores_errors:
                for place, size in zip(places[~fits], sizes[~fits], strict=True):
                    errors[int(place)] = self._mismatch(int(size))
            parts, places, sizes = parts.filter(pa.array(fits)), places[fits], sizes[fits]
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]) if len(sizes) else sizes
        flat: Array = parts.flatten()
        return [
            flat.take(pa.array(starts + at, pa.int64())).cast(pa.string())
            for at in range(self._fields)
        ], places

    def _mismatch(self, size: int) -> str:
        return f"Row length mismatch. {self._fields} fields expected but was {size}."

    def _fields_of(self, line: str) -> list[str]:
        form = self._form
        reader = csv.reader(
            line.splitlines(keepends=True),
            delimiter=form.delimiter,
            quotechar=form.quote,
            escapechar=form.escape,
            quoting=csv.QUOTE_NONE if form.quote is None else csv.QUOTE_MINIMAL,
            strict=True,
        )
        found = list(reader)
        if len(found) != 1:
            raise ValueError(f"One row expected but there are {len(found)}")
        fields = found[0]
        if len(fields) < self._fields or (self._is_exact and len(fields) > self._fields):
            raise ValueError(self._mismatch(len(fields)))
        return fields

    def _column(self, fields: Array, kind: DataType) -> tuple[Array, dict[int, str]]:
        if self._form.null is not None:
            is_null = pc.equal(fields, self._form.null)
            fields = pc.if_else(is_null, pa.scalar(None, pa.string()), fields)
        if kind.name not in ("ROW", "ARRAY"):
            return texts.read_texts(fields, kind, texts.SQL)
        values: list[Any] = []
        wrong: dict[int, str] = {}
        for at, text in enumerate(fields.to_pylist()):
            try:
                values.append(None if text is None else self._nested(text, kind))
            except ValueError as reason:
                values.append(None)
                wrong[at] = str(reason)
        return pa.array(values, kind.arrow()), wrong

    def _nested(self, text: str, kind: DataType) -> Any:
        parts = text.split(self._form.element_delimiter) if text else []
        if kind.name == "ARRAY":
            return [self._element(part, kind.fields[0][1]) for part in parts]
        if len(parts) != len(kind.fields):
            raise ValueError(
                f"Row length mismatch. {len(kind.fields)} fields expected but was {len(parts)}."
            )
        return {
            name: self._element(part, inner)
            for part, (name, inner) in zip(parts, kind.fields, strict=True)
        }

    def _element(self, text: str, kind: DataType) -> Any:
        return None if text == self._form.null else texts.read_text(text, kind, texts.SQL)


def _told(errors: Mapping[int, str], records: Array) -> list[RecordError]:
    found = []
    for place in sorted(errors):
        reason = f"Failed to deserialize CSV row: {errors[place][:500]}"
        found.append(RecordError(reason, unread.as_text(records[place].as_py())))
    return found
