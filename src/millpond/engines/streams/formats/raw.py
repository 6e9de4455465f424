"""Reads and writes records that are one value, byte for byte.

Source: RawFormatDeserializationSchema and RawFormatSerializationSchema of Apache Flink 2.x.
"""

import codecs
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from millpond.engines.streams.arrow import Array, pc
from millpond.engines.streams.connectors.interface import RecordError
from millpond.engines.streams.formats import unread
from millpond.engines.streams.formats.interface import Decoded
from millpond.engines.streams.formats.texts import BINARIES, TEXTS
from millpond.engines.streams.types import Column, schema_of

_NUMBERS = {
    "BOOLEAN": "i1",
    "TINYINT": "i1",
    "SMALLINT": "i2",
    "INT": "i4",
    "BIGINT": "i8",
    "FLOAT": "f4",
    "DOUBLE": "f8",
}


def _number_of(column: Column, options: Mapping[str, str]) -> np.dtype[Any]:
    little = options.get("endianness") == "little-endian"
    return np.dtype(_NUMBERS[column.type.name]).newbyteorder("<" if little else ">")


class RawDecoder:
    """Reads records of one column."""

    def __init__(
        self,
        columns: Sequence[Column],
        options: Mapping[str, str],
        paths: Mapping[str, str] | None = None,
    ) -> None:
        self._column = columns[0]
        self._schema = schema_of(columns)
        self._options = options
        self._charset = codecs.lookup(options.get("charset", "UTF-8")).name

    def decode(self, records: Array) -> Decoded:
        """Read records (a binary array without NULLs). Bytes that are none of the charset become
        the replacement character, as in Java; numbers of a wrong size are errors."""
        name = self._column.type.name
        if name in BINARIES:
            return self._whole(records)
        if name in TEXTS:
            return self._whole(self._texts(records))
        number = _number_of(self._column, self._options)
        fits = pc.equal(pc.binary_length(records), number.itemsize)
        whole = records.filter(fits)
        data = np.frombuffer(b"".join(whole.to_pylist()), number)
        values = data != 0 if name == "BOOLEAN" else data.astype(number.newbyteorder("="))
        rows = pa.table([pa.array(values, self._column.type.arrow())], schema=self._schema)
        if len(whole) == len(records):
            return Decoded(rows, None, ())
        errors = [
            RecordError(
                f"Size of data received for deserializing {name} type is not {number.itemsize}.",
                unread.as_hex(record),
            )
            for record in records.filter(pc.invert(fits)).to_pylist()
        ]
        return Decoded(rows, pc.indices_nonzero(fits).cast(pa.int64()), errors)

    def _whole(self, values: Array) -> Decoded:
        return Decoded(pa.table([values], schema=self._schema), None, ())

    def _texts(self, records: Array) -> Array:
        if self._charset == "utf-8":
            try:
                return records.cast(pa.string())
            except pa.ArrowInvalid:
                pass
        texts = (record.decode(self._charset, "replace") for record in records.to_pylist())
        return pa.array(texts, pa.string(), size=len(records))


class RawEncoder:
    """Writes rows of one column; a NULL is an empty record."""

    def __init__(self, columns: Sequence[Column], options: Mapping[str, str]) -> None:
        self._column = columns[0]
        self._options = options
        self._charset = codecs.lookup(options.get("charset", "UTF-8")).name

    def encode(self, rows: pa.Table) -> Array:
        """One record (binary) for each row."""
        name = self._column.type.name
        values: Any = rows.column(self._column.name).to_pylist()
        if name in BINARIES:
            records = values
        elif name in TEXTS:
            records = [v if v is None else v.encode(self._charset, "replace") for v in values]
        else:
            number = _number_of(self._column, self._options)
            records = [v if v is None else np.array(v).astype(number).tobytes() for v in values]
        return pa.array([b"" if each is None else each for each in records], pa.binary())
