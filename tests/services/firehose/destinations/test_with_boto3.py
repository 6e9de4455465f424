"""Delivery streams of a real server, from PutRecordBatch to what lies at the other end."""

import asyncio
import base64
import io
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pyarrow.parquet as pq
from aiohttp import web

from millpond.services.firehose.destinations.iceberg_messages import Catalog
from millpond.services.firehose.destinations.iceberg_tables import open_catalog

ROLE = "arn:aws:iam::000000000000:role/firehose"
SOON = {"SizeInMBs": 1, "IntervalInSeconds": 0}
SECONDS_MAX = 30.0


def s3_to(bucket: str) -> dict[str, Any]:
    return {
        "RoleARN": ROLE,
        "BucketARN": f"arn:aws:s3:::{bucket}",
        "BufferingHints": SOON | {"IntervalInSeconds": 60},
    }


def objects_of(server: Any, bucket: str, prefix: str = "") -> dict[str, bytes]:
    s3 = server.client("s3")
    found = s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", ())
    return {
        one["Key"]: s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read() for one in found
    }


async def there(look: Callable[[], Any]) -> Any:
    """What `look` finds, once it finds something."""
    end = time.monotonic() + SECONDS_MAX
    while not (found := await asyncio.to_thread(look)):
        assert time.monotonic() < end, "It did not happen."
        await asyncio.sleep(0.05)
    return found


def put(server: Any, stream: str, *data: bytes) -> None:
    server.client("firehose").put_record_batch(
        DeliveryStreamName=stream, Records=[{"Data": one} for one in data]
    )


def processors(**kinds: dict[str, str]) -> dict[str, Any]:
    return {
        "Enabled": True,
        "Processors": [
            {
                "Type": kind,
                "Parameters": [
                    {"ParameterName": name, "ParameterValue": value}
                    for name, value in parameters.items()
                ],
            }
            for kind, parameters in kinds.items()
        ],
    }


FUNCTION = b"""
import base64, json
def lambda_handler(event, context):
    out = []
    for record in event["records"]:
        row = json.loads(base64.b64decode(record["data"]))
        row["amount"] = row["amount"] * 2
        data = base64.b64encode(json.dumps(row).encode()).decode()
        result = "Dropped" if row["id"] == 0 else "Ok"
        out.append({"recordId": record["recordId"], "result": result, "data": data})
    return {"records": out}
"""


async def test_records_are_transformed_partitioned_and_converted(server: Any) -> None:
    s3, glue, firehose = (server.client(name) for name in ("s3", "glue", "firehose"))
    s3.create_bucket(Bucket="fh-columns")
    s3.put_object(Bucket="fh-columns", Key="code/double.py", Body=FUNCTION)
    glue.create_database(DatabaseInput={"Name": "fh_columns"})
    columns = [
        {"Name": name, "Type": kind}
        for name, kind in {"id": "int", "amount": "double", "country": "string"}.items()
    ]
    glue.create_table(
        DatabaseName="fh_columns",
        TableInput={"Name": "sales", "StorageDescriptor": {"Columns": columns}},
    )
    firehose.create_delivery_stream(
        DeliveryStreamName="fh-columns",
        ExtendedS3DestinationConfiguration={
            "RoleARN": ROLE,
            "BucketARN": "arn:aws:s3:::fh-columns",
            "Prefix": "sales/country=!{partitionKeyFromQuery:country}/",
            "ErrorOutputPrefix": "errors/!{firehose:error-output-type}/",
            "BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": 0},
            "DynamicPartitioningConfiguration": {"Enabled": True},
            "ProcessingConfiguration": processors(
                RecordDeAggregation={"SubRecordType": "JSON"},
                Lambda={
                    "LambdaArn": "s3://fh-columns/code/double.py",
                    "BufferIntervalInSeconds": "0",
                },
                MetadataExtraction={
                    "MetadataExtractionQuery": "{country: .country}",
                    "JsonParsingEngine": "JQ-1.6",
                },
            ),
            "DataFormatConversionConfiguration": {
                "SchemaConfiguration": {
                    "RoleARN": ROLE,
                    "DatabaseName": "fh_columns",
                    "TableName": "sales",
                },
                "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {}}},
                "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {}}},
            },
        },
    )
    put(
        server,
        "fh-columns",
        b'{"id":1,"amount":1.5,"country":"de"}{"id":2,"amount":2,"country":"fr"}',
        b'{"id":0,"amount":1,"country":"de"}',
        b'{"id":"x","amount":1,"country":"de"}',
        b'{"id":3,"amount":3}',
    )

    def rows() -> Any:
        found = objects_of(server, "fh-columns", "sales/")
        tables = {
            key.split("/")[1]: pq.read_table(io.BytesIO(data)).to_pylist()
            for key, data in found.items()
            if key.endswith(".parquet")
        }
        return tables if len(tables) == 2 else None

    assert await there(rows) == {
        "country=de": [{"id": 1, "amount": 3.0, "country": "de"}],
        "country=fr": [{"id": 2, "amount": 4.0, "country": "fr"}],
    }

    def errors() -> Any:
        found = objects_of(server, "fh-columns", "errors/")
        kinds = {key.split("/")[1]: json.loads(data) for key, data in found.items()}
        return kinds if len(kinds) == 2 else None

    told = await there(errors)
    failed = told["format-conversion-failed"]
    assert failed["lastErrorCode"] == "DataFormatConversion.MalformedData"
    assert failed["dataCatalogTable"]["tableName"] == "sales"
    assert json.loads(base64.b64decode(failed["rawData"]))["id"] == "x"
    keyless = told["processing-failed"]
    assert keyless["errorCode"] == "DynamicPartitioning.MetadataExtractionFailed"
    firehose.delete_delivery_stream(DeliveryStreamName="fh-columns")


Serve = Callable[[Callable[[web.Request], Awaitable[web.Response]]], Awaitable[str]]


async def test_an_endpoint_gets_every_record_though_it_fails_at_first(
    server: Any, serve: Serve
) -> None:
    requests: list[Any] = []

    async def endpoint(request: web.Request) -> web.Response:
        requests.append(await request.json())
        if len(requests) == 1:
            return web.Response(status=503)
        answer = {"requestId": requests[-1]["requestId"], "timestamp": 1}
        return web.json_response(answer)

    url = await serve(endpoint)
    server.client("s3").create_bucket(Bucket="fh-http")
    server.client("firehose").create_delivery_stream(
        DeliveryStreamName="fh-http",
        HttpEndpointDestinationConfiguration={
            "EndpointConfiguration": {"Url": url, "AccessKey": "hunter2"},
            "BufferingHints": SOON,
            "RequestConfiguration": {"ContentEncoding": "GZIP"},
            "S3Configuration": s3_to("fh-http"),
        },
    )
    put(server, "fh-http", b"one", b"two")
    await there(lambda: len(requests) == 2)
    assert requests[0]["requestId"] == requests[1]["requestId"]
    assert [base64.b64decode(one["data"]) for one in requests[1]["records"]] == [b"one", b"two"]
    assert "hunter2" not in server.log.read_text()
    server.client("firehose").delete_delivery_stream(DeliveryStreamName="fh-http")


async def test_what_a_cluster_refuses_ends_in_s3_with_the_reason(server: Any, serve: Serve) -> None:
    indexed: list[Any] = []

    async def cluster(request: web.Request) -> web.Response:
        lines = (await request.read()).splitlines()
        items = []
        for line in lines[1::2]:
            if b"bad" in line:
                error = {"type": "mapper_parsing_exception", "reason": "no"}
                items.append({"index": {"status": 400, "error": error}})
            else:
                indexed.append(json.loads(line))
                items.append({"index": {"status": 201}})
        return web.json_response({"errors": True, "items": items})

    url = await serve(cluster)
    server.client("s3").create_bucket(Bucket="fh-search")
    server.client("firehose").create_delivery_stream(
        DeliveryStreamName="fh-search",
        AmazonopensearchserviceDestinationConfiguration={
            "RoleARN": ROLE,
            "ClusterEndpoint": url,
            "IndexName": "web",
            "BufferingHints": SOON,
            "S3Configuration": s3_to("fh-search"),
        },
    )
    put(server, "fh-search", b'{"n":1}', b'{"n":"bad"}')
    failed = await there(lambda: objects_of(server, "fh-search"))
    assert indexed == [{"n": 1}]
    ((key, line),) = failed.items()
    assert key.startswith("AmazonOpenSearchService-failed/")
    told = json.loads(line)
    assert (told["errorCode"], told["errorMessage"]) == ("400", "mapper_parsing_exception: no")
    assert told["esIndexName"].startswith("web-2")
    assert base64.b64decode(told["rawData"]) == b'{"n":"bad"}'
    server.client("firehose").delete_delivery_stream(DeliveryStreamName="fh-search")


async def test_an_iceberg_table_is_kept_up_by_records_that_say_how(server: Any) -> None:
    from pyiceberg.schema import Schema
    from pyiceberg.types import LongType, NestedField, StringType

    server.client("s3").create_bucket(Bucket="fh-iceberg")
    keys = (server.access_key_id, server.secret_access_key)
    catalog = open_catalog(Catalog(server.endpoint, "us-east-1", *keys, ""))
    catalog.create_namespace("fh_iceberg", {"location": "s3://fh-iceberg/db"})
    schema = Schema(NestedField(1, "id", LongType()), NestedField(2, "name", StringType()))
    catalog.create_table(("fh_iceberg", "people"), schema)
    account = server.client("sts").get_caller_identity()["Account"]
    server.client("firehose").create_delivery_stream(
        DeliveryStreamName="fh-iceberg",
        IcebergDestinationConfiguration={
            "RoleARN": ROLE,
            "CatalogConfiguration": {"CatalogARN": f"arn:aws:glue:us-east-1:{account}:catalog"},
            "DestinationTableConfigurationList": [
                {
                    "DestinationDatabaseName": "fh_iceberg",
                    "DestinationTableName": "people",
                    "UniqueKeys": ["id"],
                }
            ],
            "BufferingHints": SOON,
            "S3Configuration": s3_to("fh-iceberg"),
            "ProcessingConfiguration": processors(
                MetadataExtraction={
                    "MetadataExtractionQuery": '{operation: (.op // "insert")}',
                    "JsonParsingEngine": "JQ-1.6",
                }
            ),
        },
    )

    def rows() -> Any:
        found = catalog.load_table(("fh_iceberg", "people")).scan().to_arrow().to_pylist()
        return sorted((row["id"], row["name"]) for row in found)

    put(server, "fh-iceberg", b'{"id":1,"name":"a"}', b'{"id":2,"name":"b"}', b'{"id":"x"}')
    await there(rows)
    assert rows() == [(1, "a"), (2, "b")]
    put(server, "fh-iceberg", b'{"id":1,"op":"delete"}', b'{"id":2,"name":"c","op":"update"}')
    await there(lambda: rows() == [(2, "c")])

    def failed() -> Any:
        return [
            data
            for key, data in objects_of(server, "fh-iceberg").items()
            if "iceberg-failed" in key
        ]

    (line,) = await there(failed)
    assert json.loads(line)["errorCode"] == "Iceberg.MalformedData"
    server.client("firehose").delete_delivery_stream(DeliveryStreamName="fh-iceberg")
