"""What happens without a call: retention, removal, healing of cut-off splits, growth."""

import asyncio
import itertools
from typing import Any

import pytest
from msgspec.structs import replace

from millpond.kernel.tasks import Task
from millpond.services.kinesis import errors, store
from millpond.services.kinesis.reshaping import HEAD_START_MS
from millpond.services.kinesis.scaling import Scaler
from millpond.services.kinesis.tasks import RESHAPE_TASK, SCALE_TASK, SWEEP_TASK, TASKS_AT_START

HALF = str(2**127)
HOUR = 3600
MIB = 1024 * 1024
ON_DEMAND = {"StreamMode": "ON_DEMAND"}


async def split(world: Any, name: str = "s", shard: int = 0) -> None:
    await world.call(
        "SplitShard", StreamName=name, ShardToSplit=str(shard), NewStartingHashKey=HALF
    )


async def test_the_logs_of_a_deleted_stream_are_removed_after_late_writes(world: Any) -> None:
    await world.call("CreateStream", StreamName="s", ShardCount=3)
    stream = await world.stream("s")
    await world.put("s", b"x" * 100)
    await world.call("DeleteStream", StreamName="s")
    await world.work()
    assert world.log.deleted == []
    world.clock.advance(10)
    await world.work()
    assert world.log.deleted == [stream.log_of(index) for index in range(3)]
    assert await world.tasks() == []


async def test_logs_are_removed_although_a_new_stream_of_the_name_changes_meanwhile(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.call("CreateStream", StreamName="s", ShardCount=1)
    await world.call("DeleteStream", StreamName="s")
    await world.call("CreateStream", StreamName="s", ShardCount=1)
    world.clock.advance(10)
    load, changes = store.load_stream, iter(range(3))

    async def load_and_change(transaction: Any, scope: Any, name: str) -> Any:
        found = await load(transaction, scope, name)
        for change in itertools.islice(changes, 1):
            tags = {"change": str(change)}
            async with world.needs.records.transaction() as other:
                store.save_stream(other, scope, replace(found, tags=tags))
        return found

    monkeypatch.setattr(store, "load_stream", load_and_change)
    await world.work()
    assert next(changes, None) is None
    assert await world.tasks() == []


async def test_a_new_stream_of_a_deleted_ones_name_is_left_alone(open_world: Any) -> None:
    world = await open_world(state_seconds=1.0)
    await world.call("CreateStream", StreamName="s", ShardCount=1)
    world.clock.advance(1)
    await world.call("DeleteStream", StreamName="s")
    world.clock.advance(1)
    await world.call("CreateStream", StreamName="s", ShardCount=1)
    world.clock.advance(60)
    await world.put("s", b"kept")
    await world.work()
    assert (await world.summary("s"))["StreamStatus"] == "ACTIVE"
    assert (await world.stream("s")).log_of(0) not in world.log.deleted


async def test_a_second_stream_of_the_name_is_deleting_for_its_own_time(open_world: Any) -> None:
    world = await open_world(state_seconds=100.0)
    for pause in (100, 50):
        await world.call("CreateStream", StreamName="s", ShardCount=1)
        world.clock.advance(100)
        await world.call("DeleteStream", StreamName="s")
        world.clock.advance(pause)
    await world.work()
    assert len(world.log.deleted) == 1
    assert (await world.summary("s"))["StreamStatus"] == "DELETING"


async def test_a_shard_that_was_split_as_soon_as_it_was_there_was_open_for_a_moment(
    world: Any,
) -> None:
    await world.call("CreateStream", StreamName="s", ShardCount=1)
    await world.put("s")
    await split(world)
    assert await world.ids("s", "AT_TRIM_HORIZON") == [0]
    assert await world.ids("s", "AT_LATEST") == [1, 2]


async def test_the_record_of_a_stream_that_was_deleting_goes(open_world: Any) -> None:
    world = await open_world(state_seconds=1.0)
    await world.call("CreateStream", StreamName="s", ShardCount=1)
    world.clock.advance(1)
    await world.call("DeleteStream", StreamName="s")
    await world.stream("s")
    world.clock.advance(60)
    await world.work()
    with pytest.raises(AssertionError):
        await world.stream("s")


async def test_old_records_are_let_go_and_new_ones_are_kept(world: Any) -> None:
    await world.call("CreateStream", StreamName="s", ShardCount=1)
    await world.put("s")
    await world.sweep()
    assert world.log.trimmed == []
    world.clock.advance(30 * HOUR)
    await world.sweep()
    log = (await world.stream("s")).log_of(0)
    assert world.log.trimmed == [(log, world.clock.now_ms() - 24 * HOUR * 1000)]


async def test_a_sweep_leaves_empty_shards_alone(world: Any) -> None:
    await world.call("CreateStream", StreamName="s", ShardCount=100)
    world.clock.advance(30 * HOUR)
    await world.sweep()
    assert world.log.trimmed == []


async def test_a_sweep_trims_the_shards_of_a_stream_together(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 40
    await world.call("CreateStream", StreamName="s", ShardCount=count)
    records = [
        {"Data": b"x", "PartitionKey": "k", "ExplicitHashKey": str(2**128 // count * number + 1)}
        for number in range(count)
    ]
    await world.call("PutRecords", StreamName="s", Records=records)
    world.clock.advance(30 * HOUR)
    trim, begun, ended = world.log.trim, [], []

    async def trim_slowly(log: bytes, before_ms: int) -> None:
        begun.append((log, len(ended)))
        await trim(log, before_ms)
        ended.append(log)

    monkeypatch.setattr(world.log, "trim", trim_slowly)
    await world.sweep()
    assert len(ended) == count
    assert {done_before for _, done_before in begun} == {0}
    for log in ended:
        bounds = world.log.bounds(log)
        assert bounds.first == bounds.end == 1


async def test_a_longer_retention_brings_nothing_back(world: Any) -> None:
    await world.call("CreateStream", StreamName="s", ShardCount=1)
    world.clock.advance(30 * HOUR)
    horizon_ms = world.clock.now_ms() - 24 * HOUR * 1000
    await world.call("IncreaseStreamRetentionPeriod", StreamName="s", RetentionPeriodHours=100)
    world.clock.advance(1 * HOUR)
    stream = await world.stream("s")
    assert stream.trim_horizon_ms(world.clock.now_ms()) == horizon_ms


async def test_a_closed_shard_is_listed_until_its_records_have_expired(world: Any) -> None:
    await world.call("CreateStream", StreamName="s", ShardCount=1)
    await world.put("s")
    world.clock.advance(2 * HOUR)
    await split(world)
    parent = (await world.stream("s")).log_of(0)
    assert await world.ids("s") == [0, 1, 2]
    world.clock.advance(24 * HOUR - 1)
    await world.sweep()
    assert await world.ids("s") == [0, 1, 2]
    world.clock.advance(2)
    assert await world.ids("s") == [1, 2]
    described = await world.call("DescribeStream", StreamName="s")
    assert len(described["StreamDescription"]["Shards"]) == 2
    await world.sweep()
    await world.work()
    assert world.log.deleted == [parent]
    assert [shard.index for shard in (await world.stream("s")).shards] == [1, 2]
    children = await world.shards("s")
    assert {child["ParentShardId"] for child in children} == {"shardId-000000000000"}
    with pytest.raises(errors.ResourceNotFound):
        await split(world, shard=0)


async def test_filters_by_time_follow_the_shards_lives(world: Any) -> None:
    await world.call("CreateStream", StreamName="s", ShardCount=1)
    began_s = world.clock.now_ms() / 1000
    world.clock.advance(10)
    await split(world)
    world.clock.advance(10)
    await world.call("MergeShards", StreamName="s", ShardToMerge="1", AdjacentShardToMerge="2")
    world.clock.advance(10)
    for second, open_then in ((0, [0]), (9.999, [0]), (10, [1, 2]), (19, [1, 2]), (20, [3])):
        at = await world.ids("s", "AT_TIMESTAMP", Timestamp=began_s + second)
        assert at == open_then
        since = await world.ids("s", "FROM_TIMESTAMP", Timestamp=began_s + second)
        assert since == list(range(open_then[0], 4))
    assert await world.ids("s", "AT_TIMESTAMP", Timestamp=began_s - 99) == [0]
    assert await world.ids("s", "AT_TIMESTAMP", Timestamp=began_s + 10**6) == [3]
    world.clock.advance(24 * HOUR - 15)
    assert await world.ids("s", "AT_TRIM_HORIZON") == [1, 2]
    assert await world.ids("s", "FROM_TRIM_HORIZON") == [1, 2, 3]


async def test_a_split_that_was_cut_off_after_the_seal_is_finished_by_its_task(
    open_world: Any,
) -> None:
    world = await open_world()
    await world.call("CreateStream", StreamName="s", ShardCount=1)
    await world.put("s", b"before")
    world.log.lose_seals = True
    await split(world)
    assert (await world.summary("s"))["StreamStatus"] == "UPDATING"
    assert await world.ids("s") == [0]
    again = await open_world()
    with pytest.raises(errors.ResourceInUse, match="UPDATING"):
        await again.call("DeleteStream", StreamName="s")
    putting = asyncio.create_task(again.put("s", b"after"))
    await asyncio.sleep(0.01)
    assert not putting.done()
    again.clock.advance(HEAD_START_MS / 1000)
    await again.work()
    assert (await again.summary("s"))["StreamStatus"] == "ACTIVE"
    assert await again.ids("s") == [0, 1, 2]
    for _ in range(100):
        again.clock.advance(0.1)
        await asyncio.sleep(0)
        if putting.done():
            break
    assert (await putting)["ShardId"] in ("shardId-000000000001", "shardId-000000000002")
    assert [task.kind for task in await again.tasks()] == []


async def test_a_scaling_that_was_cut_off_in_the_middle_is_finished_by_its_task(
    open_world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("millpond.services.kinesis.reshaping.CHANGES_AT_ONCE", 2)
    world = await open_world()
    await world.call("CreateStream", StreamName="s", ShardCount=5)
    seal, seals = world.log.seal, 0

    async def fail_later(log: bytes) -> int:
        nonlocal seals
        seals += 1
        world.log.lose_seals = seals == 4
        return int(await seal(log))

    world.log.seal = fail_later
    await world.call(
        "UpdateShardCount", StreamName="s", TargetShardCount=8, ScalingType="UNIFORM_SCALING"
    )
    assert (await world.summary("s"))["OpenShardCount"] == 7
    again = await open_world()
    again.clock.advance(HEAD_START_MS / 1000)
    await again.work()
    found = await again.shards("s", "AT_LATEST")
    bounds = sorted(int(shard["HashKeyRange"]["StartingHashKey"]) for shard in found)
    assert bounds == [2**128 // 8 * place for place in range(8)]


async def test_an_operation_that_finishes_leaves_no_task(world: Any) -> None:
    await world.call("CreateStream", StreamName="s", ShardCount=1)
    await split(world)
    assert await world.tasks() == []


async def test_the_task_of_a_stream_that_is_gone_does_nothing(world: Any) -> None:
    await world.step(Task("kinesis", RESHAPE_TASK, "nobody", 0, "123456789012", "us-east-1"))


async def test_those_who_finish_the_same_splits_together_make_them_once(
    open_world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("millpond.services.kinesis.reshaping.CHANGES_AT_ONCE", 2)
    world = await open_world()
    await world.call("CreateStream", StreamName="s", ShardCount=4)
    world.log.lose_seals = True
    await world.call(
        "UpdateShardCount", StreamName="s", TargetShardCount=8, ScalingType="UNIFORM_SCALING"
    )
    again = await open_world()
    again.clock.advance(HEAD_START_MS / 1000)
    (task,) = await again.tasks()
    await asyncio.gather(again.step(task), again.step(task), again.step(task))
    assert (await again.summary("s"))["OpenShardCount"] == 8
    assert len((await again.stream("s")).shards) == 12


def feed(world: Any, stream: Any, mibps: dict[int, float], seconds: int = 30) -> None:
    """As if shards (by index) had been sent so much for a while."""
    traffic = world.needs.traffic.of(stream, world.needs.meter)
    for _ in range(seconds // 10):
        world.clock.advance(10)
        for index, each in mibps.items():
            traffic.shard(index).count(world.clock.now_ms(), 10, int(each * 10 * MIB))


async def test_an_on_demand_stream_grows_with_its_load_and_shrinks_when_it_is_over(
    world: Any,
) -> None:
    await world.call("CreateStream", StreamName="s", StreamModeDetails=ON_DEMAND)
    scaler = Scaler(world.needs)
    await scaler.look()
    assert (await world.summary("s"))["OpenShardCount"] == 4
    feed(world, await world.stream("s"), {0: 0.9, 1: 0.9, 2: 0.9, 3: 0.2})
    await scaler.look()
    assert (await world.summary("s"))["OpenShardCount"] == 7
    assert await world.ids("s", "AT_LATEST") == [3, 4, 5, 6, 7, 8, 9]
    feed(world, await world.stream("s"), dict.fromkeys([4, 5, 6, 7, 8, 9], 0.6) | {3: 0.2})
    await scaler.look()
    assert (await world.summary("s"))["OpenShardCount"] == 13
    world.clock.advance(1800)
    await scaler.look()
    assert (await world.summary("s"))["OpenShardCount"] == 13
    for _ in range(4):
        world.clock.advance(1900)
        await scaler.look()
    assert (await world.summary("s"))["OpenShardCount"] == 4


async def test_the_task_looks_at_on_demand_streams_as_long_as_the_platform_runs(
    world: Any,
) -> None:
    await world.call("CreateStream", StreamName="s", StreamModeDetails=ON_DEMAND)
    feed(world, await world.stream("s"), {2: 0.9})
    await world.step(Task("kinesis", SCALE_TASK, ""))
    assert (await world.summary("s"))["OpenShardCount"] == 5
    assert [task.kind for task in await world.tasks()] == [SCALE_TASK]


async def test_provisioned_streams_and_those_without_load_stay(world: Any) -> None:
    await world.call("CreateStream", StreamName="p", ShardCount=2)
    await world.call("CreateStream", StreamName="o", StreamModeDetails=ON_DEMAND)
    feed(world, await world.stream("p"), {0: 3.0, 1: 3.0})
    scaler = Scaler(world.needs)
    await scaler.look()
    world.clock.advance(2 * HOUR)
    await scaler.look()
    assert (await world.summary("p"))["OpenShardCount"] == 2
    assert (await world.summary("o"))["OpenShardCount"] == 4
    assert world.log.sealed == []


async def test_a_warm_stream_does_not_shrink_below_its_throughput(world: Any) -> None:
    await world.call(
        "UpdateAccountSettings", MinimumThroughputBillingCommitment={"Status": "ENABLED"}
    )
    await world.call(
        "CreateStream", StreamName="w", StreamModeDetails=ON_DEMAND, WarmThroughputMiBps=10
    )
    scaler = Scaler(world.needs)
    for _ in range(5):
        await scaler.look()
        world.clock.advance(2 * HOUR)
    assert (await world.summary("w"))["OpenShardCount"] == 10


async def test_records_that_were_refused_make_a_shard_hot(open_world: Any) -> None:
    world = await open_world(limits=True)
    await world.call("CreateStream", StreamName="s", StreamModeDetails=ON_DEMAND)
    records = [{"Data": b"x" * 1000, "PartitionKey": "one"} for _ in range(500)]
    refused = 0
    for _ in range(4):
        answer = await world.call("PutRecords", StreamName="s", Records=records)
        refused += answer["FailedRecordCount"]
    assert refused > 0
    await Scaler(world.needs).look()
    assert (await world.summary("s"))["OpenShardCount"] == 5


async def test_work_at_the_start_finds_nothing_to_do_on_new_data(world: Any) -> None:
    for task in TASKS_AT_START:
        await world.step(task)
    assert {task.kind for task in await world.tasks()} == {SCALE_TASK, SWEEP_TASK}
    assert (world.log.sealed, world.log.deleted, world.log.trimmed) == ([], [], [])
