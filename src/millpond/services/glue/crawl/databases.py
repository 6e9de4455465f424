"""Tables of databases, as a crawl describes them.

A path is `database/schema/table` for PostgreSQL and `database/table` for MySQL; `%` stands for any
characters, and what is left out for all. A table is named after all its parts, and lies at
`database.schema.table`.

Sources: Glue developer guide, "Setting crawler properties", include paths of JDBC data stores;
"JDBC type mapping".
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import re2

from millpond.services.glue.crawl.naming import table_name
from millpond.services.glue.crawl.plan import CRAWL_RUN, UPDATED_BY, TablePlan
from millpond.services.glue.infer.schema import column_name
from millpond.services.glue.infer.types import DECIMAL_PRECISION_MAX
from millpond.services.glue.shapes import Column, SerDeInfo, StorageDescriptor, TableInput

_TYPES = {
    **dict.fromkeys(("smallint", "int2", "year"), "smallint"),
    **dict.fromkeys(("integer", "int", "int4", "mediumint", "serial"), "int"),
    **dict.fromkeys(("bigint", "int8", "bigserial"), "bigint"),
    "tinyint": "tinyint",
    **dict.fromkeys(("real", "float", "float4"), "float"),
    **dict.fromkeys(("double precision", "double", "float8"), "double"),
    **dict.fromkeys(("boolean", "bool", "bit"), "boolean"),
    "date": "date",
    **dict.fromkeys(
        ("timestamp", "timestamp without time zone", "timestamp with time zone", "datetime"),
        "timestamp",
    ),
    **dict.fromkeys(
        ("bytea", "binary", "varbinary", "blob", "tinyblob", "mediumblob", "longblob"), "binary"
    ),
}
_BOOLEAN = ("tinyint(1)", "bit(1)")
_DECIMAL = ("numeric", "decimal")
_PARAMETERS = re.compile(r"\(.*\)|\bunsigned\b|\bzerofill\b")


def plan_database_table(
    found: dict[str, Any],
    *,
    engine: str,
    database: str,
    connection: str,
    prefix: str,
    crawler: str,
    crawl_id: str,
) -> TablePlan:
    """The catalog's table for one that `connections.inspection` found."""
    parts = [database, *([] if engine == "mysql" else [found["schema"]]), found["name"]]
    location = ".".join(parts)
    parameters = {
        "CrawlerSchemaDeserializerVersion": "1.0",
        "CrawlerSchemaSerializerVersion": "1.0",
        "classification": engine,
        "compressionType": "none",
        "connectionName": connection,
        "typeOfData": "table",
        UPDATED_BY: crawler,
        CRAWL_RUN: crawl_id,
    }
    storage = StorageDescriptor(
        columns=[
            Column(name=column_name(name), type=hive_type(kind, precision, scale))
            for name, kind, precision, scale in found["columns"]
        ],
        location=location,
        compressed=False,
        number_of_buckets=-1,
        serde_info=SerDeInfo(parameters={}),
        bucket_columns=[],
        sort_columns=[],
        parameters={"classification": engine, "connectionName": connection},
        stored_as_sub_directories=False,
    )
    table = TableInput(
        name=table_name(prefix, "_".join(parts)),
        owner="owner",
        retention=0,
        storage_descriptor=storage,
        partition_keys=[],
        table_type="EXTERNAL_TABLE",
        parameters=parameters,
    )
    return TablePlan(location, table, ())


def hive_type(kind: str, precision: int | None, scale: int | None) -> str:
    """The catalog's type for a column's; what has no other is a `string`."""
    text = kind.lower().strip()
    if text in _BOOLEAN:
        return "boolean"
    plain = _PARAMETERS.sub("", text).strip()
    if plain in _DECIMAL:
        return f"decimal({min(precision or 38, DECIMAL_PRECISION_MAX)},{scale or 0})"
    if "unsigned" in text and plain in ("int", "integer", "bigint"):
        return "decimal(20,0)" if plain == "bigint" else "bigint"
    return _TYPES.get(plain, "string")


def split_database_path(path: str) -> tuple[str, str]:
    """The database that a path names, and the pattern of its tables."""
    database, _, rest = path.strip("/").partition("/")
    return database, rest


def is_excluded(location: str, exclusions: Sequence[str]) -> bool:
    """Whether a table is left out: patterns are paths as those of targets, `*` is like `%`."""
    return any(is_within(location, pattern.replace("*", "%")) for pattern in exclusions)


def is_within(location: str, path: str) -> bool:
    """Whether a table's location is within a path."""
    parts = path.strip("/").split("/")
    patterns = (".*".join(map(re2.escape, part.split("%"))) for part in parts)
    return re2.fullmatch(r"(?s)" + r"\.".join(patterns) + r"(?:\..*)?", location) is not None


def gone(places: dict[str, str], kept: Iterable[str], paths: Iterable[str]) -> list[str]:
    """The tables by name, out of those at `places`, that are within the paths and not kept."""
    staying, within = set(kept), list(paths)
    return sorted(
        name
        for name, location in places.items()
        if name not in staying and any(is_within(location, path) for path in within)
    )
