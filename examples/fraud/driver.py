"""The fraud job, driven with plain boto3: nothing here knows that it is not talking to AWS.

A function for each stage: streams and buckets, the archive (Firehose to Parquet), training on an
EMR cluster, the application (Kinesis Data Analytics), alerts as they come, and the counts at the
end. `demo.py` runs them one after another; copy what you need.
"""

import gzip
import io
import json
import time
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from examples.aws import Row, Tell, run_query, run_step, wait

ARCHIVE, LAKE, LOGS = "fraud-archive", "fraud-lake", "fraud-logs"
RESULTS = f"s3://{LAKE}/athena/"
DATABASE = "fraud"
TRANSACTIONS, ALERTS, DELIVERY, APPLICATION = "transactions", "alerts", "fraud-archive", "fraud"
ROLE = "arn:aws:iam::000000000000:role/fraud"
CONSUMER = "fraud-desk"
MODEL = f"s3://{LAKE}/model/model.onnx"
LOG_GROUP, LOG_STREAM = "/aws/kinesis-analytics/fraud", "kinesis-analytics-log-stream"
HERE = Path(__file__).parent
CODE = ("features.py", "scoring.py", "requirements.txt")

CREATE_DATABASE = f"CREATE DATABASE IF NOT EXISTS {DATABASE}"
CREATE_TRANSACTIONS = f"""
CREATE EXTERNAL TABLE IF NOT EXISTS {DATABASE}.transactions (
  transaction_id string, card_id string, merchant_id string, category string, amount double,
  latitude double, longitude double, event_time timestamp
)
STORED AS PARQUET
LOCATION 's3://{ARCHIVE}/transactions/'
"""
CREATE_SCORES = f"""
CREATE EXTERNAL TABLE IF NOT EXISTS {DATABASE}.scores (
  transaction_id string, card_id string, amount double, event_time timestamp,
  score double, is_alarming boolean
)
STORED AS PARQUET
LOCATION 's3://{LAKE}/scores/'
"""
COUNTS = f"""
SELECT
  (SELECT count(*) FROM {DATABASE}.transactions) AS transactions,
  (SELECT count(DISTINCT transaction_id) FROM {DATABASE}.transactions) AS distinct_transactions,
  (SELECT count(*) FROM {DATABASE}.scores) AS scores,
  (SELECT count(*) FROM {DATABASE}.scores s
   JOIN {DATABASE}.transactions t ON s.transaction_id = t.transaction_id) AS scored_once,
  (SELECT count(*) FROM {DATABASE}.scores WHERE is_alarming) AS alarming
"""


def create_places(shards: int) -> None:
    """The buckets and streams, and a consumer of alerts that is sent them at once."""
    s3, kinesis = boto3.client("s3"), boto3.client("kinesis")
    for bucket in (ARCHIVE, LAKE, LOGS):
        s3.create_bucket(Bucket=bucket)
    for stream, count in ((TRANSACTIONS, shards), (ALERTS, 1)):
        kinesis.create_stream(StreamName=stream, ShardCount=count)
    for stream in (TRANSACTIONS, ALERTS):
        kinesis.get_waiter("stream_exists").wait(
            StreamName=stream, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )
    consumer = kinesis.register_stream_consumer(
        StreamARN=_stream_arn(ALERTS), ConsumerName=CONSUMER
    )["Consumer"]
    wait(
        lambda: kinesis.describe_stream_consumer(ConsumerARN=consumer["ConsumerARN"])[
            "ConsumerDescription"
        ],
        state=lambda found: str(found["ConsumerStatus"]),
        ends=("ACTIVE",),
    )


def archive() -> None:
    """Have Firehose write all transactions as Parquet."""
    run_query(CREATE_DATABASE, RESULTS)
    run_query(CREATE_TRANSACTIONS, RESULTS)
    run_query(CREATE_SCORES, RESULTS)
    firehose = boto3.client("firehose")
    firehose.create_delivery_stream(
        DeliveryStreamName=DELIVERY,
        DeliveryStreamType="KinesisStreamAsSource",
        KinesisStreamSourceConfiguration={
            "KinesisStreamARN": _stream_arn(TRANSACTIONS),
            "RoleARN": ROLE,
        },
        ExtendedS3DestinationConfiguration={
            "RoleARN": ROLE,
            "BucketARN": f"arn:aws:s3:::{ARCHIVE}",
            "Prefix": "transactions/",
            "ErrorOutputPrefix": "errors/",
            "BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": 15},
            "DataFormatConversionConfiguration": {
                "Enabled": True,
                "SchemaConfiguration": {
                    "RoleARN": ROLE,
                    "DatabaseName": DATABASE,
                    "TableName": "transactions",
                },
                "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {}}},
                "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {}}},
            },
        },
    )
    wait(
        lambda: firehose.describe_delivery_stream(DeliveryStreamName=DELIVERY)[
            "DeliveryStreamDescription"
        ],
        state=lambda found: str(found["DeliveryStreamStatus"]),
        ends=("ACTIVE", "CREATING_FAILED"),
    )


def upload_history(history: Path, tell: Tell) -> None:
    """The archive of earlier days, to learn from, and what the bank knows of its cards."""
    s3 = boto3.client("s3")
    for path in sorted(history.rglob("*")):
        if path.is_file():
            name = path.relative_to(history).as_posix()
            tell(name)
            key = f"cards/{name}" if name == "cards.csv" else f"history/{name}"
            s3.upload_file(str(path), LAKE, key)
    for name in ("train.py", "features.py"):
        s3.upload_file(str(HERE / name), LAKE, f"jobs/{name}")


def train(tell: Tell) -> list[str]:
    """Train on a cluster that ends itself; what the job says."""
    history = f"s3://{LAKE}/history"
    arguments = ["--py-files", f"s3://{LAKE}/jobs/features.py", f"s3://{LAKE}/jobs/train.py"]
    arguments += ["--transactions", f"{history}/transactions/", "--labels", f"{history}/labels.csv"]
    arguments += ["--cards", f"s3://{LAKE}/cards/cards.csv", "--model", MODEL]
    cluster_id = run_step("fraud-training", "Train", arguments, LOGS, tell)
    return _said(f"emr/{cluster_id}/steps/")


def _said(prefix: str) -> list[str]:
    s3 = boto3.client("s3")
    for found in s3.list_objects_v2(Bucket=LOGS, Prefix=prefix).get("Contents", []):
        if found["Key"].endswith("stdout.gz"):
            body = s3.get_object(Bucket=LOGS, Key=found["Key"])["Body"].read()
            return gzip.decompress(body).decode().splitlines()
    return []


def upload_code(webhook: str) -> str:
    """The application's code as a ZIP archive: SQL, Python, requirements and the model; its key."""
    s3 = boto3.client("s3")
    model = s3.get_object(Bucket=LAKE, Key="model/model.onnx")["Body"].read()
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as code:
        text = (HERE / "application.sql").read_text()
        code.writestr("application.sql", text.replace("${webhook}", webhook))
        code.writestr("model.onnx", model)
        for name in CODE:
            code.write(HERE / name, name)
    s3.put_object(Bucket=LAKE, Key="code/fraud.zip", Body=content.getvalue())
    return "code/fraud.zip"


def start_application(key: str, tell: Tell, checkpoint_seconds: int = 10) -> None:
    """Create the application and wait until it runs."""
    analytics, logs = boto3.client("kinesisanalyticsv2"), boto3.client("logs")
    with suppress(logs.exceptions.ResourceAlreadyExistsException):
        logs.create_log_group(logGroupName=LOG_GROUP)
    with suppress(logs.exceptions.ResourceAlreadyExistsException):
        logs.create_log_stream(logGroupName=LOG_GROUP, logStreamName=LOG_STREAM)
    group = f"arn:aws:logs:us-east-1:000000000000:log-group:{LOG_GROUP}"
    analytics.create_application(
        ApplicationName=APPLICATION,
        RuntimeEnvironment="FLINK-1_20",
        ServiceExecutionRole=ROLE,
        ApplicationConfiguration={
            "ApplicationCodeConfiguration": {
                "CodeContent": {
                    "S3ContentLocation": {"BucketARN": f"arn:aws:s3:::{LAKE}", "FileKey": key}
                },
                "CodeContentType": "ZIPFILE",
            },
            "FlinkApplicationConfiguration": {
                "CheckpointConfiguration": {
                    "ConfigurationType": "CUSTOM",
                    "CheckpointingEnabled": True,
                    "CheckpointInterval": checkpoint_seconds * 1_000,
                    "MinPauseBetweenCheckpoints": 1_000,
                }
            },
            "ApplicationSnapshotConfiguration": {"SnapshotsEnabled": True},
        },
        CloudWatchLoggingOptions=[{"LogStreamARN": f"{group}:log-stream:{LOG_STREAM}"}],
    )
    analytics.start_application(ApplicationName=APPLICATION)
    started = wait(
        lambda: analytics.describe_application(ApplicationName=APPLICATION)["ApplicationDetail"],
        state=lambda found: str(found["ApplicationStatus"]),
        ends=("RUNNING", "READY"),
        tell=tell,
    )
    if started["ApplicationStatus"] != "RUNNING":
        raise RuntimeError(f"The application did not start: {'; '.join(application_log())}")


def stop_application(tell: Tell) -> None:
    """Stop it with a snapshot: all that it has read is committed then."""
    analytics = boto3.client("kinesisanalyticsv2")
    analytics.stop_application(ApplicationName=APPLICATION)
    wait(
        lambda: analytics.describe_application(ApplicationName=APPLICATION)["ApplicationDetail"],
        state=lambda found: str(found["ApplicationStatus"]),
        ends=("READY",),
        tell=tell,
    )


def application_log() -> list[str]:
    """The last messages of the application."""
    events = boto3.client("logs").get_log_events(
        logGroupName=LOG_GROUP, logStreamName=LOG_STREAM, limit=20
    )["events"]
    return [json.loads(event["message"])["message"] for event in events]


def alerts() -> Iterator[tuple[Row, int]]:
    """Alerts as they come, each with the millisecond in which it came, until closed."""
    kinesis = boto3.client("kinesis", config=Config(read_timeout=330))
    consumer = kinesis.describe_stream_consumer(
        StreamARN=_stream_arn(ALERTS), ConsumerName=CONSUMER
    )["ConsumerDescription"]["ConsumerARN"]
    position: dict[str, Any] = {"Type": "TRIM_HORIZON"}
    shard = kinesis.list_shards(StreamName=ALERTS)["Shards"][0]["ShardId"]
    while True:
        try:
            events = kinesis.subscribe_to_shard(
                ConsumerARN=consumer, ShardId=shard, StartingPosition=position
            )["EventStream"]
            for event in events:
                came_ms = round(time.time() * 1_000)
                found = event["SubscribeToShardEvent"]
                for record in found["Records"]:
                    yield json.loads(record["Data"]), came_ms
                position = {
                    "Type": "AFTER_SEQUENCE_NUMBER",
                    "SequenceNumber": found["ContinuationSequenceNumber"],
                }
        except (BotoCoreError, ClientError, HTTPError):
            time.sleep(0.2)  # the connection was lost: go on from where it was


def wait_for_archive(count: int, tell: Tell, seconds_max: float = 120) -> None:
    """Wait until Firehose has written `count` transactions."""
    deadline = time.monotonic() + seconds_max
    while time.monotonic() < deadline:
        found = run_query(f"SELECT count(*) AS n FROM {DATABASE}.transactions", RESULTS)[0]["n"]
        tell(f"{found:,} of {count:,}")
        if found >= count:
            return
        time.sleep(1)


def counts() -> Row:
    """Transactions, scores and alerts, as Athena counts them in S3."""
    return run_query(COUNTS, RESULTS)[0]


def _stream_arn(name: str) -> str:
    return f"arn:aws:kinesis:us-east-1:000000000000:stream/{name}"
