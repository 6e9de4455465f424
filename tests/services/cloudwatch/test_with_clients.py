"""CloudWatch from outside: boto3 (CBOR), the AWS CLI, JSON, the query protocol; and a restart."""

import gzip
import json
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

NAMESPACE = {"query": "{http://monitoring.amazonaws.com/doc/2010-08-01/}"}


def send(server, body: bytes, headers: dict[str, str], path: str = "/") -> tuple[int, bytes]:
    """A signed request that no SDK has touched."""
    request = AWSRequest("POST", server.endpoint + path, headers=headers, data=body)
    credentials = Credentials(server.access_key_id, server.secret_access_key)
    SigV4Auth(credentials, "monitoring", server.region).add_auth(request)
    sent = urllib.request.Request(
        request.url, data=body, headers=dict(request.headers.items()), method="POST"
    )
    try:
        with urllib.request.urlopen(sent, timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def form(action: str, **parameters: str) -> bytes:
    return urllib.parse.urlencode(
        {"Action": action, "Version": "2010-08-01", **parameters}
    ).encode()


def total(client, namespace: str, name: str, dimensions=()) -> float:
    now = datetime.now(UTC)
    found = client.get_metric_data(
        MetricDataQueries=[
            {
                "Id": "a",
                "MetricStat": {
                    "Metric": {
                        "Namespace": namespace,
                        "MetricName": name,
                        "Dimensions": list(dimensions),
                    },
                    "Period": 60,
                    "Stat": "Sum",
                },
            }
        ],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=1),
    )
    return sum(found["MetricDataResults"][0]["Values"])


def test_boto3_puts_and_reads(server):
    client = server.client("cloudwatch")
    client.put_metric_data(
        Namespace="Boto",
        MetricData=[
            {
                "MetricName": "latency",
                "Dimensions": [{"Name": "route", "Value": "/pay"}],
                "Values": [1.0, 2.5],
                "Counts": [3.0, 2.0],
                "Unit": "Milliseconds",
                "Timestamp": datetime.now(UTC),
            }
        ],
    )
    now = datetime.now(UTC)
    found = client.get_metric_statistics(
        Namespace="Boto",
        MetricName="latency",
        Dimensions=[{"Name": "route", "Value": "/pay"}],
        StartTime=now - timedelta(minutes=5),
        EndTime=now + timedelta(minutes=1),
        Period=3600,
        Statistics=["Sum", "SampleCount"],
    )
    (point,) = found["Datapoints"]
    assert (point["Sum"], point["SampleCount"], point["Unit"]) == (8.0, 5.0, "Milliseconds")
    assert point["Timestamp"].tzinfo is not None
    (metric,) = client.list_metrics(Namespace="Boto")["Metrics"]
    assert metric["MetricName"] == "latency"
    pages = client.get_paginator("list_metrics").paginate(Namespace="Boto")
    assert sum(len(page["Metrics"]) for page in pages) == 1
    assert total(client, "Boto", "latency", metric["Dimensions"]) == 8.0


def test_boto3_sees_refusals_by_the_codes_it_knows(server):
    client = server.client("cloudwatch")
    data = [{"MetricName": "m", "Value": 1.0}]
    with pytest.raises(ClientError) as raised:
        client.put_metric_data(Namespace="AWS/Mine", MetricData=data)
    assert raised.value.response["Error"]["Code"] == "InvalidParameterValue"
    assert isinstance(raised.value, client.exceptions.InvalidParameterValueException)
    with pytest.raises(ClientError) as raised:
        client.describe_alarms()
    assert raised.value.response["Error"]["Code"] == "NotImplemented"
    assert "DescribeAlarms" in str(raised.value)


def test_large_bodies_that_boto3_compresses_are_read(server):
    config = Config(request_min_compression_size_bytes=1)
    client = server.client("cloudwatch", config=config)
    data = [{"MetricName": f"m{number}", "Value": 2.0} for number in range(500)]
    sent = []
    client.meta.events.register(
        "before-send.cloudwatch.PutMetricData",
        lambda request, **_: sent.append(request.headers.get("Content-Encoding")),
    )
    client.put_metric_data(Namespace="Gzip", MetricData=data)
    assert sent in (["gzip"], [b"gzip"])
    assert total(client, "Gzip", "m499") == 2.0


def test_a_body_that_unpacks_to_too_much_is_refused(server):
    body = gzip.compress(b"\0" * (64 * 1024 * 1024))
    headers = {
        "Content-Type": "application/x-amz-json-1.0",
        "X-Amz-Target": "GraniteServiceVersion20100801.PutMetricData",
        "Content-Encoding": "gzip",
    }
    status, _ = send(server, body, headers)
    assert status in (400, 413)
    status, _ = send(server, b"not gzip at all", headers)
    assert status == 400


def test_the_aws_cli_puts_and_reads(server):
    def aws(*arguments: str) -> str:
        finished = subprocess.run(
            ["aws", "cloudwatch", *arguments],
            env=server.environment(),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert finished.returncode == 0, finished.stderr
        return finished.stdout

    aws("put-metric-data", "--namespace", "Cli", "--metric-name", "m", "--value", "4")
    start = datetime.now(UTC) - timedelta(minutes=5)
    end = datetime.now(UTC) + timedelta(minutes=1)
    asked = ["--namespace", "Cli", "--metric-name", "m", "--period", "60", "--statistics", "Sum"]
    asked += ["--start-time", start.isoformat(), "--end-time", end.isoformat()]
    found = json.loads(aws("get-metric-statistics", *asked, "--output", "json"))
    assert [point["Sum"] for point in found["Datapoints"]] == [4.0]


def test_older_sdks_put_and_read_by_the_query_protocol(server):
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    now = datetime.now(UTC)
    body = form(
        "PutMetricData",
        **{
            "Namespace": "Query",
            "MetricData.member.1.MetricName": "m",
            "MetricData.member.1.Value": "2.5",
            "MetricData.member.1.Unit": "Count",
            "MetricData.member.1.Timestamp": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "MetricData.member.1.Dimensions.member.1.Name": "n",
            "MetricData.member.1.Dimensions.member.1.Value": "v",
        },
    )
    status, answer = send(server, body, headers)
    assert status == 200, answer
    body = form(
        "GetMetricStatistics",
        **{
            "Namespace": "Query",
            "MetricName": "m",
            "Dimensions.member.1.Name": "n",
            "Dimensions.member.1.Value": "v",
            "StartTime": (now - timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "EndTime": (now + timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "Period": "60",
            "Statistics.member.1": "Sum",
        },
    )
    status, answer = send(server, body, headers)
    assert status == 200, answer
    tree = ET.fromstring(answer)
    path = ["GetMetricStatisticsResult", "Datapoints", "member", "Sum"]
    found = tree.findall("/".join(NAMESPACE["query"] + part for part in path))
    assert [float(value.text or "") for value in found] == [2.5]
    status, answer = send(server, form("PutMetricData", Namespace="AWS/X"), headers)
    assert status == 400
    assert b"<Code>InvalidParameterValue</Code>" in answer


def test_json_is_spoken_too(server):
    headers = {
        "Content-Type": "application/x-amz-json-1.0",
        "X-Amz-Target": "GraniteServiceVersion20100801.PutMetricData",
    }
    data = [{"MetricName": "m", "Value": 3, "Timestamp": time.time()}]
    body = json.dumps({"Namespace": "Json", "MetricData": data}).encode()
    status, answer = send(server, body, headers)
    assert status == 200, answer
    assert total(server.client("cloudwatch"), "Json", "m") == 3.0


def test_metrics_outlive_a_kill(fresh_server):
    client = fresh_server.client("cloudwatch")
    client.put_metric_data(Namespace="Shop", MetricData=[{"MetricName": "m", "Value": 1.0}])
    fresh_server.restart(kill=True)
    client = fresh_server.client("cloudwatch")
    client.put_metric_data(Namespace="Shop", MetricData=[{"MetricName": "m", "Value": 2.0}])
    assert total(client, "Shop", "m") == 3.0
