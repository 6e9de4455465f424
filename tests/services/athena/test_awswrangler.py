"""awswrangler, unmodified: a dataset in, and out by each way that it knows."""

import boto3
import pandas
import pytest

RESULTS = "s3://wrangled-results/"


@pytest.fixture
def wr(server, monkeypatch):
    for name, value in server.variables().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    import awswrangler

    boto3.setup_default_session(region_name=server.region)
    yield awswrangler
    boto3.DEFAULT_SESSION = None


def test_a_dataset_is_written_and_read_in_every_way(server, wr):
    s3 = server.client("s3")
    for bucket in ("wrangled-lake", "wrangled-results"):
        s3.create_bucket(Bucket=bucket)
    wr.catalog.create_database("wrangled")
    written = pandas.DataFrame({"id": [1, 2, 3], "name": ["a", None, "c"], "day": ["x", "y", "x"]})
    wr.s3.to_parquet(
        written,
        path="s3://wrangled-lake/t/",
        dataset=True,
        database="wrangled",
        table="t",
        partition_cols=["day"],
    )
    where = {"database": "wrangled"}
    for ways in (
        {"ctas_approach": True},
        {"ctas_approach": False},
        {"ctas_approach": False, "unload_approach": True},
    ):
        read = wr.athena.read_sql_query(
            "SELECT * FROM t WHERE id > :least ORDER BY id",
            params={"least": 1},
            s3_output=f"{RESULTS}{len(ways)}{ways['ctas_approach']}/",
            **where,
            **ways,
        )
        assert read["id"].tolist() == [2, 3]
        assert read["name"].isna().tolist() == [True, False]
        assert read["day"].tolist() == ["y", "x"]
    described = wr.athena.describe_table("t", "wrangled", s3_output=RESULTS)
    assert described["Column Name"].tolist() == ["id", "name", "day"]
    assert described["Type"].tolist() == ["bigint", "string", "string"]
    assert described["Partition"].tolist() == [False, False, True]
    shown = wr.athena.show_create_table("t", "wrangled", s3_output=RESULTS)
    assert shown.startswith("CREATE EXTERNAL TABLE `t`( `id` bigint, `name` string)")
    assert wr.athena.repair_table("t", "wrangled", s3_output=RESULTS) == "SUCCEEDED"
    wr.athena.create_prepared_statement("SELECT id FROM t WHERE name = ?", "by_name")
    read = wr.athena.read_sql_query(
        "EXECUTE by_name USING 'c'", ctas_approach=False, s3_output=RESULTS, **where
    )
    assert read["id"].tolist() == [3]
    wr.athena.delete_prepared_statement("by_name")
