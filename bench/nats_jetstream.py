"""What NATS JetStream takes: 200-byte messages, each synced before it is acknowledged.

It has no call for many records at once; so each of four connections keeps 500 messages on their
way, as many as a PutRecords has records.
"""

import asyncio
import multiprocessing
import os
import time
from urllib.parse import urlsplit

import nats

from bench.load import Target

CONNECTIONS = 4
ON_THEIR_WAY = 500


def records_per_second(target: Target, records: int, size_bytes: int = 200) -> float:
    """Acknowledged messages per second, from a process of its own as the other clients have."""
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    client = context.Process(target=_client, args=(results, target, records, size_bytes))
    client.start()
    rate = float(results.get())
    client.join()
    return rate


def _client(
    results: "multiprocessing.SimpleQueue[float]", target: Target, records: int, size_bytes: int
) -> None:
    results.put(asyncio.run(_publish(target, records, size_bytes)))


async def _publish(target: Target, records: int, size_bytes: int) -> float:
    address = f"nats://{urlsplit(target.endpoint).netloc}"
    connections = [await nats.connect(address) for _ in range(CONNECTIONS)]
    await connections[0].jetstream().add_stream(name="bench", subjects=["bench.*"])
    content = os.urandom(size_bytes)
    each = records // CONNECTIONS
    started = time.perf_counter()
    await asyncio.gather(
        *(
            _publish_on(connection, number, each, content)
            for number, connection in enumerate(connections)
        )
    )
    seconds = time.perf_counter() - started
    for connection in connections:
        await connection.close()
    return each * CONNECTIONS / seconds


async def _publish_on(connection: "nats.NATS", number: int, count: int, content: bytes) -> None:
    stream = connection.jetstream(publish_async_max_pending=ON_THEIR_WAY)
    for _ in range(count):
        await stream.publish_async(f"bench.{number}", content, wait_stall=60)
    await stream.publish_async_completed()


def publish_one_by_one(target: Target, count: int) -> None:
    """Publish, and wait for each acknowledgement before the next."""
    asyncio.run(_publish_one_by_one(target, count))


async def _publish_one_by_one(target: Target, count: int) -> None:
    connection = await nats.connect(f"nats://{urlsplit(target.endpoint).netloc}")
    stream = connection.jetstream()
    for _ in range(count):
        await stream.publish("bench.0", b"x" * 200)
    await connection.close()
