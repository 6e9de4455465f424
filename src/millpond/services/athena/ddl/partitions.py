"""ALTER TABLE ADD and DROP PARTITION, MSCK REPAIR TABLE, SHOW PARTITIONS."""

from collections.abc import AsyncIterator, Sequence
from typing import Any
from urllib.parse import quote, unquote

from millpond.kernel.errors import ServiceError
from millpond.services.athena.ddl.catalog import Catalog, Members
from millpond.services.athena.ddl.outcome import NOTHING, Outcome
from millpond.services.athena.ddl.tables import check_location, key_names, partition_values
from millpond.services.athena.failure import QueryFailed, execution_error
from millpond.services.athena.model.comparing import holds
from millpond.services.athena.statements import model

HIVE_DEFAULT = "__HIVE_DEFAULT_PARTITION__"
_UNESCAPED = "-_.~ !$&()+,;@"


async def add(catalog: Catalog, statement: model.AddPartitions) -> Outcome:
    table = await _partitioned(catalog, statement.name)
    inputs = []
    for partition in statement.partitions:
        values = partition_values(table, partition.values)
        location = partition.location or _folder(table, values)
        check_location(location)
        inputs.append(_partition_input(table, values, location))
    await catalog.add_partitions(table, inputs, if_not_exists=statement.if_not_exists)
    return NOTHING


async def drop(catalog: Catalog, statement: model.DropPartitions) -> Outcome:
    table = await _partitioned(catalog, statement.name)
    types = {key["Name"].lower(): key.get("Type", "string") for key in table["PartitionKeys"]}
    names = list(types)
    dropped: list[Sequence[str]] = []
    for spec in statement.specs:
        for comparison in spec:
            if comparison.column not in types:
                raise QueryFailed(
                    "FAILED: SemanticException [Error 10001]: Partition column "
                    f"{comparison.column} not found"
                )
        matched = [
            partition["Values"]
            async for partition in catalog.partitions(table)
            if all(
                holds(
                    one.operator,
                    partition["Values"][names.index(one.column)],
                    [one.value],
                    types[one.column],
                )
                for one in spec
            )
        ]
        if not matched and not statement.if_exists:
            raise QueryFailed(
                "FAILED: SemanticException [Error 10006]: Partition not found "
                + " and ".join(f"({one.column} {one.operator} '{one.value}')" for one in spec)
            )
        dropped += [values for values in matched if values not in dropped]
    await catalog.drop_partitions(table, dropped)
    return NOTHING


async def repair(catalog: Catalog, statement: model.RepairTable) -> Outcome:
    """Add a partition for each folder `a=1/b=2/` below the table that has none."""
    table = await _partitioned(catalog, statement.name)
    known = {tuple(partition["Values"]) async for partition in catalog.partitions(table)}
    names = key_names(table)
    location = table["StorageDescriptor"]["Location"].rstrip("/") + "/"
    found: dict[tuple[str, ...], str] = {}
    async for folder in _folders(catalog, location, len(names)):
        values = _values_of(folder.removeprefix(location), names)
        if values is not None and values not in known:
            found[values] = folder
    inputs = [_partition_input(table, list(values), folder) for values, folder in found.items()]
    await catalog.add_partitions(table, inputs, if_not_exists=True)
    if not found:
        return NOTHING
    labels = [_label(names, values) for values in found]
    missing = "\t".join(f"{table['Name']}:{label}" for label in labels)
    return Outcome(
        ["result"],
        [
            f"Partitions not in metastore:\t{missing}",
            *(f"Repair: Added partition to metastore {table['Name']}:{label}" for label in labels),
        ],
    )


async def show(catalog: Catalog, statement: model.ShowPartitions) -> Outcome:
    table = await _partitioned(catalog, statement.name)
    names = key_names(table)
    labels = [_label(names, partition["Values"]) async for partition in catalog.partitions(table)]
    return Outcome(["partition"], sorted(labels))


async def _partitioned(catalog: Catalog, name: model.Name) -> Members:
    table = await catalog.table(name)
    if not table.get("PartitionKeys"):
        raise execution_error(f"Table {catalog.place(name)[1]} is not a partitioned table")
    return table


def _partition_input(table: Members, values: Sequence[str], location: str) -> dict[str, Any]:
    storage = dict(table["StorageDescriptor"]) | {"Location": location}
    return {"Values": list(values), "StorageDescriptor": storage}


def _label(names: Sequence[str], values: Sequence[str]) -> str:
    return "/".join(
        f"{name}={quote(value, safe=_UNESCAPED)}" for name, value in zip(names, values, strict=True)
    )


def _folder(table: Members, values: Sequence[str]) -> str:
    """Where a partition without a LOCATION lies: below its table."""
    names = key_names(table)
    return f"{table['StorageDescriptor']['Location'].rstrip('/')}/{_label(names, values)}"


def _values_of(path: str, names: Sequence[str]) -> tuple[str, ...] | None:
    """The values that a path `a=1/b=2/` gives to the columns, None where it does not fit."""
    parts = path.strip("/").split("/")
    values: list[str] = []
    for part, name in zip(parts, names, strict=False):
        key, equals, value = part.partition("=")
        if not equals or key.lower() != name or not value:
            return None
        values.append(unquote(value))
    return tuple(values) if len(values) == len(names) else None


async def _folders(catalog: Catalog, location: str, depth: int) -> AsyncIterator[str]:
    """Folders `depth` levels below an S3 location, hidden ones left out."""
    if depth == 0:
        yield location
        return
    bucket, _, prefix = location.removeprefix("s3://").partition("/")
    members: dict[str, Any] = {"Bucket": bucket, "Prefix": prefix, "Delimiter": "/"}
    while True:
        try:
            page = await catalog.needs.call_aws(catalog.call, "s3", "ListObjectsV2", **members)
        except ServiceError as refusal:
            raise execution_error(f"{refusal.code}: {refusal.message}") from refusal
        for folder in page.get("CommonPrefixes", []):
            name = folder["Prefix"][len(prefix) :]
            if name.startswith(("_", ".")):
                continue
            async for inner in _folders(catalog, f"s3://{bucket}/{folder['Prefix']}", depth - 1):
                yield inner
        if not page.get("IsTruncated"):
            return
        members["ContinuationToken"] = page["NextContinuationToken"]
