"""Windows of a stream that splits and merges, while the application and the platform are killed:
S3 and Iceberg hold each result once, another stream holds each at least once."""

import json
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from millpond.engines.streams.connectors.iceberg_tables import catalog_of
from millpond.engines.streams.interface import Access
from tests.conftest import Server
from tests.scenarios.card_stream import TROUBLE

SEED = 11
SECONDS = 18
KILLS = 6
RESHARDS = 5
BATCH_SIZE = 40
BATCH_SECONDS = 0.05
DELAY_SECONDS = 5
"""How far the watermark is behind; rows are at most half as much out of order."""
WINDOW_SECONDS = 2
BEGAN_S = 1_790_000_000
STREAM, RESULTS, BUCKET, DATABASE = "sales", "sales-results", "sales", "sales"
ACCOUNT = "000000000000"

SQL = f"""
CREATE TABLE sales (
  shop STRING, amount INT, at TIMESTAMP(3),
  WATERMARK FOR at AS at - INTERVAL '{DELAY_SECONDS}' SECOND
) WITH (
  'connector' = 'kinesis', 'stream.arn' = 'arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/{STREAM}',
  'aws.region' = 'us-east-1', 'source.init.position' = 'TRIM_HORIZON',
  'source.shard.discovery.interval' = '1 s', 'format' = 'json');
CREATE TABLE as_json (shop STRING, began TIMESTAMP(3), sales BIGINT, total INT)
  WITH ('connector' = 'filesystem', 'path' = 's3://{BUCKET}/json/', 'format' = 'json');
CREATE TABLE as_parquet (shop STRING, began TIMESTAMP(3), sales BIGINT, total INT)
  WITH ('connector' = 'filesystem', 'path' = 's3://{BUCKET}/parquet/', 'format' = 'parquet');
CREATE TABLE as_iceberg (shop STRING, began TIMESTAMP(6), sales BIGINT, total INT)
  WITH ('connector' = 'iceberg', 'catalog-database' = '{DATABASE}', 'catalog-table' = 'windows');
CREATE TABLE per_shop (shop STRING, sales BIGINT, total INT, PRIMARY KEY (shop) NOT ENFORCED)
  WITH ('connector' = 'iceberg', 'catalog-database' = '{DATABASE}', 'catalog-table' = 'shops');
CREATE TABLE as_records (shop STRING, began TIMESTAMP(3), sales BIGINT, total INT)
  WITH ('connector' = 'kinesis',
        'stream.arn' = 'arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/{RESULTS}',
        'aws.region' = 'us-east-1', 'format' = 'json');
CREATE VIEW windows AS
  SELECT shop, window_start AS began, COUNT(*) AS sales, SUM(amount) AS total
  FROM TABLE(TUMBLE(TABLE sales, DESCRIPTOR(at), INTERVAL '{WINDOW_SECONDS}' SECOND))
  GROUP BY shop, window_start, window_end;
EXECUTE STATEMENT SET BEGIN
  INSERT INTO as_json SELECT * FROM windows;
  INSERT INTO as_parquet SELECT * FROM windows;
  INSERT INTO as_iceberg SELECT * FROM windows;
  INSERT INTO as_records SELECT * FROM windows;
  INSERT INTO per_shop SELECT shop, COUNT(*), SUM(amount) FROM sales GROUP BY shop;
END;
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path, "--kinesis-limits", "none")
    server.start()
    try:
        yield server
    finally:
        server.stop()


def text_of(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.strftime("%Y-%m-%d %H:%M:%S.") + f"{moment.microsecond // 1000:03d}"


class Producer:
    """Puts sales out of order, from a time on some that are an hour late too; what is not
    acknowledged is put again."""

    def __init__(self, server: Server) -> None:
        self._kinesis = server.client("kinesis")
        self._chance = random.Random(SEED)
        self.has_late = threading.Event()
        self.thread = threading.Thread(target=self._produce)
        self.batches = 0

    def _produce(self) -> None:
        for number in range(int(SECONDS / BATCH_SECONDS)):
            began_s = time.monotonic()
            self.put([self._sale(BEGAN_S + number / 4) for _ in range(BATCH_SIZE)])
            self.batches = number
            time.sleep(max(0.0, BATCH_SECONDS - (time.monotonic() - began_s)))

    def _sale(self, now_s: float) -> dict[str, Any]:
        chance = self._chance
        late = self.has_late.is_set() and chance.random() < 0.05
        at_s = now_s - chance.random() * DELAY_SECONDS / 2 - (3600 if late else 0)
        shop = f"shop {chance.randrange(30)}"
        return {"shop": shop, "amount": chance.randrange(100), "at": text_of(at_s), "late": late}

    def put(self, sales: list[dict[str, Any]], **key: str) -> None:
        while sales:
            records = [
                {"Data": json.dumps(sale), "PartitionKey": sale["shop"]} | key for sale in sales
            ]
            try:
                answers = self._kinesis.put_records(StreamName=STREAM, Records=records)["Records"]
            except TROUBLE:
                time.sleep(0.05)
                continue
            sales = [s for s, answer in zip(sales, answers, strict=True) if "ErrorCode" in answer]

    def end(self) -> None:
        """A sale far in the future on every shard, so that all windows close."""
        for low, _, _ in open_shards(self._kinesis):
            end = {"shop": "end", "amount": 0, "at": text_of(BEGAN_S + 86_400), "late": True}
            self.put([end], ExplicitHashKey=str(low))


def open_shards(kinesis: Any) -> list[tuple[int, int, str]]:
    answer = kinesis.list_shards(StreamName=STREAM, ShardFilter={"Type": "AT_LATEST"})
    return sorted(
        (
            int(shard["HashKeyRange"]["StartingHashKey"]),
            int(shard["HashKeyRange"]["EndingHashKey"]),
            shard["ShardId"],
        )
        for shard in answer["Shards"]
    )


def reshard(kinesis: Any, turn: int) -> None:
    shards = open_shards(kinesis)
    if turn % 2:
        left, right = shards[0][2], shards[1][2]
        kinesis.merge_shards(StreamName=STREAM, ShardToMerge=left, AdjacentShardToMerge=right)
    else:
        low, high, widest = max(shards, key=lambda shard: shard[1] - shard[0])
        kinesis.split_shard(
            StreamName=STREAM, ShardToSplit=widest, NewStartingHashKey=str((low + high + 1) // 2)
        )


def kill_application(server: Server) -> bool:
    """kill -9 of the application's process; whether there is one."""
    assert server.process is not None
    parents = {}
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                status = (folder / "stat").read_text().rpartition(")")[2].split()
                arguments = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            parents[int(folder.name)] = int(status[1])
            if b"millpond.engines.streams.runtime.main" in arguments and b"run" in arguments:
                found.append(int(folder.name))
    for pid in found:
        above = pid
        while above in parents and above != server.process.pid:
            above = parents[above]
        if above == server.process.pid:
            os.kill(pid, signal.SIGKILL)
            return True
    return False


def records_of(kinesis: Any, stream: str) -> list[dict[str, Any]]:
    found = []
    for shard in kinesis.list_shards(StreamName=stream)["Shards"]:
        iterator = kinesis.get_shard_iterator(
            StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while iterator:
            answer = kinesis.get_records(ShardIterator=iterator)
            found += [json.loads(record["Data"]) for record in answer["Records"]]
            iterator = answer.get("NextShardIterator")
            if not answer["Records"] and not answer["MillisBehindLatest"]:
                break
    return found


def expected(sales: list[dict[str, Any]], folder: Path) -> tuple[Counter, list[tuple]]:
    """The windows, and the totals by shop, of all records at once."""
    (folder / "sales.json").write_text("\n".join(map(json.dumps, sales)))
    con = duckdb.connect()
    con.execute(f"CREATE TABLE sales AS FROM read_json('{folder / 'sales.json'}')")
    windows = con.execute(
        f"""SELECT shop, strftime(time_bucket(INTERVAL {WINDOW_SECONDS} SECOND, "at"::TIMESTAMP),
        '%Y-%m-%d %H:%M:%S'), count(*), sum(amount)::BIGINT FROM sales WHERE NOT late GROUP BY 1, 2
        """
    ).fetchall()
    shops = con.execute(
        "SELECT shop, count(*), sum(amount)::BIGINT FROM sales GROUP BY 1 ORDER BY 1"
    ).fetchall()
    return Counter(windows), shops


class Written:
    """What the sinks hold."""

    def __init__(self, server: Server, folder: Path) -> None:
        self._s3, self._folder = server.client("s3"), folder
        self._kinesis = server.client("kinesis")
        access = Access(
            server.endpoint, server.region, server.access_key_id, server.secret_access_key
        )
        self.catalog = catalog_of(access)

    def files(self, kind: str) -> Counter:
        folder = self._folder / kind
        folder.mkdir(exist_ok=True)
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{kind}/")
        for page in pages:
            for item in page.get("Contents", ()):
                place = folder / item["Key"].replace("/", "_")
                if not place.exists():
                    self._s3.download_file(BUCKET, item["Key"], str(place))
        if not any(folder.iterdir()):
            return Counter()
        rows = duckdb.sql(
            f"""SELECT shop, strftime(began::TIMESTAMP, '%Y-%m-%d %H:%M:%S'), sales, total
            FROM read_{kind}('{folder}/*')"""
        )
        return Counter(rows.fetchall())

    def iceberg(self) -> Counter:
        rows = self.catalog.load_table((DATABASE, "windows")).scan().to_arrow().to_pylist()
        return Counter(
            (row["shop"], f"{row['began']:%Y-%m-%d %H:%M:%S}", row["sales"], row["total"])
            for row in rows
        )

    def shops(self) -> list[tuple]:
        rows = self.catalog.load_table((DATABASE, "shops")).scan().to_arrow().to_pylist()
        return sorted((row["shop"], row["sales"], row["total"]) for row in rows)

    def sent(self) -> set[tuple]:
        return {
            (one["shop"], one["began"][:19], one["sales"], one["total"])
            for one in records_of(self._kinesis, RESULTS)
        }


def make_places(server: Server, folder: Path) -> Written:
    kinesis, written = server.client("kinesis"), Written(server, folder)
    for stream, shards in ((STREAM, 2), (RESULTS, 1)):
        kinesis.create_stream(StreamName=stream, ShardCount=shards)
        kinesis.get_waiter("stream_exists").wait(StreamName=stream)
    server.client("s3").create_bucket(Bucket=BUCKET)
    written.catalog.create_namespace(DATABASE)
    counts = [("sales", pa.int64()), ("total", pa.int32())]
    began = ("began", pa.timestamp("us"))
    for name, more in (("windows", [began]), ("shops", [])):
        schema = pa.schema([("shop", pa.string()), *more, *counts])
        place = f"s3://{BUCKET}/{name}"
        written.catalog.create_table((DATABASE, name), schema, location=place)
    return written


def start_application(server: Server) -> None:
    client = server.client("kinesisanalyticsv2")
    checkpoints = {
        "ConfigurationType": "CUSTOM",
        "CheckpointInterval": 700,
        "MinPauseBetweenCheckpoints": 0,
    }
    client.create_application(
        ApplicationName="sales",
        RuntimeEnvironment="FLINK-1_20",
        ServiceExecutionRole=f"arn:aws:iam::{ACCOUNT}:role/sales",
        ApplicationConfiguration={
            "ApplicationCodeConfiguration": {
                "CodeContentType": "PLAINTEXT",
                "CodeContent": {"TextContent": SQL},
            },
            "FlinkApplicationConfiguration": {"CheckpointConfiguration": checkpoints},
        },
    )
    client.start_application(ApplicationName="sales")
    wait_until(lambda: status(server) == "RUNNING", server)


def status(server: Server) -> str:
    client = server.client("kinesisanalyticsv2")
    detail = client.describe_application(ApplicationName="sales")["ApplicationDetail"]
    return str(detail["ApplicationStatus"])


def wait_until(is_so: Callable[[], Any], server: Server, seconds_max: float = 60) -> None:
    deadline = time.monotonic() + seconds_max
    while not is_so():
        assert time.monotonic() < deadline, log_of(server)
        time.sleep(0.3)


def log_of(server: Server) -> list[str]:
    answer = server.client("logs").get_log_events(
        logGroupName="/aws/kinesis-analytics/sales",
        logStreamName="kinesis-analytics-log-stream",
    )
    return [json.loads(event["message"])["message"] for event in answer["events"]][-20:]


def disturb(server: Server, producer: Producer) -> tuple[int, int]:
    """While there is production: kills of the application and the platform, splits and merges;
    how many of each there were."""
    dice = random.Random(SEED)
    kinesis = server.client("kinesis")
    acts = ["platform", "application"] * (KILLS // 2) + ["reshard"] * RESHARDS
    dice.shuffle(acts)
    kills = turns = 0
    for act in acts:
        time.sleep(dice.uniform(0.3, 1.6))
        if act == "platform":
            server.restart(kill=True)
            kills += 1
        elif act == "application":
            wait_until(lambda: kill_application(server), server)
            kills += 1
        else:
            reshard(kinesis, turns)
            turns += 1
    producer.thread.join()
    return kills, turns


def test_windows_come_once_whatever_is_killed_while_the_stream_splits_and_merges(server, tmp_path):
    written = make_places(server, tmp_path)
    start_application(server)
    producer = Producer(server)
    producer.thread.start()
    wait_until(lambda: written.files("parquet"), server)
    producer.has_late.set()
    assert disturb(server, producer) == (KILLS, RESHARDS)
    producer.end()
    sales = records_of(server.client("kinesis"), STREAM)
    windows, shops = expected(sales, tmp_path)
    assert sum(sale["late"] for sale in sales) > 100
    wait_until(lambda: written.files("parquet").total() >= windows.total(), server)
    client = server.client("kinesisanalyticsv2")
    client.stop_application(ApplicationName="sales")
    wait_until(lambda: status(server) == "READY", server)
    assert written.files("parquet") == windows
    assert written.files("json") == windows
    assert written.iceberg() == windows
    assert written.shops() == shops
    assert written.sent() == set(windows)
