"""kill -9 in the middle of everything: nothing acknowledged is lost, nothing half-written shows, no
process stays behind."""

import hashlib
import os
import threading
from collections.abc import Callable
from pathlib import Path

import botocore.exceptions
import pytest

from tests.scenarios.waiting import crawl, query, until

TROUBLE = (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError)


def processes_of(data: Path) -> list[str]:
    """Command lines of the processes whose command or environment names the data folder."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            text = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
            state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if str(data).encode() in text and state != "Z":
            found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


def killed_while(server, work: Callable[[int], None], acknowledged: list, enough: int) -> None:
    """Run `work` in four threads; kill -9 the server once `enough` was acknowledged."""
    reached, stopped = threading.Event(), threading.Event()

    def loop(number: int) -> None:
        while not stopped.is_set():
            try:
                work(number)
            except TROUBLE:
                return
            if len(acknowledged) >= enough:
                reached.set()

    threads = [threading.Thread(target=loop, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    assert reached.wait(60)
    server.kill()
    stopped.set()
    for thread in threads:
        thread.join()
    assert processes_of(server.data) == []
    server.start()


@pytest.mark.parametrize("size", [1_000, 3_000_000])
def test_uploads(fresh_server, size):
    server = fresh_server
    server.client("s3").create_bucket(Bucket="kill")
    acknowledged: list[tuple[str, str]] = []
    counter = iter(range(1_000_000))
    clients = [server.client("s3") for _ in range(4)]

    def upload(number: int) -> None:
        key = f"{next(counter):06d}"
        content = os.urandom(size)
        clients[number].put_object(Bucket="kill", Key=key, Body=content)
        acknowledged.append((key, hashlib.sha256(content).hexdigest()))

    killed_while(server, upload, acknowledged, enough=40)
    s3 = server.client("s3")
    listed = {}
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket="kill"):
        listed.update({entry["Key"]: entry["Size"] for entry in page.get("Contents", [])})
    assert {key for key, _ in acknowledged} <= listed.keys()
    assert set(listed.values()) == {size}
    for key, digest in acknowledged:
        body = s3.get_object(Bucket="kill", Key=key)["Body"].read()
        assert hashlib.sha256(body).hexdigest() == digest
    for key in listed.keys() - {key for key, _ in acknowledged}:
        assert len(s3.get_object(Bucket="kill", Key=key)["Body"].read()) == size


def test_catalog_writes(fresh_server):
    server = fresh_server
    server.client("glue").create_database(DatabaseInput={"Name": "kill"})
    acknowledged: list[str] = []
    counter = iter(range(1_000_000))
    clients = [server.client("glue") for _ in range(4)]

    def create(number: int) -> None:
        name = f"t{next(counter):06d}"
        columns = [{"Name": f"c{index}", "Type": "string"} for index in range(20)]
        glue = clients[number]
        glue.create_table(
            DatabaseName="kill",
            TableInput={
                "Name": name,
                "PartitionKeys": [{"Name": "p", "Type": "int"}],
                "StorageDescriptor": {"Columns": columns, "Location": f"s3://kill/{name}/"},
            },
        )
        acknowledged.append(name)
        errors = glue.batch_create_partition(
            DatabaseName="kill",
            TableName=name,
            PartitionInputList=[{"Values": [str(value)]} for value in range(10)],
        )["Errors"]
        assert errors == []

    killed_while(server, create, acknowledged, enough=40)
    glue = server.client("glue")
    pages = glue.get_paginator("get_tables").paginate(DatabaseName="kill")
    tables = {table["Name"]: table for page in pages for table in page["TableList"]}
    assert set(acknowledged) <= tables.keys()
    for name, table in tables.items():
        assert len(table["StorageDescriptor"]["Columns"]) == 20
        found = glue.get_partitions(DatabaseName="kill", TableName=name)["Partitions"]
        assert len(found) in (0, 10)


def test_a_crawl(fresh_server):
    server = fresh_server
    s3, glue = server.client("s3"), server.client("glue")
    s3.create_bucket(Bucket="kill")
    for number in range(200):
        s3.put_object(Bucket="kill", Key=f"t/day={number:03d}/f.csv", Body=b"a,b\n1,x\n2,y\n" * 50)
    glue.create_database(DatabaseInput={"Name": "kill"})
    glue.create_crawler(
        Name="c", Role="r", DatabaseName="kill", Targets={"S3Targets": [{"Path": "s3://kill/t/"}]}
    )
    glue.start_crawler(Name="c")
    server.kill()
    assert processes_of(server.data) == []
    server.start()
    glue = server.client("glue")
    until(
        lambda: glue.get_crawler(Name="c")["Crawler"], lambda crawler: crawler["State"] == "READY"
    )
    last = glue.get_crawler(Name="c")["Crawler"]["LastCrawl"]
    assert last["Status"] in ("SUCCEEDED", "FAILED", "CANCELLED")
    if last["Status"] != "SUCCEEDED":
        assert last["ErrorMessage"]
        assert crawl(glue, "c")["LastCrawl"]["Status"] == "SUCCEEDED"
    pages = glue.get_paginator("get_partitions").paginate(DatabaseName="kill", TableName="t")
    assert sum(len(page["Partitions"]) for page in pages) == 200


SLEEPER = """
import subprocess, sys, time
subprocess.Popen(["setsid", "sleep", "600"])
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
print("rows", spark.range(10).count(), flush=True)
time.sleep(600)
"""


def test_a_running_step(fresh_server):
    server = fresh_server
    s3, emr = server.client("s3"), server.client("emr")
    s3.create_bucket(Bucket="kill")
    s3.put_object(Bucket="kill", Key="sleeper.py", Body=SLEEPER.encode())
    spark_submit = ["spark-submit", "s3://kill/sleeper.py"]
    after = ["bash", "-c", "echo still here"]
    cluster_id = emr.run_job_flow(
        Name="kill",
        ReleaseLabel=emr.list_release_labels()["ReleaseLabels"][0],
        Applications=[{"Name": "Spark"}],
        LogUri="s3://kill/logs/",
        Instances={
            "MasterInstanceType": "m5.xlarge",
            "InstanceCount": 1,
            "KeepJobFlowAliveWhenNoSteps": True,
        },
        ServiceRole="EMR_DefaultRole",
        JobFlowRole="EMR_EC2_DefaultRole",
        Steps=[
            {
                "Name": name,
                "ActionOnFailure": "CONTINUE",
                "HadoopJarStep": {"Jar": "command-runner.jar", "Args": args},
            }
            for name, args in (("sleeps", spark_submit), ("waits", after))
        ],
    )["JobFlowId"]

    def stdout() -> str:
        listed = s3.list_objects_v2(Bucket="kill", Prefix=f"logs/{cluster_id}/steps/")
        return " ".join(entry["Key"] for entry in listed.get("Contents", []))

    until(stdout, lambda keys: "stdout.gz" in keys)
    assert any("sleeper.py" in command for command in processes_of(server.data))
    server.kill()
    until(lambda: processes_of(server.data), lambda left: left == [], seconds=10)
    server.start()
    emr = server.client("emr")
    steps = until(
        lambda: emr.list_steps(ClusterId=cluster_id)["Steps"],
        lambda steps: all(
            step["Status"]["State"] in ("COMPLETED", "FAILED", "CANCELLED", "INTERRUPTED")
            for step in steps
        ),
    )
    states = {step["Name"]: step["Status"] for step in steps}
    assert states["sleeps"]["State"] == "FAILED"
    assert states["sleeps"]["FailureDetails"]["Reason"]
    assert states["waits"]["State"] == "COMPLETED"
    emr.terminate_job_flows(JobFlowIds=[cluster_id])
    until(
        lambda: emr.describe_cluster(ClusterId=cluster_id)["Cluster"]["Status"]["State"],
        lambda state: state == "TERMINATED",
    )
    assert not any("sleeper" in command for command in processes_of(server.data))


def test_a_running_query(fresh_server):
    server = fresh_server
    server.client("s3").create_bucket(Bucket="kill")
    athena = server.client("athena")
    output = {"OutputLocation": "s3://kill/results/"}
    slow = (
        "SELECT count(*) FROM UNNEST(sequence(1, 10000)) AS a(x) "
        "CROSS JOIN UNNEST(sequence(1, 10000)) AS b(y) "
        "CROSS JOIN UNNEST(sequence(1, 10000)) AS c(z) WHERE x * y % 7 = z % 5"
    )
    execution_id = athena.start_query_execution(QueryString=slow, ResultConfiguration=output)[
        "QueryExecutionId"
    ]

    def state() -> str:
        found = athena.get_query_execution(QueryExecutionId=execution_id)
        return str(found["QueryExecution"]["Status"]["State"])

    until(state, lambda found: found == "RUNNING")
    server.kill()
    until(lambda: processes_of(server.data), lambda left: left == [], seconds=10)
    server.start()
    athena = server.client("athena")
    if state() in ("QUEUED", "RUNNING"):
        athena.stop_query_execution(QueryExecutionId=execution_id)
    assert until(state, lambda found: found in ("FAILED", "CANCELLED")) in ("FAILED", "CANCELLED")
    assert query(athena, "SELECT 1", "s3://kill/results/") == [["1"]]
