"""Reads and writes single Avro records of the table's schema, in Avro's binary or JSON encoding.

Source: AvroRowDataDeserializationSchema and AvroRowDataSerializationSchema of Apache Flink 2.x.
"""

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import fastavro
import pyarrow as pa

from millpond.engines.streams.arrow import Array
from millpond.engines.streams.connectors.interface import RecordError
from millpond.engines.streams.connectors.options import boolean
from millpond.engines.streams.formats import unread
from millpond.engines.streams.formats.avro_schema import reader_of, schema_of_table, writer_of
from millpond.engines.streams.formats.interface import Decoded
from millpond.engines.streams.types import Column, schema_of


def _schema(columns: Sequence[Column], options: Mapping[str, str]) -> Any:
    legacy = boolean(options.get("timestamp_mapping.legacy", "true"))
    return fastavro.parse_schema(schema_of_table(columns, legacy=legacy, plain=True))


def _is_json(options: Mapping[str, str]) -> bool:
    return options.get("encoding", "binary").lower() == "json"


class AvroDecoder:
    """Reads records of a table's columns."""

    def __init__(
        self,
        columns: Sequence[Column],
        options: Mapping[str, str],
        paths: Mapping[str, str] | None = None,
    ) -> None:
        self._columns = [(each.name, reader_of(each.type)) for each in columns]
        self._arrow = schema_of(columns)
        self._schema = _schema(columns, options)
        self._read: Callable[[bytes], Any] = self._json if _is_json(options) else self._binary

    def decode(self, records: Array) -> Decoded:
        """Read records (a binary array without NULLs)."""
        rows: list[list[Any]] = []
        taken: list[int] = []
        errors: list[RecordError] = []
        for place, record in enumerate(records.to_pylist()):
            try:
                rows.append(self._row(record))
                taken.append(place)
            except Exception as reason:  # what fastavro raises on hostile bytes is not bounded
                errors.append(_error(reason, record))
        try:
            table = self._table(rows)
        except (pa.ArrowException, OverflowError, ValueError):
            table = self._checked(rows, taken, records, errors)
        return Decoded(table, pa.array(taken, pa.int64()) if errors else None, errors)

    def _row(self, record: bytes) -> list[Any]:
        found = self._read(record)
        return [
            found[name] if convert is None else convert(found[name])
            for name, convert in self._columns
        ]

    def _binary(self, record: bytes) -> Any:
        return fastavro.schemaless_reader(io.BytesIO(record), self._schema, None)

    def _json(self, record: bytes) -> Any:
        (found,) = fastavro.json_reader(io.StringIO(record.decode()), self._schema)
        return found

    def _table(self, rows: list[list[Any]]) -> pa.Table:
        columns = list(zip(*rows, strict=True)) or [()] * len(self._arrow)
        arrays = [
            pa.array(values, field.type) for values, field in zip(columns, self._arrow, strict=True)
        ]
        return pa.Table.from_arrays(arrays, schema=self._arrow)

    def _checked(
        self,
        rows: list[list[Any]],
        taken: list[int],
        records: Array,
        errors: list[RecordError],
    ) -> pa.Table:
        """The rows whose values their types can hold."""
        kept: list[list[Any]] = []
        places = []
        for row, place in zip(rows, taken, strict=True):
            try:
                self._table([row])
            except (pa.ArrowException, OverflowError, ValueError) as reason:
                errors.append(_error(reason, records[place].as_py()))
            else:
                kept.append(row)
                places.append(place)
        taken[:] = places
        return self._table(kept)


def _error(reason: Exception, record: bytes) -> RecordError:
    said = f"{type(reason).__name__} {reason}".strip()[:300]
    return RecordError(f"Failed to deserialize Avro record: {said}", unread.as_hex(record))


class AvroEncoder:
    """Writes rows of these columns."""

    def __init__(self, columns: Sequence[Column], options: Mapping[str, str]) -> None:
        self._columns = [(each.name, writer_of(each.type)) for each in columns]
        self._schema = _schema(columns, options)
        self._is_json = _is_json(options)

    def encode(self, rows: pa.Table) -> Array:
        """One record (binary) for each row."""
        names = [name for name, _ in self._columns]
        columns: list[Any] = []
        for name, convert in self._columns:
            values = rows.column(name).to_pylist()
            columns.append(values if convert is None else list(map(convert, values)))
        write = self._json if self._is_json else self._binary
        records = [write(dict(zip(names, row, strict=True))) for row in zip(*columns, strict=True)]
        return pa.array(records, pa.binary())

    def _binary(self, row: dict[str, Any]) -> bytes:
        out = io.BytesIO()
        fastavro.schemaless_writer(out, self._schema, row)
        return out.getvalue()

    def _json(self, row: dict[str, Any]) -> bytes:
        out = io.StringIO()
        fastavro.json_writer(out, self._schema, [row])
        return out.getvalue().strip().encode()
