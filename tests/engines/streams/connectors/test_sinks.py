"""Sinks against a real server, boto3 and a webhook of our own."""

# ruff: noqa: E501

import asyncio
import datetime as dt
import json
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pytest
from aiohttp import web

from millpond.engines.streams.connectors import http_sink
from millpond.engines.streams.connectors.interface import SinkFailed, World
from millpond.engines.streams.connectors.registry import make_sink
from millpond.engines.streams.plan import KIND, Table
from millpond.engines.streams.types import BIGINT, STRING, Column, DataType

COLUMNS = (Column("id", BIGINT), Column("name", STRING))


def table(partitioned_by: tuple[str, ...] = (), **options: str) -> Table:
    settings = tuple((name.replace("__", "."), text) for name, text in options.items())
    return Table("out", COLUMNS, options=settings, partitioned_by=partitioned_by)


def rows(ids: Any) -> pa.Table:
    ids = list(ids)
    return pa.table({"id": pa.array(ids, pa.int64()), "name": [f"n{i}" for i in ids]})


@pytest.fixture
def kinesis(server: Any) -> Any:
    return server.client("kinesis")


@pytest.fixture
def stream(kinesis: Any) -> str:
    name = f"sink-{uuid.uuid4().hex[:12]}"
    kinesis.create_stream(StreamName=name, ShardCount=2)
    return name


def records_of(kinesis: Any, stream: str) -> list[dict[str, Any]]:
    found = []
    for shard in kinesis.list_shards(StreamName=stream)["Shards"]:
        iterator = kinesis.get_shard_iterator(
            StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        found += kinesis.get_records(ShardIterator=iterator, Limit=10_000)["Records"]
    return found


async def test_what_was_written_is_in_the_stream_once_it_is_prepared(
    kinesis: Any, stream: str, world: World
) -> None:
    sink = make_sink(table(connector="kinesis", stream=stream, format="json"), world)
    await sink.open(None)
    for at in range(0, 2000, 250):
        await sink.write(rows(range(at, at + 250)))
    assert await sink.prepare(1) is None
    found = records_of(kinesis, stream)
    await sink.close()
    assert Counter(json.loads(each["Data"])["id"] for each in found) == Counter(range(2000))
    assert len({each["PartitionKey"] for each in found}) == 2000, "keys are random"
    assert world.traffic.records == 2000
    assert world.traffic.bytes > 2000 * 20


async def test_partition_keys_are_made_of_columns_or_are_fixed(
    kinesis: Any, stream: str, world: World
) -> None:
    options = {"connector": "kinesis", "stream": stream, "format": "json"}
    for made in (
        table(("name", "id"), **options, sink__partitioner__field__delimiter="-"),
        table(("id",), **options),
        table(**options, sink__partitioner="fixed"),
    ):
        settings = tuple(
            (name.replace("partitioner.field.", "partitioner-field-"), text)
            for name, text in made.options
        )
        renamed = Table(
            made.name, made.columns, options=settings, partitioned_by=made.partitioned_by
        )
        sink = make_sink(renamed, world)
        await sink.open(None)
        await sink.write(rows([7]))
        await sink.prepare(1)
        await sink.close()
    keys = {each["PartitionKey"] for each in records_of(kinesis, stream)}
    assert keys == {"n7-7", "7", "0"}


async def test_a_single_row_leaves_at_once(kinesis: Any, stream: str, world: World) -> None:
    sink = make_sink(table(connector="kinesis", stream=stream, format="json"), world)
    await sink.open(None)
    await sink.write(rows([0]))
    await sink.prepare(1)
    begun = time.perf_counter()
    await sink.write(rows([1]))
    await sink.prepare(2)
    assert time.perf_counter() - begun < 1
    assert world.traffic.records == 2
    await sink.close()


async def test_throttled_records_are_sent_again_and_none_is_lost_or_doubled(
    kinesis: Any, world: World
) -> None:
    stream = f"sink-{uuid.uuid4().hex[:12]}"
    kinesis.create_stream(StreamName=stream, ShardCount=1)
    sink = make_sink(table(connector="kinesis", stream=stream, format="json"), world)
    await sink.open(None)
    await sink.write(rows(range(2500)))
    await sink.prepare(1)
    await sink.close()
    found = records_of(kinesis, stream)
    assert Counter(json.loads(each["Data"])["id"] for each in found) == Counter(range(2500))


async def test_a_sink_without_its_stream_fails_by_name(world: World) -> None:
    for options in (
        {"connector": "kinesis", "stream": "nowhere"},
        {"connector": "firehose", "delivery-stream": "nowhere"},
    ):
        sink = make_sink(table(**options, format="json"), world)
        with pytest.raises(SinkFailed, match=r"'nowhere'.*ResourceNotFound"):
            await sink.open(None)


async def test_a_stream_that_goes_away_fails_the_sink(
    kinesis: Any, stream: str, world: World
) -> None:
    sink = make_sink(table(connector="kinesis", stream=stream, format="json"), world)
    await sink.open(None)
    kinesis.delete_stream(StreamName=stream)
    await sink.write(rows([1]))
    with pytest.raises(SinkFailed, match=stream):
        await sink.prepare(1)
    await sink.close()


async def test_a_delivery_stream_takes_rows(server: Any, world: World) -> None:
    name = f"sink-{uuid.uuid4().hex[:12]}"
    server.client("s3").create_bucket(Bucket=name)
    server.client("firehose").create_delivery_stream(
        DeliveryStreamName=name,
        ExtendedS3DestinationConfiguration={
            "RoleARN": "arn:aws:iam::000000000000:role/firehose",
            "BucketARN": f"arn:aws:s3:::{name}",
            "BufferingHints": {"IntervalInSeconds": 1, "SizeInMBs": 1},
        },
    )
    options = {"connector": "firehose", "delivery-stream": name, "format": "csv"}
    sink = make_sink(table(**options), world)
    await sink.open(None)
    await sink.write(rows(range(700)))
    await sink.prepare(1)
    await sink.close()
    s3 = server.client("s3")
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        keys = [each["Key"] for each in s3.list_objects_v2(Bucket=name).get("Contents", [])]
        data = b"".join(s3.get_object(Bucket=name, Key=key)["Body"].read() for key in keys)
        if len(data) == sum(len(f"{i},n{i}") for i in range(700)):
            break
        await asyncio.sleep(0.05)
    assert b"0,n0" in data
    assert b"699,n699" in data


@dataclass
class Webhook:
    """What a receiver got, and how it is to answer (then: 200)."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    requests: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        status = self.statuses.pop(0) if self.statuses else 200
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.requests.append((request.method, headers, await request.json()))
        return web.Response(status=status, text="said")


@pytest.fixture
async def webhook() -> AsyncIterator[Webhook]:
    hook = Webhook()
    application = web.Application()
    application.router.add_route("*", "/hook", hook.take)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    hook.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield hook
    await runner.cleanup()


async def send(world: World, ids: Any, **options: str) -> None:
    sink = make_sink(table(connector="http-sink", format="json", **options), world)
    await sink.open(None)
    await sink.write(rows(ids))
    await sink.prepare(1)
    await sink.close()


async def test_a_webhook_gets_arrays_of_rows_with_ids_that_stay_the_same(
    world: World, webhook: Webhook
) -> None:
    options = {
        "url": webhook.url,
        "gid__connector__http__sink__header__X-Team": "fraud",
        "http__sink__request__batch__size": "2",
    }
    await send(world, range(3), **options)
    await send(world, range(3), **options)
    taken: Counter[str] = Counter()
    for method, headers, body in webhook.requests:
        ids = headers[http_sink.IDS_HEADER.lower()].split(",")
        assert (method, headers["x-team"], len(ids)) == ("POST", "fraud", len(body))
        assert headers["content-type"] == "application/json"
        taken.update(ids)
    assert sorted(len(body) for _, _, body in webhook.requests) == [1, 1, 2, 2]
    assert list(taken.values()) == [2, 2, 2], "rows that are sent again have their ids again"


async def test_a_webhook_may_get_single_rows_by_put(world: World, webhook: Webhook) -> None:
    options = {
        "insert-method": "PUT",
        "gid__connector__http__sink__writer__request__mode": "single",
    }
    await send(world, [1, 2], url=webhook.url, **options)
    assert [(method, body["id"]) for method, _, body in webhook.requests] == [
        ("PUT", 1),
        ("PUT", 2),
    ]


async def test_a_webhook_that_is_down_is_tried_again_and_one_that_refuses_is_told(
    world: World, webhook: Webhook, told: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook.statuses = [503, 429, 500]
    await send(world, [1], url=webhook.url)
    assert [body[0]["id"] for _, _, body in webhook.requests] == [1, 1, 1, 1]
    assert world.traffic.records == 1
    webhook.statuses = [400]
    await send(world, [5, 6], url=webhook.url)
    assert [
        text.endswith(f'{{"id":{i},"name":"n{i}"}}')
        for (_, text), i in zip(told, (5, 6), strict=True)
    ] == [True, True]
    assert "HTTP status 400 said" in told[0][1]
    assert world.traffic.records == 1, "refused rows did not leave"
    monkeypatch.setattr(http_sink, "PATIENCE_SECONDS", 0.01)
    webhook.statuses = [500] * 9
    with pytest.raises(SinkFailed, match="HTTP status 500"):
        await send(world, [7], url=webhook.url)


async def test_statuses_may_be_named_as_errors_or_not(
    world: World, webhook: Webhook, told: list[tuple[str, str]]
) -> None:
    webhook.statuses = [404]
    await send(world, [1], url=webhook.url, http__sink__error__code__exclude="404")
    assert not told
    webhook.statuses = [204]
    await send(world, [1], url=webhook.url, http__sink__error__code="2XX")
    assert len(told) == 1


async def test_rows_are_printed_as_flink_prints_them(make_world: Any, server: Any) -> None:
    lines: list[str] = []
    world = make_world(server, printed=lines.append)
    columns = (
        Column("i", BIGINT),
        Column("d", DataType("DOUBLE")),
        Column("f", DataType("FLOAT")),
        Column("n", DataType("DECIMAL", (10, 2))),
        Column("t", DataType("TIMESTAMP", (3,))),
        Column("z", DataType("TIMESTAMP_LTZ", (3,))),
        Column("b", DataType("BYTES")),
        Column("m", DataType("MAP", (), (("", STRING), ("", DataType("BOOLEAN"))))),
        Column("r", DataType("ROW", (), (("a", BIGINT), ("l", DataType("ARRAY", (), (("", STRING),))))))
    )  # fmt: skip
    moment = dt.datetime(2026, 1, 2, 3, 4)
    values = [
        [1, None],
        [1e10, 0.0001],
        [0.1, None],
        [12.5, None],
        [moment, moment.replace(second=5, microsecond=6000)],
        [moment.replace(tzinfo=dt.UTC), None],
        [b"\xff\1", None],
        [[("k", True)], None],
        [{"a": 1, "l": ["x", None]}, None],
    ]
    data = pa.table(
        [
            pa.array(value, column.type.arrow()) if column.name != "n" else pa.array(value).cast(column.type.arrow())
            for value, column in zip(values, columns, strict=True)
        ],
        names=[column.name for column in columns],
    )  # fmt: skip
    options = (("connector", "print"), ("print-identifier", "out"))
    await make_sink(Table("p", columns, options=options), world).write(data)
    assert lines == [
        "out> +I[1, 1.0E10, 0.1, 12.50, 2026-01-02T03:04, 2026-01-02T03:04:00Z, [-1, 1], {k=true}, "
        "+I[1, [x, null]]]",
        "out> +I[null, 1.0E-4, null, null, 2026-01-02T03:04:05.006, null, null, null, null]",
    ]
    lines.clear()
    changes = pa.table({"id": [1, 1], "name": ["a", "a"], KIND: pa.array([0, 1], pa.int8())})
    await make_sink(table(connector="print"), world).write(changes)
    assert lines == ["+U[1, a]", "-D[1, a]"]


async def test_a_black_hole_takes_everything(world: World) -> None:
    sink = make_sink(table(connector="blackhole"), world)
    await sink.open(None)
    await sink.write(rows(range(10)))
    await sink.prepare(1)
    assert world.traffic.records == 10
