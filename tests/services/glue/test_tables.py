"""Tables and their versions."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.kernel.errors import Conflict, ServiceError
from millpond.services.glue.errors import ConcurrentModification
from millpond.services.glue.model import Table, next_version
from millpond.services.glue.shapes import TableInput


async def test_a_table_is_shown_with_what_aws_adds(shop):
    await shop.make_table("Orders", keys=[("day", "string")], Parameters={"k": "v"})
    table = await shop.table("ORDERS")
    assert table["Name"] == "orders"
    assert table["DatabaseName"] == "shop"
    assert table["VersionId"] == "0"
    assert table["Retention"] == 0
    assert table["IsRegisteredWithLakeFormation"] is False
    assert table["CreatedBy"] == "arn:aws:iam::123456789012:user/ann"
    assert table["CatalogId"] == "123456789012"
    assert table["PartitionKeys"] == [{"Name": "day", "Type": "string"}]
    assert table["StorageDescriptor"] == {
        "Columns": [{"Name": "id", "Type": "bigint"}],
        "Location": "s3://lake/Orders/",
        "Compressed": False,
        "NumberOfBuckets": 0,
        "SortColumns": [],
        "StoredAsSubDirectories": False,
    }


async def test_a_table_name_is_taken_once(shop):
    await shop.make_table("orders")
    with pytest.raises(ServiceError, match=r"Table already exists\.") as refused:
        await shop.make_table("ORDERS")
    assert refused.value.code == "AlreadyExistsException"


async def test_what_is_not_there_is_named(shop):
    with pytest.raises(ServiceError, match=r"^Table nope not found\.$") as refused:
        await shop.table("nope")
    assert refused.value.code == "EntityNotFoundException"
    with pytest.raises(ServiceError, match=r"^Database other not found\.$"):
        await shop.glue("GetTable", DatabaseName="other", Name="t")


@pytest.mark.parametrize(
    ("operation", "members", "name"),
    [
        ("CreateTable", {"TransactionId": "t"}, "TransactionId"),
        (
            "CreateTable",
            {"OpenTableFormatInput": {"IcebergInput": {"MetadataOperation": "CREATE"}}},
            "OpenTableFormatInput",
        ),
        ("GetTable", {"QueryAsOfTime": 1.0, "Name": "t"}, "QueryAsOfTime"),
        (
            "GetTable",
            {"AttributesToGet": ["LATEST_ICEBERG_METADATA"], "Name": "t"},
            "LATEST_ICEBERG_METADATA",
        ),
        ("UpdateTable", {"Force": True}, "Force"),
        ("UpdateTable", {"ViewUpdateAction": "ADD"}, "ViewUpdateAction"),
    ],
)
async def test_what_is_not_implemented_is_refused_by_name(shop, operation, members, name):
    await shop.make_table("t")
    if operation != "GetTable":
        members = {"TableInput": {"Name": "t"}, **members}
    with pytest.raises(ServiceError, match=f"{name} is not implemented") as refused:
        await shop.glue(operation, DatabaseName="shop", **members)
    assert refused.value.code == "InvalidInputException"


async def test_a_schema_registry_reference_is_refused(shop):
    storage = {"SchemaReference": {"SchemaVersionNumber": 1}}
    with pytest.raises(ServiceError, match="SchemaReference is not implemented"):
        await shop.make_table("t", StorageDescriptor=storage)


async def test_tables_come_in_pages_and_by_expression(shop):
    names = [f"sales_{number:02d}" for number in range(12)] + ["stock"]
    for name in names:
        await shop.make_table(name)
    page = await shop.glue("GetTables", DatabaseName="shop", MaxResults=5)
    assert [table["Name"] for table in page["TableList"]] == names[:5]
    rest = await shop.glue("GetTables", DatabaseName="shop", NextToken=page["NextToken"])
    assert [table["Name"] for table in rest["TableList"]] == names[5:]
    for expression, expected in [
        ("sales_0.*", names[:10]),
        ("sales_1*", names[10:12]),
        ("*", names),
        ("stock|sales_11", ["sales_11", "stock"]),
        ("STO.K", ["stock"]),
        ("sto", []),
        ("^s[ta].*k$", ["stock"]),
    ]:
        found = await shop.glue("GetTables", DatabaseName="shop", Expression=expression)
        assert [table["Name"] for table in found["TableList"]] == expected, expression
    with pytest.raises(ServiceError, match="cannot be used"):
        await shop.glue("GetTables", DatabaseName="shop", Expression="(a")


async def test_only_the_attributes_asked_for_come(shop):
    await shop.make_table("t", TableType="EXTERNAL_TABLE")
    only_name = (await shop.glue("GetTables", DatabaseName="shop", AttributesToGet=["NAME"]))[
        "TableList"
    ]
    assert only_name == [{"Name": "t", "DatabaseName": "shop", "CatalogId": "123456789012"}]
    with_type = await shop.glue(
        "GetTable", DatabaseName="shop", Name="t", AttributesToGet=["NAME", "TABLE_TYPE"]
    )
    assert with_type["Table"]["TableType"] == "EXTERNAL_TABLE"


async def versions(shop, name="orders", **more):
    found = await shop.glue("GetTableVersions", DatabaseName="shop", TableName=name, **more)
    return [version["VersionId"] for version in found["TableVersions"]]


async def test_every_update_leaves_a_version_behind(shop):
    await shop.make_table("orders", Parameters={"n": "0"})
    for number in (1, 2):
        shop.clock.advance(10)
        described = {"Name": "orders", "Parameters": {"n": str(number)}}
        await shop.glue("UpdateTable", DatabaseName="shop", TableInput=described)
    assert await versions(shop) == ["2", "1", "0"]
    for number in (0, 1, 2):
        found = await shop.glue(
            "GetTableVersion", DatabaseName="shop", TableName="orders", VersionId=str(number)
        )
        table = found["TableVersion"]["Table"]
        assert table["Parameters"] == {"n": str(number)}
        assert table["VersionId"] == str(number)
        assert table["UpdateTime"] - table["CreateTime"] == 10 * number
    newest = await shop.glue("GetTableVersion", DatabaseName="shop", TableName="orders")
    assert newest["TableVersion"]["VersionId"] == "2"


async def test_skip_archive_counts_the_version_and_keeps_no_copy(shop):
    await shop.make_table("orders")
    await shop.glue(
        "UpdateTable", DatabaseName="shop", TableInput={"Name": "orders"}, SkipArchive=True
    )
    assert (await shop.table())["VersionId"] == "1"
    assert await versions(shop) == ["1"]


async def test_an_update_of_a_version_that_was_replaced_is_refused(shop):
    await shop.make_table("orders")
    update = {"DatabaseName": "shop", "TableInput": {"Name": "orders"}, "VersionId": "0"}
    await shop.glue("UpdateTable", **update)
    with pytest.raises(ServiceError, match="concurrent modifications") as refused:
        await shop.glue("UpdateTable", **update)
    assert refused.value.code == "ConcurrentModificationException"
    with pytest.raises(ServiceError, match="must be a whole number"):
        await shop.glue("UpdateTable", **{**update, "VersionId": "one"})


async def test_of_many_updates_of_one_version_one_comes_through(shop):
    await shop.make_table("orders")

    async def update(owner):
        try:
            await shop.glue(
                "UpdateTable",
                DatabaseName="shop",
                TableInput={"Name": "orders", "Owner": owner},
                VersionId="0",
            )
        except ServiceError as error:
            return error.code
        return owner

    outcomes = await asyncio.gather(*(update(f"o{number}") for number in range(8)))
    winners = [outcome for outcome in outcomes if outcome != "ConcurrentModificationException"]
    assert [(await shop.table())["Owner"]] == winners


async def test_updates_without_a_version_all_come_through(shop):
    await shop.make_table("orders")
    described = {"Name": "orders"}
    await asyncio.gather(
        *(shop.glue("UpdateTable", DatabaseName="shop", TableInput=described) for _ in range(10))
    )
    assert await versions(shop) == [str(number) for number in range(10, -1, -1)]


async def test_versions_come_in_pages_and_can_be_forgotten(shop):
    await shop.make_table("orders")
    for _ in range(6):
        await shop.glue("UpdateTable", DatabaseName="shop", TableInput={"Name": "orders"})
    named = {"DatabaseName": "shop", "TableName": "orders"}
    page = await shop.glue("GetTableVersions", **named, MaxResults=4)
    assert [version["VersionId"] for version in page["TableVersions"]] == ["6", "5", "4", "3"]
    rest = await versions(shop, NextToken=page["NextToken"])
    assert rest == ["2", "1", "0"]
    await shop.glue("DeleteTableVersion", **named, VersionId="3")
    answer = await shop.glue("BatchDeleteTableVersion", **named, VersionIds=["2", "9", "6", "x"])
    assert [
        (error["VersionId"], error["ErrorDetail"]["ErrorCode"]) for error in answer["Errors"]
    ] == [
        ("9", "EntityNotFoundException"),
        ("6", "InvalidInputException"),
        ("x", "InvalidInputException"),
    ]
    assert await versions(shop) == ["6", "5", "4", "1", "0"]
    with pytest.raises(ServiceError, match=r"Version not found\."):
        await shop.glue("GetTableVersion", **named, VersionId="3")


@given(st.lists(st.one_of(st.none(), st.integers(0, 6)), max_size=20))
def test_a_version_is_replaced_only_by_who_knows_it(expectations):
    table = Table(id="t", input=TableInput(name="t"), created_ms=0, updated_ms=0)
    for count, expected in enumerate(expectations, 1):
        before = table.version
        text = None if expected is None else str(expected)
        try:
            table = next_version(table, TableInput(name="t", owner=str(count)), text, count)
        except ConcurrentModification:
            assert expected != before
            assert table.version == before
        else:
            assert expected in (None, before)
            assert table.version == before + 1
            assert table.input.owner == str(count)


async def test_several_tables_are_deleted_and_the_missing_ones_told(shop):
    for name in ("a", "b", "c"):
        await shop.make_table(name)
    answer = await shop.glue(
        "BatchDeleteTable", DatabaseName="shop", TablesToDelete=["a", "x", "B"]
    )
    assert answer["Errors"] == [
        {
            "TableName": "x",
            "ErrorDetail": {
                "ErrorCode": "EntityNotFoundException",
                "ErrorMessage": "Table x not found.",
            },
        }
    ]
    assert list(await shop.tables()) == ["c"]


async def test_a_table_made_again_has_nothing_of_the_former(shop):
    await shop.make_table("t", keys=[("p", "int")])
    named = {"DatabaseName": "shop", "TableName": "t"}
    await shop.glue("CreatePartition", **named, PartitionInput={"Values": ["1"]})
    await shop.glue(
        "UpdateTable",
        DatabaseName="shop",
        TableInput={"Name": "t", "PartitionKeys": [{"Name": "p", "Type": "int"}]},
    )
    await shop.glue("DeleteTable", DatabaseName="shop", Name="t")
    await shop.make_table("t", keys=[("p", "int")])
    assert await shop.partitions("t") == []
    assert await versions(shop, "t") == ["0"]


async def test_a_view_of_several_dialects_is_kept(shop):
    view = {
        "Definer": "arn:aws:iam::123456789012:role/definer",
        "Representations": [{"Dialect": "ATHENA", "ViewOriginalText": "SELECT 1"}],
    }
    await shop.make_table("v", TableType="VIRTUAL_VIEW", ViewDefinition=view)
    found = await shop.table("v")
    assert found["IsMultiDialectView"] is True
    assert found["ViewDefinition"]["Representations"] == [
        {"Dialect": "ATHENA", "ViewOriginalText": "SELECT 1", "IsStale": False}
    ]


async def test_a_lost_race_writes_nothing(shop):
    """Two transactions meet on one name: the second one's commit finds out."""
    from millpond.services.glue.operations.tables import create_table
    from millpond.services.glue.shapes import CreateTableRequest, TableInput

    request = CreateTableRequest(database_name="shop", table_input=TableInput(name="t"))
    outcomes = await asyncio.gather(
        *(create_table(shop.needs, shop.call, request) for _ in range(6)), return_exceptions=True
    )
    assert sum(not isinstance(outcome, BaseException) for outcome in outcomes) == 1
    assert any(isinstance(outcome, Conflict) for outcome in outcomes)


async def test_search_finds_words_and_properties(shop):
    await shop.make_database("other")
    await shop.make_table("customer-link", Description="who bought", Owner="ann")
    await shop.make_table("xxlinkyy", Parameters={"classification": "csv"})
    shop.clock.advance(60)
    await shop.glue(
        "CreateTable",
        DatabaseName="other",
        TableInput={
            "Name": "stock",
            "StorageDescriptor": {"Columns": [{"Name": "sku", "Comment": "what is kept"}]},
        },
    )

    async def names(**members):
        found = await shop.glue("SearchTables", **members)
        return [table["Name"] for table in found["TableList"]]

    assert await names() == ["stock", "customer-link", "xxlinkyy"]
    assert await names(SearchText="link") == ["customer-link", "xxlinkyy"]
    assert await names(SearchText="kept sku") == ["stock"]
    assert await names(SearchText='"what is kept"') == ["stock"]
    assert await names(SearchText='"what is"') == []
    assert await names(Filters=[{"Key": "Name", "Value": "link"}]) == ["customer-link"]
    assert await names(Filters=[{"Key": "DatabaseName", "Value": "other"}]) == ["stock"]
    assert await names(Filters=[{"Key": "classification", "Value": "csv"}]) == ["xxlinkyy"]
    later = {"Key": "CreateTime", "Value": str(shop.clock.now_ms() / 1000 - 1)}
    assert await names(Filters=[{**later, "Comparator": "GREATER_THAN"}]) == ["stock"]
    by_name = [{"FieldName": "Name", "Sort": "DESC"}]
    assert await names(SortCriteria=by_name) == ["xxlinkyy", "stock", "customer-link"]
    page = await shop.glue("SearchTables", SortCriteria=by_name, MaxResults=2)
    rest = await names(SortCriteria=by_name, MaxResults=2, NextToken=page["NextToken"])
    assert rest == ["customer-link"]
