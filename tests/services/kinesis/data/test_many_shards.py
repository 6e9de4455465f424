"""Streams of very many shards."""

import time


async def seconds_of_puts(world, stream):
    """The least processor time that twenty puts took."""
    best = float("inf")
    for _ in range(3):
        before = time.process_time()
        for number in range(20):
            await world.call("PutRecord", StreamName=stream, Data=b"x", PartitionKey=str(number))
        best = min(best, time.process_time() - before)
    return best


async def test_a_put_costs_little_more_where_there_are_ten_thousand_shards(world):
    await world.call("CreateStream", StreamName="wide", ShardCount=10_000)
    few = await seconds_of_puts(world, "s")
    many = await seconds_of_puts(world, "wide")
    assert many < 4 * few
