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


def test_subscriptions_and_exports_go_on_after_a_kill(fresh_server):
    server = fresh_server
    streams = [f"s{number}" for number in range(20)]
    logs = make(server, "/kill", *streams)
    kinesis, stream = kinesis_stream(server, "kill")
    server.client("s3").create_bucket(Bucket="exports")
    logs.put_subscription_filter(
        logGroupName="/kill",
        filterName="f",
        filterPattern="{ $.level = ERROR }",
        destinationArn=stream["StreamARN"],
        roleArn=ROLE,
    )
    lines = {
        name: [json.dumps({"level": level, "in": name}) for level in ("ERROR", "INFO")]
        for name in streams
    }
    for name in streams:
        put(logs, "/kill", name, *lines[name])
    task = logs.create_export_task(
        **{"logGroupName": "/kill", "from": 0, "to": int(time.time() * 1000) + 1000},
        destination="exports",
    )["taskId"]
    server.restart(kill=True)
    logs, kinesis, s3 = (server.client(name) for name in ("logs", "kinesis", "s3"))

    def delivered():
        control, *found = payloads(kinesis, "kill")
        assert control["messageType"] == "CONTROL_MESSAGE"
        return {event["message"] for one in found for event in one["logEvents"]}

    until(lambda: delivered() >= {errors for errors, _ in lines.values()})
    assert delivered() == {errors for errors, _ in lines.values()}

    def status():
        (found,) = logs.describe_export_tasks(taskId=task)["exportTasks"]
        return found["status"]["code"]

    until(lambda: status() == "COMPLETED")
    for name in streams:
        key = f"exportedlogs/{task}/{name}/000000.gz"
        body = s3.get_object(Bucket="exports", Key=key)["Body"].read()
        exported = gzip.decompress(body).decode().splitlines()
        assert [line.partition(" ")[2] for line in exported] == lines[name]


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


def test_the_aws_cli_filters_by_a_pattern(server):
    logs = make(server, "/cli-filter", "s")
    put(logs, "/cli-filter", "s", '{"level": "ERROR", "text": "bad"}', '{"level": "INFO"}')
    command = ["aws", "logs", "filter-log-events", "--log-group-name", "/cli-filter"]
    command += ["--filter-pattern", '{ $.level = "ERROR" }', "--query", "events[].message"]
    finished = subprocess.run(
        [*command, "--output", "json"],
        env=server.environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert finished.returncode == 0, finished.stderr
    assert json.loads(finished.stdout) == ['{"level": "ERROR", "text": "bad"}']
