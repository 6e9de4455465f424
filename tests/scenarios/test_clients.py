"""Clients that people use, unmodified: the AWS CLI, awswrangler, pyarrow, s3fs, PySpark."""

import datetime
import json
import subprocess
import sys
from pathlib import Path

import awswrangler as wr
import boto3
import pandas as pd
import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq
import pytest
import s3fs

from tests.scenarios.waiting import query, until

AWS = str(Path(sys.executable).parent / "aws")


@pytest.fixture(scope="module")
def aws(server):
    """Run the AWS CLI in a shell prepared by `millpond env`; its output as text."""

    def run(*args: str, cwd: Path | None = None) -> str:
        finished = subprocess.run(
            [AWS, *args], env=server.environment(), cwd=cwd, capture_output=True, text=True
        )
        assert finished.returncode == 0, finished.stderr
        return finished.stdout

    return run


@pytest.fixture(scope="module")
def bucket(server):
    server.client("s3").create_bucket(Bucket="clients")
    return "clients"


def test_the_cli_copies_a_folder_there_and_back(aws, bucket, tmp_path):
    source = tmp_path / "source"
    (source / "deep/er").mkdir(parents=True)
    contents = {
        "a.txt": b"a",
        "deep/ü ä+&%.txt": b"b" * 3000,
        "deep/er/large.bin": b"c" * 20_000_000,
    }
    for name, content in contents.items():
        (source / name).write_bytes(content)
    aws("s3", "cp", "--recursive", "--quiet", str(source), f"s3://{bucket}/copied/")
    listed = aws("s3", "ls", "--recursive", f"s3://{bucket}/copied/")
    assert [line.split(None, 3)[3] for line in listed.splitlines()] == sorted(
        f"copied/{name}" for name in contents
    )
    aws("s3", "cp", "--recursive", "--quiet", f"s3://{bucket}/copied/", str(tmp_path / "back"))
    for name, content in contents.items():
        assert (tmp_path / "back" / name).read_bytes() == content


def test_the_cli_syncs_only_what_changed(aws, bucket, tmp_path):
    (tmp_path / "one.txt").write_text("one")
    (tmp_path / "two.txt").write_text("two")
    assert aws("s3", "sync", str(tmp_path), f"s3://{bucket}/sync/").count("upload:") == 2
    assert aws("s3", "sync", str(tmp_path), f"s3://{bucket}/sync/") == ""
    (tmp_path / "two.txt").write_text("two, longer")
    (tmp_path / "one.txt").unlink()
    changed = aws("s3", "sync", "--delete", str(tmp_path), f"s3://{bucket}/sync/")
    assert "upload:" in changed
    assert "delete:" in changed
    assert aws("s3", "cp", f"s3://{bucket}/sync/two.txt", "-") == "two, longer"


def test_the_cli_queries_with_athena(aws, bucket):
    started = json.loads(
        aws(
            "athena",
            "start-query-execution",
            "--query-string",
            "SELECT sum(n) AS total FROM UNNEST(sequence(1, 100)) AS t(n)",
            "--result-configuration",
            f"OutputLocation=s3://{bucket}/cli-athena/",
        )
    )["QueryExecutionId"]
    until(
        lambda: aws(
            "athena",
            "get-query-execution",
            "--query-execution-id",
            started,
            "--query",
            "QueryExecution.Status.State",
            "--output",
            "text",
        ).strip(),
        lambda state: state == "SUCCEEDED",
    )
    assert aws("s3", "cp", f"s3://{bucket}/cli-athena/{started}.csv", "-") == '"total"\n"5050"\n'


def test_the_cli_runs_a_cluster(aws, bucket):
    release = json.loads(aws("emr", "list-release-labels"))["ReleaseLabels"][0]
    created = aws(
        "emr",
        "create-cluster",
        "--name",
        "from the shell",
        "--release-label",
        release,
        "--applications",
        "Name=Spark",
        "--use-default-roles",
        "--instance-type",
        "m5.xlarge",
        "--instance-count",
        "1",
        "--log-uri",
        f"s3://{bucket}/cli-logs/",
        "--auto-terminate",
        "--steps",
        "Type=CUSTOM_JAR,Name=hello,ActionOnFailure=CONTINUE,"
        'Jar=command-runner.jar,Args=[bash,-c,"echo hello"]',
    )
    cluster_id = json.loads(created)["ClusterId"]
    state = until(
        lambda: json.loads(aws("emr", "describe-cluster", "--cluster-id", cluster_id))["Cluster"][
            "Status"
        ]["State"],
        lambda state: state.startswith("TERMINATED"),
    )
    assert state == "TERMINATED"
    steps = json.loads(aws("emr", "list-steps", "--cluster-id", cluster_id))["Steps"]
    assert [step["Status"]["State"] for step in steps] == ["COMPLETED"]


def test_awswrangler_writes_a_table_and_reads_it_by_query(server, bucket, monkeypatch):
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    session = boto3.Session(region_name=server.region)
    wr.catalog.create_database("client_wrangled", boto3_session=session)
    frame = pd.DataFrame(
        {
            "id": [1, 2, 3],
            "name": ["a", None, 'c,"quoted"'],
            "price": [1.5, 2.25, None],
            "sold": [datetime.date(2024, 1, 1), datetime.date(2024, 2, 29), None],
            "country": ["de", "de", "fr"],
        }
    )
    wr.s3.to_parquet(
        frame,
        path=f"s3://{bucket}/wrangled/",
        dataset=True,
        database="client_wrangled",
        table="sales",
        partition_cols=["country"],
        boto3_session=session,
    )
    for ctas in (False, True):
        read = wr.athena.read_sql_query(
            "SELECT id, name, price, sold, country FROM sales ORDER BY id",
            database="client_wrangled",
            ctas_approach=ctas,
            s3_output=f"s3://{bucket}/wrangled-results/",
            boto3_session=session,
        )
        read = read.sort_values("id")
        assert read["id"].tolist() == [1, 2, 3]
        assert read["name"].fillna("-").tolist() == ["a", "-", 'c,"quoted"']
        assert read["price"].fillna(0).tolist() == [1.5, 2.25, 0]
        assert [str(day) for day in read["sold"][:2]] == ["2024-01-01", "2024-02-29"]
        assert read["country"].tolist() == ["de", "de", "fr"]
    appended = frame.assign(id=[4, 5, 6])
    wr.s3.to_parquet(
        appended,
        path=f"s3://{bucket}/wrangled/",
        dataset=True,
        mode="append",
        database="client_wrangled",
        table="sales",
        partition_cols=["country"],
        boto3_session=session,
    )
    rows = query(
        server.client("athena"),
        "SELECT country, count(*) FROM client_wrangled.sales GROUP BY 1 ORDER BY 1",
        f"s3://{bucket}/wrangled-results/",
    )
    assert rows == [["de", "4"], ["fr", "2"]]


def test_pyarrow_reads_and_writes_a_dataset(server, bucket):
    files = pafs.S3FileSystem(
        access_key=server.access_key_id,
        secret_key=server.secret_access_key,
        endpoint_override=server.endpoint,
        region=server.region,
    )
    table = pa.table({"n": list(range(100_000)), "g": [n % 3 for n in range(100_000)]})
    pq.write_to_dataset(table, f"{bucket}/arrow", partition_cols=["g"], filesystem=files)
    read = pq.read_table(f"{bucket}/arrow", filesystem=files, filters=[("g", "=", 1)])
    assert read.num_rows == 33_333
    assert sum(read["n"].to_pylist()) == sum(range(1, 100_000, 3))


def test_s3fs_behaves_as_a_file_system(server, bucket):
    files = s3fs.S3FileSystem(
        key=server.access_key_id,
        secret=server.secret_access_key,
        client_kwargs={"endpoint_url": server.endpoint, "region_name": server.region},
        skip_instance_cache=True,
    )
    content = bytes(range(256)) * 30_000
    with files.open(f"{bucket}/fs/one.bin", "wb") as file:
        file.write(content)
    with files.open(f"{bucket}/fs/one.bin", "rb") as file:
        file.seek(5_000_000)
        assert file.read(1000) == content[5_000_000:5_001_000]
    assert files.info(f"{bucket}/fs/one.bin")["size"] == len(content)
    files.copy(f"{bucket}/fs/one.bin", f"{bucket}/fs/two.bin")
    assert files.ls(f"{bucket}/fs") == [f"{bucket}/fs/one.bin", f"{bucket}/fs/two.bin"]
    files.rm(f"{bucket}/fs", recursive=True)
    assert not files.exists(f"{bucket}/fs")


def test_pyspark_reads_a_catalog_table_by_name_in_a_prepared_shell(server, bucket, tmp_path):
    s3, glue = server.client("s3"), server.client("glue")
    s3.put_object(Bucket=bucket, Key="fruit/f.csv", Body=b"name,n\napple,3\npear,4\n")
    glue.create_database(DatabaseInput={"Name": "larder"})
    glue.create_table(
        DatabaseName="larder",
        TableInput={
            "Name": "fruit",
            "TableType": "EXTERNAL_TABLE",
            "Parameters": {"classification": "csv", "skip.header.line.count": "1"},
            "StorageDescriptor": {
                "Columns": [{"Name": "name", "Type": "string"}, {"Name": "n", "Type": "bigint"}],
                "Location": f"s3://{bucket}/fruit/",
                "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
                "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
                "SerdeInfo": {
                    "SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
                    "Parameters": {"field.delim": ","},
                },
            },
        },
    )
    script = tmp_path / "job.py"
    script.write_text(
        "from pyspark.sql import SparkSession\n"
        "spark = SparkSession.builder.appName('shell').getOrCreate()\n"
        "rows = spark.sql('SELECT name, n FROM larder.fruit ORDER BY n').collect()\n"
        "print([tuple(row) for row in rows])\n"
        f"spark.table('larder.fruit').write.mode('overwrite').parquet('s3://{bucket}/fruit-out/')\n"
    )
    finished = subprocess.run(
        [sys.executable, str(script)], env=server.environment(), capture_output=True, text=True
    )
    assert finished.returncode == 0, finished.stderr
    assert "[('apple', 3), ('pear', 4)]" in finished.stdout
    written = s3.list_objects_v2(Bucket=bucket, Prefix="fruit-out/")["Contents"]
    assert any(entry["Key"].endswith(".parquet") for entry in written)
