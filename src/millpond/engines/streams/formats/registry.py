"""All formats of single records: their options, and what reads and writes.

Files of Parquet are the filesystem connector's own; here only their options are known.
"""

import importlib
from collections.abc import Sequence
from typing import Any, cast

from millpond.engines.streams.connectors import options as read
from millpond.engines.streams.connectors.described import Option, inert, switches, texts, wholes
from millpond.engines.streams.formats import texts as forms
from millpond.engines.streams.formats.interface import Decoder, Encoder
from millpond.engines.streams.plan import Table
from millpond.engines.streams.types import Column

FLINK_ONLY = frozenset(
    (
        "avro-confluent",
        "avro-glue",
        "canal-json",
        "debezium-avro-confluent",
        "debezium-json",
        "json-glue",
        "maxwell-json",
        "ogg-json",
        "orc",
        "protobuf",
        "protobuf-confluent",
    )
)
_HERE = "millpond.engines.streams.formats"
_CLASSES = {
    "json": (f"{_HERE}.json_decoder:JsonDecoder", f"{_HERE}.json_encoder:JsonEncoder"),
    "csv": (f"{_HERE}.csv_decoder:CsvDecoder", f"{_HERE}.csv_encoder:CsvEncoder"),
    "raw": (f"{_HERE}.raw:RawDecoder", f"{_HERE}.raw:RawEncoder"),
    "avro": (f"{_HERE}.avro:AvroDecoder", f"{_HERE}.avro:AvroEncoder"),
}

_OPTIONS: dict[str, tuple[Option, ...]] = {
    "json": (
        *switches("fail-on-missing-field", "ignore-parse-errors"),
        Option("timestamp-format.standard", choices=forms.STANDARDS),
        Option("map-null-key.mode", choices=("FAIL", "DROP", "LITERAL")),
        *texts("map-null-key.literal"),
        *switches("encode.decimal-as-plain-number", "encode.ignore-null-fields"),
        *inert(switches("decode.json-parser.enabled")),
    ),
    "csv": (
        *texts("field-delimiter", "quote-character", "array-element-delimiter"),
        *texts("escape-character", "null-literal"),
        *switches("disable-quote-character", "allow-comments", "ignore-parse-errors"),
        *switches("write-bigdecimal-in-scientific-notation"),
    ),
    "raw": (
        *texts("charset"),
        Option("endianness", choices=("big-endian", "little-endian")),
    ),
    "avro": (
        Option("encoding", choices=("binary", "json")),
        *switches("timestamp_mapping.legacy"),
        *inert(Option("codec", choices=("null", "deflate", "snappy", "bzip2", "xz"))),
    ),
    "parquet": (
        Option(
            "compression",
            choices=("UNCOMPRESSED", "SNAPPY", "GZIP", "ZSTD", "LZ4", "LZ4_RAW", "BROTLI"),
        ),
        *switches("enable.dictionary"),
        *inert(
            switches("utc-timezone", "write.int64.timestamp"),
            Option("timestamp.time.unit", choices=("nanos", "micros", "millis")),
            wholes("batch-size", "page.size", "dictionary.page.size", least=1),
            Option("block.size", read.size_bytes, least=1),
        ),
    ),
}


def option(name: str, key: str) -> Option | None:
    """The option `<name>.<key>`; None if the format has none such."""
    return next((each for each in _OPTIONS.get(name, ()) if each.matches(key)), None)


def option_names(name: str) -> list[str]:
    """A format's options, without its name in front."""
    return [each.name for each in _OPTIONS.get(name, ())]


def described() -> dict[str, tuple[Option, ...]]:
    """All formats by name, with their options."""
    return dict(_OPTIONS)


def options_of(table: Table) -> dict[str, str]:
    """The options of a table's format, without its name in front."""
    prefix = f"{table.option('format')}."
    return {
        name.removeprefix(prefix): text for name, text in table.options if name.startswith(prefix)
    }


def make_decoder(table: Table, columns: Sequence[Column] | None = None) -> Decoder:
    """What reads records of a table's format into its columns (or into these of them)."""
    columns = table.columns if columns is None else columns
    made = _class_of(table, 0)(columns, options_of(table), dict(table.paths))
    return cast(Decoder, made)


def make_encoder(table: Table, columns: Sequence[Column] | None = None) -> Encoder:
    """What writes rows of a table's columns (or of these of them) in its format."""
    columns = table.columns if columns is None else columns
    return cast(Encoder, _class_of(table, 1)(columns, options_of(table)))


def _class_of(table: Table, which: int) -> Any:
    module, _, name = _CLASSES[table.option("format") or ""][which].partition(":")
    return getattr(importlib.import_module(module), name)
