"""Real clients against the real server."""

import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import boto3
import pytest
from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError

from tests.services.dynamodb.conftest import definitions, index, schema


def make_leases(client: Any, name: str) -> None:
    """A lease table as the Kinesis Client Library makes it."""
    client.create_table(
        TableName=name,
        KeySchema=schema("leaseKey"),
        AttributeDefinitions=definitions({"leaseKey": "S"}),
        BillingMode="PAY_PER_REQUEST",
        Tags=[{"Key": "app", "Value": "kcl"}],
        DeletionProtectionEnabled=False,
    )
    client.get_waiter("table_exists").wait(TableName=name)


def resource(server: Any) -> Any:
    found = server.variables()
    session = boto3.session.Session(
        found["AWS_ACCESS_KEY_ID"], found["AWS_SECRET_ACCESS_KEY"], region_name=server.region
    )
    return session.resource("dynamodb", endpoint_url=server.endpoint)


def test_the_table_resource(server: Any) -> None:
    table = resource(server).create_table(
        TableName="resource-orders",
        KeySchema=schema("customer", "placed"),
        AttributeDefinitions=definitions({"customer": "S", "placed": "N", "status": "S"}),
        BillingMode="PAY_PER_REQUEST",
        GlobalSecondaryIndexes=[index("by-status", "status", "placed")],
    )
    table.wait_until_exists()
    with table.batch_writer() as batch:
        for number in range(60):
            batch.put_item(
                Item={
                    "customer": "ann",
                    "placed": number,
                    "price": Decimal("1.25") * number,
                    "status": "open" if number % 3 else "done",
                    "parts": [{"sku": "é", "count": number}],
                    "tags": {"a", "b"},
                    "raw": b"\x00\x01",
                    "none": None,
                }
            )
    page = table.query(
        KeyConditionExpression=Key("customer").eq("ann") & Key("placed").between(10, 20),
        FilterExpression=Attr("parts[0].count").gt(15) & Attr("tags").contains("a"),
        ProjectionExpression="placed, parts[0].sku",
    )
    assert [item["placed"] for item in page["Items"]] == list(range(16, 21))
    assert page["Items"][0]["parts"] == [{"sku": "é"}]
    done = table.query(
        IndexName="by-status",
        KeyConditionExpression=Key("status").eq("done"),
        ScanIndexForward=False,
        Limit=2,
    )
    assert [item["placed"] for item in done["Items"]] == [57, 54]
    updated = table.update_item(
        Key={"customer": "ann", "placed": 1},
        UpdateExpression="SET price = price + :p, parts = list_append(parts, :l)",
        ConditionExpression=Attr("status").eq("open"),
        ExpressionAttributeValues={":p": Decimal("0.05"), ":l": ["more"]},
        ReturnValues="UPDATED_NEW",
    )
    assert updated["Attributes"]["price"] == Decimal("1.30")
    assert updated["Attributes"]["parts"][1] == "more"
    item = table.get_item(Key={"customer": "ann", "placed": 2})["Item"]
    assert item["tags"] == {"a", "b"}
    assert item["raw"].value == b"\x00\x01"
    assert item["none"] is None
    table.delete()
    table.wait_until_not_exists()


def test_refusals_reach_clients_with_their_members(server: Any) -> None:
    client = server.client("dynamodb")
    make_leases(client, "refusals")
    item = {"leaseKey": {"S": "s"}, "leaseOwner": {"S": "ann"}}
    client.put_item(TableName="refusals", Item=item)
    with pytest.raises(client.exceptions.ConditionalCheckFailedException) as failed:
        client.put_item(
            TableName="refusals",
            Item=item,
            ConditionExpression="attribute_not_exists(leaseKey)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    assert failed.value.response["Item"] == item
    with pytest.raises(client.exceptions.TransactionCanceledException) as canceled:
        client.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": "refusals", "Item": {"leaseKey": {"S": "other"}}}},
                {
                    "ConditionCheck": {
                        "TableName": "refusals",
                        "Key": {"leaseKey": {"S": "s"}},
                        "ConditionExpression": "leaseOwner = :o",
                        "ExpressionAttributeValues": {":o": {"S": "bob"}},
                        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                    }
                },
            ]
        )
    assert canceled.value.response["CancellationReasons"] == [
        {"Code": "None"},
        {
            "Code": "ConditionalCheckFailed",
            "Message": "The conditional request failed",
            "Item": item,
        },
    ]
    assert "[None, ConditionalCheckFailed]" in str(canceled.value)
    with pytest.raises(ClientError, match="Millpond does not implement dynamodb ExecuteStatement"):
        client.execute_statement(Statement="SELECT * FROM refusals")


def test_a_lease_is_stolen_by_one_worker_alone(server: Any) -> None:
    """As the Kinesis Client Library does it: `leaseOwner` and `leaseCounter` must be as read."""
    client = server.client("dynamodb")
    make_leases(client, "steal")
    lease = {"leaseKey": {"S": "shard"}, "leaseOwner": {"S": "gone"}, "leaseCounter": {"N": "7"}}
    client.put_item(TableName="steal", Item=lease, Expected={"leaseKey": {"Exists": False}})
    start = threading.Barrier(6)

    def steal(worker: int) -> bool:
        start.wait()
        try:
            client.update_item(
                TableName="steal",
                Key={"leaseKey": {"S": "shard"}},
                AttributeUpdates={
                    "leaseOwner": {"Value": {"S": f"w{worker}"}, "Action": "PUT"},
                    "leaseCounter": {"Value": {"N": "8"}, "Action": "PUT"},
                    "ownerSwitchesSinceCheckpoint": {"Value": {"N": "1"}, "Action": "ADD"},
                },
                Expected={
                    "leaseOwner": {"Value": {"S": "gone"}},
                    "leaseCounter": {"Value": {"N": "7"}},
                },
            )
        except client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        won = list(pool.map(steal, range(6)))
    assert sum(won) == 1
    found = client.get_item(TableName="steal", Key={"leaseKey": {"S": "shard"}})["Item"]
    assert found["leaseOwner"]["S"] == f"w{won.index(True)}"
    assert found["ownerSwitchesSinceCheckpoint"]["N"] == "1"


def test_no_increment_is_lost(server: Any) -> None:
    """Two clients count with conditions on what they read, two others with ADD."""
    client = server.client("dynamodb")
    make_leases(client, "count")
    key = {"leaseKey": {"S": "shard"}}
    client.put_item(TableName="count", Item={**key, "n": {"N": "0"}})

    def carefully(times: int) -> None:
        done = 0
        while done < times:
            read = client.get_item(TableName="count", Key=key, ConsistentRead=True)["Item"]["n"][
                "N"
            ]
            try:
                client.update_item(
                    TableName="count",
                    Key=key,
                    UpdateExpression="SET n = :new",
                    ConditionExpression="n = :read",
                    ExpressionAttributeValues={
                        ":new": {"N": str(int(read) + 1)},
                        ":read": {"N": read},
                    },
                )
                done += 1
            except client.exceptions.ConditionalCheckFailedException:
                pass

    def by_adding(times: int) -> None:
        for _ in range(times):
            client.update_item(
                TableName="count",
                Key=key,
                UpdateExpression="ADD n :1",
                ExpressionAttributeValues={":1": {"N": "1"}},
            )

    with ThreadPoolExecutor(4) as pool:
        work = [pool.submit(each, 25) for each in (carefully, carefully, by_adding, by_adding)]
        for each in work:
            each.result()
    assert client.get_item(TableName="count", Key=key)["Item"]["n"]["N"] == "100"


def test_an_owner_index_is_added_as_kcl_3_adds_it(server: Any) -> None:
    client = server.client("dynamodb")
    make_leases(client, "kcl3")
    for number in range(150):
        client.put_item(
            TableName="kcl3",
            Item={"leaseKey": {"S": f"s{number:03}"}, "leaseOwner": {"S": f"w{number % 3}"}},
        )
    client.update_continuous_backups(
        TableName="kcl3", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    name = "LeaseOwnerToLeaseKeyIndex"
    client.update_table(
        TableName="kcl3",
        AttributeDefinitions=definitions({"leaseOwner": "S", "leaseKey": "S"}),
        GlobalSecondaryIndexUpdates=[
            {"Create": index(name, "leaseOwner", "leaseKey", projection="KEYS_ONLY")}
        ],
    )
    for _ in range(500):
        (found,) = client.describe_table(TableName="kcl3")["Table"]["GlobalSecondaryIndexes"]
        if found["IndexStatus"] == "ACTIVE":
            break
    assert found["IndexStatus"] == "ACTIVE"
    pages = client.get_paginator("query").paginate(
        TableName="kcl3",
        IndexName=name,
        KeyConditionExpression="leaseOwner = :o",
        ExpressionAttributeValues={":o": {"S": "w1"}},
        PaginationConfig={"PageSize": 20},
    )
    keys = [item["leaseKey"]["S"] for page in pages for item in page["Items"]]
    assert keys == [f"s{number:03}" for number in range(1, 150, 3)]


def test_everything_is_there_after_a_kill(fresh_server: Any) -> None:
    client = fresh_server.client("dynamodb")
    make_leases(client, "kept")
    client.update_time_to_live(
        TableName="kept", TimeToLiveSpecification={"Enabled": True, "AttributeName": "until"}
    )
    for number in range(20):
        client.put_item(TableName="kept", Item={"leaseKey": {"S": str(number)}})
    client.update_table(
        TableName="kept",
        AttributeDefinitions=definitions({"leaseOwner": "S", "leaseKey": "S"}),
        GlobalSecondaryIndexUpdates=[{"Create": index("owners", "leaseOwner")}],
    )
    fresh_server.restart(kill=True)
    client = fresh_server.client("dynamodb")
    assert client.scan(TableName="kept")["Count"] == 20
    for _ in range(500):
        table = client.describe_table(TableName="kept")["Table"]
        if table["TableStatus"] == "ACTIVE":
            break
    assert table["GlobalSecondaryIndexes"][0]["IndexStatus"] == "ACTIVE"
    found = client.describe_time_to_live(TableName="kept")["TimeToLiveDescription"]
    assert found["AttributeName"] == "until"
    assert client.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"]


def test_pyiceberg_keeps_a_catalog(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", server.endpoint)
    pyiceberg = pytest.importorskip("pyiceberg.catalog.dynamodb")
    pa = pytest.importorskip("pyarrow")
    server.client("s3").create_bucket(Bucket="iceberg-on-dynamodb")
    catalog = pyiceberg.DynamoDbCatalog(
        "millpond",
        **{
            "table-name": "iceberg-catalog",
            "warehouse": "s3://iceberg-on-dynamodb/warehouse",
            "dynamodb.region": server.region,
            "dynamodb.access-key-id": server.access_key_id,
            "dynamodb.secret-access-key": server.secret_access_key,
            "s3.endpoint": server.endpoint,
            "s3.region": server.region,
            "s3.access-key-id": server.access_key_id,
            "s3.secret-access-key": server.secret_access_key,
        },
    )
    catalog.create_namespace("shop")
    columns = pa.schema([("id", pa.int64())])
    catalog.create_table("shop.orders", columns)
    with pytest.raises(Exception, match="already exists"):
        catalog.create_table("shop.orders", columns)
    assert catalog.load_table("shop.orders").schema().column_names == ["id"]
    catalog.rename_table("shop.orders", "shop.sold")
    assert catalog.list_tables("shop") == [("shop", "sold")]
    catalog.drop_table("shop.sold")
    catalog.drop_namespace("shop")
    assert catalog.list_namespaces() == []
