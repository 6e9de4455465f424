"""Whether a table's columns and the options of its format go together."""

import codecs
from collections.abc import Mapping, Sequence

from millpond.engines.streams.connectors.options import boolean
from millpond.engines.streams.formats import texts
from millpond.engines.streams.formats.json_paths import path_of
from millpond.engines.streams.formats.registry import options_of
from millpond.engines.streams.plan import Table
from millpond.engines.streams.types import Column, DataType

_RAW = frozenset({*texts.TEXTS, *texts.BINARIES, *texts.INTEGERS, "BOOLEAN", "FLOAT", "DOUBLE"})


def check_format(table: Table, name: str) -> None:
    """Look whether a table can have this format.

    Raises:
        ValueError: it cannot; the text says why.
    """
    options = options_of(table)
    if name == "json":
        _check_json(table, options)
    elif name == "csv":
        _check_csv(table, options)
    elif name == "raw":
        _check_raw(table.columns, options)
    elif name == "avro":
        _check_avro(table.columns, options)
    if table.paths and name not in ("json", "csv"):
        raise ValueError(f"Format '{name}' reads columns by name; they have no paths")


def _check_json(table: Table, options: Mapping[str, str]) -> None:
    if options.get("fail-on-missing-field") == options.get("ignore-parse-errors") == "true":
        raise ValueError(
            "json.fail-on-missing-field and json.ignore-parse-errors shouldn't both be true"
        )
    mode = options.get("map-null-key.mode", "FAIL").upper()
    if mode != "LITERAL" and "map-null-key.literal" in options:
        raise ValueError("json.map-null-key.literal needs json.map-null-key.mode = 'LITERAL'")
    for column in table.columns:
        _check_keys(column.type, "JSON")
    for _, path in table.paths:
        path_of(path)


def _check_keys(kind: DataType, format_name: str) -> None:
    if kind.name in ("MAP", "MULTISET") and kind.fields[0][1].name not in texts.TEXTS:
        raise ValueError(
            f"{format_name} format doesn't support non-string as key type of map. "
            f"The type is: {kind.flink()}"
        )
    for _, inner in kind.fields:
        _check_keys(inner, format_name)


def _check_csv(table: Table, options: Mapping[str, str]) -> None:
    no_quotes = boolean(options.get("disable-quote-character", "false"))
    if no_quotes and "quote-character" in options:
        raise ValueError(
            "Format cannot define a quote character and disabled quote character at the same time"
        )
    for name in ("field-delimiter", "quote-character", "escape-character"):
        if name in options and len(unescaped(options[name])) != 1:
            raise ValueError(f"Option 'csv.{name}' must be a string with single character")
    for column in table.columns:
        _check_csv_type(column.type, 0)
    for name, path in table.paths:
        if not path.isascii() or not path.isdigit():
            raise ValueError(f"The place of column '{name}' is not the number of a field: {path}")


def _check_csv_type(kind: DataType, depth: int) -> None:
    nested = kind.name in ("ROW", "ARRAY")
    if kind.name in ("MAP", "MULTISET") or (nested and depth):
        raise ValueError(f"CSV format has no {kind.flink()}")
    for _, inner in kind.fields:
        _check_csv_type(inner, depth + 1)


def unescaped(text: str) -> str:
    r"""A character as its option says it: `\t` is the tab, `\u0001` that character."""
    return codecs.decode(text, "unicode_escape") if text.startswith("\\") and text[1:] else text


def _check_raw(columns: Sequence[Column], options: Mapping[str, str]) -> None:
    if len(columns) != 1:
        raise ValueError(
            "The 'raw' format only supports single physical column. "
            f"But the table has {len(columns)}"
        )
    if columns[0].type.name not in _RAW:
        raise ValueError(
            f"The 'raw' format doesn't supports '{columns[0].type.flink()}' as column type"
        )
    charset = options.get("charset", "UTF-8")
    try:
        codecs.lookup(charset)
    except LookupError:
        raise ValueError(f"Unsupported 'raw.charset' name: {charset}") from None


def _check_avro(columns: Sequence[Column], options: Mapping[str, str]) -> None:
    legacy = boolean(options.get("timestamp_mapping.legacy", "true"))
    for column in columns:
        _check_avro_type(column.type, legacy)
        _check_keys(column.type, "AVRO")


def _check_avro_type(kind: DataType, legacy: bool) -> None:
    precision = kind.parameters[0] if kind.parameters else 6
    most = 3 if legacy else 6
    if kind.is_time and precision > most:
        raise ValueError(
            f"Avro does not support {kind.name} type with precision: {precision}, "
            f"it only supports precisions 0 to {most}"
        )
    if legacy and kind.name == "TIMESTAMP_LTZ":
        raise ValueError(
            "Avro has no TIMESTAMP_LTZ with avro.timestamp_mapping.legacy, which is on unless it "
            "is set to false"
        )
    if kind.name == "TIME" and kind.parameters and kind.parameters[0] > 3:
        raise ValueError(f"Avro does not support TIME type with precision: {kind.parameters[0]}")
    for _, inner in kind.fields:
        _check_avro_type(inner, legacy)
