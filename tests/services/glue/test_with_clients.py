"""The catalog and crawlers by unmodified clients: boto3, the AWS CLI, awswrangler, and the calls
that pyiceberg makes to commit."""

import json
import subprocess
import sys
import threading
import uuid
from pathlib import Path

import awswrangler as wr
import boto3
import pytest

from tests.scenarios.waiting import crawl


@pytest.fixture(scope="module")
def glue(server):
    return server.client("glue")


@pytest.fixture
def database(glue):
    name = f"clients_{uuid.uuid4().hex[:8]}"
    glue.create_database(DatabaseInput={"Name": name, "Description": "made by a test"})
    yield name
    glue.delete_database(Name=name)


def test_refusals_are_exceptions_of_the_client(glue, database):
    with pytest.raises(glue.exceptions.EntityNotFoundException) as missing:
        glue.get_table(DatabaseName=database, Name="nope")
    assert missing.value.response["Error"]["Message"] == "Table nope not found."
    with pytest.raises(glue.exceptions.AlreadyExistsException):
        glue.create_database(DatabaseInput={"Name": database})
    with pytest.raises(glue.exceptions.ClientError) as broken:
        glue.create_table(DatabaseName=database, TableInput={"Name": "x" * 256})
    assert broken.value.response["Error"]["Code"] == "ValidationException"
    with pytest.raises(glue.exceptions.CrawlerNotRunningException):
        name = f"idle-{database}"
        target = {"S3Targets": [{"Path": "s3://nowhere-at-all/"}]}
        glue.create_crawler(Name=name, Role="r", Targets=target)
        glue.stop_crawler(Name=name)


def test_paginators_come_to_the_end(glue, database):
    for number in range(7):
        glue.create_table(
            DatabaseName=database,
            TableInput={"Name": f"t{number}", "PartitionKeys": [{"Name": "p", "Type": "int"}]},
        )
    pages = glue.get_paginator("get_tables").paginate(
        DatabaseName=database, PaginationConfig={"PageSize": 3}
    )
    assert [len(page["TableList"]) for page in pages] == [3, 3, 1]
    for start in range(0, 300, 100):
        inputs = [{"Values": [str(value)]} for value in range(start, start + 100)]
        answer = glue.batch_create_partition(
            DatabaseName=database, TableName="t0", PartitionInputList=inputs
        )
        assert answer["Errors"] == []
    pages = glue.get_paginator("get_partitions").paginate(
        DatabaseName=database,
        TableName="t0",
        Expression="p >= 100",
        PaginationConfig={"PageSize": 60},
    )
    found = [int(entry["Values"][0]) for page in pages for entry in page["Partitions"]]
    assert sorted(found) == list(range(100, 300))


def test_a_commit_of_iceberg_is_a_compare_and_swap(server, glue, database):
    """The calls of pyiceberg's GlueCatalog: read, then update that version without an archive."""

    def table_input(number):
        parameters = {
            "table_type": "ICEBERG",
            "metadata_location": f"s3://lake/meta/{number}.json",
            "previous_metadata_location": f"s3://lake/meta/{number - 1}.json",
        }
        return {"Name": "ice", "TableType": "EXTERNAL_TABLE", "Parameters": parameters}

    glue.create_table(DatabaseName=database, TableInput=table_input(0))
    clients = [server.client("glue") for _ in range(4)]
    outcomes = []

    def commit(client):
        for _ in range(5):
            table = client.get_table(DatabaseName=database, Name="ice")["Table"]
            location = table["Parameters"]["metadata_location"]
            number = int(location.rpartition("/")[2].removesuffix(".json"))
            try:
                client.update_table(
                    DatabaseName=database,
                    TableInput=table_input(number + 1),
                    SkipArchive=True,
                    VersionId=table["VersionId"],
                )
                outcomes.append(True)
            except client.exceptions.ConcurrentModificationException:
                outcomes.append(False)

    threads = [threading.Thread(target=commit, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 20
    table = glue.get_table(DatabaseName=database, Name="ice")["Table"]
    assert table["Parameters"]["metadata_location"] == f"s3://lake/meta/{sum(outcomes)}.json"
    assert table["VersionId"] == str(sum(outcomes))
    found = glue.get_table_versions(DatabaseName=database, TableName="ice")["TableVersions"]
    assert [version["VersionId"] for version in found] == [table["VersionId"]]


def test_a_crawl_from_upload_to_table(server, glue, database):
    s3 = server.client("s3")
    bucket = database.replace("_", "-")
    s3.create_bucket(Bucket=bucket)
    for day in range(3):
        s3.put_object(
            Bucket=bucket,
            Key=f"sales/day={day}/part.csv",
            Body=f'id,price,note\n{day},2.5,"a, b"\n'.encode(),
        )
    glue.create_crawler(
        Name=database,
        Role="crawl",
        DatabaseName=database,
        Targets={"S3Targets": [{"Path": f"s3://{bucket}/sales/"}]},
        Tags={"team": "data"},
    )
    crawled = crawl(glue, database)
    assert crawled["LastCrawl"]["Status"] == "SUCCEEDED"
    table = glue.get_table(DatabaseName=database, Name="sales")["Table"]
    assert table["PartitionKeys"] == [{"Name": "day", "Type": "string"}]
    partitions = glue.get_partitions(
        DatabaseName=database, TableName="sales", Expression="day in ('0', '2')"
    )["Partitions"]
    assert [entry["StorageDescriptor"]["Location"] for entry in partitions] == [
        f"s3://{bucket}/sales/day=0/",
        f"s3://{bucket}/sales/day=2/",
    ]
    (history,) = glue.list_crawls(CrawlerName=database)["Crawls"]
    assert json.loads(history["Summary"]) == {"TABLE": {"ADD": 1}, "PARTITION": {"ADD": 3}}
    arn = f"arn:aws:glue:us-east-1:000000000000:crawler/{database}"
    assert glue.get_tags(ResourceArn=arn)["Tags"] == {"team": "data"}
    glue.delete_crawler(Name=database)


def test_the_cli_shows_a_table(server, glue, database):
    glue.create_table(DatabaseName=database, TableInput={"Name": "shown"})
    finished = subprocess.run(
        [
            str(Path(sys.executable).parent / "aws"),
            *("glue", "get-tables", "--database-name", database),
            *("--query", "TableList[].[Name,VersionId]", "--output", "text"),
        ],
        env=server.environment(),
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout == "shown\t0\n"


def test_awswrangler_keeps_its_catalog_here(server, database, monkeypatch):
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    session = boto3.Session(region_name=server.region)
    wr.catalog.create_parquet_table(
        database=database,
        table="Events",
        path="s3://lake/events/",
        columns_types={"id": "bigint", "what": "string"},
        partitions_types={"year": "int", "month": "int"},
        description="what happened",
        parameters={"source": "app"},
        columns_comments={"id": "its number"},
        boto3_session=session,
    )
    wr.catalog.add_parquet_partitions(
        database=database,
        table="events",
        partitions_values={
            f"s3://lake/events/{year}/{month}/": [str(year), str(month)]
            for year in (2023, 2024)
            for month in range(1, 13)
        },
        boto3_session=session,
    )
    found = wr.catalog.get_parquet_partitions(
        database=database,
        table="events",
        expression="year=2024 AND month>10",
        boto3_session=session,
    )
    assert sorted(found.values()) == [["2024", "11"], ["2024", "12"]]
    assert wr.catalog.does_table_exist(database=database, table="events", boto3_session=session)
    types = wr.catalog.get_table_types(database=database, table="events", boto3_session=session)
    assert types == {"id": "bigint", "what": "string", "year": "int", "month": "int"}
    wr.catalog.upsert_table_parameters(
        parameters={"owner": "ann"}, database=database, table="events", boto3_session=session
    )
    parameters = wr.catalog.get_table_parameters(
        database=database, table="events", boto3_session=session
    )
    assert parameters["owner"] == "ann"
    assert wr.catalog.get_table_number_of_versions(
        database=database, table="events", boto3_session=session
    ) == len(wr.catalog.get_table_versions(database, "events", boto3_session=session))
    (searched,) = wr.catalog.search_tables(text="happened", boto3_session=session)
    assert searched["Name"] == "events"
    named = wr.catalog.get_tables(database=database, name_prefix="eve", boto3_session=session)
    assert [table["Name"] for table in named] == ["events"]
    wr.catalog.delete_all_partitions(database=database, table="events", boto3_session=session)
    assert wr.catalog.get_partitions(database, "events", boto3_session=session) == {}
