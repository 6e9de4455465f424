"""What retention and deletion give back on disk."""

import os
from pathlib import Path
from typing import Any

import pytest

HOUR = 3600
MIB = 1024 * 1024


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


async def put_mebibytes(world: Any, count: int) -> None:
    records = [{"Data": os.urandom(MIB - 1), "PartitionKey": "k"}] * 10
    for _ in range(count // 10):
        await world.call("PutRecords", StreamName="s", Records=records)


@pytest.mark.parametrize("freed_by", ["retention", "deletion"])
async def test_space_comes_back_when_records_go(world: Any, tmp_path: Path, freed_by: str) -> None:
    await world.call("CreateStream", StreamName="s", ShardCount=1)
    await put_mebibytes(world, 140)
    await world.log.wait_for_housekeeping()
    assert size_of(tmp_path / "log") > 139 * MIB
    if freed_by == "retention":
        world.clock.advance(25 * HOUR)
        await put_mebibytes(world, 10)
        await world.sweep()
    else:
        await world.call("DeleteStream", StreamName="s")
        world.clock.advance(10)
        await world.work()
    await world.log.wait_for_housekeeping()
    assert size_of(tmp_path / "log") < 70 * MIB
    if freed_by == "retention":
        iterator = await world.call(
            "GetShardIterator",
            StreamName="s",
            ShardId="shardId-000000000000",
            ShardIteratorType="TRIM_HORIZON",
        )
        kept = await world.call("GetRecords", ShardIterator=iterator["ShardIterator"])
        assert len(kept["Records"]) == 10
