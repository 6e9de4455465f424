"""Records through Kinesis: put, got and pushed, with one client for any server that speaks JSON.

Requests are signed and laid out beforehand, so that what is measured is the server. Streams are
made, and iterators asked for, with boto3.
"""

import asyncio
import base64
import json
import multiprocessing
import os
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any
from urllib.parse import urlsplit

import boto3
import uvloop
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from bench.load import Run, Target, send

REGION = "us-east-1"
SHARDS = 4
BATCH = 500
RECORD_SIZE_BYTES = 200
READ_AT_ONCE = 10_000


@dataclass(frozen=True)
class Row:
    """One line of the report: what was measured, in which unit, how large it was."""

    name: str
    unit: str
    value: float
    note: str = ""


def client(target: Target) -> Any:
    """A boto3 client of `target`."""
    return boto3.client(
        "kinesis",
        endpoint_url=target.endpoint,
        region_name=REGION,
        aws_access_key_id=target.access_key_id,
        aws_secret_access_key=target.secret_access_key,
        config=Config(retries={"total_max_attempts": 3}, read_timeout=120),
    )


def signed(target: Target, method: str, operation: str, body: bytes) -> bytes:
    """A whole call of `operation` as bytes, signed in its header."""
    headers = {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": f"Kinesis_20131202.{operation}",
    }
    request = AWSRequest(method, target.endpoint + "/", headers=headers, data=body)
    credentials = Credentials(target.access_key_id, target.secret_access_key)
    SigV4Auth(credentials, "kinesis", REGION).add_auth(request)
    request.headers["Host"] = urlsplit(target.endpoint).netloc
    request.headers["Content-Length"] = str(len(body))
    lines = [f"{method} / HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def make_stream(target: Target, name: str, shards: int = SHARDS) -> None:
    """Make a stream and wait until it can be used."""
    kinesis = client(target)
    kinesis.create_stream(StreamName=name, ShardCount=shards)
    kinesis.get_waiter("stream_exists").wait(
        StreamName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )


def put_records(target: Target, stream: str, requests: int, connections: int = 4) -> Row:
    """PutRecords of 500 records of 200 bytes each, their keys all over the shards."""
    bodies = [_batch(stream, first) for first in range(0, 20 * BATCH, BATCH)]
    calls = [("POST", "PutRecords", body) for body in islice(cycle(bodies), requests)]
    run = send(target, calls, connections=connections, lay_out=signed)
    return Row("PutRecords, 500 x 200 B", "records/s", run.rate * BATCH, _latencies(run))


def put_record(target: Target, stream: str, requests: int, connections: int = 32) -> Row:
    """PutRecord of 200 bytes."""
    bodies = [
        json.dumps({"StreamName": stream, **_record(number)}).encode() for number in range(1000)
    ]
    calls = [("POST", "PutRecord", body) for body in islice(cycle(bodies), requests)]
    run = send(target, calls, connections=connections, lay_out=signed)
    return Row("PutRecord, 200 B", "records/s", run.rate, _latencies(run))


def get_records(target: Target, stream: str, requests: int, connections: int = 2) -> Row:
    """GetRecords of 10,000 records, from iterators that were asked for beforehand."""
    kinesis = client(target)
    bodies = []
    for shard in kinesis.list_shards(StreamName=stream)["Shards"]:
        iterator = kinesis.get_shard_iterator(
            StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        bodies.append(json.dumps({"ShardIterator": iterator, "Limit": READ_AT_ONCE}).encode())
        got = kinesis.get_records(ShardIterator=iterator, Limit=READ_AT_ONCE)["Records"]
        if len(got) < READ_AT_ONCE:
            raise RuntimeError(f"{target.name} gave {len(got)} records instead of {READ_AT_ONCE}")
    calls = [("POST", "GetRecords", body) for body in islice(cycle(bodies), requests)]
    run = send(target, calls, connections=connections, lay_out=signed)
    return Row("GetRecords, 10,000 x 200 B", "records/s", run.rate * READ_AT_ONCE, _latencies(run))


def fan_out(target: Target, stream: str, seconds: float, rate: int = 5_000, batch: int = 25) -> Row:
    """How long after its request was sent a record reaches a subscriber: `rate` records a second
    into one shard, `batch` in each PutRecords."""
    total = int(rate * seconds)
    requests = total // batch
    prepared = [_numbered(target, stream, number, batch) for number in range(requests)]
    with subscribed(target, stream, _number, lambda count: count >= total) as arrived:
        sent = uvloop.run(put_at(target, prepared, lambda number: number * batch / rate))
        delays_ms = sorted((at - sent[request]) * 1e3 for request, at in arrived())
    p50, p99 = (delays_ms[int(len(delays_ms) * share)] for share in (0.5, 0.99))
    note = f"p50 {p50:.1f} ms, p99 {p99:.1f} ms"
    return Row(f"put to SubscribeToShard, {rate:,} records/s", "ms", p50, note)


@contextmanager
def subscribed(
    target: Target,
    stream: str,
    read: Callable[[bytes], Any],
    ended: Callable[[int], bool],
) -> Iterator[Callable[[], Sequence[tuple[Any, float]]]]:
    """Subscribe to the first shard of a stream, in a process of its own, until so many records have
    come that it has `ended`, which is asked with each event. What is given waits for that, and
    answers what `read` found in each record, with the time when it came."""
    consumer = _registered(target, stream)
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    reader = context.Process(target=_subscriber, args=(results, target, consumer, ended))
    reader.start()
    try:
        if results.get() != "subscribed":
            raise RuntimeError(f"{target.name} does not push records")

        def arrived() -> Sequence[tuple[Any, float]]:
            found = results.get()
            if isinstance(found, str):
                raise RuntimeError(f"{target.name}: {found}")
            return [(read(data), at) for data, at in found]

        yield arrived
    finally:
        reader.terminate()
        reader.join()


def _registered(target: Target, stream: str) -> str:
    kinesis = client(target)
    arn = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"][
        "StreamARN"
    ]
    consumer = kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="bench")["Consumer"]
    while _status(kinesis, consumer["ConsumerARN"]) != "ACTIVE":
        time.sleep(0.1)
    return str(consumer["ConsumerARN"])


def _status(kinesis: Any, consumer_arn: str) -> str:
    described = kinesis.describe_stream_consumer(ConsumerARN=consumer_arn)
    return str(described["ConsumerDescription"]["ConsumerStatus"])


def _record(number: int) -> dict[str, str]:
    data = base64.b64encode(os.urandom(RECORD_SIZE_BYTES)).decode()
    return {"Data": data, "PartitionKey": f"key-{number}"}


def _batch(stream: str, first: int) -> bytes:
    records = [_record(number) for number in range(first, first + BATCH)]
    return json.dumps({"StreamName": stream, "Records": records}).encode()


def _latencies(run: Run) -> str:
    return f"p50 {run.percentile_ms(0.5):.1f} ms, p99 {run.percentile_ms(0.99):.1f} ms"


async def put_at(
    target: Target, prepared: Sequence[bytes], due: Callable[[int], float]
) -> Sequence[float]:
    """Send PutRecords when each is due, in seconds from now; when each was sent, as `time.time`."""
    address = urlsplit(target.endpoint)
    free: asyncio.Queue[Any] = asyncio.Queue()
    connections = [await asyncio.open_connection(address.hostname, address.port) for _ in range(4)]
    for connection in connections:
        free.put_nowait(connection)
    sent = [0.0] * len(prepared)

    async def put(number: int) -> None:
        reader, writer = connection = await free.get()
        sent[number] = time.time()
        writer.write(prepared[number])
        head = await reader.readuntil(b"\r\n\r\n")
        answer = json.loads(await reader.readexactly(_length(head)))
        if answer.get("FailedRecordCount") != 0:
            raise RuntimeError(str(answer))
        free.put_nowait(connection)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(len(prepared)):
            await asyncio.sleep(max(0, began + due(number) - time.perf_counter()))
            group.create_task(put(number))
    for _, writer in connections:
        writer.close()
    return sent


def _numbered(target: Target, stream: str, number: int, batch: int) -> bytes:
    data = struct.pack(">q", number) + bytes(RECORD_SIZE_BYTES - 8)
    records = [{"Data": base64.b64encode(data).decode(), "PartitionKey": "k"}] * batch
    body = json.dumps({"StreamName": stream, "Records": records}).encode()
    return signed(target, "POST", "PutRecords", body)


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    raise RuntimeError(head.decode())


def _number(data: bytes) -> int:
    return int(struct.unpack(">q", data[:8])[0])


def _subscriber(
    results: "multiprocessing.SimpleQueue[Any]",
    target: Target,
    consumer_arn: str,
    ended: Callable[[int], bool],
) -> None:
    """Put "subscribed" into `results`, then the data of records and their arrivals."""
    try:
        results.put(uvloop.run(_subscribe(results, target, consumer_arn, ended)))
    except BaseException as error:
        results.put(f"{type(error).__name__}: {error}")
        raise


async def _subscribe(
    results: "multiprocessing.SimpleQueue[Any]",
    target: Target,
    consumer_arn: str,
    ended: Callable[[int], bool],
) -> Sequence[tuple[bytes, float]]:
    address = urlsplit(target.endpoint)
    reader, writer = await asyncio.open_connection(address.hostname, address.port, limit=2**24)
    body = {
        "ConsumerARN": consumer_arn,
        "ShardId": "shardId-000000000000",
        "StartingPosition": {"Type": "TRIM_HORIZON"},
    }
    writer.write(signed(target, "POST", "SubscribeToShard", json.dumps(body).encode()))
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError((head + await reader.read(1000)).decode())
    results.put("subscribed")
    arrived: list[tuple[bytes, float]] = []
    received = b""
    while not ended(len(arrived)):
        size = int(await reader.readuntil(b"\r\n"), 16)
        if size == 0:
            raise RuntimeError(f"The subscription ended after {len(arrived)} records.")
        received += (await reader.readexactly(size + 2))[:-2]
        now = time.time()
        while len(received) >= 4 and len(received) >= (length := int.from_bytes(received[:4])):
            headers_length = int.from_bytes(received[4:8])
            payload = received[12 + headers_length : length - 4]
            received = received[length:]
            for record in json.loads(payload or b"{}").get("Records", ()):
                arrived.append((base64.b64decode(record["Data"]), now))
    writer.close()
    return arrived
