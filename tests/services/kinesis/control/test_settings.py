"""Settings of streams, with boto3 against a server."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

MakeStream = Callable[..., str]
METRICS = [
    "IncomingBytes",
    "IncomingRecords",
    "OutgoingBytes",
    "OutgoingRecords",
    "WriteProvisionedThroughputExceeded",
    "ReadProvisionedThroughputExceeded",
    "IteratorAgeMilliseconds",
]


def arn_of(name: str) -> str:
    return f"arn:aws:kinesis:us-east-1:000000000000:stream/{name}"


def summary(kinesis: Any, name: str) -> dict[str, Any]:
    return dict(kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"])


def message_of(caught: pytest.ExceptionInfo[ClientError]) -> str:
    return str(caught.value.response["Error"]["Message"])


def test_retention_grows_and_shrinks_between_a_day_and_a_year(
    kinesis: Any, make_stream: MakeStream
) -> None:
    name = make_stream()
    kinesis.increase_stream_retention_period(StreamName=name, RetentionPeriodHours=8760)
    assert summary(kinesis, name)["RetentionPeriodHours"] == 8760
    kinesis.decrease_stream_retention_period(StreamARN=arn_of(name), RetentionPeriodHours=24)
    assert summary(kinesis, name)["RetentionPeriodHours"] == 24


def test_retention_is_refused_beyond_its_bounds_and_the_wrong_way(
    kinesis: Any, make_stream: MakeStream
) -> None:
    name = make_stream()
    kinesis.increase_stream_retention_period(StreamName=name, RetentionPeriodHours=48)
    grow, shrink = (
        kinesis.increase_stream_retention_period,
        kinesis.decrease_stream_retention_period,
    )
    refusals = [
        (
            grow,
            8761,
            "Maximum allowed retention period is 8760 hours. "
            "Requested retention period (8761 hours) is too long.",
        ),
        (
            shrink,
            23,
            "Minimum allowed retention period is 24 hours. "
            "Requested retention period (23 hours) is too short.",
        ),
        (
            grow,
            47,
            f"Requested retention period (47 hours) for stream {name} can not be shorter than "
            "existing retention period (48 hours). Use DecreaseRetentionPeriod API.",
        ),
        (
            shrink,
            49,
            f"Requested retention period (49 hours) for stream {name} can not be longer than "
            "existing retention period (48 hours). Use IncreaseRetentionPeriod API.",
        ),
    ]
    for call, hours, message in refusals:
        with pytest.raises(kinesis.exceptions.InvalidArgumentException) as caught:
            call(StreamName=name, RetentionPeriodHours=hours)
        assert message_of(caught) == message
    assert summary(kinesis, name)["RetentionPeriodHours"] == 48


def test_enhanced_monitoring_is_switched_by_metric(kinesis: Any, make_stream: MakeStream) -> None:
    name = make_stream()
    first = kinesis.enable_enhanced_monitoring(
        StreamName=name, ShardLevelMetrics=["OutgoingBytes", "IncomingBytes"]
    )
    assert first["CurrentShardLevelMetrics"] == []
    assert first["DesiredShardLevelMetrics"] == ["IncomingBytes", "OutgoingBytes"]
    every = kinesis.enable_enhanced_monitoring(StreamName=name, ShardLevelMetrics=["ALL"])
    assert every["DesiredShardLevelMetrics"] == METRICS
    fewer = kinesis.disable_enhanced_monitoring(
        StreamName=name, ShardLevelMetrics=["IncomingBytes", "IteratorAgeMilliseconds"]
    )
    assert fewer["CurrentShardLevelMetrics"] == METRICS
    assert fewer["DesiredShardLevelMetrics"] == METRICS[1:-1]
    assert summary(kinesis, name)["EnhancedMonitoring"] == [{"ShardLevelMetrics": METRICS[1:-1]}]
    none = kinesis.disable_enhanced_monitoring(StreamName=name, ShardLevelMetrics=["ALL"])
    assert none["DesiredShardLevelMetrics"] == []


def test_the_largest_record_is_a_setting(kinesis: Any, make_stream: MakeStream) -> None:
    name = make_stream()
    kinesis.update_max_record_size(StreamARN=arn_of(name), MaxRecordSizeInKiB=10_240)
    assert summary(kinesis, name)["MaxRecordSizeInKiB"] == 10_240
    for size in (1023, 10_241):
        with pytest.raises(ClientError) as caught:
            kinesis.update_max_record_size(StreamARN=arn_of(name), MaxRecordSizeInKiB=size)
        assert caught.value.response["Error"]["Code"] == "ValidationException"


def test_a_stream_changes_its_mode_twice_a_day_and_keeps_its_shards(
    kinesis: Any, make_stream: MakeStream
) -> None:
    name = make_stream(6)
    for mode in ("ON_DEMAND", "PROVISIONED"):
        kinesis.update_stream_mode(StreamARN=arn_of(name), StreamModeDetails={"StreamMode": mode})
        described = summary(kinesis, name)
        assert described["StreamModeDetails"] == {"StreamMode": mode}
        assert described["OpenShardCount"] == 6
    with pytest.raises(kinesis.exceptions.LimitExceededException):
        kinesis.update_stream_mode(
            StreamARN=arn_of(name), StreamModeDetails={"StreamMode": "ON_DEMAND"}
        )


def test_records_are_distributed_evenly_only_in_on_demand_streams(
    kinesis: Any, make_stream: MakeStream
) -> None:
    name = make_stream(None, StreamModeDetails={"StreamMode": "ON_DEMAND"})
    kinesis.update_stream_record_distribution_strategy(
        StreamARN=arn_of(name), RecordDistributionStrategy="AUTO"
    )
    assert summary(kinesis, name)["RecordDistributionStrategy"] == "AUTO"
    provisioned = make_stream(1)
    with pytest.raises(kinesis.exceptions.InvalidArgumentException):
        kinesis.update_stream_record_distribution_strategy(
            StreamARN=arn_of(provisioned), RecordDistributionStrategy="AUTO"
        )


def test_encryption_is_told_by_the_stream_and_its_records(
    kinesis: Any, make_stream: MakeStream
) -> None:
    name = make_stream(1)
    kinesis.put_record(StreamName=name, Data=b"plain", PartitionKey="k")
    kinesis.start_stream_encryption(
        StreamName=name, EncryptionType="KMS", KeyId="alias/aws/kinesis"
    )
    described = summary(kinesis, name)
    assert (described["EncryptionType"], described["KeyId"]) == ("KMS", "alias/aws/kinesis")
    answer = kinesis.put_record(StreamName=name, Data=b"secret", PartitionKey="k")
    assert answer["EncryptionType"] == "KMS"
    key = "arn:aws:kms:us-east-1:000000000000:key/12345678-1234-1234-1234-123456789012"
    kinesis.start_stream_encryption(StreamName=name, EncryptionType="KMS", KeyId=key)
    kinesis.put_record(StreamName=name, Data=b"rotated", PartitionKey="k")
    kinesis.stop_stream_encryption(StreamName=name, EncryptionType="KMS", KeyId=key)
    described = summary(kinesis, name)
    assert described["EncryptionType"] == "NONE"
    assert "KeyId" not in described
    kinesis.put_record(StreamName=name, Data=b"plain again", PartitionKey="k")
    iterator = kinesis.get_shard_iterator(
        StreamName=name, ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    records = kinesis.get_records(ShardIterator=iterator)["Records"]
    assert [(r["Data"], r.get("EncryptionType", "NONE"), r["PartitionKey"]) for r in records] == [
        (b"plain", "NONE", "k"),
        (b"secret", "KMS", "k"),
        (b"rotated", "KMS", "k"),
        (b"plain again", "NONE", "k"),
    ]


@pytest.mark.parametrize("key_id", ["nonsense", "alias/", "arn:aws:s3:::bucket", "key/1234"])
def test_a_key_that_cannot_be_is_not_found(
    kinesis: Any, make_stream: MakeStream, key_id: str
) -> None:
    name = make_stream()
    with pytest.raises(kinesis.exceptions.KMSNotFoundException):
        kinesis.start_stream_encryption(StreamName=name, EncryptionType="KMS", KeyId=key_id)
    with pytest.raises(kinesis.exceptions.InvalidArgumentException):
        kinesis.start_stream_encryption(
            StreamName=name, EncryptionType="NONE", KeyId="alias/aws/kinesis"
        )
