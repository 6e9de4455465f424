"""Tables of files and of Iceberg, on a real server's S3 and Glue."""

import asyncio
import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from millpond.engines.streams.connectors.filesystem_sink import FilesystemSink
from millpond.engines.streams.connectors.filesystem_source import FilesystemSource
from millpond.engines.streams.connectors.iceberg_sink import IcebergSink
from millpond.engines.streams.connectors.iceberg_source import IcebergSource
from millpond.engines.streams.connectors.iceberg_tables import catalog_of
from millpond.engines.streams.connectors.interface import (
    Arrival,
    Credentials,
    SinkFailed,
    SourceFailed,
    World,
)
from millpond.engines.streams.connectors.lookups import FilesystemLookup, IcebergLookup
from millpond.engines.streams.interface import Access
from millpond.engines.streams.plan import KIND, Metadata, Table
from millpond.engines.streams.types import BIGINT, DOUBLE, STRING, TIMESTAMP, Column

COLUMNS = (Column("id", BIGINT), Column("city", STRING), Column("price", DOUBLE))


@pytest.fixture
def world(server, tmp_path) -> World:
    access = Access(server.endpoint, server.region, server.access_key_id, server.secret_access_key)
    return World("app", Credentials(access), tmp_path / "connector", {}, lambda level, text: None)


@pytest.fixture
def bucket(server, request) -> str:
    name = f"files-{abs(hash(request.node.name)) % 10**9}"
    server.client("s3").create_bucket(Bucket=name)
    return name


def table(path: str, kind: str = "json", **more: Any) -> Table:
    options = {"connector": "filesystem", "path": path, "format": kind} | more.pop("options", {})
    return Table("t", more.pop("columns", COLUMNS), options=tuple(options.items()), **more)


def rows(*values: tuple[Any, ...]) -> pa.Table:
    ids, cities, prices = zip(*values, strict=True)
    return pa.table({"id": list(ids), "city": list(cities), "price": list(prices)})


async def written(sink: Any, *steps: pa.Table, checkpoint: int = 1) -> None:
    """Write, prepare and commit."""
    for step in steps:
        await sink.write(step)
    await sink.commit(checkpoint, await sink.prepare(checkpoint))


def objects(server, bucket: str) -> dict[str, bytes]:
    s3 = server.client("s3")
    found = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
    return {
        each["Key"]: s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read() for each in found
    }


async def read(source: Any, positions: dict[str, Any] | None = None) -> list[Arrival]:
    found: list[Arrival] = []

    async def emit(arrival: Arrival) -> None:
        found.append(arrival)

    await source.open()
    await source.run(positions or {}, emit)
    return found


def all_rows(arrivals: list[Arrival]) -> list[dict[str, Any]]:
    return [row for arrival in arrivals for row in arrival.rows.to_pylist()]


async def test_files_appear_with_their_checkpoint_and_not_before(server, world, bucket):
    sink = FilesystemSink(table(f"s3://{bucket}/out/"), world)
    await sink.open(None)
    await sink.write(rows((1, "Rome", 2.5), (2, None, 3.5)))
    prepared = await sink.prepare(1)
    assert objects(server, bucket) == {}
    await sink.commit(1, prepared)
    ((key, body),) = objects(server, bucket).items()
    assert key.startswith("out/part-")
    assert [json.loads(line) for line in body.splitlines()] == [
        {"id": 1, "city": "Rome", "price": 2.5},
        {"id": 2, "city": None, "price": 3.5},
    ]
    await sink.close()


async def test_a_commit_that_is_repeated_after_a_loss_puts_the_same_files(server, world, bucket):
    sink = FilesystemSink(table(f"s3://{bucket}/out/", "parquet"), world)
    await sink.open(None)
    await sink.write(rows((1, "Rome", 2.5)))
    prepared = await sink.prepare(1)
    await sink.write(rows((2, "lost with the run", 0.5)))

    again = FilesystemSink(table(f"s3://{bucket}/out/", "parquet"), world)
    await again.open(prepared)
    first = objects(server, bucket)
    assert len(first) == 1
    third = FilesystemSink(table(f"s3://{bucket}/out/", "parquet"), world)
    await third.open(prepared)
    assert objects(server, bucket) == first
    (body,) = first.values()
    assert pq.read_table(pa.BufferReader(body)).to_pylist() == [
        {"id": 1, "city": "Rome", "price": 2.5}
    ]
    assert list(world.folder.iterdir()) == []
    for each in (sink, again, third):
        await each.close()


async def test_what_a_failed_checkpoint_prepared_is_part_of_the_next(server, world, bucket):
    sink = FilesystemSink(table(f"s3://{bucket}/out/"), world)
    await sink.open(None)
    await sink.write(rows((1, "Rome", 1.0)))
    await sink.prepare(1)
    await sink.write(rows((2, "Oslo", 2.0)))
    await sink.commit(2, await sink.prepare(2))
    lines = b"".join(objects(server, bucket).values()).splitlines()
    assert sorted(json.loads(line)["id"] for line in lines) == [1, 2]
    await sink.close()


async def test_partition_columns_are_folders_and_come_back_from_them(server, world, bucket):
    options = {"sink.partition-commit.policy.kind": "success-file"}
    target = table(f"s3://{bucket}/out/", "parquet", partitioned_by=("city",), options=options)
    sink = FilesystemSink(target, world)
    await sink.open(None)
    await written(sink, rows((1, "São Paulo/x", 1.0), (2, None, 2.0), (3, "São Paulo/x", 3.0)))
    await sink.close()
    folders = {key.rpartition("/")[0] for key in objects(server, bucket)}
    assert folders == {"out/city=S%C3%A3o Paulo%2Fx", "out/city=__DEFAULT_PARTITION__"}
    assert sum(key.endswith("/_SUCCESS") for key in objects(server, bucket)) == 2
    found = all_rows(await read(FilesystemSource(target, world)))
    assert sorted((row["id"], row["city"]) for row in found) == [
        (1, "São Paulo/x"),
        (2, None),
        (3, "São Paulo/x"),
    ]


async def test_a_sink_without_its_bucket_is_refused(world):
    with pytest.raises(SinkFailed, match="There is no bucket nowhere-at-all"):
        await FilesystemSink(table("s3://nowhere-at-all/out/"), world).open(None)
    with pytest.raises(SourceFailed, match="There is no bucket nowhere-at-all"):
        await FilesystemSource(table("s3://nowhere-at-all/out/"), world).open()


async def test_a_bucket_that_goes_away_fails_the_commit_and_keeps_the_files(server, world, bucket):
    sink = FilesystemSink(table(f"s3://{bucket}/out/"), world)
    await sink.open(None)
    await sink.write(rows((1, "Rome", 1.0)))
    prepared = await sink.prepare(1)
    server.client("s3").delete_bucket(Bucket=bucket)
    with pytest.raises(SinkFailed, match=f"s3://{bucket} cannot be written: NoSuchBucket"):
        await sink.commit(1, prepared)
    server.client("s3").create_bucket(Bucket=bucket)
    await sink.commit(1, prepared)
    assert len(objects(server, bucket)) == 1
    await sink.close()


async def test_text_files_are_read_with_what_is_wrong_in_them_told(server, world, bucket):
    s3 = server.client("s3")
    good = b'{"id":1,"city":"Rome","price":1.5}\n\n{"id":2}\r\n'
    s3.put_object(Bucket=bucket, Key="in/b.json", Body=good + b"{broken\n")
    s3.put_object(Bucket=bucket, Key="in/a.json.gz", Body=gzip.compress(b'{"id":0}'))
    s3.put_object(Bucket=bucket, Key="in/_SUCCESS", Body=b"not a row")
    s3.put_object(Bucket=bucket, Key="inside.json", Body=b'{"id":9}')
    metadata = (Metadata(Column("of", STRING), "file.name"),)
    source = FilesystemSource(table(f"s3://{bucket}/in", metadata=metadata), world)
    arrivals = await read(source)
    assert all_rows(arrivals) == [
        {"id": 0, "city": None, "price": None, "of": "a.json.gz"},
        {"id": 1, "city": "Rome", "price": 1.5, "of": "b.json"},
        {"id": 2, "city": None, "price": None, "of": "b.json"},
    ]
    (error,) = [error for arrival in arrivals for error in arrival.errors]
    assert error.data == "{broken"


async def test_reading_goes_on_from_every_position(server, world, bucket, monkeypatch):
    monkeypatch.setattr("millpond.engines.streams.connectors.files.ROWS_AT_ONCE", 7)
    s3 = server.client("s3")
    for part in range(3):
        lines = [json.dumps({"id": part * 20 + n}) for n in range(20)]
        s3.put_object(Bucket=bucket, Key=f"in/{part}.json", Body="\n".join(lines).encode())
    whole = await read(FilesystemSource(table(f"s3://{bucket}/in/"), world))
    assert [row["id"] for row in all_rows(whole)] == list(range(60))
    for taken in range(len(whole)):
        position = json.loads(json.dumps(whole[taken].position))
        rest = await read(FilesystemSource(table(f"s3://{bucket}/in/"), world), {"files": position})
        assert all_rows(whole[: taken + 1]) + all_rows(rest) == all_rows(whole)


async def test_a_watched_folder_gives_each_new_file_once(server, world, bucket):
    s3 = server.client("s3")
    s3.put_object(Bucket=bucket, Key="in/z.json", Body=b'{"id":1}')
    options = {"source.monitor-interval": "50 ms"}
    source = FilesystemSource(table(f"s3://{bucket}/in/", options=options), world)
    found: list[int] = []
    two = asyncio.Event()

    async def emit(arrival: Arrival) -> None:
        found.extend(row["id"] for row in arrival.rows.to_pylist())
        if len(found) == 1 and not arrival.rows.num_rows:
            s3.put_object(Bucket=bucket, Key="in/a.json", Body=b'{"id":2}')
        if len(found) >= 2:
            two.set()

    await source.open()
    task = asyncio.create_task(source.run({}, emit))
    async with asyncio.timeout(20):
        await two.wait()
        await asyncio.sleep(0.2)
    task.cancel()
    assert found == [1, 2]


async def test_a_file_that_is_not_what_it_should_be_stops_the_source(server, world, bucket):
    server.client("s3").put_object(Bucket=bucket, Key="in/x.parquet", Body=b"no parquet")
    with pytest.raises(SourceFailed, match=rf"s3://{bucket}/in/x\.parquet cannot be read"):
        await read(FilesystemSource(table(f"s3://{bucket}/in/", "parquet"), world))


async def test_a_reference_table_is_read_as_it_is_now(server, world, bucket):
    s3 = server.client("s3")
    options = {"csv.null-literal": ""}
    lookup = FilesystemLookup(table(f"s3://{bucket}/ref/", "csv", options=options), world)
    assert (await lookup.load()).num_rows == 0
    s3.put_object(Bucket=bucket, Key="ref/a.csv", Body=b'1,"Rome, old",2.5\n2,Oslo,\n')
    assert (await lookup.load()).to_pylist() == [
        {"id": 1, "city": "Rome, old", "price": 2.5},
        {"id": 2, "city": "Oslo", "price": None},
    ]


ICEBERG = (Column("id", BIGINT), Column("city", STRING), Column("at", TIMESTAMP))


@pytest.fixture
def iceberg(server, world, bucket) -> Table:
    catalog = catalog_of(world.credentials.access)
    database = f"db{abs(hash(bucket)) % 10**9}"
    catalog.create_namespace(database, {"location": f"s3://{bucket}/db"})
    schema = pa.schema([(c.name, c.type.arrow()) for c in ICEBERG])
    catalog.create_table((database, "t"), schema, location=f"s3://{bucket}/db/t")
    options = {"connector": "iceberg", "catalog-database": database, "catalog-table": "t"}
    return Table("t", ICEBERG, options=tuple(options.items()), primary_key=("id",))


def iceberg_rows(*values: tuple[int, str], kinds: list[int] | None = None) -> pa.Table:
    found = pa.table(
        {
            "id": [value[0] for value in values],
            "city": [value[1] for value in values],
            "at": pa.array([1_000_000] * len(values), pa.timestamp("us")),
        }
    )
    return found if kinds is None else found.append_column(KIND, pa.array(kinds, pa.int8()))


async def test_an_iceberg_table_gets_each_checkpoint_once(world, iceberg):
    sink = IcebergSink(iceberg, world)
    await sink.open(None)
    await sink.write(iceberg_rows((1, "Rome")))
    await sink.write(iceberg_rows((2, "Oslo")))
    prepared = await sink.prepare(1)
    copies = {path.name: path.read_bytes() for path in world.folder.iterdir()}
    await sink.commit(1, prepared)
    for name, content in copies.items():
        Path(world.folder / name).write_bytes(content)
    again = IcebergSink(iceberg, world)
    await again.open(prepared)
    found = (await IcebergLookup(iceberg, world).load()).to_pylist()
    assert sorted((row["id"], row["city"]) for row in found) == [(1, "Rome"), (2, "Oslo")]


async def test_rows_that_change_replace_those_of_their_key_in_iceberg(world, iceberg):
    sink = IcebergSink(iceberg, world)
    await sink.open(None)
    await written(sink, iceberg_rows((1, "Rome"), (2, "Oslo"), kinds=[0, 0]))
    changed = iceberg_rows((1, "Bern"), (2, "Oslo"), (1, "Wien"), (3, "Lima"), kinds=[0, 1, 0, 0])
    await written(sink, changed, checkpoint=2)
    found = (await IcebergLookup(iceberg, world).load()).to_pylist()
    assert sorted((row["id"], row["city"]) for row in found) == [(1, "Wien"), (3, "Lima")]


async def test_an_iceberg_table_is_read_as_it_is_and_on_from_there(world, iceberg):
    sink = IcebergSink(iceberg, world)
    await sink.open(None)
    await written(sink, iceberg_rows((1, "Rome")))
    first = await read(IcebergSource(iceberg, world))
    assert [row["id"] for row in all_rows(first)] == [1]
    await written(sink, iceberg_rows((2, "Oslo")), checkpoint=2)
    await written(sink, iceberg_rows((3, "Bern")), checkpoint=3)
    rest = await read(IcebergSource(iceberg, world), {"table": first[-1].position})
    assert [row["id"] for row in all_rows(rest)] == [2, 3]


async def test_a_missing_iceberg_table_is_named(world, iceberg):
    options = dict(iceberg.options) | {"catalog-table": "nothing"}
    missing = Table("t", ICEBERG, options=tuple(options.items()))
    with pytest.raises(SinkFailed, match=r"There is no Iceberg table .*nothing"):
        await IcebergSink(missing, world).open(None)
