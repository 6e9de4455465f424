"""`millpond status` shows what is at work, and nothing that is not."""

import time
from typing import Any

import pytest

from millpond.app.client import CallFailed, Client
from millpond.app.credentials import KeyPair
from millpond.app.folder import Run
from millpond.app.status import describe

ANSWERS = {
    "ElasticMapReduce.ListClusters": {
        "Clusters": [{"Id": "j-1", "Name": "nightly", "Status": {"State": "RUNNING"}}]
    },
    "AmazonAthena.ListWorkGroups": {"WorkGroups": [{"Name": "primary"}, {"Name": "empty"}]},
    "GraniteServiceVersion20100801.ListMetrics": {"Metrics": []},
    "KinesisAnalytics_20180523.ListApplications": {
        "ApplicationSummaries": [
            {"ApplicationName": "fraud", "ApplicationStatus": "RUNNING"},
            {"ApplicationName": "new", "ApplicationStatus": "STARTING"},
            {"ApplicationName": "resting", "ApplicationStatus": "READY"},
        ]
    },
    "GraniteServiceVersion20100801.GetMetricData": {
        "MetricDataResults": [
            {"Id": "rate0", "Values": [5012.3, 80.0]},
            {"Id": "lag0", "Values": [140.0]},
            {"Id": "rate1", "Values": []},
            {"Id": "lag1", "Values": []},
        ]
    },
    "AWSGlue.GetCrawlers": {
        "Crawlers": [{"Name": "idle", "State": "READY"}, {"Name": "orders", "State": "RUNNING"}]
    },
}


class Recorded:
    """Answers as a server does."""

    def call(self, service: str, target: str, **members: Any) -> Any:
        if target == "AmazonAthena.ListQueryExecutions":
            return {
                "QueryExecutionIds": ["q-1", "q-2"] if members["WorkGroup"] == "primary" else []
            }
        if target == "AmazonAthena.BatchGetQueryExecution":
            states = zip(members["QueryExecutionIds"], ("RUNNING", "SUCCEEDED"), strict=True)
            return {
                "QueryExecutions": [
                    {
                        "QueryExecutionId": name,
                        "Status": {"State": state},
                        "Query": "SELECT  *\nFROM " + "t" * 100,
                    }
                    for name, state in states
                ]
            }
        return ANSWERS[target]


def test_what_is_at_work_is_shown() -> None:
    started_ms = int((time.time() - 3725) * 1000)
    run = Run(
        pid=7,
        endpoint="http://127.0.0.1:4566",
        region="us-east-1",
        access_key_id="AKIA",
        started_ms=started_ms,
    )
    assert list(describe(run, Recorded())) == [
        "server    http://127.0.0.1:4566  process 7  up 1 h 2 min",
        "cluster   j-1  RUNNING  nightly",
        "query     q-1  RUNNING  SELECT * FROM " + "t" * 45 + "…",
        "crawler   orders  RUNNING",
        "stream    none at work",
        "delivery  none at work",
        "app       fraud  RUNNING  5,012 records/s  0.1 s behind",
        "app       new  STARTING",
    ]


def test_an_idle_server_says_that_nothing_is_at_work(fresh_server) -> None:
    finished = fresh_server.command("status")
    assert finished.returncode == 0, finished.stderr
    server, *rest = finished.stdout.splitlines()
    assert server.startswith(f"server    {fresh_server.endpoint}  process ")
    assert rest == [
        "cluster   none at work",
        "query     none at work",
        "crawler   none at work",
        "stream    none at work",
        "delivery  none at work",
        "app       none at work",
    ]


def test_streams_that_take_records_are_shown(fresh_server) -> None:
    kinesis, firehose = fresh_server.client("kinesis"), fresh_server.client("firehose")
    for name in ("busy", "idle"):
        kinesis.create_stream(StreamName=name, ShardCount=1)
    kinesis.put_records(
        StreamName="busy", Records=[{"Data": b"x", "PartitionKey": "k"} for _ in range(3)]
    )
    role = "arn:aws:iam::000000000000:role/delivery"
    firehose.create_delivery_stream(
        DeliveryStreamName="archive",
        ExtendedS3DestinationConfiguration={"RoleARN": role, "BucketARN": "arn:aws:s3:::b"},
    )
    firehose.put_record(DeliveryStreamName="archive", Record={"Data": b"x"})
    lines = fresh_server.command("status").stdout.splitlines()
    assert lines[-3:-1] == [
        "stream    busy  3 records in 5 minutes",
        "delivery  archive  1 record in 5 minutes",
    ]


def test_a_server_that_does_not_answer_is_named() -> None:
    client = Client("http://127.0.0.1:1", "us-east-1", KeyPair("AKIA", "secret-secret"))
    with pytest.raises(CallFailed, match=r"no answer from 127\.0\.0\.1:1"):
        client.call("glue", "AWSGlue.GetCrawlers")


def test_a_refusal_is_told(server) -> None:
    pair = KeyPair(server.access_key_id, "not the secret of that key")
    client = Client(server.endpoint, server.region, pair)
    with pytest.raises(CallFailed, match=r"AWSGlue.GetCrawlers: 4\d\d .*Signature"):
        client.call("glue", "AWSGlue.GetCrawlers")
