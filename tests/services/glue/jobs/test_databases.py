"""Jobs read and write databases by their connections, and go on after the last key."""

import pytest

from tests.databases import mysql, postgres  # noqa: F401
from tests.services.glue.jobs.account import Account

SCRIPT = b"""
import sys
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
from awsglue.context import GlueContext
from awsglue.job import Job

args = getResolvedOptions(sys.argv, ["JOB_NAME", "connection", "engine"])
glueContext = GlueContext(SparkContext.getOrCreate())
job = Job(glueContext)
job.init(args["JOB_NAME"], args)
orders = glueContext.create_dynamic_frame.from_options(
    connection_type=args["engine"],
    connection_options={
        "useConnectionProperties": "true",
        "connectionName": args["connection"],
        "dbtable": "job_orders",
        "jobBookmarkKeys": ["id"],
        "jobBookmarkKeysSortOrder": "asc",
    },
    transformation_ctx="orders",
)
print("read", orders.count())
glueContext.write_dynamic_frame.from_jdbc_conf(
    orders, args["connection"], {"dbtable": "job_copies", "database": "shop"}
)
job.commit()
"""


@pytest.fixture(params=["postgres", "mysql"])
def database(request):
    return request.getfixturevalue(request.param)


def test_a_job_copies_what_is_new_of_a_table(server, database):
    account, connection = Account(server), f"copied-{database.engine}"
    account.glue.create_connection(
        ConnectionInput={
            "Name": connection,
            "ConnectionType": "JDBC",
            "ConnectionProperties": {
                "JDBC_CONNECTION_URL": database.jdbc_url,
                "USERNAME": database.user,
                "PASSWORD": database.password,
            },
        }
    )
    database.run(
        "CREATE TABLE job_orders (id int PRIMARY KEY, name varchar(10))",
        "INSERT INTO job_orders VALUES (1, 'a'), (2, 'b')",
    )
    name = account.make(
        SCRIPT,
        Connections={"Connections": [connection]},
        DefaultArguments={
            "--job-bookmark-option": "job-bookmark-enable",
            "--connection": connection,
            "--engine": database.engine,
        },
    )
    first = account.do(name)
    assert first["JobRunState"] == "SUCCEEDED", first
    database.run("INSERT INTO job_orders VALUES (3, 'c')")
    second = account.do(name)
    assert [account.lines(run) for run in (first, second)] == [["read 2"], ["read 1"]]
    rows = database.rows("SELECT id, name FROM job_copies ORDER BY id")
    assert rows == [(1, "a"), (2, "b"), (3, "c")]
