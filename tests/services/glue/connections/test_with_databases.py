"""Connections are tested against real databases, from a real server."""

import boto3
import pandas
import pytest
from botocore.exceptions import ClientError


@pytest.fixture(params=["postgres", "mysql"])
def database(request):
    return request.getfixturevalue(request.param)


def properties_of(database, **more):
    return {
        "JDBC_CONNECTION_URL": database.jdbc_url,
        "USERNAME": database.user,
        "PASSWORD": database.password,
    } | more


def test_a_connection_that_leads_somewhere_passes_its_test(server, database):
    glue, name = server.client("glue"), f"to-{database.engine}"
    given = {
        "Name": name,
        "ConnectionType": "JDBC",
        "ConnectionProperties": properties_of(database),
    }
    glue.create_connection(ConnectionInput=given)
    assert "LastConnectionValidationTime" not in glue.get_connection(Name=name)["Connection"]
    glue.test_connection(ConnectionName=name)
    assert "LastConnectionValidationTime" in glue.get_connection(Name=name)["Connection"]


def test_a_connection_that_leads_nowhere_says_why(server, database):
    glue = server.client("glue")

    def failure(**more):
        wanted = {
            "ConnectionType": "JDBC",
            "ConnectionProperties": properties_of(database, **more),
        }
        with pytest.raises(ClientError) as raised:
            glue.test_connection(TestConnectionInput=wanted)
        error = raised.value.response["Error"]
        assert error["Code"] == "InvalidInputException"
        return error["Message"]

    assert database.user in failure(PASSWORD="guessed")
    url = database.jdbc_url.rpartition("/")[0]
    assert "nowhere" in failure(JDBC_CONNECTION_URL=f"{url}/nowhere")
    closed = f"jdbc:{database.engine}://127.0.0.1:9/x"
    assert "Failed to connect" in failure(JDBC_CONNECTION_URL=closed)
    assert "guessed" not in server.log.read_text()
    assert database.password not in server.log.read_text()


def test_a_network_cannot_be_tested(server):
    glue = server.client("glue")
    given = {"Name": "net", "ConnectionType": "NETWORK", "ConnectionProperties": {}}
    glue.create_connection(ConnectionInput=given)
    with pytest.raises(ClientError, match="cannot be tested"):
        glue.test_connection(ConnectionName="net")
    with pytest.raises(ClientError, match="Specify either"):
        glue.test_connection()


@pytest.fixture
def wr(server, monkeypatch):
    for name, value in server.variables().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    import awswrangler

    boto3.setup_default_session(region_name=server.region)
    yield awswrangler
    boto3.DEFAULT_SESSION = None


def test_awswrangler_enters_a_database_by_its_connection(server, database, wr):
    name = f"wr-{database.engine}"
    given = {
        "Name": name,
        "ConnectionType": "JDBC",
        "ConnectionProperties": properties_of(database),
    }
    server.client("glue").create_connection(ConnectionInput=given)
    written = pandas.DataFrame({"id": [1, 2], "name": ["a", None]})
    module = wr.postgresql if database.engine == "postgresql" else wr.mysql
    schema = "public" if database.engine == "postgresql" else database.name
    connection = module.connect(name)
    try:
        module.to_sql(written, connection, table="wrangled", schema=schema, mode="overwrite")
        read = module.read_sql_query("SELECT * FROM wrangled ORDER BY id", connection)
    finally:
        connection.close()
    assert read["id"].tolist() == [1, 2]
    assert read["name"].isna().tolist() == [False, True]
    assert database.rows("SELECT count(*) FROM wrangled") == [(2,)]
