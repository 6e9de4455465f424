"""Connections are tested against real databases, from a real server."""

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
