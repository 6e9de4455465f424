"""What a crawl found, as the catalog will hold it: a table with its partitions.

Formats, SerDes and parameters are those that Glue's crawlers write. One choice is ours: delimited
text with quotes gets OpenCSVSerde, since LazySimpleSerDe, which Glue's built-in classifier always
gives, reads the quotes as part of the values and splits at separators between them.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from millpond.services.glue.crawl.layout import (
    File,
    FoundTable,
    Leaf,
    partition_names,
    partition_values,
)
from millpond.services.glue.infer.schema import merge_columns, merge_positional
from millpond.services.glue.infer.types import STRING, HiveType
from millpond.services.glue.shapes import (
    Column,
    PartitionInput,
    SerDeInfo,
    StorageDescriptor,
    TableInput,
)

STATISTICS = frozenset({"recordCount", "averageRecordSize", "sizeKey", "objectCount"})
"""Parameters that tell how much data there is: they change with every file."""
UPDATED_BY = "UPDATED_BY_CRAWLER"
DEPRECATED_BY = "DEPRECATED_BY_CRAWLER"
CRAWL_RUN = "CRAWL_RUN_ID"

COLUMN_TYPE_CHARACTERS_MAX = 131_072
PARAMETER_CHARACTERS_MAX = 512_000

_TEXT_INPUT = "org.apache.hadoop.mapred.TextInputFormat"
_TEXT_OUTPUT = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
_LAZY_SERDE = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
_QUOTED_SERDE = "org.apache.hadoop.hive.serde2.OpenCSVSerde"
_JSON_SERDE = "org.openx.data.jsonserde.JsonSerDe"


@dataclass(frozen=True, slots=True)
class _Binary:
    """How Hive reads and writes a format that says itself what is in it."""

    input: str
    output: str
    serde: str


_BINARY = {
    "parquet": _Binary(
        "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
        "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
        "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
    ),
    "orc": _Binary(
        "org.apache.hadoop.hive.ql.io.orc.OrcInputFormat",
        "org.apache.hadoop.hive.ql.io.orc.OrcOutputFormat",
        "org.apache.hadoop.hive.ql.io.orc.OrcSerde",
    ),
    "avro": _Binary(
        "org.apache.hadoop.hive.ql.io.avro.AvroContainerInputFormat",
        "org.apache.hadoop.hive.ql.io.avro.AvroContainerOutputFormat",
        "org.apache.hadoop.hive.serde2.avro.AvroSerDe",
    ),
}
_TEXT = _Binary(_TEXT_INPUT, _TEXT_OUTPUT, "")


@dataclass(frozen=True, slots=True)
class TablePlan:
    """A table to be written. The name in `table` is the one it would like to have."""

    location: str
    table: TableInput
    partitions: tuple[PartitionInput, ...]


def plan_table(
    bucket: str, found: FoundTable, name: str, crawler: str, crawl_id: str
) -> TablePlan | None:
    """The table and its partitions, as a crawl describes them; None: the catalog cannot hold it."""
    files = [file for leaf in found.leaves for file in leaf.files]
    location = f"s3://{bucket}/{found.key}"
    storage = _storage(location, files)
    names = partition_names(found, (column.name for column in storage.columns or ()))
    parameters = {
        "CrawlerSchemaDeserializerVersion": "1.0",
        "CrawlerSchemaSerializerVersion": "1.0",
        UPDATED_BY: crawler,
        CRAWL_RUN: crawl_id,
    }
    table = TableInput(
        name=name,
        owner="owner",
        retention=0,
        storage_descriptor=storage,
        partition_keys=[Column(name=key, type="string") for key in names],
        table_type="EXTERNAL_TABLE",
        parameters={**(storage.parameters or {}), **parameters},
    )
    if not _fits(table):
        return None
    partitions = [_partition(bucket, leaf, storage) for leaf in found.leaves] if names else []
    return TablePlan(location, table, _without_twins(list(filter(_fits, partitions))))


def _without_twins(partitions: Sequence[PartitionInput]) -> tuple[PartitionInput, ...]:
    """Folders can be written differently and mean the same values (`a=%41`, `a=A`): one stays."""
    by_values = {tuple(partition.values or ()): partition for partition in reversed(partitions)}
    return tuple(reversed(by_values.values()))


def _partition(bucket: str, leaf: Leaf, table: StorageDescriptor) -> PartitionInput:
    """A partition with its own columns, read in the table's way.

    Text can be read in any type, so there its columns have the table's types.
    """
    own = _storage(f"s3://{bucket}/{leaf.key}", leaf.files)
    columns = own.columns or []
    if table.input_format == _TEXT_INPUT:
        types = {column.name: column.type for column in table.columns or ()}
        columns = [Column(name=column.name, type=types[column.name]) for column in columns]
    storage = StorageDescriptor(
        columns=columns,
        location=own.location,
        input_format=table.input_format,
        output_format=table.output_format,
        compressed=own.compressed,
        number_of_buckets=-1,
        serde_info=table.serde_info,
        bucket_columns=[],
        sort_columns=[],
        parameters=own.parameters,
        stored_as_sub_directories=False,
    )
    return PartitionInput(
        values=partition_values(leaf), storage_descriptor=storage, parameters=own.parameters
    )


def _storage(location: str, files: Sequence[File]) -> StorageDescriptor:
    classification = files[0].schema.classification
    facts = [file.schema.csv for file in files if file.schema.csv is not None]
    compression = Counter(file.schema.compression for file in files).most_common(1)[0][0]
    parameters = {
        "classification": classification,
        "compressionType": compression,
        "typeOfData": "file",
        **_statistics(files),
    }
    if facts:
        columns = merge_positional([file.schema.columns for file in files])
        quoted = any(fact.quoted for fact in facts)
        parameters["columnsOrdered"] = "true"
        parameters["areColumnsQuoted"] = "true" if quoted else "false"
        parameters["delimiter"] = facts[0].delimiter
        if any(fact.header for fact in facts):
            parameters["skip.header.line.count"] = "1"
        serde = _csv_serde(facts[0].delimiter, quoted)
    else:
        columns = merge_columns(file.schema.columns for file in files)
        serde = _serde(classification, files)
    parsing = next((file.schema.parsed_by for file in files if file.schema.parsed_by), None)
    if parsing is not None:
        serde = SerDeInfo(serialization_library=parsing.serde, parameters=dict(parsing.parameters))
    if json_path := next((file.schema.json_path for file in files if file.schema.json_path), ""):
        parameters["jsonPath"] = json_path
    if row_tag := next((file.schema.row_tag for file in files if file.schema.row_tag), ""):
        parameters["rowTag"] = row_tag
    form = _BINARY.get(classification, _TEXT)
    return StorageDescriptor(
        columns=[_column(name, kind) for name, kind in columns],
        location=location,
        input_format=form.input,
        output_format=form.output,
        compressed=compression != "none",
        number_of_buckets=-1,
        serde_info=serde,
        bucket_columns=[],
        sort_columns=[],
        parameters=parameters,
        stored_as_sub_directories=False,
    )


def _statistics(files: Sequence[File]) -> dict[str, str]:
    """Counts and sizes: exact where files were read whole, else scaled from their beginnings."""
    size = sum(file.size for file in files)
    records = sum(
        file.schema.records
        if file.schema.whole
        else max(file.schema.records, file.size // file.schema.record_size_bytes)
        for file in files
    )
    return {
        "recordCount": str(records),
        "averageRecordSize": str(size // max(1, records)),
        "sizeKey": str(size),
        "objectCount": str(len(files)),
    }


def _csv_serde(delimiter: str, quoted: bool) -> SerDeInfo:
    if quoted:
        parameters = {"separatorChar": delimiter, "quoteChar": '"', "escapeChar": "\\"}
        return SerDeInfo(serialization_library=_QUOTED_SERDE, parameters=parameters)
    return SerDeInfo(serialization_library=_LAZY_SERDE, parameters={"field.delim": delimiter})


def _json_serde(files: Sequence[File]) -> SerDeInfo:
    paths = ",".join(sorted({path for file in files for path in file.schema.paths}))
    parameters = {"paths": paths} if len(paths) <= PARAMETER_CHARACTERS_MAX else {}
    return SerDeInfo(serialization_library=_JSON_SERDE, parameters=parameters)


def _serde(classification: str, files: Sequence[File]) -> SerDeInfo:
    if classification == "json":
        return _json_serde(files)
    parameters = {"serialization.format": "1"}
    definition = files[-1].schema.definition
    if definition and len(definition) <= PARAMETER_CHARACTERS_MAX:
        parameters["avro.schema.literal"] = definition
    form = _BINARY.get(classification)
    if form is None:
        return SerDeInfo(parameters=parameters)
    return SerDeInfo(serialization_library=form.serde, parameters=parameters)


def _column(name: str, kind: HiveType) -> Column:
    """A column; a type that is too long to write is a string."""
    text = str(kind)
    return Column(name=name, type=text if len(text) <= COLUMN_TYPE_CHARACTERS_MAX else str(STRING))


def _fits(described: TableInput | PartitionInput) -> bool:
    """Whether the catalog's own rules for names and locations allow it. Keys of S3 may hold what
    locations may not, such as control characters."""
    try:
        msgspec.convert(msgspec.to_builtins(described), type(described))
    except msgspec.ValidationError:
        return False
    return True


def without_statistics(parameters: Mapping[str, str] | None) -> dict[str, str]:
    """Parameters without what changes with every file and every crawl."""
    return {
        name: value
        for name, value in (parameters or {}).items()
        if name not in STATISTICS and name != CRAWL_RUN
    }
