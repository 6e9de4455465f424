"""Streams: create, describe, list and delete them, with boto3 against a server."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

MakeStream = Callable[..., str]
NOBODY = "no-such-stream"


def code_of(caught: pytest.ExceptionInfo[ClientError]) -> str:
    return str(caught.value.response["Error"]["Code"])


def message_of(caught: pytest.ExceptionInfo[ClientError]) -> str:
    return str(caught.value.response["Error"]["Message"])


def arn_of(name: str) -> str:
    return f"arn:aws:kinesis:us-east-1:000000000000:stream/{name}"


def test_a_new_stream_is_active_at_once_and_described_whole(kinesis: Any, stream_name: str) -> None:
    kinesis.create_stream(StreamName=stream_name, ShardCount=2, Tags={"team": "fraud"})
    described = kinesis.describe_stream(StreamName=stream_name)["StreamDescription"]
    assert described["StreamName"] == stream_name
    assert described["StreamARN"] == arn_of(stream_name)
    assert described["StreamStatus"] == "ACTIVE"
    assert described["StreamModeDetails"] == {"StreamMode": "PROVISIONED"}
    assert described["RetentionPeriodHours"] == 24
    assert described["EnhancedMonitoring"] == [{"ShardLevelMetrics": []}]
    assert described["EncryptionType"] == "NONE"
    assert described["HasMoreShards"] is False
    first, second = described["Shards"]
    assert first["ShardId"] == "shardId-000000000000"
    assert first["HashKeyRange"] == {
        "StartingHashKey": "0",
        "EndingHashKey": "170141183460469231731687303715884105727",
    }
    assert second["HashKeyRange"]["EndingHashKey"] == str(2**128 - 1)
    for shard in (first, second):
        assert len(shard["SequenceNumberRange"]["StartingSequenceNumber"]) == 56
        assert "EndingSequenceNumber" not in shard["SequenceNumberRange"]
        assert "ParentShardId" not in shard
    tags = kinesis.list_tags_for_stream(StreamName=stream_name)["Tags"]
    assert tags == [{"Key": "team", "Value": "fraud"}]


def test_a_summary_counts_open_shards_and_consumers(kinesis: Any, make_stream: MakeStream) -> None:
    name = make_stream(3, MaxRecordSizeInKiB=2048)
    kinesis.register_stream_consumer(StreamARN=arn_of(name), ConsumerName="c")
    summary = kinesis.describe_stream_summary(StreamARN=arn_of(name))["StreamDescriptionSummary"]
    assert (summary["OpenShardCount"], summary["ConsumerCount"]) == (3, 1)
    assert summary["MaxRecordSizeInKiB"] == 2048
    assert "RecordDistributionStrategy" not in summary
    assert "WarmThroughput" not in summary


def test_an_on_demand_stream_begins_with_four_shards(kinesis: Any, make_stream: MakeStream) -> None:
    name = make_stream(None, StreamModeDetails={"StreamMode": "ON_DEMAND"})
    summary = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
    assert summary["OpenShardCount"] == 4
    assert summary["StreamModeDetails"] == {"StreamMode": "ON_DEMAND"}
    assert summary["RecordDistributionStrategy"] == "USER_PARTITION_KEY"


def test_a_stream_without_mode_and_shard_count_is_on_demand(
    kinesis: Any, make_stream: MakeStream
) -> None:
    name = make_stream(None)
    summary = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
    assert summary["StreamModeDetails"] == {"StreamMode": "ON_DEMAND"}
    assert summary["OpenShardCount"] == 4


def test_a_stream_name_is_taken_once(kinesis: Any, make_stream: MakeStream) -> None:
    name = make_stream()
    with pytest.raises(ClientError) as caught:
        kinesis.create_stream(StreamName=name, ShardCount=1)
    assert code_of(caught) == "ResourceInUseException"
    assert message_of(caught) == f"Stream {name} under account 000000000000 already exists."


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"StreamModeDetails": {"StreamMode": "PROVISIONED"}}, "ValidationException"),
        ({"ShardCount": 0}, "ValidationException"),
        (
            {"ShardCount": 1, "StreamModeDetails": {"StreamMode": "ON_DEMAND"}},
            "ValidationException",
        ),
        ({"ShardCount": 10_001}, "LimitExceededException"),
        ({"ShardCount": 1, "WarmThroughputMiBps": 5}, "ValidationException"),
        ({"ShardCount": 1, "RecordDistributionStrategy": "AUTO"}, "InvalidArgumentException"),
        ({"ShardCount": 1, "MaxRecordSizeInKiB": 1023}, "ValidationException"),
        ({"ShardCount": 1, "Tags": {"a{": "b"}}, "InvalidArgumentException"),
        ({"ShardCount": 1, "Tags": {"aws:a": "b"}}, "InvalidArgumentException"),
        (
            {"ShardCount": 1, "Tags": {str(n): "" for n in range(51)}},
            "InvalidArgumentException",
        ),
    ],
)
def test_options_that_do_not_go_together_make_no_stream(
    kinesis: Any, stream_name: str, members: dict[str, Any], code: str
) -> None:
    with pytest.raises(ClientError) as caught:
        kinesis.create_stream(StreamName=stream_name, **members)
    assert code_of(caught) == code
    with pytest.raises(kinesis.exceptions.ResourceNotFoundException):
        kinesis.describe_stream_summary(StreamName=stream_name)


def test_a_stream_that_is_not_there_is_not_found(kinesis: Any) -> None:
    calls: list[Callable[[], Any]] = [
        lambda: kinesis.describe_stream(StreamName=NOBODY),
        lambda: kinesis.describe_stream_summary(StreamARN=arn_of(NOBODY)),
        lambda: kinesis.delete_stream(StreamName=NOBODY),
        lambda: kinesis.list_shards(StreamName=NOBODY),
        lambda: kinesis.put_record(StreamName=NOBODY, Data=b"x", PartitionKey="k"),
    ]
    for call in calls:
        with pytest.raises(kinesis.exceptions.ResourceNotFoundException) as caught:
            call()
        assert message_of(caught) == f"Stream {NOBODY} under account 000000000000 not found."


def test_a_stream_is_named_by_name_arn_or_both(kinesis: Any, make_stream: MakeStream) -> None:
    one, other = make_stream(), make_stream()
    for members in ({"StreamName": one}, {"StreamARN": arn_of(one)}):
        assert kinesis.describe_stream(**members)["StreamDescription"]["StreamName"] == one
    kinesis.describe_stream(StreamName=one, StreamARN=arn_of(one))
    with pytest.raises(kinesis.exceptions.InvalidArgumentException):
        kinesis.describe_stream(StreamName=one, StreamARN=arn_of(other))
    with pytest.raises(kinesis.exceptions.InvalidArgumentException):
        kinesis.describe_stream()


def test_another_accounts_stream_is_refused(kinesis: Any) -> None:
    arn = arn_of("s").replace("000000000000", "999999999999")
    with pytest.raises(ClientError) as caught:
        kinesis.describe_stream(StreamARN=arn)
    assert code_of(caught) == "AccessDeniedException"
    assert "kinesis:DescribeStream" in message_of(caught)


def test_another_regions_stream_is_not_there(
    server: Any, kinesis: Any, make_stream: MakeStream
) -> None:
    name = make_stream()
    elsewhere = server.client("kinesis", region_name="eu-central-1")
    with pytest.raises(elsewhere.exceptions.ResourceNotFoundException):
        elsewhere.describe_stream(StreamName=name)
    with pytest.raises(elsewhere.exceptions.ResourceNotFoundException):
        elsewhere.describe_stream(StreamARN=arn_of(name))


def test_shards_are_described_in_pages(kinesis: Any, make_stream: MakeStream) -> None:
    name = make_stream(105)
    first = kinesis.describe_stream(StreamName=name, Limit=1000)["StreamDescription"]
    assert len(first["Shards"]) == 100
    assert first["HasMoreShards"] is True
    last_id = first["Shards"][-1]["ShardId"]
    rest = kinesis.describe_stream(StreamName=name, ExclusiveStartShardId=last_id)
    assert len(rest["StreamDescription"]["Shards"]) == 5
    assert rest["StreamDescription"]["HasMoreShards"] is False
    pages = kinesis.get_paginator("describe_stream").paginate(StreamName=name)
    ids = [s["ShardId"] for page in pages for s in page["StreamDescription"]["Shards"]]
    assert ids == [f"shardId-{n:012d}" for n in range(105)]
    with pytest.raises(kinesis.exceptions.ResourceNotFoundException):
        kinesis.describe_stream(StreamName=name, ExclusiveStartShardId="shardId-x")


def test_streams_are_listed_by_name_in_pages(kinesis: Any, make_stream: MakeStream) -> None:
    made = sorted(make_stream() for _ in range(5))
    seen = [
        name
        for page in kinesis.get_paginator("list_streams").paginate(Limit=2)
        for name in page["StreamNames"]
    ]
    assert seen == sorted(seen)
    assert set(made) <= set(seen)
    first = kinesis.list_streams(ExclusiveStartStreamName=made[0], Limit=1)
    assert first["StreamNames"][0] > made[0]
    (summary,) = first["StreamSummaries"]
    assert summary["StreamARN"] == arn_of(summary["StreamName"])
    assert summary["StreamStatus"] == "ACTIVE"
    with pytest.raises(kinesis.exceptions.InvalidArgumentException):
        kinesis.list_streams(NextToken="made-up")


def test_a_deleted_stream_is_gone_and_its_name_free(kinesis: Any, make_stream: MakeStream) -> None:
    name = make_stream()
    kinesis.put_record(StreamName=name, Data=b"old", PartitionKey="k")
    kinesis.delete_stream(StreamName=name)
    assert name not in kinesis.list_streams(Limit=100)["StreamNames"]
    kinesis.create_stream(StreamName=name, ShardCount=1)
    iterator = kinesis.get_shard_iterator(
        StreamName=name, ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    assert kinesis.get_records(ShardIterator=iterator)["Records"] == []


def test_a_stream_with_consumers_is_deleted_only_where_that_is_asked_for(
    kinesis: Any, make_stream: MakeStream
) -> None:
    name = make_stream()
    kinesis.register_stream_consumer(StreamARN=arn_of(name), ConsumerName="c")
    with pytest.raises(kinesis.exceptions.ResourceInUseException):
        kinesis.delete_stream(StreamName=name)
    kinesis.delete_stream(StreamName=name, EnforceConsumerDeletion=True)
    kinesis.create_stream(StreamName=name, ShardCount=1)
    assert kinesis.list_stream_consumers(StreamARN=arn_of(name))["Consumers"] == []
