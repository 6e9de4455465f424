"""Crawls of real databases."""

import uuid

import pytest

from tests.services.glue.conftest import columns_of

COLUMNS = {
    "postgresql": (
        "id bigint, amount numeric(9,2), at timestamp, done boolean, note text, raw bytea, f real",
        {
            "id": "bigint",
            "amount": "decimal(9,2)",
            "at": "timestamp",
            "done": "boolean",
            "note": "string",
            "raw": "binary",
            "f": "float",
        },
    ),
    "mysql": (
        "id bigint unsigned, amount decimal(9,2), at datetime, done tinyint(1), note varchar(9), "
        "n int unsigned, d double",
        {
            "id": "decimal(20,0)",
            "amount": "decimal(9,2)",
            "at": "timestamp",
            "done": "boolean",
            "note": "string",
            "n": "bigint",
            "d": "double",
        },
    ),
}


@pytest.fixture(params=["postgresql", "mysql"])
def database(request):
    return request.getfixturevalue("postgres" if request.param == "postgresql" else "mysql")


@pytest.fixture
def tables(database):
    """Two tables whose names begin alike, and what their names begin with."""
    begin = f"t{uuid.uuid4().hex[:8]}"
    connection = database.connect()
    cursor = connection.cursor()
    for name in ("orders", "notes"):
        cursor.execute(f"CREATE TABLE {begin}_{name} ({COLUMNS[database.engine][0]})")
    connection.commit()
    yield begin
    cursor.execute(f"DROP TABLE {begin}_orders")
    connection.commit()
    connection.close()


async def crawl(lake, database, path, **target):
    await lake.glue(
        "CreateConnection",
        ConnectionInput={
            "Name": "db",
            "ConnectionType": "JDBC",
            "ConnectionProperties": {
                "JDBC_CONNECTION_URL": database.jdbc_url,
                "USERNAME": database.user,
                "PASSWORD": database.password,
            },
        },
    )
    await lake.glue(
        "CreateCrawler",
        Name="c",
        Role="r",
        DatabaseName="shop",
        Targets={"JdbcTargets": [{"ConnectionName": "db", "Path": path, **target}]},
        SchemaChangePolicy={"DeleteBehavior": "DELETE_FROM_DATABASE"},
    )
    return await lake.crawl()


async def test_tables_of_a_database_come_into_the_catalog_and_go(lake, database, tables):
    schema = "/public" if database.engine == "postgresql" else ""
    last = await crawl(lake, database, f"{database.name}{schema}/{tables}%")
    assert last["Status"] == "SUCCEEDED", last
    found = await lake.tables()
    prefix = f"{database.name}{schema.replace('/', '_')}_{tables}"
    assert set(found) == {f"{prefix}_orders", f"{prefix}_notes"}
    table = found[f"{prefix}_orders"]
    assert columns_of(table) == COLUMNS[database.engine][1]
    assert table["Parameters"]["connectionName"] == "db"
    assert table["Parameters"]["classification"] == database.engine
    location = f"{database.name}{schema.replace('/', '.')}.{tables}_orders"
    assert table["StorageDescriptor"]["Location"] == location
    connection = database.connect()
    connection.cursor().execute(f"DROP TABLE {tables}_notes")
    connection.commit()
    connection.close()
    assert (await lake.crawl())["Status"] == "SUCCEEDED"
    assert set(await lake.tables()) == {f"{prefix}_orders"}


async def test_tables_are_left_out_by_exclusions(lake, database, tables):
    schema = "/public" if database.engine == "postgresql" else ""
    path = f"{database.name}{schema}/{tables}%"
    excluded = f"{database.name}{schema}/{tables}_not*"
    await crawl(lake, database, path, Exclusions=[excluded])
    assert [name.rpartition("_")[2] for name in await lake.tables()] == ["orders"]


async def test_a_database_that_cannot_be_entered_fails_the_crawl(lake, database, tables):
    last = await crawl(lake, database, "nowhere/%")
    assert last["Status"] == "FAILED"
    assert "Connection db:" in last["ErrorMessage"]
    assert database.password not in last["ErrorMessage"]
