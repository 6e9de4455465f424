"""Databases."""

import pytest

from millpond.kernel.errors import ServiceError


async def test_a_name_is_folded_and_taken_once(world):
    await world.make_database("Shop")
    database = (await world.glue("GetDatabase", Name="SHOP"))["Database"]
    assert database["Name"] == "shop"
    assert database["CatalogId"] == "123456789012"
    assert database["CreateTime"] == world.clock.now_ms() / 1000
    with pytest.raises(ServiceError, match=r"Database already exists\.") as refused:
        await world.make_database("sHOP")
    assert refused.value.code == "AlreadyExistsException"


async def test_a_missing_database_is_named(world):
    for operation, more in [
        ("GetDatabase", {}),
        ("DeleteDatabase", {}),
        ("UpdateDatabase", {"DatabaseInput": {"Name": "nope"}}),
    ]:
        with pytest.raises(ServiceError, match=r"^Database nope not found\.$") as refused:
            await world.glue(operation, Name="Nope", **more)
        assert refused.value.code == "EntityNotFoundException"


async def test_without_lake_formation_everybody_may_use_new_tables(shop):
    found = (await shop.glue("GetDatabase", Name="shop"))["Database"]
    assert found["CreateTableDefaultPermissions"] == [
        {
            "Principal": {"DataLakePrincipalIdentifier": "IAM_ALLOWED_PRINCIPALS"},
            "Permissions": ["ALL"],
        }
    ]
    await shop.glue(
        "CreateDatabase", DatabaseInput={"Name": "locked", "CreateTableDefaultPermissions": []}
    )
    found = (await shop.glue("GetDatabase", Name="locked"))["Database"]
    assert found["CreateTableDefaultPermissions"] == []


async def test_databases_come_in_pages_by_name(world):
    names = [f"d{number:02d}" for number in range(25)]
    for name in reversed(names):
        await world.make_database(name)
    found, token = [], {}
    while True:
        page = await world.glue("GetDatabases", MaxResults=10, **token)
        assert len(page["DatabaseList"]) <= 10
        found += [database["Name"] for database in page["DatabaseList"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert found == names
    with pytest.raises(ServiceError, match="NextToken is not valid"):
        await world.glue("GetDatabases", NextToken="made up")


async def test_an_update_replaces_the_description_and_cannot_rename(shop):
    described = {"Name": "Shop", "Description": "sales", "LocationUri": "s3://lake/"}
    await shop.glue("UpdateDatabase", Name="shop", DatabaseInput=described)
    found = (await shop.glue("GetDatabase", Name="shop"))["Database"]
    assert (found["Description"], found["LocationUri"]) == ("sales", "s3://lake/")
    with pytest.raises(ServiceError, match="cannot be renamed"):
        await shop.glue("UpdateDatabase", Name="shop", DatabaseInput={"Name": "other"})


async def test_another_account_has_no_catalog_here(shop):
    with pytest.raises(ServiceError, match="Catalog 999999999999 not found"):
        await shop.glue("GetDatabase", Name="shop", CatalogId="999999999999")
    found = await shop.glue("GetDatabase", Name="shop", CatalogId="123456789012")
    assert found["Database"]["Name"] == "shop"


async def test_a_federated_database_is_refused_by_name(world):
    with pytest.raises(ServiceError, match="FederatedDatabase is not implemented"):
        await world.glue(
            "CreateDatabase",
            DatabaseInput={"Name": "f", "FederatedDatabase": {"Identifier": "x"}},
        )


async def test_a_deleted_database_takes_its_tables_with_it(shop):
    for number in range(3):
        await shop.make_table(f"t{number}", keys=[("day", "string")])
        await shop.glue(
            "BatchCreatePartition",
            DatabaseName="shop",
            TableName=f"t{number}",
            PartitionInputList=[{"Values": [str(day)]} for day in range(20)],
        )
        await shop.glue("UpdateTable", DatabaseName="shop", TableInput={"Name": f"t{number}"})
    await shop.glue("DeleteDatabase", Name="shop")
    with pytest.raises(ServiceError, match="Database shop not found"):
        await shop.table("t0")
    await shop.make_database()
    assert (await shop.glue("GetTables", DatabaseName="shop"))["TableList"] == []
    await shop.make_table("t0", keys=[("day", "string")])
    assert await shop.partitions("t0") == []
    await shop.work()
    assert await shop.tasks() == []
    assert await shop.count(b"partition") == 0
    assert await shop.count(b"version") == 0
    assert await shop.count(b"table") == 1


async def test_the_import_from_a_former_catalog_counts_as_done(world):
    status = (await world.glue("GetCatalogImportStatus"))["ImportStatus"]
    assert status == {"ImportCompleted": True}
