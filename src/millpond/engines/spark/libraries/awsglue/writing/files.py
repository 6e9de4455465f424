"""Files of a format, written batch by batch.

Sources: "Data format options for inputs and outputs in AWS Glue for Spark" (developer guide).
"""

from __future__ import annotations

import bz2
import csv
import io
import json
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import pyarrow as pa

from ..casts import to_text
from ..conversions import arrow_schema
from ..gluetypes import ChoiceType, DataType, StructType
from ..refusals import NotSupported, is_true, refuse_others
from ..values import to_records

_PARQUET_CODECS = {
    "snappy": "snappy", "gzip": "gzip", "lz4": "lz4", "uncompressed": "none", "none": "none",
    "brotli": "brotli", "zstd": "zstd",
}  # fmt: skip
_ORC_CODECS = {"snappy", "zlib", "lz4", "zstd", "uncompressed"}
_SUFFIXES = {"gzip": ".gz", "gz": ".gz", "bzip2": ".bz2", "deflate": ".deflate"}
_OF_CSV = (
    "separator", "escaper", "quoteChar", "writeHeader", "withHeader", "optimizePerformance",
    "multiLine", "multiline", "strictCheckForQuoting",
)  # fmt: skip


class Sink(Protocol):
    def write(self, data: bytes) -> Any: ...


class FileWriter(Protocol):
    def add(self, batch: pa.RecordBatch) -> None: ...
    def close(self) -> None: ...


Make = Callable[[Sink], FileWriter]


def find_writer(
    name: str, options: Mapping[str, Any], compression: str | None, schema: StructType
) -> tuple[Make, str]:
    """What writes a file of a format, and the end of its name.

    Raises:
        NotSupported: there is no such format or compression, or one of the options is not known.
    """
    name = name.lower()
    if name in ("parquet", "glueparquet"):
        refuse_others(
            "parquet", options, ("compression", "useGlueParquetWriter", "blockSize", "pageSize")
        )
        word = str(options.get("compression") or compression or "snappy").lower()
        codec = _known(_PARQUET_CODECS.get(word), "parquet", word)
        ending = "" if codec == "none" else f".{codec}"
        return lambda sink: _Parquet(sink, schema, codec), f"{ending}.parquet"
    if name == "orc":
        refuse_others("orc", options, ("compression",))
        word = str(options.get("compression") or compression or "snappy").lower()
        codec = _known(word if word in _ORC_CODECS else None, "orc", word)
        return lambda sink: _Orc(sink, schema, codec), ".orc"
    if name == "json":
        refuse_others(
            "json", options, ("multiline", "multiLine", "jsonPath", "optimizePerformance")
        )
        return _packed(lambda sink: _Json(sink, schema), compression, ".json")
    if name == "csv":
        refuse_others("csv", options, _OF_CSV)
        return _packed(lambda sink: _Csv(sink, schema, options), compression, ".csv")
    if name == "avro":
        refuse_others("avro", options, ("version",))
        return lambda sink: _Avro(sink, schema, compression), ".avro"
    raise NotSupported(f"Writing the format {name} is not supported.")


def _known(codec: str | None, name: str, word: str) -> str:
    if codec is None:
        raise NotSupported(f"{name}: the compression {word} is not supported.")
    return codec


def _packed(make: Make, compression: str | None, ending: str) -> tuple[Make, str]:
    word = (compression or "").lower()
    if word in ("", "none", "uncompressed"):
        return make, ending
    if word not in _SUFFIXES:
        raise NotSupported(f"The compression {word} is not supported: gzip, bzip2 or deflate.")
    return lambda sink: _Packing(make, sink, word), ending + _SUFFIXES[word]


class _Packing:
    def __init__(self, make: Make, sink: Sink, word: str) -> None:
        self._sink = sink
        self._squeeze: Any = (
            bz2.BZ2Compressor()
            if word == "bzip2"
            else zlib.compressobj(6, zlib.DEFLATED, 31 if word in ("gzip", "gz") else 15)
        )
        self._inner = make(self)

    def write(self, data: bytes) -> None:
        self._sink.write(self._squeeze.compress(data))

    def add(self, batch: pa.RecordBatch) -> None:
        self._inner.add(batch)

    def close(self) -> None:
        self._inner.close()
        self._sink.write(self._squeeze.flush())


class _Target(io.RawIOBase):
    def __init__(self, sink: Sink) -> None:
        super().__init__()
        self._sink = sink

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        given = bytes(data)
        self._sink.write(given)
        return len(given)


class _Parquet:
    def __init__(self, sink: Sink, schema: StructType, codec: str) -> None:
        from pyarrow import parquet  # noqa: PLC0415 - in workers only

        self._writer = parquet.ParquetWriter(
            pa.PythonFile(_Target(sink), "w"),
            arrow_schema(schema),
            compression=codec,
            use_deprecated_int96_timestamps=False,
        )
        self._schema = arrow_schema(schema)
        self._held: list[pa.RecordBatch] = []
        self._bytes = 0

    def add(self, batch: pa.RecordBatch) -> None:
        self._held.append(batch)
        self._bytes += batch.nbytes
        if self._bytes >= 64 << 20:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._held:
            self._writer.write_table(pa.Table.from_batches(self._held, self._schema))
        self._held, self._bytes = [], 0


class _Orc:
    def __init__(self, sink: Sink, schema: StructType, codec: str) -> None:
        from pyarrow import orc  # noqa: PLC0415 - in workers only

        self._writer = orc.ORCWriter(pa.PythonFile(_Target(sink), "w"), compression=codec)

    def add(self, batch: pa.RecordBatch) -> None:
        self._writer.write(pa.Table.from_batches([batch]))

    def close(self) -> None:
        self._writer.close()


class _Json:
    """A record on each line; fields without a value are left out."""

    def __init__(self, sink: Sink, schema: StructType) -> None:
        self._sink, self._schema = sink, schema

    def add(self, batch: pa.RecordBatch) -> None:
        lines = [
            json.dumps(_present(record), default=to_text, ensure_ascii=False, separators=(",", ":"))
            for record in to_records(batch, self._schema)
        ]
        self._sink.write(("\n".join(lines) + "\n").encode() if lines else b"")

    def close(self) -> None:
        pass


def _present(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _present(one) for name, one in value.items() if one is not None}
    if isinstance(value, list):
        return [_present(one) for one in value]
    return value


class _Csv:
    def __init__(self, sink: Sink, schema: StructType, options: Mapping[str, Any]) -> None:
        self._sink, self._schema = sink, schema
        quote = options.get("quoteChar", '"')
        quoted = quote not in (-1, "-1", None)
        self._text = io.StringIO()
        self._rows = csv.writer(
            self._text,
            delimiter=str(options.get("separator", ",")),
            quotechar=str(quote) if quoted else None,
            quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE,
            escapechar=str(options.get("escaper") or ("" if quoted else "\\")) or None,
            lineterminator="\n",
        )
        if is_true(options.get("writeHeader", True)):
            self._rows.writerow([field.name for field in schema])

    def add(self, batch: pa.RecordBatch) -> None:
        for record in to_records(batch, self._schema):
            self._rows.writerow(["" if v is None else to_text(v) for v in record.values()])
        self._flush()

    def close(self) -> None:
        self._flush()

    def _flush(self) -> None:
        self._sink.write(self._text.getvalue().encode())
        self._text.seek(0)
        self._text.truncate()


class _Avro:
    def __init__(self, sink: Sink, schema: StructType, compression: str | None) -> None:
        word = (compression or "null").lower()
        if word not in ("null", "none", "uncompressed", "deflate", "bzip2", "snappy"):
            raise NotSupported(f"avro: the compression {word} is not supported.")
        self._codec = "null" if word in ("none", "uncompressed") else word
        self._sink, self._schema = sink, schema
        self._records: list[Any] = []

    def add(self, batch: pa.RecordBatch) -> None:
        self._records += to_records(batch, self._schema)

    def close(self) -> None:
        import fastavro  # noqa: PLC0415 - only Avro needs it

        made = io.BytesIO()
        fastavro.writer(
            made, _avro_type(self._schema, ["topLevelRecord"]), self._records, self._codec
        )
        self._sink.write(made.getvalue())


def _avro_type(kind: DataType, names: list[str]) -> Any:
    from ..gluetypes import ArrayType, DecimalType, MapType  # noqa: PLC0415

    if isinstance(kind, StructType):
        name = names[0] if len(names) == 1 else f"{names[0]}_{len(names)}"
        fields = []
        for field in kind:
            names.append(field.name)
            inner = _avro_type(field.dataType, names)
            fields.append({"name": field.name, "type": ["null", *_flat(inner)], "default": None})
        return {"type": "record", "name": name, "fields": fields}
    if isinstance(kind, ChoiceType):
        return [_avro_type(one, names) for one in kind.sorted()]
    if isinstance(kind, ArrayType):
        return {"type": "array", "items": ["null", *_flat(_avro_type(kind.elementType, names))]}
    if isinstance(kind, MapType):
        return {"type": "map", "values": ["null", *_flat(_avro_type(kind.valueType, names))]}
    if isinstance(kind, DecimalType):
        return {
            "type": "bytes", "logicalType": "decimal",
            "precision": kind.precision, "scale": kind.scale,
        }  # fmt: skip
    return {
        "binary": "bytes", "byte": "int", "short": "int", "null": "string",
        "date": {"type": "int", "logicalType": "date"},
        "timestamp": {"type": "long", "logicalType": "timestamp-micros"},
    }.get(kind.typeName(), kind.typeName())  # fmt: skip


def _flat(kind: Any) -> list[Any]:
    return kind if isinstance(kind, list) else [kind]
