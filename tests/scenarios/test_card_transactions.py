"""A million card transactions, put by four producers while the stream splits and merges and the
server is killed five times: the consumer and the archive both end with every acknowledged one."""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Server
from tests.scenarios.card_stream import LINE_SIZE_BYTES, TROUBLE
from tests.scenarios.waiting import crawl, query, until

TRANSACTIONS = int(os.environ.get("SCENARIO_TRANSACTIONS", "1000000"))
PRODUCERS = 4
KILLS = 5
STREAM = "cards"
ROLE = "arn:aws:iam::000000000000:role/delivery"
COLUMNS = {
    "id": "string",
    "card": "string",
    "merchant": "string",
    "country": "string",
    "amount": "double",
    "at": "bigint",
}
ROOT = Path(__file__).parents[2]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path, "--kinesis-limits", "none")
    server.start()
    try:
        yield server
    finally:
        server.stop()


def program(server: Server, *arguments: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.scenarios.card_stream", *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, env=server.environment())


def begin_archive(server: Server) -> None:
    """A delivery stream that writes what the stream carries to S3 as Parquet."""
    server.client("s3").create_bucket(Bucket="cards")
    glue = server.client("glue")
    glue.create_database(DatabaseInput={"Name": "cards"})
    columns = [{"Name": name, "Type": kind} for name, kind in COLUMNS.items()]
    glue.create_table(
        DatabaseName="cards",
        TableInput={"Name": "schema", "StorageDescriptor": {"Columns": columns}},
    )
    stream = server.client("kinesis").describe_stream_summary(StreamName=STREAM)
    server.client("firehose").create_delivery_stream(
        DeliveryStreamName="archive",
        DeliveryStreamType="KinesisStreamAsSource",
        KinesisStreamSourceConfiguration={
            "KinesisStreamARN": stream["StreamDescriptionSummary"]["StreamARN"],
            "RoleARN": ROLE,
        },
        ExtendedS3DestinationConfiguration={
            "RoleARN": ROLE,
            "BucketARN": "arn:aws:s3:::cards",
            "Prefix": "archive/",
            "ErrorOutputPrefix": "errors/!{firehose:error-output-type}/",
            "BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": 3},
            "DataFormatConversionConfiguration": {
                "Enabled": True,
                "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {}}},
                "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {}}},
                "SchemaConfiguration": {
                    "RoleARN": ROLE,
                    "DatabaseName": "cards",
                    "TableName": "schema",
                    "Region": server.region,
                },
            },
        },
    )
    until(
        lambda: server.client("firehose").describe_delivery_stream(DeliveryStreamName="archive"),
        lambda found: found["DeliveryStreamDescription"]["DeliveryStreamStatus"] == "ACTIVE",
    )


def reshard(kinesis: Any, turn: int) -> None:
    """Split the widest open shard, or merge the first two neighbours, in turn."""
    pages = kinesis.get_paginator("list_shards").paginate(
        StreamName=STREAM, ShardFilter={"Type": "AT_LATEST"}
    )
    shards = []
    for page in pages:
        for shard in page["Shards"]:
            keys = shard["HashKeyRange"]
            shards.append(
                (int(keys["StartingHashKey"]), int(keys["EndingHashKey"]), shard["ShardId"])
            )
    shards.sort()
    if turn % 2:
        (_, _, left), (_, _, right) = shards[:2]
        kinesis.merge_shards(StreamName=STREAM, ShardToMerge=left, AdjacentShardToMerge=right)
    else:
        low, high, widest = max(shards, key=lambda shard: shard[1] - shard[0])
        kinesis.split_shard(
            StreamName=STREAM, ShardToSplit=widest, NewStartingHashKey=str((low + high + 1) // 2)
        )


def kill_and_reshard(server: Server, files: list[Path], producers: list[Any]) -> tuple[int, int]:
    """Until the producers are done: a split or merge after each twentieth of the way, a kill -9
    after each sixth. How many of both there were."""
    kinesis = server.client("kinesis")
    turns = kills = 0
    while any(producer.poll() is None for producer in producers):
        done = sum(file.stat().st_size for file in files if file.exists()) / LINE_SIZE_BYTES
        share = done / TRANSACTIONS
        if kills < KILLS and share > (kills + 1) / (KILLS + 1):
            server.restart(kill=True)
            kills += 1
        if share > (turns + 1) / 20:
            try:
                reshard(kinesis, turns)
                turns += 1
            except TROUBLE:
                continue
        time.sleep(0.02)
    return kills, turns


def test_every_acknowledged_transaction_arrives_once_and_in_order(server, tmp_path):
    kinesis = server.client("kinesis")
    kinesis.create_stream(StreamName=STREAM, ShardCount=4)
    kinesis.get_waiter("stream_exists").wait(StreamName=STREAM)
    begin_archive(server)
    files = [tmp_path / f"acknowledged-{number}" for number in range(PRODUCERS)]
    each = TRANSACTIONS // PRODUCERS
    read, last_words = tmp_path / "read", tmp_path / "last-words"
    consumer = program(server, "consume", STREAM, read, last_words)
    producers = [
        program(server, "produce", STREAM, number, each, file) for number, file in enumerate(files)
    ]
    kills, turns = kill_and_reshard(server, files, producers)
    assert [producer.wait() for producer in producers] == [0] * PRODUCERS
    assert kills == KILLS
    assert turns >= 10
    last_words.touch()
    assert consumer.wait(timeout=300) == 0

    put = {}
    for file in files:
        for line in file.read_text("ascii").splitlines():
            transaction, shard, number = line.split()
            put[shard, int(number)] = transaction
    assert len(set(put.values())) == PRODUCERS * each
    ids = check_what_was_read(read, put)
    check_archive(server, ids)


def check_what_was_read(read: Path, put: dict[tuple[str, int], str]) -> Counter[str]:
    """Every acknowledged record lies where the answer said; a shard's numbers grow; a card's
    transactions come in the order in which they were put. How often each id was read."""
    ids: Counter[str] = Counter()
    numbers: dict[str, int] = {}
    of_card: dict[str, str] = {}
    left = dict(put)
    with read.open(encoding="ascii") as lines:
        for line in lines:
            transaction, card, shard, text = line.split()
            number = int(text)
            assert number > numbers.get(shard, 0)
            numbers[shard] = number
            assert left.pop((shard, number), transaction) == transaction
            if not ids[transaction]:
                assert transaction > of_card.get(card, "")
                of_card[card] = transaction
            ids[transaction] += 1
    assert left == {}
    return ids


def check_archive(server: Server, ids: Counter[str]) -> None:
    """The crawled archive holds the same ids, and Athena counts them."""
    glue, athena, s3 = (server.client(service) for service in ("glue", "athena", "s3"))
    until(lambda: s3.list_objects_v2(Bucket="cards", Prefix="archive/")["KeyCount"], bool)
    glue.create_crawler(
        Name="archive",
        Role=ROLE,
        DatabaseName="cards",
        Targets={"S3Targets": [{"Path": "s3://cards/archive/"}]},
    )

    def counted() -> list[int]:
        crawl(glue, "archive")
        rows = query(
            athena, "SELECT count(DISTINCT id), count(*) FROM cards.archive", "s3://cards/results/"
        )
        return [int(value or 0) for value in rows[0]]

    distinct, total = until(counted, lambda found: found[0] >= len(ids), seconds=300)
    assert distinct == len(ids)
    assert total >= sum(ids.values())
    listed = s3.list_objects_v2(Bucket="cards", Prefix="errors/")
    assert listed["KeyCount"] == 0
