"""What a service measured of its own work is read as a user reads it."""

from datetime import UTC, datetime, timedelta


def sums(client, stream, *names):
    now = datetime.now(UTC)
    dimensions = [{"Name": "StreamName", "Value": stream}]
    found = client.get_metric_data(
        MetricDataQueries=[
            {
                "Id": f"m{number}",
                "MetricStat": {
                    "Metric": {
                        "Namespace": "AWS/Kinesis",
                        "MetricName": name,
                        "Dimensions": dimensions,
                    },
                    "Period": 60,
                    "Stat": "Sum",
                },
            }
            for number, name in enumerate(names)
        ],
        StartTime=now - timedelta(minutes=10),
        EndTime=now + timedelta(minutes=1),
    )
    return [sum(result["Values"]) for result in found["MetricDataResults"]]


def test_what_a_stream_took_in_is_told_at_once_and_after_a_restart(fresh_server):
    kinesis = fresh_server.client("kinesis")
    kinesis.create_stream(StreamName="orders", ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(
        StreamName="orders", WaiterConfig={"Delay": 1, "MaxAttempts": 20}
    )
    records = [{"Data": b"x" * 100, "PartitionKey": f"{number}"} for number in range(30)]
    for _ in range(2):
        answer = kinesis.put_records(StreamName="orders", Records=records)
        assert answer["FailedRecordCount"] == 0
    cloudwatch = fresh_server.client("cloudwatch")
    keys = sum(len(record["PartitionKey"]) for record in records)
    incoming = ("IncomingRecords", "IncomingBytes")
    records_in, bytes_in = sums(cloudwatch, "orders", *incoming)
    assert records_in == 60
    assert bytes_in in (2 * 3000, 2 * (3000 + keys))
    kinesis.put_records(StreamName="orders", Records=records)
    fresh_server.restart()
    cloudwatch = fresh_server.client("cloudwatch")
    assert sums(cloudwatch, "orders", *incoming) == [90, bytes_in * 1.5]
    listed = cloudwatch.list_metrics(
        Namespace="AWS/Kinesis",
        MetricName="IncomingRecords",
        Dimensions=[{"Name": "StreamName", "Value": "orders"}],
        RecentlyActive="PT3H",
    )
    assert listed["Metrics"]
