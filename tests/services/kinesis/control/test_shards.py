"""Shards: list, split, merge and count them, with boto3 against a server."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

MakeStream = Callable[..., str]
HALF, QUARTER = 2**127, 2**126


def shards(kinesis: Any, name: str, kind: str = "FROM_TRIM_HORIZON", **more: Any) -> list[Any]:
    asked = {"Type": kind, **more}
    return list(kinesis.list_shards(StreamName=name, ShardFilter=asked)["Shards"])


def indexes(found: list[Any]) -> list[int]:
    return [int(shard["ShardId"][8:]) for shard in found]


def read_all(kinesis: Any, name: str, shard_id: str) -> list[Any]:
    iterator = kinesis.get_shard_iterator(
        StreamName=name, ShardId=shard_id, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    found: list[Any] = []
    while iterator:
        answer = kinesis.get_records(ShardIterator=iterator)
        found += answer["Records"]
        iterator = answer.get("NextShardIterator")
        if not answer["Records"] and not answer.get("MillisBehindLatest"):
            break
    return found


def message_of(caught: pytest.ExceptionInfo[ClientError]) -> str:
    return str(caught.value.response["Error"]["Message"])


def test_a_split_closes_the_shard_and_opens_two_at_once(
    kinesis: Any, make_stream: MakeStream
) -> None:
    name = make_stream(1)
    before = kinesis.put_record(StreamName=name, Data=b"1", PartitionKey="k")
    kinesis.split_shard(
        StreamName=name, ShardToSplit="shardId-000000000000", NewStartingHashKey=str(QUARTER)
    )
    summary = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
    assert (summary["StreamStatus"], summary["OpenShardCount"]) == ("ACTIVE", 2)
    parent, low, high = shards(kinesis, name)
    assert low["HashKeyRange"] == {"StartingHashKey": "0", "EndingHashKey": str(QUARTER - 1)}
    assert high["HashKeyRange"] == {
        "StartingHashKey": str(QUARTER),
        "EndingHashKey": str(2**128 - 1),
    }
    assert {low["ParentShardId"], high["ParentShardId"]} == {parent["ShardId"]}
    assert "AdjacentParentShardId" not in low
    after = kinesis.put_record(StreamName=name, Data=b"2", PartitionKey="k")
    numbers = parent["SequenceNumberRange"]
    ending = int(numbers["EndingSequenceNumber"])
    assert int(numbers["StartingSequenceNumber"]) < int(before["SequenceNumber"]) <= ending
    assert ending < int(low["SequenceNumberRange"]["StartingSequenceNumber"])
    assert ending < int(after["SequenceNumber"])
    assert after["ShardId"] in (low["ShardId"], high["ShardId"])
    assert [r["Data"] for r in read_all(kinesis, name, parent["ShardId"])] == [b"1"]


def test_a_merge_names_both_parents(kinesis: Any, make_stream: MakeStream) -> None:
    name = make_stream(2)
    kinesis.merge_shards(
        StreamName=name,
        ShardToMerge="shardId-000000000001",
        AdjacentShardToMerge="shardId-000000000000",
    )
    *parents, child = shards(kinesis, name)
    assert child["ParentShardId"] == "shardId-000000000001"
    assert child["AdjacentParentShardId"] == "shardId-000000000000"
    assert child["HashKeyRange"]["StartingHashKey"] == "0"
    assert child["HashKeyRange"]["EndingHashKey"] == str(2**128 - 1)
    assert all("EndingSequenceNumber" in s["SequenceNumberRange"] for s in parents)
    assert indexes(shards(kinesis, name, "AT_LATEST")) == [2]


@pytest.mark.parametrize("hash_key", [0, 1, HALF - 1, HALF, 2**128 - 1, 2**128])
def test_a_hash_key_that_does_not_lie_inside_the_shard_splits_nothing(
    kinesis: Any, make_stream: MakeStream, hash_key: int
) -> None:
    name = make_stream(2)
    with pytest.raises(kinesis.exceptions.InvalidArgumentException) as caught:
        kinesis.split_shard(
            StreamName=name, ShardToSplit="shardId-000000000000", NewStartingHashKey=str(hash_key)
        )
    assert message_of(caught) == (
        f"NewStartingHashKey {hash_key} used in SplitShard() on shard shardId-000000000000 in "
        f"stream {name} under account 000000000000 is not both greater than one plus the shard's "
        f"StartingHashKey 0 and less than the shard's EndingHashKey {HALF - 1}."
    )
    assert len(shards(kinesis, name)) == 2


def test_shards_that_are_not_neighbours_are_not_merged(
    kinesis: Any, make_stream: MakeStream
) -> None:
    name = make_stream(3)
    for one, other in ((0, 2), (0, 0)):
        with pytest.raises(kinesis.exceptions.InvalidArgumentException) as caught:
            kinesis.merge_shards(
                StreamName=name,
                ShardToMerge=f"shardId-{one:012d}",
                AdjacentShardToMerge=f"shardId-{other:012d}",
            )
        assert "not an adjacent pair of shards eligible for merging" in message_of(caught)


def test_a_closed_shard_is_neither_split_nor_merged(kinesis: Any, make_stream: MakeStream) -> None:
    name = make_stream(1)
    kinesis.split_shard(
        StreamName=name, ShardToSplit="shardId-000000000000", NewStartingHashKey=str(HALF)
    )
    with pytest.raises(kinesis.exceptions.ResourceInUseException) as caught:
        kinesis.split_shard(
            StreamName=name, ShardToSplit="shardId-000000000000", NewStartingHashKey=str(QUARTER)
        )
    assert "has already been merged or split" in message_of(caught)
    with pytest.raises(kinesis.exceptions.ResourceNotFoundException) as caught:
        kinesis.split_shard(
            StreamName=name, ShardToSplit="shardId-000000000009", NewStartingHashKey=str(QUARTER)
        )
    assert message_of(caught) == (
        f"Could not find shard shardId-000000000009 in stream {name} under account 000000000000."
    )


def test_an_on_demand_stream_is_not_resharded_by_hand(
    kinesis: Any, make_stream: MakeStream
) -> None:
    name = make_stream(None, StreamModeDetails={"StreamMode": "ON_DEMAND"})
    first, second = "shardId-000000000000", "shardId-000000000001"
    calls: list[Callable[[], Any]] = [
        lambda: kinesis.split_shard(
            StreamName=name, ShardToSplit=first, NewStartingHashKey=str(2**120)
        ),
        lambda: kinesis.merge_shards(
            StreamName=name, ShardToMerge=first, AdjacentShardToMerge=second
        ),
        lambda: kinesis.update_shard_count(
            StreamName=name, TargetShardCount=5, ScalingType="UNIFORM_SCALING"
        ),
    ]
    for call in calls:
        with pytest.raises(kinesis.exceptions.ValidationException) as caught:
            call()
        assert "is in On-Demand mode" in message_of(caught)


def test_a_shard_count_is_reached_by_splits_and_merges(
    kinesis: Any, make_stream: MakeStream
) -> None:
    name = make_stream(2)
    answer = kinesis.update_shard_count(
        StreamName=name, TargetShardCount=3, ScalingType="UNIFORM_SCALING"
    )
    assert (answer["CurrentShardCount"], answer["TargetShardCount"]) == (2, 3)
    found = sorted(
        shards(kinesis, name, "AT_LATEST"), key=lambda s: int(s["HashKeyRange"]["StartingHashKey"])
    )
    third = 2**128 // 3
    assert [int(s["HashKeyRange"]["StartingHashKey"]) for s in found] == [0, third, 2 * third]
    assert indexes(shards(kinesis, name)) == [0, 1, 2, 3, 4, 5, 6]
    middle = found[1]
    assert "AdjacentParentShardId" in middle


def test_a_shard_count_changes_by_double_or_half_at_most(
    kinesis: Any, make_stream: MakeStream
) -> None:
    name = make_stream(4)
    for target, text in ((9, "over double"), (1, "below half")):
        with pytest.raises(kinesis.exceptions.InvalidArgumentException) as caught:
            kinesis.update_shard_count(
                StreamName=name, TargetShardCount=target, ScalingType="UNIFORM_SCALING"
            )
        assert text in message_of(caught)
        assert f"Current open shard count: 4 Target shard count: {target}" in message_of(caught)


def test_shards_are_listed_in_pages(kinesis: Any, make_stream: MakeStream) -> None:
    name = make_stream(10)
    first = kinesis.list_shards(StreamName=name, MaxResults=4)
    assert indexes(first["Shards"]) == [0, 1, 2, 3]
    second = kinesis.list_shards(NextToken=first["NextToken"], MaxResults=5)
    assert indexes(second["Shards"]) == [4, 5, 6, 7, 8]
    third = kinesis.list_shards(NextToken=second["NextToken"])
    assert indexes(third["Shards"]) == [9]
    assert "NextToken" not in third
    after = kinesis.list_shards(StreamName=name, ExclusiveStartShardId="shardId-000000000007")
    assert indexes(after["Shards"]) == [8, 9]


def test_a_token_comes_with_nothing_that_contradicts_it(
    kinesis: Any, make_stream: MakeStream
) -> None:
    name = make_stream(3)
    token = kinesis.list_shards(StreamName=name, MaxResults=1)["NextToken"]
    others: list[dict[str, Any]] = [
        {"StreamName": name},
        {"ExclusiveStartShardId": "shardId-000000000000"},
        {"StreamCreationTimestamp": 1},
        {"ShardFilter": {"Type": "AT_LATEST"}},
    ]
    for members in others:
        with pytest.raises(kinesis.exceptions.InvalidArgumentException) as caught:
            kinesis.list_shards(NextToken=token, **members)
        (other,) = members
        assert message_of(caught) == f"NextToken and {other} cannot be provided together."
    arn = "arn:aws:kinesis:us-east-1:000000000000:stream/"
    assert kinesis.list_shards(NextToken=token, StreamARN=arn + name)["Shards"]
    with pytest.raises(kinesis.exceptions.InvalidArgumentException):
        kinesis.list_shards(NextToken=token, StreamARN=arn + "another")
    with pytest.raises(kinesis.exceptions.InvalidArgumentException):
        kinesis.list_shards()
    with pytest.raises(kinesis.exceptions.InvalidArgumentException):
        kinesis.list_shards(NextToken=token[:-2])


def test_a_stream_of_another_time_is_another_stream(kinesis: Any, make_stream: MakeStream) -> None:
    name = make_stream()
    created = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"][
        "StreamCreationTimestamp"
    ]
    found = kinesis.list_shards(StreamName=name, StreamCreationTimestamp=created)
    assert len(found["Shards"]) == 1
    with pytest.raises(kinesis.exceptions.ResourceNotFoundException):
        kinesis.list_shards(StreamName=name, StreamCreationTimestamp=1_500_000_000)


@pytest.mark.parametrize(
    "members",
    [
        {"Type": "AFTER_SHARD_ID"},
        {"Type": "AT_TIMESTAMP"},
        {"Type": "FROM_TIMESTAMP"},
        {"Type": "AT_LATEST", "ShardId": "shardId-000000000000"},
        {"Type": "AT_LATEST", "Timestamp": 1_700_000_000},
    ],
)
def test_a_filter_has_what_its_type_needs_and_no_more(
    kinesis: Any, make_stream: MakeStream, members: dict[str, Any]
) -> None:
    name = make_stream()
    with pytest.raises(kinesis.exceptions.InvalidArgumentException):
        kinesis.list_shards(StreamName=name, ShardFilter=members)


def test_filters_choose_shards_by_their_time_and_place(
    kinesis: Any, make_stream: MakeStream
) -> None:
    name = make_stream(1)
    kinesis.split_shard(
        StreamName=name, ShardToSplit="shardId-000000000000", NewStartingHashKey=str(HALF)
    )
    assert indexes(shards(kinesis, name, "AT_LATEST")) == [1, 2]
    assert indexes(shards(kinesis, name, "AT_TRIM_HORIZON")) == [0]
    assert indexes(shards(kinesis, name, "FROM_TRIM_HORIZON")) == [0, 1, 2]
    after = shards(kinesis, name, "AFTER_SHARD_ID", ShardId="shardId-000000000001")
    assert indexes(after) == [2]
    assert indexes(shards(kinesis, name, "FROM_TIMESTAMP", Timestamp=1_500_000_000)) == [0, 1, 2]
    assert indexes(shards(kinesis, name, "AT_TIMESTAMP", Timestamp=1_500_000_000)) == [0]
