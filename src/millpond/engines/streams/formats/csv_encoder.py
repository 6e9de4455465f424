"""Writes rows as CSV records (RFC 4180), without a line end.

Texts that hold the delimiter, quotes, line ends or begin with `#` are quoted. Flink's writer quotes
long texts and those with spaces too; both are read alike.

Source: CsvRowDataSerializationSchema and RowDataToCsvConverters of Apache Flink 2.x.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from millpond.engines.streams.arrow import Array, pc
from millpond.engines.streams.formats import printed, texts
from millpond.engines.streams.formats.csv_form import CsvForm
from millpond.engines.streams.types import Column, DataType


class CsvEncoder:
    """Writes rows of these columns."""

    def __init__(self, columns: Sequence[Column], options: Mapping[str, str]) -> None:
        self._columns = tuple(columns)
        self._form = CsvForm.of(options)
        marks = {self._form.delimiter, self._form.quote or self._form.delimiter, "\r", "\n"}
        self._special = "^#|" + "|".join(f"\\x{{{ord(each):x}}}" for each in sorted(marks))

    def encode(self, rows: pa.Table) -> Array:
        """One record (binary) for each row; without a line end."""
        if not self._columns:
            return pa.array([b""] * rows.num_rows, pa.binary())
        fields = [
            self._field(rows.column(each.name).combine_chunks(), each.type)
            for each in self._columns
        ]
        lines: Array = pc.binary_join_element_wise(*fields, self._form.delimiter)
        return lines.cast(pa.binary())

    def _field(self, array: Array, kind: DataType) -> Array:
        plain = self._texts(array, kind)
        if kind.name in texts.TEXTS or kind.name in ("ARRAY", "ROW"):
            plain = self._quoted(plain)
        return pc.fill_null(plain, self._form.null or "")

    def _texts(self, array: Array, kind: DataType) -> Array:
        name = kind.name
        if kind.is_time:
            return printed.timestamps(array, kind, texts.SQL)
        if name == "TIME":
            return printed.times(array)
        if name == "DECIMAL":
            plain = not self._form.scientific
            return pa.array(
                [
                    None if value is None else printed.decimal(value, plain=plain)
                    for value in array.to_pylist()
                ],
                pa.string(),
            )
        if name in ("FLOAT", "DOUBLE"):
            doubles = printed.floats(array) if name == "FLOAT" else array
            return pa.array(
                [None if v is None else printed.java_double(v) for v in doubles.to_pylist()],
                pa.string(),
            )
        if name in texts.BINARIES:
            return printed.base64_texts(array)
        if name in ("ARRAY", "ROW"):
            return self._nested(array, kind)
        return array.cast(pa.string())

    def _nested(self, array: Array, kind: DataType) -> Array:
        """The elements of each value, joined by the delimiter of elements."""
        joined: list[Any] = []
        null = self._form.null or ""
        for value in array:
            if not value.is_valid:
                joined.append(None)
                continue
            if kind.name == "ARRAY":
                parts = self._texts(value.values, kind.fields[0][1]).to_pylist()
            else:
                parts = [
                    self._texts(pa.array([value[name].as_py()], inner.arrow()), inner)[0].as_py()
                    for name, inner in kind.fields
                ]
            joined.append(
                self._form.element_delimiter.join(null if p is None else p for p in parts)
            )
        return pa.array(joined, pa.string())

    def _quoted(self, plain: Array) -> Array:
        quote = self._form.quote
        if quote is None:
            return plain
        special = pc.match_substring_regex(plain, self._special)
        if self._form.null is not None:
            special = pc.or_(special, pc.equal(plain, ""))
        if not pc.any(special).as_py():
            return plain
        escape = self._form.escape
        inner = plain if escape is None else pc.replace_substring(plain, escape, escape * 2)
        doubled = pc.replace_substring(inner, quote, (escape or quote) + quote)
        enclosed = pc.binary_join_element_wise(quote, doubled, quote, "")
        return pc.if_else(special, enclosed, plain)
