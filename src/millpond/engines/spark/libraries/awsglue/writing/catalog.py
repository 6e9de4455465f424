"""A table of the Data Catalog that follows what was written: it is made, gets new columns and new
partitions.

With `LOG` a table that is there keeps its columns; its new partitions are added all the same.

Source: "Updating the schema, and adding new partitions in the Data Catalog using AWS Glue ETL
jobs" (developer guide).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .. import places
from ..gluetypes import Field, StructType
from ..tables import Table, column_dicts
from .parts import Part, folder_of

if TYPE_CHECKING:
    from .target import Target

_PARTITIONS_AT_ONCE = 100
_HIVE = "org.apache.hadoop.hive"
_STORED = {
    "parquet": (
        f"{_HIVE}.ql.io.parquet.MapredParquetInputFormat",
        f"{_HIVE}.ql.io.parquet.MapredParquetOutputFormat",
        f"{_HIVE}.ql.io.parquet.serde.ParquetHiveSerDe",
    ),
    "orc": (
        f"{_HIVE}.ql.io.orc.OrcInputFormat",
        f"{_HIVE}.ql.io.orc.OrcOutputFormat",
        f"{_HIVE}.ql.io.orc.OrcSerde",
    ),
    "avro": (
        f"{_HIVE}.ql.io.avro.AvroContainerInputFormat",
        f"{_HIVE}.ql.io.avro.AvroContainerOutputFormat",
        f"{_HIVE}.serde2.avro.AvroSerDe",
    ),
    "json": (
        "org.apache.hadoop.mapred.TextInputFormat",
        f"{_HIVE}.ql.io.HiveIgnoreKeyTextOutputFormat",
        "org.openx.data.jsonserde.JsonSerDe",
    ),
    "csv": (
        "org.apache.hadoop.mapred.TextInputFormat",
        f"{_HIVE}.ql.io.HiveIgnoreKeyTextOutputFormat",
        f"{_HIVE}.serde2.lazy.LazySimpleSerDe",
    ),
}


def follow(
    target: Target,
    schema: StructType,
    keys: Sequence[str],
    path: str,
    format_name: str,
    parts: Sequence[Part],
    behavior: str,
) -> None:
    """Bring the target's table up to date with what was written."""
    glue = places.client("glue")
    more = {"CatalogId": target.catalog_id} if target.catalog_id else {}
    wanted = {key.lower() for key in keys}
    columns = [field for field in schema if field.name.lower() not in wanted]
    partition = [
        next(field for field in schema if field.name.lower() == key.lower()) for key in keys
    ]
    storage = _storage(target, columns, path, format_name)
    try:
        table = Table.get(str(target.database), str(target.table), target.catalog_id)
    except glue.exceptions.EntityNotFoundException:
        made = {
            "Name": target.table,
            "TableType": "EXTERNAL_TABLE",
            "PartitionKeys": column_dicts(partition),
            "StorageDescriptor": storage,
            "Parameters": _parameters(target, format_name),
        }
        glue.create_table(DatabaseName=target.database, TableInput=made, **more)
        table = Table.get(str(target.database), str(target.table), target.catalog_id)
    else:
        if behavior == "UPDATE_IN_DATABASE":
            _update(glue, table, columns, more)
    _add_partitions(glue, table, path, keys, parts, more)


def _parameters(target: Target, format_name: str) -> dict[str, str]:
    classification = "parquet" if format_name == "glueparquet" else format_name
    parameters = {"classification": classification, "typeOfData": "file"}
    if format_name == "csv":
        parameters["delimiter"] = str(target.options.get("separator", ","))
        if str(target.options.get("writeHeader", True)).lower() != "false":
            parameters["skip.header.line.count"] = "1"
    return parameters


def _storage(
    target: Target, columns: Sequence[Field], path: str, format_name: str
) -> dict[str, Any]:
    plain = "parquet" if format_name == "glueparquet" else format_name
    read, write, library = _STORED[plain]
    settings = {"serialization.format": "1"}
    if plain == "csv":
        settings = {"field.delim": str(target.options.get("separator", ","))}
    return {
        "Columns": column_dicts(columns),
        "Location": path.rstrip("/") + "/",
        "InputFormat": read,
        "OutputFormat": write,
        "Compressed": False,
        "NumberOfBuckets": -1,
        "SerdeInfo": {"SerializationLibrary": library, "Parameters": settings},
        "StoredAsSubDirectories": False,
    }


_KEPT = (
    "Name", "Description", "Owner", "Retention", "StorageDescriptor", "PartitionKeys",
    "TableType", "Parameters",
)  # fmt: skip


def _update(glue: Any, table: Table, columns: Sequence[Field], more: dict[str, Any]) -> None:
    """Columns that are new or of another type now; those that were not written, stay."""
    held = list(table.raw["StorageDescriptor"].get("Columns") or ())
    at = {column["Name"].lower(): index for index, column in enumerate(held)}
    changed = False
    for column in column_dicts(columns):
        index = at.get(column["Name"].lower())
        if index is None:
            held.append({**column, "Name": column["Name"]})
            changed = True
        elif held[index].get("Type") != column["Type"]:
            held[index] = {**held[index], "Type": column["Type"]}
            changed = True
    if not changed:
        return
    made = {name: table.raw[name] for name in _KEPT if name in table.raw}
    made["StorageDescriptor"] = {**table.raw["StorageDescriptor"], "Columns": held}
    glue.update_table(DatabaseName=table.database, TableInput=made, **more)


def _add_partitions(
    glue: Any,
    table: Table,
    path: str,
    keys: Sequence[str],
    parts: Sequence[Part],
    more: dict[str, Any],
) -> None:
    if not keys:
        return
    written = sorted({part.partition for part in parts})
    storage = Table.get(table.database, table.name, table.catalog_id).raw["StorageDescriptor"]
    for at in range(0, len(written), _PARTITIONS_AT_ONCE):
        some = [
            {
                "Values": list(values),
                "StorageDescriptor": {
                    **storage,
                    "Location": f"{places.join(path, folder_of(keys, values))}/",
                },
            }
            for values in written[at : at + _PARTITIONS_AT_ONCE]
        ]
        answer = glue.batch_create_partition(
            DatabaseName=table.database, TableName=table.name, PartitionInputList=some, **more
        )
        for error in answer.get("Errors", ()):
            detail = error["ErrorDetail"]
            if detail["ErrorCode"] != "AlreadyExistsException":
                values = "/".join(error["PartitionValues"])
                raise RuntimeError(f"The partition {values}: {detail.get('ErrorMessage', '')}")
