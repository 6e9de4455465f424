"""The whole batch job on a year of real orders: S3, crawler, Athena, Spark on EMR, Athena again."""

import gzip
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.scenarios.waiting import crawl, query, until

DATA = Path(__file__).parents[3] / "shared" / "data" / "online-retail"
LINES = 541_909
UNITS = 5_176_450
REVENUE = "9747747.93"
COUNTRIES = 38
TOTALS = (
    "SELECT count(*), sum(quantity), "
    "cast(sum(cast(quantity * unitprice AS decimal(18, 4))) AS decimal(18, 2)), "
    "count(DISTINCT country) FROM "
)

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason="the shared data is not beside the project"
)


@pytest.fixture(scope="module")
def lake(server):
    """Clients, and a bucket that holds the 305 files."""
    s3 = server.client("s3")
    s3.create_bucket(Bucket="online-retail")
    s3.create_bucket(Bucket="online-retail-results")
    with ThreadPoolExecutor(8) as pool:
        paths = sorted(DATA.glob("*.csv"))
        assert len(paths) == 305
        list(pool.map(lambda p: s3.upload_file(str(p), "online-retail", f"orders/{p.name}"), paths))
    glue = server.client("glue")
    glue.create_database(DatabaseInput={"Name": "shop"})
    glue.create_crawler(
        Name="orders",
        Role="arn:aws:iam::000000000000:role/crawler",
        DatabaseName="shop",
        Targets={"S3Targets": [{"Path": "s3://online-retail/orders/"}]},
    )
    crawled = crawl(glue, "orders")
    assert crawled["LastCrawl"]["Status"] == "SUCCEEDED", crawled["LastCrawl"]
    return server


def test_the_crawler_infers_the_types(lake):
    table = lake.client("glue").get_table(DatabaseName="shop", Name="orders")["Table"]
    types = {column["Name"]: column["Type"] for column in table["StorageDescriptor"]["Columns"]}
    assert types["quantity"] == "bigint"
    assert types["unitprice"] == "double"
    assert types["country"] == "string"
    assert table["StorageDescriptor"]["Location"] == "s3://online-retail/orders/"


def test_athena_counts_the_raw_files_right(lake):
    rows = query(lake.client("athena"), TOTALS + "shop.orders", "s3://online-retail-results/raw/")
    assert rows == [[str(LINES), str(UNITS), REVENUE, str(COUNTRIES)]]


def test_a_spark_step_writes_parquet_and_the_cluster_ends_itself(lake):
    s3, emr = lake.client("s3"), lake.client("emr")
    script = Path(__file__).with_name("online_retail_job.py")
    s3.upload_file(str(script), "online-retail-results", "jobs/clean.py")
    release = emr.list_release_labels()["ReleaseLabels"][0]
    cluster_id = emr.run_job_flow(
        Name="clean",
        ReleaseLabel=release,
        Applications=[{"Name": "Spark"}],
        LogUri="s3://online-retail-results/logs/",
        Instances={
            "InstanceGroups": [
                {"InstanceRole": "MASTER", "InstanceType": "m5.xlarge", "InstanceCount": 1}
            ],
            "KeepJobFlowAliveWhenNoSteps": False,
        },
        ServiceRole="EMR_DefaultRole",
        JobFlowRole="EMR_EC2_DefaultRole",
        Steps=[
            {
                "Name": "clean",
                "ActionOnFailure": "TERMINATE_CLUSTER",
                "HadoopJarStep": {
                    "Jar": "command-runner.jar",
                    "Args": [
                        "spark-submit",
                        "--deploy-mode",
                        "cluster",
                        "s3://online-retail-results/jobs/clean.py",
                        "--table",
                        "shop.orders",
                        "--output",
                        "s3://online-retail-results/clean/",
                    ],
                },
            }
        ],
    )["JobFlowId"]
    cluster = until(
        lambda: emr.describe_cluster(ClusterId=cluster_id)["Cluster"],
        lambda found: found["Status"]["State"].startswith("TERMINATED"),
    )
    (step,) = emr.list_steps(ClusterId=cluster_id)["Steps"]
    logs = f"logs/{cluster_id}/steps/{step['Id']}/"
    listed = s3.list_objects_v2(Bucket="online-retail-results", Prefix=logs)["Contents"]
    texts = {
        entry["Key"].removeprefix(logs): gzip.decompress(
            s3.get_object(Bucket="online-retail-results", Key=entry["Key"])["Body"].read()
        ).decode()
        for entry in listed
    }
    assert step["Status"]["State"] == "COMPLETED", texts
    assert cluster["Status"]["State"] == "TERMINATED"
    assert cluster["Status"]["StateChangeReason"]["Code"] == "ALL_STEPS_COMPLETED"
    assert {"controller.gz", "stderr.gz", "stdout.gz"} <= texts.keys()
    assert f"lines {LINES}" in texts["stdout.gz"]

    glue = lake.client("glue")
    glue.create_crawler(
        Name="clean",
        Role="crawler",
        DatabaseName="shop",
        Targets={"S3Targets": [{"Path": "s3://online-retail-results/clean/"}]},
    )
    assert crawl(glue, "clean")["LastCrawl"]["Status"] == "SUCCEEDED"
    partitions = glue.get_paginator("get_partitions").paginate(
        DatabaseName="shop", TableName="clean"
    )
    assert sum(len(page["Partitions"]) for page in partitions) == COUNTRIES
    rows = query(
        lake.client("athena"), TOTALS + "shop.clean", "s3://online-retail-results/clean-q/"
    )
    assert rows == [[str(LINES), str(UNITS), REVENUE, str(COUNTRIES)]]


def test_a_column_added_in_newer_files_is_a_new_table_version(lake):
    s3, glue = lake.client("s3"), lake.client("glue")
    before = glue.get_table_versions(DatabaseName="shop", TableName="orders")["TableVersions"]
    newer = (DATA / "2011-12-09.csv").read_text().splitlines()
    with_channel = [newer[0] + ",Channel"] + [line + ",web" for line in newer[1:101]]
    s3.put_object(
        Bucket="online-retail", Key="orders/2011-12-10.csv", Body="\n".join(with_channel).encode()
    )
    assert crawl(glue, "orders")["LastCrawl"]["Status"] == "SUCCEEDED"
    after = glue.get_table_versions(DatabaseName="shop", TableName="orders")["TableVersions"]
    assert len(after) == len(before) + 1
    newest = max(after, key=lambda version: int(version["VersionId"]))
    columns = [column["Name"] for column in newest["Table"]["StorageDescriptor"]["Columns"]]
    assert columns[-1] == "channel"
    rows = query(
        lake.client("athena"),
        "SELECT channel, count(*) FROM shop.orders GROUP BY channel ORDER BY 1",
        "s3://online-retail-results/channel/",
    )
    assert rows == [["web", "100"], [None, str(LINES)]]
