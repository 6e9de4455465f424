"""Records through boto3 on a real server: written, routed, read back."""

import hashlib
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

HASH_KEY_MAX = 2**128 - 1


def read_all(kinesis: Any, stream: str, shard_id: str, limit: int | None = None) -> list[Any]:
    """Every record of a shard, from its beginning."""
    iterator = kinesis.get_shard_iterator(
        StreamName=stream, ShardId=shard_id, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    records: list[Any] = []
    more = {} if limit is None else {"Limit": limit}
    while iterator:
        answer = kinesis.get_records(ShardIterator=iterator, **more)
        records += answer["Records"]
        if not answer["Records"]:
            break
        iterator = answer.get("NextShardIterator")
    return records


def shards_of(kinesis: Any, stream: str) -> list[Any]:
    found: list[Any] = kinesis.list_shards(StreamName=stream)["Shards"]
    return found


def refused(code: str) -> Any:
    return pytest.raises(ClientError, match=code)


def test_a_record_comes_back_as_it_was_put(kinesis: Any, make_stream: Callable[..., str]) -> None:
    stream = make_stream(1)
    before = time.time()
    put = kinesis.put_record(StreamName=stream, Data=b"\x00\xff data", PartitionKey="käy")
    (record,) = read_all(kinesis, stream, put["ShardId"])
    assert put["ShardId"] == "shardId-000000000000"
    assert "EncryptionType" not in put
    assert record["Data"] == b"\x00\xff data"
    assert record["PartitionKey"] == "käy"
    assert record["SequenceNumber"] == put["SequenceNumber"]
    arrived = record["ApproximateArrivalTimestamp"].timestamp()
    assert before - 1 <= arrived <= time.time() + 1


def test_an_empty_record_is_one(kinesis: Any, make_stream: Callable[..., str]) -> None:
    stream = make_stream(1)
    kinesis.put_record(StreamName=stream, Data=b"", PartitionKey="k")
    assert [r["Data"] for r in read_all(kinesis, stream, "shardId-000000000000")] == [b""]


def test_records_go_to_the_shard_whose_range_holds_the_md5_of_their_key(
    kinesis: Any, make_stream: Callable[..., str]
) -> None:
    stream = make_stream(5)
    ranges = {
        shard["ShardId"]: range(
            int(shard["HashKeyRange"]["StartingHashKey"]),
            int(shard["HashKeyRange"]["EndingHashKey"]) + 1,
        )
        for shard in shards_of(kinesis, stream)
    }
    keys = [f"customer-{number}" for number in range(200)]
    answer = kinesis.put_records(
        StreamName=stream,
        Records=[{"Data": key.encode(), "PartitionKey": key} for key in keys],
    )
    assert answer["FailedRecordCount"] == 0
    assert len({result["SequenceNumber"] for result in answer["Records"]}) == 200
    for key, result in zip(keys, answer["Records"], strict=True):
        assert int(hashlib.md5(key.encode()).hexdigest(), 16) in ranges[result["ShardId"]]
    for shard_id in ranges:
        expected = [
            (result["SequenceNumber"], key)
            for key, result in zip(keys, answer["Records"], strict=True)
            if result["ShardId"] == shard_id
        ]
        found = read_all(kinesis, stream, shard_id)
        assert [(r["SequenceNumber"], r["PartitionKey"]) for r in found] == expected
        numbers = [int(r["SequenceNumber"]) for r in found]
        assert numbers == sorted(numbers)


@pytest.mark.parametrize("count", [1, 3])
def test_an_explicit_hash_key_wins_over_the_partition_key(
    kinesis: Any, make_stream: Callable[..., str], count: int
) -> None:
    stream = make_stream(count)
    for shard in shards_of(kinesis, stream):
        for bound in shard["HashKeyRange"].values():
            put = kinesis.put_record(
                StreamName=stream, Data=b"x", PartitionKey="k", ExplicitHashKey=bound
            )
            assert put["ShardId"] == shard["ShardId"]


def test_a_hash_key_beyond_the_space_is_refused(
    kinesis: Any, make_stream: Callable[..., str]
) -> None:
    stream = make_stream(2)
    record = {"Data": b"x", "PartitionKey": "k", "ExplicitHashKey": str(HASH_KEY_MAX + 1)}
    good = {"Data": b"x", "PartitionKey": "k"}
    expected = r"InvalidArgumentException.*in the range: \[0, 2\^128-1\]. Specified value was 3402"
    with refused(expected):
        kinesis.put_record(StreamName=stream, **record)
    with refused(expected):
        kinesis.put_records(StreamName=stream, Records=[good, record])
    assert not any(read_all(kinesis, stream, s["ShardId"]) for s in shards_of(kinesis, stream))


def test_a_record_may_be_as_large_as_the_stream_says(
    kinesis: Any, make_stream: Callable[..., str]
) -> None:
    stream = make_stream(1)
    largest = 1024 * 1024
    with refused("length less than or equal to 1048576"):
        kinesis.put_record(StreamName=stream, Data=bytes(largest - 2), PartitionKey="key")
    kinesis.put_record(StreamName=stream, Data=bytes(largest - 3), PartitionKey="key")
    with refused("InvalidArgumentException.*'records.2.member.data'"):
        kinesis.put_records(
            StreamName=stream,
            Records=[
                {"Data": b"x", "PartitionKey": "k"},
                {"Data": bytes(largest), "PartitionKey": "k"},
            ],
        )
    (record,) = read_all(kinesis, stream, "shardId-000000000000")
    assert len(record["Data"]) == largest - 3


def test_a_request_takes_ten_mebibytes_at_most(
    kinesis: Any, make_stream: Callable[..., str]
) -> None:
    stream = make_stream(1)
    records = [{"Data": bytes(1024 * 1024 - 1), "PartitionKey": "k"}] * 10
    with refused("Records size exceeds 10 MB limit"):
        kinesis.put_records(
            StreamName=stream, Records=[*records, {"Data": b"", "PartitionKey": "k"}]
        )


def test_a_request_takes_500_records_at_most(kinesis: Any, make_stream: Callable[..., str]) -> None:
    stream = make_stream(1)
    records = [{"Data": b"secret", "PartitionKey": "k"}] * 501
    with pytest.raises(ClientError) as caught:
        kinesis.put_records(StreamName=stream, Records=records)
    error = caught.value.response["Error"]
    assert error["Code"] == "ValidationException"
    first = (
        "PutRecordsRequestEntry(data=java.nio.HeapByteBuffer[pos=0 lim=6 cap=6], "
        "explicitHashKey=null, partitionKey=k), "
    )
    assert error["Message"].startswith(f"1 validation error detected: Value '[{first}{first}")
    assert error["Message"].endswith("Member must have length less than or equal to 500")
    assert len(error["Message"]) < 3000


def test_records_without_a_partition_key_are_told_by_their_place(
    kinesis: Any, make_stream: Callable[..., str]
) -> None:
    stream = make_stream(1)
    records = [{"Data": b"x", "PartitionKey": "k"}, {"Data": b"x"}]
    with refused("Value null at 'records.2.member.partitionKey' failed to satisfy constraint"):
        kinesis.put_records(StreamName=stream, Records=records)
    with refused("Value null at 'partitionKey' failed to satisfy constraint"):
        kinesis.put_record(StreamName=stream, Data=b"x")


def test_a_number_for_ordering_comes_from_this_stream(
    kinesis: Any, make_stream: Callable[..., str]
) -> None:
    stream = make_stream(1)
    first = kinesis.put_record(StreamName=stream, Data=b"1", PartitionKey="k")["SequenceNumber"]
    second = kinesis.put_record(
        StreamName=stream, Data=b"2", PartitionKey="k", SequenceNumberForOrdering=first
    )["SequenceNumber"]
    assert int(second) > int(first)
    with refused("ExclusiveMinimumSequenceNumber 17 used in PutRecord on stream .* is invalid."):
        kinesis.put_record(
            StreamName=stream, Data=b"3", PartitionKey="k", SequenceNumberForOrdering="17"
        )


def test_a_dry_run_writes_and_reads_nothing(kinesis: Any, make_stream: Callable[..., str]) -> None:
    stream = make_stream(1)
    record = {"Data": b"x", "PartitionKey": "k"}
    with refused("DryRunOperationException"):
        kinesis.put_record(StreamName=stream, DryRun=True, **record)
    with refused("DryRunOperationException"):
        kinesis.put_records(StreamName=stream, Records=[record], DryRun=True)
    assert read_all(kinesis, stream, "shardId-000000000000") == []
    with refused("ResourceNotFoundException"):
        kinesis.put_record(StreamName="none-such", DryRun=True, **record)


def test_an_aggregated_record_passes_as_it_is(
    kinesis: Any, make_stream: Callable[..., str]
) -> None:
    stream = make_stream(1)
    body = b"\x0a\x01a\x1a\x07\x08\x00\x1a\x03abc"
    aggregated = b"\xf3\x89\x9a\xc2" + body + hashlib.md5(body).digest()
    kinesis.put_record(StreamName=stream, Data=aggregated, PartitionKey="a")
    (record,) = read_all(kinesis, stream, "shardId-000000000000")
    assert record["Data"] == aggregated


def test_records_of_an_encrypted_stream_say_so_and_can_be_read(
    kinesis: Any, make_stream: Callable[..., str]
) -> None:
    stream = make_stream(1)
    plain = kinesis.put_record(StreamName=stream, Data=b"before", PartitionKey="k")
    kinesis.start_stream_encryption(
        StreamName=stream, EncryptionType="KMS", KeyId="alias/aws/kinesis"
    )
    one = kinesis.put_record(StreamName=stream, Data=b"one", PartitionKey="k")
    many = kinesis.put_records(StreamName=stream, Records=[{"Data": b"two", "PartitionKey": "kä"}])
    assert "EncryptionType" not in plain
    assert one["EncryptionType"] == many["EncryptionType"] == "KMS"
    found = read_all(kinesis, stream, "shardId-000000000000")
    assert [(r["Data"], r["PartitionKey"], r.get("EncryptionType")) for r in found] == [
        (b"before", "k", None),
        (b"one", "k", "KMS"),
        (b"two", "kä", "KMS"),
    ]


def test_a_stream_that_distributes_by_itself_needs_no_keys(
    kinesis: Any, make_stream: Callable[..., str]
) -> None:
    stream = make_stream(None, StreamModeDetails={"StreamMode": "ON_DEMAND"})
    with refused("ValidationException.*'records.1.member.partitionKey'.*must not be null"):
        kinesis.put_records(StreamName=stream, Records=[{"Data": b"x"}])
    arn = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"][
        "StreamARN"
    ]
    kinesis.update_stream_record_distribution_strategy(
        StreamARN=arn, RecordDistributionStrategy="AUTO"
    )
    records = [{"Data": b"x"}] * 8 + [{"Data": b"y", "PartitionKey": "same"}] * 8
    answer = kinesis.put_records(StreamName=stream, Records=records)
    used = [result["ShardId"] for result in answer["Records"]]
    assert len(set(used)) == 4
    assert all(used.count(shard_id) == 4 for shard_id in set(used))
    one_by_one = {kinesis.put_record(StreamName=stream, Data=b"z")["ShardId"] for _ in range(4)}
    assert one_by_one == set(used)
    found = [r for shard_id in set(used) for r in read_all(kinesis, stream, shard_id)]
    assert sorted(r.get("PartitionKey", "") for r in found) == [""] * 12 + ["same"] * 8
