"""CloudWatch Logs from outside: boto3, the AWS CLI, and a kill."""

import json
import subprocess
import time

import pytest
from botocore.exceptions import ClientError


def put(client, group, stream, *messages):
    now_ms = int(time.time() * 1000)
    events = [{"timestamp": now_ms, "message": message} for message in messages]
    return client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def test_boto3_writes_and_reads_in_pages(server):
    client = server.client("logs")
    client.create_log_group(logGroupName="/boto", tags={"a": "b"})
    client.create_log_stream(logGroupName="/boto", logStreamName="one")
    client.create_log_stream(logGroupName="/boto", logStreamName="two")
    put(client, "/boto", "one", *(f"1-{number}" for number in range(30)))
    put(client, "/boto", "two", *(f"2-{number}" for number in range(30)))
    pages = client.get_paginator("filter_log_events").paginate(
        logGroupName="/boto", PaginationConfig={"PageSize": 25}
    )
    found = [event["message"] for page in pages for event in page["events"]]
    assert len(found) == len(set(found)) == 60
    groups = client.get_paginator("describe_log_groups").paginate(logGroupNamePrefix="/boto")
    assert [group["logGroupName"] for page in groups for group in page["logGroups"]] == ["/boto"]
    with pytest.raises(client.exceptions.ResourceAlreadyExistsException):
        client.create_log_group(logGroupName="/boto")
    with pytest.raises(ClientError) as raised:
        client.put_index_policy(logGroupIdentifier="/boto", policyDocument='{"Fields": ["a"]}')
    assert raised.value.response["Error"]["Code"] == "NotImplemented"
    assert "PutIndexPolicy" in str(raised.value)


def test_the_aws_cli_follows_a_stream(server):
    client = server.client("logs")
    client.create_log_group(logGroupName="/cli")
    client.create_log_stream(logGroupName="/cli", logStreamName="s")
    put(client, "/cli", "s", "hello", "world")
    for command in (
        ["get-log-events", "--log-group-name", "/cli", "--log-stream-name", "s"],
        ["filter-log-events", "--log-group-name", "/cli"],
    ):
        finished = subprocess.run(
            ["aws", "logs", *command, "--output", "json"],
            env=server.environment(),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert finished.returncode == 0, finished.stderr
        events = json.loads(finished.stdout)["events"]
        assert [event["message"] for event in events] == ["hello", "world"]


def test_events_outlive_a_kill(fresh_server):
    client = fresh_server.client("logs")
    client.create_log_group(logGroupName="/kill")
    client.create_log_stream(logGroupName="/kill", logStreamName="s")
    put(client, "/kill", "s", "before")
    fresh_server.restart(kill=True)
    client = fresh_server.client("logs")
    put(client, "/kill", "s", "after")
    found = client.get_log_events(logGroupName="/kill", logStreamName="s", startFromHead=True)
    assert [event["message"] for event in found["events"]] == ["before", "after"]
