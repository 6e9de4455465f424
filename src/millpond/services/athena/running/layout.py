"""How files of a table are written: what a statement's WITH properties or a table say of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from millpond.engines.sql.interface import Column, DelimitedText, JsonLines, Parquet, TableOutput
from millpond.services.athena.failure import QueryFailed
from millpond.services.athena.model.formats import format_of
from millpond.services.athena.model.projection import is_projected
from millpond.services.athena.statements import formats, model

ENDINGS = {"gzip": ".gz", "zstd": ".zst", "none": "", "snappy": ""}
CTAS_PROPERTIES = (
    "external_location",
    "field_delimiter",
    "format",
    "is_external",
    "parquet_compression",
    "partitioned_by",
    "table_type",
    "write_compression",
)
UNLOAD_PROPERTIES = ("compression", "field_delimiter", "format", "partitioned_by")
_FORMATS = {"PARQUET": "parquet", "JSON": "json", "TEXTFILE": "delimited"}
_COMPRESSIONS = ("GZIP", "SNAPPY", "ZSTD", "NONE")


@dataclass(frozen=True, slots=True)
class Layout:
    """How files are written, as a statement's WITH properties say."""

    format: str
    compression: str
    delimiter: str
    partitioned_by: Sequence[str]

    def output(self, columns: Sequence[Column] | None = None) -> TableOutput:
        return TableOutput(
            columns=columns,
            partitioned_by=len(self.partitioned_by),
            format=self.format,
            compression=self.compression,
            delimiter=self.delimiter,
        )


def read_layout(
    properties: Mapping[str, str | Sequence[str]],
    known: Sequence[str],
    compression_name: str,
    *,
    needs_format: bool = False,
) -> Layout:
    for name in properties:
        if name not in known:
            raise QueryFailed(f"NOT_SUPPORTED: The property {name} is not supported.")
    kind = text_property(properties, "table_type") or "HIVE"
    if kind.upper() != "HIVE":
        raise QueryFailed(f"NOT_SUPPORTED: Tables of type {kind} are not supported.")
    asked = text_property(properties, "format")
    if asked is None and needs_format:
        raise QueryFailed("INVALID_TABLE_PROPERTY: UNLOAD needs the property format.")
    written_as = (asked or "PARQUET").upper()
    if written_as not in _FORMATS:
        raise QueryFailed(
            f"NOT_SUPPORTED: Writing {written_as} is not supported; {', '.join(_FORMATS)} are."
        )
    given = text_property(properties, compression_name) or text_property(
        properties, "parquet_compression"
    )
    compression = (given or "GZIP").upper()
    if compression not in _COMPRESSIONS or (compression == "SNAPPY" and written_as != "PARQUET"):
        raise QueryFailed(f"NOT_SUPPORTED: {written_as} with {compression} is not supported.")
    partitioned_by = properties.get("partitioned_by", ())
    if isinstance(partitioned_by, str):
        raise QueryFailed("INVALID_TABLE_PROPERTY: partitioned_by takes an ARRAY of names.")
    return Layout(
        format=_FORMATS[written_as],
        compression=compression.lower(),
        delimiter=text_property(properties, "field_delimiter") or "\x01",
        partitioned_by=[name.lower() for name in partitioned_by],
    )


def layout_of(table: Mapping[str, Any]) -> Layout:
    """How a table's own files are written, for more of them."""
    names = [key["Name"].lower() for key in table.get("PartitionKeys", [])]
    parameters: Mapping[str, str] = table.get("Parameters", {})
    if is_projected(parameters) and "storage.location.template" in parameters:
        raise QueryFailed(
            f"NOT_SUPPORTED: INSERT INTO {table['DatabaseName']}.{table['Name']} is not supported: "
            "its partitions lie where storage.location.template says."
        )
    asked = parameters.get("write.compression", parameters.get("parquet.compression", "GZIP"))
    compression = asked.lower() if asked.upper() in _COMPRESSIONS else "gzip"
    match format_of(table, table["StorageDescriptor"]):
        case Parquet():
            return Layout("parquet", compression, "\x01", names)
        case JsonLines():
            return Layout("json", "gzip", "\x01", names)
        case DelimitedText() as text if not text.skip_lines:
            return Layout("delimited", "gzip", text.field, names)
    raise QueryFailed(
        f"NOT_SUPPORTED: INSERT INTO {table['DatabaseName']}.{table['Name']} is not supported: "
        "its files have header lines, or its SerDe cannot be written."
    )


def storage_of(layout: Layout) -> model.Storage:
    if layout.format == "parquet":
        return formats.PARQUET_STORAGE
    serde = formats.JSON_OPENX if layout.format == "json" else formats.LAZY_SIMPLE
    properties = {"serialization.format": "1"}
    if layout.format == "delimited":
        properties = {"serialization.format": layout.delimiter, "field.delim": layout.delimiter}
    return model.Storage(serde, properties, formats.TEXT_INPUT, formats.TEXT_OUTPUT)


def compression_parameter(layout: Layout) -> dict[str, str]:
    name = "parquet.compression" if layout.format == "parquet" else "write.compression"
    return {name: layout.compression.upper()}


def text_property(properties: Mapping[str, str | Sequence[str]], name: str) -> str | None:
    value = properties.get(name)
    if value is None or isinstance(value, str):
        return value
    raise QueryFailed(f"INVALID_TABLE_PROPERTY: The property {name} takes one value.")
