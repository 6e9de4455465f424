"""States that take time, quotas and tokens, on a clock that is moved."""

from typing import Any

import pytest

from millpond.services.kinesis import errors

ACCOUNT, REGION = "123456789012", "us-east-1"
HALF = str(2**127)


def arn_of(name: str) -> str:
    return f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{name}"


async def status_of(world: Any, name: str) -> str:
    return str((await world.summary(name))["StreamStatus"])


async def test_a_new_stream_is_creating_until_its_time_has_come(open_world: Any) -> None:
    world = await open_world(state_seconds=2.0)
    await world.call("CreateStream", StreamName="s", ShardCount=2)
    assert await status_of(world, "s") == "CREATING"
    described = await world.call("DescribeStream", StreamName="s")
    assert described["StreamDescription"]["Shards"] == []
    with pytest.raises(errors.ResourceNotFound):
        await world.put("s")
    for operation, members in (
        ("ListShards", {}),
        ("AddTagsToStream", {"Tags": {"a": "b"}}),
        ("DeleteStream", {}),
        ("SplitShard", {"ShardToSplit": "0", "NewStartingHashKey": "7"}),
        ("IncreaseStreamRetentionPeriod", {"RetentionPeriodHours": 48}),
    ):
        with pytest.raises(errors.ResourceInUse, match="not ACTIVE, instead in state CREATING"):
            await world.call(operation, StreamName="s", **members)
    world.clock.advance(2)
    assert await status_of(world, "s") == "ACTIVE"
    await world.put("s")


async def test_a_stream_is_updating_for_a_while_and_takes_records_meanwhile(
    open_world: Any,
) -> None:
    world = await open_world(state_seconds=5.0)
    await world.call("CreateStream", StreamName="s", ShardCount=1)
    world.clock.advance(5)
    await world.call("SplitShard", StreamName="s", ShardToSplit="0", NewStartingHashKey=HALF)
    assert await status_of(world, "s") == "UPDATING"
    assert (await world.put("s"))["ShardId"] != "shardId-000000000000"
    with pytest.raises(errors.ResourceInUse, match="instead in state UPDATING"):
        await world.call(
            "UpdateShardCount",
            StreamName="s",
            TargetShardCount=4,
            ScalingType="UNIFORM_SCALING",
        )
    await world.call("TagResource", ResourceARN=arn_of("s"), Tags={"a": "b"})
    world.clock.advance(5)
    assert await status_of(world, "s") == "ACTIVE"


async def test_a_deleted_stream_is_deleting_and_then_gone(open_world: Any) -> None:
    world = await open_world(state_seconds=3.0)
    await world.call("CreateStream", StreamName="s", ShardCount=1)
    world.clock.advance(3)
    await world.call("DeleteStream", StreamName="s")
    assert await status_of(world, "s") == "DELETING"
    with pytest.raises(errors.ResourceInUse):
        await world.call("CreateStream", StreamName="s", ShardCount=1)
    with pytest.raises(errors.ResourceNotFound):
        await world.put("s")
    world.clock.advance(3)
    with pytest.raises(errors.ResourceNotFound):
        await world.summary("s")
    assert (await world.call("ListStreams"))["StreamNames"] == []
    await world.call("CreateStream", StreamName="s", ShardCount=1)


async def test_a_consumer_is_creating_and_deleting_for_a_while(open_world: Any) -> None:
    world = await open_world(state_seconds=3.0)
    await world.call("CreateStream", StreamName="s", ShardCount=1)
    world.clock.advance(3)
    made = await world.call("RegisterStreamConsumer", StreamARN=arn_of("s"), ConsumerName="c")
    arn = made["Consumer"]["ConsumerARN"]

    async def status() -> str:
        answer = await world.call("DescribeStreamConsumer", ConsumerARN=arn)
        return str(answer["ConsumerDescription"]["ConsumerStatus"])

    assert await status() == "CREATING"
    world.clock.advance(3)
    assert await status() == "ACTIVE"
    await world.call("DeregisterStreamConsumer", ConsumerARN=arn)
    assert await status() == "DELETING"
    assert (await world.summary("s"))["ConsumerCount"] == 1
    world.clock.advance(3)
    with pytest.raises(errors.ResourceNotFound):
        await status()
    assert (await world.summary("s"))["ConsumerCount"] == 0
    again = await world.call("RegisterStreamConsumer", StreamARN=arn_of("s"), ConsumerName="c")
    assert again["Consumer"]["ConsumerARN"] != arn
    with pytest.raises(errors.ResourceNotFound):
        await world.call("DescribeStreamConsumer", ConsumerARN=arn)


async def test_tokens_of_lists_last_300_seconds(world: Any) -> None:
    for name in ("a", "b"):
        await world.call("CreateStream", StreamName=name, ShardCount=2)
    for consumer in ("c", "d"):
        await world.call("RegisterStreamConsumer", StreamARN=arn_of("a"), ConsumerName=consumer)
    lists: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        ("ListShards", {"StreamName": "a", "MaxResults": 1}, {}),
        ("ListStreams", {"Limit": 1}, {}),
        (
            "ListStreamConsumers",
            {"StreamARN": arn_of("a"), "MaxResults": 1},
            {"StreamARN": arn_of("a")},
        ),
    ]
    tokens = [(await world.call(name, **asked))["NextToken"] for name, asked, _ in lists]
    world.clock.advance(300)
    for (name, _, more), token in zip(lists, tokens, strict=True):
        await world.call(name, NextToken=token, **more)
    world.clock.advance(1)
    for (name, _, more), token in zip(lists, tokens, strict=True):
        with pytest.raises(errors.ExpiredNextToken):
            await world.call(name, NextToken=token, **more)


async def test_a_token_does_not_lead_into_another_stream_of_that_name(world: Any) -> None:
    await world.call("CreateStream", StreamName="s", ShardCount=3)
    token = (await world.call("ListShards", StreamName="s", MaxResults=1))["NextToken"]
    await world.call("DeleteStream", StreamName="s")
    await world.call("CreateStream", StreamName="s", ShardCount=3)
    with pytest.raises(errors.ResourceNotFound):
        await world.call("ListShards", NextToken=token)


async def test_an_account_has_so_many_shards(open_world: Any) -> None:
    world = await open_world(limits=True)
    await world.call("CreateStream", StreamName="a", ShardCount=10_000)
    await world.call("CreateStream", StreamName="b", ShardCount=9_999)
    limits = await world.call("DescribeLimits")
    assert (limits["ShardLimit"], limits["OpenShardCount"]) == (20_000, 19_999)
    with pytest.raises(errors.LimitExceeded, match="would exceed the shard limit"):
        await world.call("CreateStream", StreamName="c", ShardCount=2)
    await world.call("SplitShard", StreamName="b", ShardToSplit="0", NewStartingHashKey="2")
    with pytest.raises(errors.LimitExceeded):
        await world.call("SplitShard", StreamName="b", ShardToSplit="1", NewStartingHashKey="2")
    elsewhere = await world.call("DescribeLimits", region="eu-north-1")
    assert (elsewhere["ShardLimit"], elsewhere["OpenShardCount"]) == (6_000, 0)


async def test_an_account_has_fifty_on_demand_streams(open_world: Any) -> None:
    world = await open_world(limits=True)
    mode = {"StreamMode": "ON_DEMAND"}
    for number in range(50):
        await world.call("CreateStream", StreamName=f"s{number}", StreamModeDetails=mode)
    limits = await world.call("DescribeLimits")
    assert (limits["OnDemandStreamCount"], limits["OnDemandStreamCountLimit"]) == (50, 50)
    with pytest.raises(errors.LimitExceeded):
        await world.call("CreateStream", StreamName="more", StreamModeDetails=mode)
    await world.call("CreateStream", StreamName="p", ShardCount=1)
    with pytest.raises(errors.LimitExceeded):
        await world.call("UpdateStreamMode", StreamARN=arn_of("p"), StreamModeDetails=mode)


async def test_five_streams_are_creating_at_once(open_world: Any) -> None:
    world = await open_world(limits=True, state_seconds=1.0)
    for number in range(5):
        await world.call("CreateStream", StreamName=f"s{number}", ShardCount=1)
    with pytest.raises(errors.LimitExceeded):
        await world.call("CreateStream", StreamName="more", ShardCount=1)
    world.clock.advance(1)
    await world.call("CreateStream", StreamName="more", ShardCount=1)


async def test_a_stream_is_scaled_ten_times_a_day(open_world: Any) -> None:
    world = await open_world(limits=True)
    await world.call("CreateStream", StreamName="s", ShardCount=2)

    async def scale(target: int) -> None:
        await world.call(
            "UpdateShardCount",
            StreamName="s",
            TargetShardCount=target,
            ScalingType="UNIFORM_SCALING",
        )

    for number in range(10):
        await scale(2 + (number + 1) % 2)
        world.clock.advance(60)
    with pytest.raises(errors.LimitExceeded, match="10 times in 24 hours"):
        await scale(3)
    world.clock.advance(24 * 3600 - 599)
    await scale(3)


async def test_lifted_limits_let_a_stream_scale_at_will(world: Any) -> None:
    await world.call("CreateStream", StreamName="s", ShardCount=1)
    for target in (50, 1, 7, 3, 100, 1, 2, 3, 4, 5, 6, 7):
        await world.call(
            "UpdateShardCount",
            StreamName="s",
            TargetShardCount=target,
            ScalingType="UNIFORM_SCALING",
        )
        assert (await world.summary("s"))["OpenShardCount"] == target


async def test_a_commitment_lasts_a_day_and_unlocks_warm_throughput(open_world: Any) -> None:
    world = await open_world(limits=True)
    mode = {"StreamMode": "ON_DEMAND"}

    async def commit(status: str) -> dict[str, Any]:
        wanted = {"Status": status}
        answer = await world.call(
            "UpdateAccountSettings", MinimumThroughputBillingCommitment=wanted
        )
        return dict(answer["MinimumThroughputBillingCommitment"])

    async def status() -> str:
        answer = await world.call("DescribeAccountSettings")
        return str(answer["MinimumThroughputBillingCommitment"]["Status"])

    assert await status() == "DISABLED"
    with pytest.raises(errors.Validation, match="MinimumThroughputBillingCommitment"):
        await world.call(
            "CreateStream", StreamName="w", StreamModeDetails=mode, WarmThroughputMiBps=9
        )
    begun = await commit("ENABLED")
    assert begun["EarliestAllowedEndAt"] - begun["StartedAt"] == 86_400
    await world.call("CreateStream", StreamName="w", StreamModeDetails=mode, WarmThroughputMiBps=9)
    assert (await world.summary("w"))["WarmThroughput"] == {"TargetMiBps": 9, "CurrentMiBps": 9}
    answer = await world.call("UpdateStreamWarmThroughput", StreamName="w", WarmThroughputMiBps=12)
    assert answer["WarmThroughput"] == {"TargetMiBps": 12, "CurrentMiBps": 9}
    assert (await world.summary("w"))["OpenShardCount"] == 12
    await world.call("UpdateStreamWarmThroughput", StreamName="w", WarmThroughputMiBps=2)
    assert (await world.summary("w"))["OpenShardCount"] == 4
    with pytest.raises(errors.InvalidArgument):
        await world.call("UpdateStreamWarmThroughput", StreamName="w", WarmThroughputMiBps=10_241)
    assert (await commit("DISABLED"))["Status"] == "ENABLED_UNTIL_EARLIEST_ALLOWED_END"
    assert (await commit("ENABLED"))["Status"] == "ENABLED"
    await commit("DISABLED")
    world.clock.advance(86_400)
    assert await status() == "DISABLED"
    assert "WarmThroughput" not in await world.summary("w")


async def test_a_committed_accounts_on_demand_streams_have_fifty_consumers(
    open_world: Any,
) -> None:
    world = await open_world(limits=True)
    await world.call(
        "UpdateAccountSettings", MinimumThroughputBillingCommitment={"Status": "ENABLED"}
    )
    await world.call("CreateStream", StreamName="s", StreamModeDetails={"StreamMode": "ON_DEMAND"})
    for number in range(50):
        await world.call("RegisterStreamConsumer", StreamARN=arn_of("s"), ConsumerName=f"c{number}")
    with pytest.raises(errors.LimitExceeded, match="Limit: 50"):
        await world.call("RegisterStreamConsumer", StreamARN=arn_of("s"), ConsumerName="more")


async def test_five_consumers_are_creating_at_once(open_world: Any) -> None:
    world = await open_world(limits=True, state_seconds=1.0)
    await world.call("CreateStream", StreamName="s", ShardCount=1)
    world.clock.advance(1)
    for number in range(5):
        await world.call("RegisterStreamConsumer", StreamARN=arn_of("s"), ConsumerName=f"c{number}")
    with pytest.raises(errors.LimitExceeded, match="CREATING"):
        await world.call("RegisterStreamConsumer", StreamARN=arn_of("s"), ConsumerName="more")
