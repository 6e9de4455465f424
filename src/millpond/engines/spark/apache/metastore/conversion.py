"""The catalog's things as Hive has them, and back: dictionaries of boto3, and Thrift's structs.

Sources: `hive_metastore.thrift` (Hive), the structures of the Glue API.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from hive_metastore import ttypes as hive

Item = Mapping[str, Any]
_VIEW = "VIRTUAL_VIEW"
_CATALOG = "hive"
"""What clients since Hive 3 call the catalog that a metastore always has."""


def plain_name(name: str) -> str:
    """A name without the catalog that clients since Hive 3 put before a database's (`@hive#db`)."""
    return name.rpartition("#")[2] if name.startswith("@") else name


def database(item: Item, location: str) -> hive.Database:
    return hive.Database(
        name=item["Name"],
        description=item.get("Description", ""),
        locationUri=item.get("LocationUri") or location,
        parameters=dict(item.get("Parameters") or {}),
        ownerName="hadoop",
        ownerType=hive.PrincipalType.USER,
        catalogName=_CATALOG,
    )


def database_input(one: hive.Database) -> dict[str, Any]:
    return _present(
        Name=one.name.lower(),
        Description=one.description,
        LocationUri=one.locationUri,
        Parameters=one.parameters,
    )


def table(item: Item) -> hive.Table:
    kind = item.get("TableType") or "EXTERNAL_TABLE"
    parameters = dict(item.get("Parameters") or {})
    if kind == "EXTERNAL_TABLE":
        parameters.setdefault("EXTERNAL", "TRUE")
    return hive.Table(
        tableName=item["Name"],
        dbName=item["DatabaseName"],
        owner=item.get("Owner") or "hadoop",
        createTime=_seconds(item.get("CreateTime")),
        lastAccessTime=_seconds(item.get("LastAccessTime")),
        retention=item.get("Retention", 0),
        sd=storage(item.get("StorageDescriptor") or {}),
        partitionKeys=columns(item.get("PartitionKeys") or ()),
        parameters=parameters,
        viewOriginalText=item.get("ViewOriginalText"),
        viewExpandedText=item.get("ViewExpandedText"),
        tableType=kind,
        catName=_CATALOG,
    )


def table_input(one: hive.Table) -> dict[str, Any]:
    is_external = (one.parameters or {}).get("EXTERNAL", "").upper() == "TRUE"
    kind = one.tableType or "MANAGED_TABLE"
    if is_external and kind == "MANAGED_TABLE":
        kind = "EXTERNAL_TABLE"
    return _present(
        Name=one.tableName.lower(),
        Owner=one.owner,
        Retention=one.retention,
        StorageDescriptor=storage_input(one.sd),
        PartitionKeys=columns_input(one.partitionKeys),
        Parameters=one.parameters,
        ViewOriginalText=one.viewOriginalText if kind == _VIEW else None,
        ViewExpandedText=one.viewExpandedText if kind == _VIEW else None,
        TableType=kind,
    )


def partition(item: Item, database_name: str, table_name: str) -> hive.Partition:
    return hive.Partition(
        values=list(item.get("Values") or ()),
        dbName=database_name,
        tableName=table_name,
        createTime=_seconds(item.get("CreationTime")),
        lastAccessTime=_seconds(item.get("LastAccessTime")),
        sd=storage(item.get("StorageDescriptor") or {}),
        parameters=dict(item.get("Parameters") or {}),
        catName=_CATALOG,
    )


def partition_input(one: hive.Partition) -> dict[str, Any]:
    return _present(
        Values=list(one.values),
        StorageDescriptor=storage_input(one.sd),
        Parameters=one.parameters,
    )


def storage(item: Item) -> hive.StorageDescriptor:
    serde = item.get("SerdeInfo") or {}
    skewed = item.get("SkewedInfo") or {}
    return hive.StorageDescriptor(
        cols=columns(item.get("Columns") or ()),
        location=item.get("Location"),
        inputFormat=item.get("InputFormat"),
        outputFormat=item.get("OutputFormat"),
        compressed=item.get("Compressed", False),
        numBuckets=item.get("NumberOfBuckets", -1),
        serdeInfo=hive.SerDeInfo(
            name=serde.get("Name"),
            serializationLib=serde.get("SerializationLibrary"),
            parameters=dict(serde.get("Parameters") or {}),
        ),
        bucketCols=list(item.get("BucketColumns") or ()),
        sortCols=[
            hive.Order(col=order["Column"], order=order["SortOrder"])
            for order in item.get("SortColumns") or ()
        ],
        parameters=dict(item.get("Parameters") or {}),
        skewedInfo=hive.SkewedInfo(
            skewedColNames=list(skewed.get("SkewedColumnNames") or ()),
            skewedColValues=[],
            skewedColValueLocationMaps={},
        ),
        storedAsSubDirectories=item.get("StoredAsSubDirectories", False),
    )


def storage_input(one: hive.StorageDescriptor | None) -> dict[str, Any]:
    if one is None:
        return {}
    serde = one.serdeInfo
    return _present(
        Columns=columns_input(one.cols),
        Location=one.location,
        InputFormat=one.inputFormat,
        OutputFormat=one.outputFormat,
        Compressed=one.compressed,
        NumberOfBuckets=one.numBuckets,
        SerdeInfo=_present(
            Name=serde.name,
            SerializationLibrary=serde.serializationLib,
            Parameters=serde.parameters,
        )
        if serde
        else None,
        BucketColumns=one.bucketCols,
        SortColumns=[{"Column": by.col, "SortOrder": by.order} for by in one.sortCols or ()],
        Parameters=one.parameters,
        StoredAsSubDirectories=one.storedAsSubDirectories,
    )


def columns(items: Iterable[Item]) -> list[hive.FieldSchema]:
    return [
        hive.FieldSchema(item["Name"], item.get("Type") or "string", item.get("Comment"))
        for item in items
    ]


def columns_input(some: Sequence[hive.FieldSchema] | None) -> list[dict[str, Any]]:
    return [_present(Name=one.name, Type=one.type, Comment=one.comment) for one in some or ()]


def function(item: Item) -> hive.Function:
    return hive.Function(
        functionName=item["FunctionName"],
        dbName=item["DatabaseName"],
        className=item["ClassName"],
        ownerName=item.get("OwnerName", ""),
        ownerType=hive.PrincipalType.USER,
        createTime=_seconds(item.get("CreateTime")),
        functionType=hive.FunctionType.JAVA,
        catName=_CATALOG,
        resourceUris=[
            hive.ResourceUri(getattr(hive.ResourceType, uri["ResourceType"]), uri["Uri"])
            for uri in item.get("ResourceUris") or ()
        ],
    )


def function_input(one: hive.Function) -> dict[str, Any]:
    kinds = hive.ResourceType._VALUES_TO_NAMES
    return _present(
        FunctionName=one.functionName,
        ClassName=one.className,
        OwnerName=one.ownerName or "hadoop",
        OwnerType="USER",
        ResourceUris=[
            {"ResourceType": kinds[uri.resourceType], "Uri": uri.uri}
            for uri in one.resourceUris or ()
        ],
    )


def _seconds(moment: datetime | None) -> int:
    return int(moment.astimezone(UTC).timestamp()) if moment else 0


def _present(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
