"""Events on their way out of the real server: Kinesis, Firehose, CloudWatch, S3, live tails."""

import gzip
import json
import subprocess
import time

from botocore.config import Config

ROLE = "arn:aws:iam::123456789012:role/sender"


def until(look, seconds=30):
    """What `look` gives once it gives something."""
    ends = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < ends, "It did not come."
        time.sleep(0.05)
    return found


def make(server, group, *streams):
    logs = server.client("logs")
    logs.create_log_group(logGroupName=group)
    for stream in streams:
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
    return logs


def put(logs, group, stream, *messages):
    now_ms = int(time.time() * 1000)
    events = [{"timestamp": now_ms, "message": message} for message in messages]
    return logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def kinesis_stream(server, name):
    kinesis = server.client("kinesis")
    kinesis.create_stream(StreamName=name, ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1})
    return kinesis, kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]


def payloads(kinesis, name):
    shard = kinesis.list_shards(StreamName=name)["Shards"][0]["ShardId"]
    iterator = kinesis.get_shard_iterator(
        StreamName=name, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    records = kinesis.get_records(ShardIterator=iterator)["Records"]
    return [json.loads(gzip.decompress(record["Data"])) for record in records]


def test_a_subscription_reaches_kinesis_also_after_a_kill(fresh_server):
    server = fresh_server
    logs = make(server, "/sub", "s")
    kinesis, stream = kinesis_stream(server, "sub")
    logs.put_subscription_filter(
        logGroupName="/sub",
        filterName="f",
        filterPattern="{ $.level = ERROR }",
        destinationArn=stream["StreamARN"],
        roleArn=ROLE,
    )
    sent = []
    for number in range(20):
        lines = [json.dumps({"level": level, "n": number}) for level in ("ERROR", "INFO")]
        put(logs, "/sub", "s", *lines)
        sent.append(lines[0])
    server.restart(kill=True)
    logs, kinesis = server.client("logs"), server.client("kinesis")
    put(logs, "/sub", "s", '{"level": "ERROR", "n": "last"}')

    def delivered():
        found = payloads(kinesis, "sub")
        assert found[0]["messageType"] == "CONTROL_MESSAGE"
        texts = [event["message"] for one in found[1:] for event in one["logEvents"]]
        return texts if any("last" in text for text in texts) else None

    assert set(until(delivered)[:-1]) == set(sent)


def test_a_subscription_reaches_s3_through_firehose(server):
    logs = make(server, "/fire", "s")
    s3, firehose = server.client("s3"), server.client("firehose")
    s3.create_bucket(Bucket="fire-logs")
    arn = firehose.create_delivery_stream(
        DeliveryStreamName="fire",
        ExtendedS3DestinationConfiguration={
            "RoleARN": ROLE,
            "BucketARN": "arn:aws:s3:::fire-logs",
            "BufferingHints": {"IntervalInSeconds": 0, "SizeInMBs": 1},
            "ProcessingConfiguration": {
                "Enabled": True,
                "Processors": [
                    {
                        "Type": "Decompression",
                        "Parameters": [
                            {"ParameterName": "CompressionFormat", "ParameterValue": "GZIP"}
                        ],
                    },
                    {
                        "Type": "CloudWatchLogProcessing",
                        "Parameters": [
                            {"ParameterName": "DataMessageExtraction", "ParameterValue": "true"}
                        ],
                    },
                ],
            },
        },
    )["DeliveryStreamARN"]
    until(
        lambda: (
            firehose.describe_delivery_stream(DeliveryStreamName="fire")[
                "DeliveryStreamDescription"
            ]["DeliveryStreamStatus"]
            == "ACTIVE"
        )
    )
    logs.put_subscription_filter(
        logGroupName="/fire", filterName="f", filterPattern="x", destinationArn=arn, roleArn=ROLE
    )
    put(logs, "/fire", "s", "x one", "no", "x two")

    def written():
        keys = [
            found["Key"] for found in s3.list_objects_v2(Bucket="fire-logs").get("Contents", [])
        ]
        bodies = [s3.get_object(Bucket="fire-logs", Key=key)["Body"].read() for key in keys]
        return b"".join(bodies)

    until(lambda: b"x two" in written())
    assert written().split() == [b"x", b"one", b"x", b"two"]


def test_a_metric_filter_is_seen_in_cloudwatch(server):
    logs = make(server, "/metric", "s")
    logs.put_metric_filter(
        logGroupName="/metric",
        filterName="f",
        filterPattern="[method, path, status, millis]",
        metricTransformations=[
            {"metricName": "Millis", "metricNamespace": "Web", "metricValue": "$millis"}
        ],
    )
    put(logs, "/metric", "s", "GET / 200 12", "GET /a 200 30", "starting")
    answer = server.client("cloudwatch").get_metric_statistics(
        Namespace="Web",
        MetricName="Millis",
        StartTime=time.time() - 300,
        EndTime=time.time() + 300,
        Period=600,
        Statistics=["Sum", "SampleCount", "Maximum"],
    )
    total = [sum(point[name] for point in answer["Datapoints"]) for name in ("Sum", "SampleCount")]
    assert total == [42.0, 2.0]


def test_boto3_follows_a_live_tail(server):
    logs = make(server, "/tail", "s")
    arn = logs.describe_log_groups(logGroupNamePrefix="/tail")["logGroups"][0]["logGroupArn"]
    tailing = server.client("logs", config=Config(inject_host_prefix=False))
    session = tailing.start_live_tail(logGroupIdentifiers=[arn], logEventFilterPattern="ERROR")
    events = iter(session["responseStream"])
    start = next(events)["sessionStart"]
    assert start["logGroupIdentifiers"] == [arn]
    put(logs, "/tail", "s", "ERROR one", "fine")
    shown = []
    while not shown:
        update = next(events)["sessionUpdate"]
        shown += [event["message"] for event in update["sessionResults"]]
    assert shown == ["ERROR one"]
    session["responseStream"].close()


def test_an_export_lands_in_s3_also_after_a_kill(fresh_server):
    server = fresh_server
    logs = make(server, "/export", *(f"s{number}" for number in range(30)))
    for number in range(30):
        put(logs, "/export", f"s{number}", f"line {number}")
    server.client("s3").create_bucket(Bucket="exports")
    task = logs.create_export_task(
        **{"logGroupName": "/export", "from": 0, "to": int(time.time() * 1000) + 1000},
        destination="exports",
    )["taskId"]
    server.restart(kill=True)
    logs, s3 = server.client("logs"), server.client("s3")

    def status():
        (found,) = logs.describe_export_tasks(taskId=task)["exportTasks"]
        return found["status"]["code"]

    until(lambda: status() == "COMPLETED")
    prefix = f"exportedlogs/{task}/"
    keys = [
        found["Key"] for found in s3.list_objects_v2(Bucket="exports", Prefix=prefix)["Contents"]
    ]
    texts = [
        gzip.decompress(s3.get_object(Bucket="exports", Key=key)["Body"].read()).decode()
        for key in keys
    ]
    assert sorted(text.partition(" ")[2] for text in texts) == sorted(
        f"line {number}\n" for number in range(30)
    )


def test_the_aws_cli_filters_and_lists(server):
    logs = make(server, "/cli-filter", "s")
    put(logs, "/cli-filter", "s", '{"level": "ERROR", "text": "bad"}', '{"level": "INFO"}')
    arn = logs.describe_log_groups(logGroupNamePrefix="/cli-filter")["logGroups"][0]["logGroupArn"]

    def run(*command):
        finished = subprocess.run(
            ["aws", "logs", *command],
            env=server.environment(),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert finished.returncode == 0, finished.stderr
        return finished.stdout

    pattern = '{ $.level = "ERROR" }'
    found = run(
        *("filter-log-events", "--log-group-name", "/cli-filter", "--filter-pattern", pattern),
        *("--query", "events[].message", "--output", "json"),
    )
    assert json.loads(found) == ['{"level": "ERROR", "text": "bad"}']
    assert arn in run("list-log-groups", "--log-group-name-pattern", "cli-filter")
