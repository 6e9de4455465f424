"""Tables that say themselves what they are: Delta Lake by its log, Apache Iceberg by its metadata.

A Delta table's columns stand in the newest `metaData` action of its log, in a JSON file or, after
the log was shortened, in a checkpoint. An Iceberg table is wherever a folder `metadata` has a
`*.metadata.json`; the newest one counts.

Sources: Delta transaction log protocol; Iceberg table spec; Glue developer guide, "How to specify
configuration options for a Delta Lake data store", "… for an Iceberg data store".
"""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from millpond.services.glue.crawl.plan import CRAWL_RUN, UPDATED_BY, TablePlan
from millpond.services.glue.infer.schema import column_name
from millpond.services.glue.shapes import Column, SerDeInfo, StorageDescriptor, TableInput

TRAVERSAL_DEPTH_MAX = 20
COLUMNS_MAX = 10_000
TYPE_CHARACTERS_MAX = 131_072
"""How long a type may be in the catalog."""
_METADATA = re.compile(r"(?:v(\d+)|(\d+)-[0-9a-f-]+)(?:\.gz)?\.metadata\.json")
_PLAIN = {
    "long": "bigint",
    "integer": "int",
    "short": "smallint",
    "byte": "tinyint",
    "timestamptz": "timestamp",
    "timestamp_ntz": "timestamp",
    "uuid": "string",
    "time": "string",
}
_DELTA_INPUT = "org.apache.hadoop.mapred.SequenceFileInputFormat"
_DELTA_OUTPUT = "org.apache.hadoop.hive.ql.io.HiveSequenceFileOutputFormat"
_DAMAGED = (ValueError, LookupError, TypeError, AttributeError, RecursionError)
_LAZY_SERDE = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"


class BadTable(ValueError):
    """A table's own description is missing or damaged; the text names it."""


def newest_metadata(keys: Iterable[str]) -> str | None:
    """The newest `*.metadata.json` of a folder, by the number in its name."""
    numbered = []
    for key in keys:
        found = _METADATA.fullmatch(key.rpartition("/")[2])
        if found is not None:
            numbered.append((int(found[1] or found[2]), key))
    return max(numbered)[1] if numbered else None


def iceberg_columns(metadata: bytes) -> list[Column]:
    """The columns of the current schema.

    Raises:
        BadTable: it is not Iceberg's metadata.
    """
    try:
        document = json.loads(metadata)
        schemas = document.get("schemas") or [document["schema"]]
        current = document.get("current-schema-id", 0)
        schema = next((one for one in schemas if one.get("schema-id", 0) == current), schemas[-1])
        return [
            _column(field["name"], _iceberg_type(field["type"]))
            for field in _within_bounds(schema["fields"])
        ]
    except _DAMAGED as error:
        raise BadTable(f"The metadata of the Iceberg table cannot be read: {error!r}") from None


def delta_metadata(lines: Iterable[str]) -> dict[str, Any] | None:
    """The last `metaData` action among those of a log file.

    Raises:
        BadTable: a line cannot be read.
    """
    found = None
    for line in lines:
        if '"metaData"' in line:
            try:
                found = json.loads(line).get("metaData", found)
            except (ValueError, AttributeError, RecursionError):
                raise BadTable("The log of the Delta table cannot be read.") from None
    return found


def delta_columns(metadata: dict[str, Any]) -> tuple[list[Column], list[Column]]:
    """The columns, and those of them that partition the table.

    Raises:
        BadTable: the schema cannot be read.
    """
    try:
        fields = json.loads(metadata["schemaString"])["fields"]
        keys = list(metadata.get("partitionColumns") or ())
        columns = {
            field["name"]: _column(field["name"], _delta_type(field["type"]))
            for field in _within_bounds(fields)
        }
        return (
            [column for name, column in columns.items() if name not in keys],
            [columns[name] for name in keys],
        )
    except _DAMAGED as error:
        raise BadTable(f"The schema of the Delta table cannot be read: {error!r}") from None


def _within_bounds(fields: Sequence[Any]) -> Sequence[Any]:
    if len(fields) > COLUMNS_MAX:
        raise BadTable(f"The table has more than {COLUMNS_MAX} columns.")
    return fields


def _column(name: str, kind: str) -> Column:
    if len(kind) > TYPE_CHARACTERS_MAX:
        raise BadTable(f"The type of {name[:80]!r} has more than {TYPE_CHARACTERS_MAX} characters.")
    return Column(name=column_name(name), type=kind)


def plan_iceberg(
    location: str, name: str, crawler: str, crawl_id: str, metadata: str, columns: Sequence[Column]
) -> TablePlan:
    """An Iceberg table as the catalog has it; `metadata` is where its newest metadata is."""
    parameters = {
        "table_type": "ICEBERG",
        "metadata_location": metadata,
        UPDATED_BY: crawler,
        CRAWL_RUN: crawl_id,
    }
    storage = StorageDescriptor(
        columns=list(columns), location=location, compressed=False, number_of_buckets=0
    )
    table = TableInput(
        name=name,
        storage_descriptor=storage,
        table_type="EXTERNAL_TABLE",
        parameters=parameters,
        partition_keys=[],
    )
    return TablePlan(location, table, ())


def plan_delta(
    location: str,
    name: str,
    crawler: str,
    crawl_id: str,
    columns: tuple[Sequence[Column], Sequence[Column]],
) -> TablePlan:
    """A Delta table as the catalog has it: native, for engines that read its log."""
    parameters = {
        "classification": "delta",
        "spark.sql.sources.provider": "delta",
        "table_type": "DELTA",
        UPDATED_BY: crawler,
        CRAWL_RUN: crawl_id,
    }
    serde = {"serialization.format": "1", "path": location}
    storage = StorageDescriptor(
        columns=[*columns[0], *columns[1]],
        location=location,
        input_format=_DELTA_INPUT,
        output_format=_DELTA_OUTPUT,
        compressed=False,
        number_of_buckets=-1,
        serde_info=SerDeInfo(serialization_library=_LAZY_SERDE, parameters=serde),
        parameters={"classification": "delta"},
    )
    table = TableInput(
        name=name,
        storage_descriptor=storage,
        table_type="EXTERNAL_TABLE",
        parameters=parameters,
        partition_keys=[],
    )
    return TablePlan(location, table, ())


def _delta_type(kind: Any) -> str:
    if isinstance(kind, str):
        return _PLAIN.get(kind, kind)
    match kind["type"]:
        case "array":
            return f"array<{_delta_type(kind['elementType'])}>"
        case "map":
            return f"map<{_delta_type(kind['keyType'])},{_delta_type(kind['valueType'])}>"
        case _:
            fields = (f"{one['name']}:{_delta_type(one['type'])}" for one in kind["fields"])
            return f"struct<{','.join(fields)}>"


def _iceberg_type(kind: Any) -> str:
    if isinstance(kind, str):
        plain = kind.replace(" ", "")
        return "binary" if plain.startswith("fixed[") else _PLAIN.get(plain, plain)
    match kind["type"]:
        case "list":
            return f"array<{_iceberg_type(kind['element'])}>"
        case "map":
            return f"map<{_iceberg_type(kind['key'])},{_iceberg_type(kind['value'])}>"
        case _:
            fields = (f"{one['name']}:{_iceberg_type(one['type'])}" for one in kind["fields"])
            return f"struct<{','.join(fields)}>"
