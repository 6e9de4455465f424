"""Whatever fails, and wherever it is cut off: all that was put arrives, under the same names."""

import itertools
from dataclasses import replace

from millpond.engines.records.faulty import FaultyRecords
from millpond.kernel.body import gather
from millpond.kernel.errors import EngineError
from millpond.kernel.faults import Faults
from millpond.kernel.tasks import Task
from millpond.services.firehose.delivery.engine import deliver
from tests.services.firehose.conftest import ACCOUNT, BUCKET, ROLE

LATE = b"put after the crash\n"
SIZES = (300_000, 800_000, 10, 500_000, 700_000, 20)


class Killed(BaseException):
    """The process ends here, without a word."""


class FaultyCaller:
    """Calls others, and is killed before or after an object is put when the plan says so.

    An object that is put again has to be as it was, or to hold the same, if not `as_is`.
    """

    def __init__(self, call_aws, faults, *, as_is=True):
        self._call_aws = call_aws
        self._as_is = as_is
        self._faults = faults
        self.written = {}
        self.count = 0

    async def __call__(self, call, service, operation, /, **members):
        if operation != "PutObject":
            return await self._call_aws(call, service, operation, **members)
        if self._faults.strikes("killed before an object"):
            raise Killed
        data = await gather(members["Body"], 1 << 24)
        answer = await self._call_aws(call, service, operation, **members)
        known = self.written.setdefault(members["Key"], data)
        assert known == data or (not self._as_is and sorted(known) == sorted(data))
        self.count += 1
        if self._faults.strikes("killed after an object"):
            raise Killed
        return answer


class Wake:
    """Ends the step as soon as it would wait with all done; the clock runs meanwhile."""

    stopping = False

    def __init__(self, world, is_done):
        self._world = world
        self._is_done = is_done
        self._left = 2000

    async def wait(self, seconds):
        self._left -= 1
        assert self._left, "It does not come to an end."
        self.stopping = await self._is_done()
        self._world.clock.advance(min(seconds, 1.0))
        return self.stopping


async def run(world, is_done):
    """One life of the platform, as far as the delivery stream is concerned."""
    task = Task("firehose", "deliver", "clicks", 0, ACCOUNT, "us-east-1")
    await deliver(world.needs, task, Wake(world, is_done))


def lines(found):
    return [line for data in found.values() for line in data.split(b"\n") if line]


async def test_killed_at_any_point_everything_arrives_once_under_the_same_names(still_world):
    world = still_world
    whole = world.needs
    expected = sorted(b"%d:" % number + b"x" * size for number, size in enumerate(SIZES))
    twice = 0

    async def is_done():
        return sorted(lines(await world.objects("in/"))) == sorted(expected_now)

    for place in itertools.count():
        await prepare(world, whole)
        faults = Faults(place)
        expected_now = list(expected)
        calling = FaultyCaller(whole.call_aws, faults)
        records = FaultyRecords(whole.records, faults)
        world.use(replace(whole, call_aws=calling, records=records))
        try:
            await run(world, is_done)
        except (Killed, EngineError):
            world.use(replace(whole, call_aws=calling))
            await world.put(LATE)
            expected_now.append(LATE.strip())
            await run(world, is_done)
        found = await world.objects()
        kept = {key: data for key, data in found.items() if key.startswith("raw/")}
        assert sorted(lines(await world.objects("in/"))) == sorted(expected_now)
        assert sorted(lines(kept)) == sorted(expected_now)
        assert set(calling.written) == set(found)
        twice += calling.count > len(found)
        if faults.struck is None:
            break
    assert place > 12
    assert twice >= 4


async def prepare(world, whole):
    """The delivery stream anew, with records that make a full object and a part of one."""
    world.use(whole)
    listed = await world.firehose("ListDeliveryStreams")
    if listed["DeliveryStreamNames"]:
        await world.firehose("DeleteDeliveryStream", DeliveryStreamName="clicks")

        async def never():
            return False

        await run(world, never)
        for key in await world.objects():
            await world.s3("DeleteObject", Bucket="lake", Key=key)
    backup = {"RoleARN": ROLE, "BucketARN": BUCKET, "Prefix": "raw/"}
    await world.make_stream(Prefix="in/", S3BackupMode="Enabled", S3BackupConfiguration=backup)
    for number, size in enumerate(SIZES):
        await world.put(b"%d:" % number + b"x" * size + b"\n")


async def test_killed_at_any_point_a_stream_that_was_split_arrives_once(still_world):
    world = still_world
    whole = world.needs
    twice = 0
    for place in itertools.count():
        await prepare_kinesis(world, whole)
        expected_now = list(range(40))
        faults = Faults(place)
        calling = FaultyCaller(whole.call_aws, faults, as_is=False)
        records = FaultyRecords(whole.records, faults)

        async def arrived():
            return [int(line) for line in lines(await world.objects("in/"))]

        async def is_done(arrived=arrived, expected_now=expected_now):
            return sorted(await arrived()) == expected_now

        world.use(replace(whole, call_aws=calling, records=records))
        try:
            await run(world, is_done)
        except (Killed, EngineError):
            world.use(replace(whole, call_aws=calling))
            await put_numbers(world, range(40, 50))
            expected_now += range(40, 50)
            await run(world, is_done)
        found = await arrived()
        assert sorted(found) == expected_now
        twice += calling.count > len(await world.objects())
        if faults.struck is None:
            break
    assert twice >= 1


async def prepare_kinesis(world, whole):
    """A stream of two shards, one of them split, that is delivered from its beginning on."""
    world.use(whole)
    listed = await world.firehose("ListDeliveryStreams")
    if listed["DeliveryStreamNames"]:
        await world.firehose("DeleteDeliveryStream", DeliveryStreamName="clicks")

        async def never():
            return False

        await run(world, never)
        await world.kinesis("DeleteStream", StreamName="orders")
        for key in await world.objects():
            await world.s3("DeleteObject", Bucket="lake", Key=key)
    await world.kinesis("CreateStream", StreamName="orders", ShardCount=2)
    arn = f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/orders"
    await world.make_stream(
        Prefix="in/",
        DeliveryStreamType="KinesisStreamAsSource",
        KinesisStreamSourceConfiguration={"KinesisStreamARN": arn, "RoleARN": ROLE},
    )
    await put_numbers(world, range(20))
    await world.kinesis(
        "SplitShard",
        StreamName="orders",
        ShardToSplit="shardId-000000000000",
        NewStartingHashKey=str(2**126),
    )
    await put_numbers(world, range(20, 40))


async def put_numbers(world, numbers):
    records = [{"Data": b"%d\n" % number, "PartitionKey": str(number)} for number in numbers]
    answer = await world.kinesis("PutRecords", StreamName="orders", Records=records)
    assert not answer.get("FailedRecordCount")
