"""Connections: definitions, who finds them, and who sees their passwords."""

import pytest

URL = "jdbc:postgresql://localhost:5432/shop"
JDBC = {"JDBC_CONNECTION_URL": URL, "USERNAME": "ann", "PASSWORD": "secret"}


def described(name="shop", kind="JDBC", properties=None, **more):
    given = {"Name": name, "ConnectionType": kind, "ConnectionProperties": properties or JDBC}
    return {"ConnectionInput": given | more}


async def refused(awaitable):
    with pytest.raises(Exception) as raised:
        await awaitable
    return raised.value


async def test_a_connection_is_kept_with_its_password(world):
    place = {"SubnetId": "subnet-1", "SecurityGroupIdList": ["sg-1"]}
    answer = await world.glue(
        "CreateConnection",
        **described(Description="orders", PhysicalConnectionRequirements=place),
    )
    assert answer == {"CreateConnectionStatus": "READY"}
    found = (await world.glue("GetConnection", Name="shop"))["Connection"]
    assert found["ConnectionProperties"] == JDBC
    assert found["PhysicalConnectionRequirements"] == place
    assert found["LastUpdatedBy"] == "arn:aws:iam::123456789012:user/ann"
    assert (found["Status"], found["Description"]) == ("READY", "orders")


async def test_a_password_can_be_left_out(world):
    await world.glue("CreateConnection", **described())
    found = (await world.glue("GetConnection", Name="shop", HidePassword=True))["Connection"]
    assert set(found["ConnectionProperties"]) == {"JDBC_CONNECTION_URL", "USERNAME"}
    (found,) = (await world.glue("GetConnections", HidePassword=True))["ConnectionList"]
    assert "PASSWORD" not in found["ConnectionProperties"]


async def test_a_name_is_taken_once(world):
    await world.glue("CreateConnection", **described())
    told = await refused(world.glue("CreateConnection", **described()))
    assert told.code == "AlreadyExistsException"


async def test_a_connection_is_defined_anew(world):
    await world.glue("CreateConnection", **described(Description="one"))
    properties = JDBC | {"USERNAME": "bob"}
    await world.glue("UpdateConnection", Name="shop", **described(properties=properties))
    found = (await world.glue("GetConnection", Name="shop"))["Connection"]
    assert found["ConnectionProperties"]["USERNAME"] == "bob"
    assert "Description" not in found
    told = await refused(world.glue("UpdateConnection", Name="none", **described("none")))
    assert told.code == "EntityNotFoundException"
    told = await refused(world.glue("UpdateConnection", Name="shop", **described("other")))
    assert "cannot be renamed" in told.message


async def test_connections_are_found_by_type_and_criteria_in_pages(world):
    for name, kind, criteria in (
        ("a", "JDBC", ["x", "y"]),
        ("b", "NETWORK", ["x"]),
        ("c", "JDBC", ["x"]),
    ):
        await world.glue("CreateConnection", **described(name, kind, MatchCriteria=criteria))

    async def names(**more):
        found = await world.glue("GetConnections", **more)
        return [one["Name"] for one in found["ConnectionList"]]

    assert await names() == ["a", "b", "c"]
    assert await names(Filter={"ConnectionType": "JDBC"}) == ["a", "c"]
    assert await names(Filter={"MatchCriteria": ["x", "y"]}) == ["a"]
    assert await names(Filter={"ConnectionSchemaVersion": 2}) == []
    first = await world.glue("GetConnections", MaxResults=2)
    assert await names(NextToken=first["NextToken"], MaxResults=2) == ["c"]


async def test_connections_are_deleted_one_or_many(world):
    for name in ("a", "b", "c"):
        await world.glue("CreateConnection", **described(name))
    await world.glue("DeleteConnection", ConnectionName="a")
    answer = await world.glue("BatchDeleteConnection", ConnectionNameList=["a", "b"])
    assert answer["Succeeded"] == ["b"]
    assert answer["Errors"]["a"]["ErrorCode"] == "EntityNotFoundException"
    told = await refused(world.glue("DeleteConnection", ConnectionName="a"))
    assert told.code == "EntityNotFoundException"
    assert len((await world.glue("GetConnections"))["ConnectionList"]) == 1


@pytest.mark.parametrize(
    ("kind", "properties", "words"),
    [
        ("KAFKA", {"KAFKA_BOOTSTRAP_SERVERS": "b:9092"}, "ConnectionType KAFKA is not implemented"),
        ("MONGODB", {"CONNECTION_URL": "mongodb://h/d"}, "MONGODB is not implemented"),
        ("JDBC", {"USERNAME": "a", "PASSWORD": "b"}, "JDBC_CONNECTION_URL is required"),
        ("JDBC", {"JDBC_CONNECTION_URL": URL}, "USERNAME and PASSWORD are required"),
        ("JDBC", JDBC | {"SECRET_ID": "s"}, "SECRET_ID is not implemented"),
        ("JDBC", JDBC | {"CUSTOM_JDBC_CERT": "s3://b/c"}, "CUSTOM_JDBC_CERT is not implemented"),
        (
            "JDBC",
            JDBC | {"JDBC_DRIVER_JAR_URI": "s3://b/x.jar"},
            "JDBC_DRIVER_JAR_URI is not implemented",
        ),
        (
            "JDBC",
            JDBC | {"JDBC_CONNECTION_URL": "jdbc:oracle:thin://@h:1521/x"},
            "JDBC_CONNECTION_URL is not one of",
        ),
    ],
)
async def test_what_nothing_here_could_use_is_refused(world, kind, properties, words):
    told = await refused(world.glue("CreateConnection", **described("c", kind, properties)))
    assert told.code == "InvalidInputException"
    assert words in told.message
    assert "secret" not in told.message


async def test_connections_have_tags(world):
    await world.glue("CreateConnection", **described(), Tags={"team": "x"})
    arn = "arn:aws:glue:us-east-1:123456789012:connection/shop"
    assert (await world.glue("GetTags", ResourceArn=arn))["Tags"] == {"team": "x"}


async def test_nothing_is_encrypted_and_nothing_else_is_said(world):
    found = await world.glue("GetDataCatalogEncryptionSettings")
    settings = found["DataCatalogEncryptionSettings"]
    assert settings == {
        "EncryptionAtRest": {"CatalogEncryptionMode": "DISABLED"},
        "ConnectionPasswordEncryption": {"ReturnConnectionPasswordEncrypted": False},
    }
    await world.glue("PutDataCatalogEncryptionSettings", DataCatalogEncryptionSettings=settings)
    wanted = {"ConnectionPasswordEncryption": {"ReturnConnectionPasswordEncrypted": True}}
    told = await refused(
        world.glue("PutDataCatalogEncryptionSettings", DataCatalogEncryptionSettings=wanted)
    )
    assert "ConnectionPasswordEncryption is not implemented" in told.message
