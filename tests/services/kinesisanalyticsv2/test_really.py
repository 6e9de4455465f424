"""Applications on the real engine, called with boto3 over HTTP."""

import io
import json
import time
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

ROLE = "arn:aws:iam::000000000000:role/app"
STREAM = "arn:aws:kinesis:us-east-1:000000000000:stream/"
SECONDS_MAX = 30.0

TABLE = """
CREATE TABLE {name} (id BIGINT, amount DOUBLE) WITH (
  'connector' = 'kinesis', 'stream.arn' = '{arn}', 'aws.region' = 'us-east-1',
  'source.init.position' = 'TRIM_HORIZON', 'format' = 'json');
"""
EVERY_SECOND = {
    "FlinkApplicationConfiguration": {
        "CheckpointConfiguration": {
            "ConfigurationType": "CUSTOM",
            "CheckpointInterval": 500,
            "MinPauseBetweenCheckpoints": 0,
        }
    }
}


def tables(*streams: str) -> str:
    sources = TABLE.format(name="payments", arn=STREAM + streams[0])
    sink = TABLE.format(name="large", arn=STREAM + streams[1])
    return sources + sink.replace("  'source.init.position' = 'TRIM_HORIZON',", " ")


def until(is_so: Callable[[], Any]) -> Any:
    """What it answers, once that is something."""
    end = time.monotonic() + SECONDS_MAX
    while not (found := is_so()):
        assert time.monotonic() < end, "It did not happen."
        time.sleep(0.05)
    return found


class Application:
    """One application of a server, and the streams that it reads and writes."""

    def __init__(self, server: Any, name: str) -> None:
        self.server, self.name = server, name
        self.client = server.client("kinesisanalyticsv2")
        self.kinesis = server.client("kinesis")
        self._iterator: str | None = None
        self._read: list[dict] = []
        for stream in self.streams:
            self.kinesis.create_stream(StreamName=stream, ShardCount=1)

    @property
    def streams(self) -> tuple[str, str]:
        return f"{self.name}-in", f"{self.name}-out"

    def make(self, code: dict, kind: str = "PLAINTEXT") -> None:
        self.client.create_application(
            ApplicationName=self.name,
            RuntimeEnvironment="FLINK-1_20",
            ServiceExecutionRole=ROLE,
            ApplicationConfiguration={
                "ApplicationCodeConfiguration": {"CodeContentType": kind, "CodeContent": code}
            }
            | EVERY_SECOND,
        )

    def start(self) -> None:
        self.client.start_application(ApplicationName=self.name)
        until(lambda: self.status() != "STARTING")
        assert self.status() == "RUNNING", self.failures()

    def stop(self) -> None:
        self.client.stop_application(ApplicationName=self.name)
        until(lambda: self.status() == "READY")

    def status(self) -> str:
        detail = self.client.describe_application(ApplicationName=self.name)["ApplicationDetail"]
        return detail["ApplicationStatus"]

    def failures(self) -> list[dict]:
        listed = self.client.list_application_operations(ApplicationName=self.name)
        return [
            self.client.describe_application_operation(
                ApplicationName=self.name, OperationId=one["OperationId"]
            )["ApplicationOperationInfoDetails"]
            for one in listed["ApplicationOperationInfoList"]
        ]

    def put(self, ids: range) -> None:
        records = [
            {"Data": json.dumps({"id": one, "amount": one * 1.5}).encode(), "PartitionKey": "k"}
            for one in ids
        ]
        self.kinesis.put_records(StreamName=self.streams[0], Records=records)

    def written(self) -> list[dict]:
        """All records of the stream that it writes; five reads a second are allowed."""
        if self._iterator is None:
            self._iterator = self.kinesis.get_shard_iterator(
                StreamName=self.streams[1],
                ShardId="shardId-000000000000",
                ShardIteratorType="TRIM_HORIZON",
            )["ShardIterator"]
        time.sleep(0.21)
        answer = self.kinesis.get_records(ShardIterator=self._iterator)
        self._iterator = answer["NextShardIterator"]
        self._read += [json.loads(record["Data"]) for record in answer["Records"]]
        return self._read


def test_an_application_starts_runs_stops_and_goes_on_where_it_was(server) -> None:
    app = Application(server, "plain")
    sql = f"{tables(*app.streams)} INSERT INTO large SELECT * FROM payments WHERE amount > 3;"
    app.make({"TextContent": sql})
    app.start()
    app.put(range(5))
    until(lambda: len(app.written()) == 2)
    app.stop()
    app.put(range(5, 8))
    app.start()
    until(lambda: len(app.written()) == 5)
    assert [record["id"] for record in app.written()] == [3, 4, 5, 6, 7]
    cloudwatch = server.client("cloudwatch")
    application = [{"Name": "Application", "Value": app.name}]
    until(
        lambda: cloudwatch.list_metrics(
            Namespace="AWS/KinesisAnalytics", MetricName="numRecordsIn", Dimensions=application
        )["Metrics"]
    )
    assert f"{app.name}  RUNNING" in server.command("status").stdout
    app.stop()


def test_bad_sql_is_refused_with_line_and_column(server) -> None:
    app = Application(server, "bad")
    sql = f"{tables(*app.streams)}\nINSERT INTO large SELECT id, nothing FROM payments;"
    with pytest.raises(ClientError, match=r"line \d+, column \d+.*nothing") as refused:
        app.make({"TextContent": sql})
    assert refused.value.response["Error"]["Code"] == "CodeValidationException"


def test_python_functions_come_with_the_archive_and_what_they_do_not_like_is_told(server) -> None:
    app = Application(server, "python")
    sql = f"""CREATE FUNCTION score AS 'scoring.score' LANGUAGE PYTHON;
    {tables(*app.streams)} INSERT INTO large SELECT id, score(amount) FROM payments;"""
    function = """
import json, pathlib
from pyflink.table import DataTypes
from pyflink.table.udf import udf

groups = json.loads((pathlib.Path(__file__).parent / "application_properties.json").read_text())
factor = float(groups[0]["PropertyMap"]["factor"])

@udf(result_type=DataTypes.DOUBLE())
def score(amount):
    return amount * factor
"""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("main.sql", sql)
        archive.writestr("scoring.py", function)
    s3 = server.client("s3")
    s3.create_bucket(Bucket="python-code")
    s3.put_object(Bucket="python-code", Key="app.zip", Body=packed.getvalue())
    app.client.create_application(
        ApplicationName=app.name,
        RuntimeEnvironment="FLINK-1_20",
        ServiceExecutionRole=ROLE,
        ApplicationConfiguration={
            "ApplicationCodeConfiguration": {
                "CodeContentType": "ZIPFILE",
                "CodeContent": {
                    "S3ContentLocation": {
                        "BucketARN": "arn:aws:s3:::python-code",
                        "FileKey": "app.zip",
                    }
                },
            },
            "EnvironmentProperties": {
                "PropertyGroups": [{"PropertyGroupId": "mine", "PropertyMap": {"factor": "10"}}]
            },
        }
        | EVERY_SECOND,
    )
    app.start()
    app.put(range(1, 3))
    until(lambda: len(app.written()) == 2)
    assert app.written() == [{"id": 1, "amount": 15.0}, {"id": 2, "amount": 30.0}]
    app.stop()


def test_a_killed_platform_goes_on_with_its_applications(fresh_server) -> None:
    app = Application(fresh_server, "killed")
    sql = f"{tables(*app.streams)} INSERT INTO large SELECT * FROM payments;"
    app.make({"TextContent": sql})
    app.start()
    app.put(range(10))
    until(lambda: len(app.written()) == 10)
    app.client.create_application_snapshot(ApplicationName="killed", SnapshotName="before")

    def is_ready() -> bool:
        answer = app.client.describe_application_snapshot(
            ApplicationName="killed", SnapshotName="before"
        )
        return bool(answer["SnapshotDetails"]["SnapshotStatus"] == "READY")

    until(is_ready)
    fresh_server.restart(kill=True)
    assert app.status() == "RUNNING"
    app.put(range(10, 20))
    until(lambda: {record["id"] for record in app.written()} == set(range(20)))
    assert len(app.written()) == 20, "nothing before the checkpoint comes again"
    app.client.stop_application(ApplicationName="killed", Force=True)
    until(lambda: app.status() == "READY")


def test_an_application_that_keeps_failing_says_why_and_counts(server) -> None:
    app = Application(server, "failing")
    sql = f"{tables(*app.streams)} INSERT INTO large SELECT * FROM payments;"
    app.make({"TextContent": sql})
    app.start()
    app.kinesis.delete_stream(StreamName="failing-in")
    reason = "Stream failing-in under account 000000000000 not found."

    def told() -> str:
        return next(
            line for line in server.command("status").stdout.splitlines() if "failing" in line
        )

    until(lambda: "failing  RUNNING  failed lately: " in told() and reason in told())
    cloudwatch = server.client("cloudwatch")
    now = time.time()

    def restarts() -> bool:
        answer = cloudwatch.get_metric_statistics(
            Namespace="AWS/KinesisAnalytics",
            MetricName="fullRestarts",
            Dimensions=[{"Name": "Application", "Value": "failing"}],
            StartTime=now - 300,
            EndTime=now + 300,
            Period=60,
            Statistics=["Maximum"],
        )
        return any(point["Maximum"] >= 2 for point in answer["Datapoints"])

    until(restarts)
    app.client.stop_application(ApplicationName="failing", Force=True)
    until(lambda: app.status() == "READY")
