"""Workers share a stream's shards through leases, while the shards split and merge under load, one
worker is killed and another one joins."""

import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Server
from tests.scenarios.waiting import until

STREAM, TABLE = "shared", "leases"
PRODUCERS = 3
KEYS_EACH = 10
BATCH = 50
SHARD_COUNTS = (4, 7, 12, 6, 3, 5)
ROOT = Path(__file__).parents[2]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path, "--kinesis-limits", "none")
    server.start()
    try:
        yield server
    finally:
        server.stop()


class Workers:
    """Programs that read the stream, each into a file of its own."""

    def __init__(self, server: Server, folder: Path) -> None:
        self._server = server
        self.folder = folder
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def begin(self, name: str) -> None:
        command = [sys.executable, "-m", "tests.scenarios.shard_worker", name, STREAM, TABLE]
        self.running[name] = subprocess.Popen(
            [*command, str(self.folder)], cwd=ROOT, env=self._server.environment()
        )

    def kill(self, name: str) -> None:
        process = self.running.pop(name)
        process.kill()
        process.wait()

    def end(self) -> None:
        """Let all end by themselves."""
        (self.folder / "stop").touch()
        codes = {name: process.wait(timeout=30) for name, process in self.running.items()}
        assert set(codes.values()) == {0}, codes

    def lines(self) -> list[tuple[int, str, int, int, str, int]]:
        """What all have read, by time: time, shard, epoch, sequence number, key, number."""
        found = []
        for path in self.folder.glob("read-*"):
            whole, _, _ = path.read_text("ascii").rpartition("\n")
            for line in whole.splitlines():
                moment, shard, epoch, sequence, data = line.split()
                key, _, number = data.partition(":")
                found.append((int(moment), shard, int(epoch), int(sequence), key, int(number)))
        return sorted(found)


@pytest.fixture
def workers(server: Server, tmp_path: Path) -> Iterator[Workers]:
    folder = tmp_path / "workers"
    folder.mkdir()
    workers = Workers(server, folder)
    yield workers
    for process in workers.running.values():
        process.kill()
        process.wait()


def make_table(dynamodb: Any) -> None:
    dynamodb.create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "leaseKey", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "leaseKey", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.get_waiter("table_exists").wait(TableName=TABLE)


def produce(server: Server, producer: int, stop: threading.Event) -> dict[str, int]:
    """Put numbered records of keys of its own until told to stop: how many of each key."""
    kinesis = server.client("kinesis")
    counts = {f"{producer}-{key}": 0 for key in range(KEYS_EACH)}
    while not stop.is_set():
        entries = []
        for place in range(BATCH):
            key = f"{producer}-{place % KEYS_EACH}"
            entries.append({"PartitionKey": key, "Data": f"{key}:{counts[key]}"})
            counts[key] += 1
        assert kinesis.put_records(StreamName=STREAM, Records=entries)["FailedRecordCount"] == 0
        time.sleep(0.02)
    return counts


def owners(dynamodb: Any) -> set[str]:
    items = dynamodb.scan(TableName=TABLE, ConsistentRead=True)["Items"]
    return {item["leaseOwner"]["S"] for item in items if item["checkpoint"]["S"] != "SHARD_END"}


def reshape_and_disturb(server: Server, workers: Workers) -> None:
    """Change the number of shards again and again; a worker is killed and another joins."""
    kinesis, dynamodb = server.client("kinesis"), server.client("dynamodb")
    until(lambda: owners(dynamodb), lambda found: found == {"one", "two", "three"}, 30)
    for turn, count in enumerate(SHARD_COUNTS):
        read = len(workers.lines())
        kinesis.update_shard_count(
            StreamName=STREAM, TargetShardCount=count, ScalingType="UNIFORM_SCALING"
        )
        if turn == 1:
            workers.kill("two")
        if turn == 3:
            workers.begin("four")
        until(workers.lines, lambda found, read=read: len(found) > read + 20 * BATCH, 60)
    until(lambda: owners(dynamodb), lambda found: found == {"one", "three", "four"}, 60)


def test_workers_share_shards_that_change_under_load(server: Server, workers: Workers) -> None:
    server.client("kinesis").create_stream(StreamName=STREAM, ShardCount=2)
    make_table(server.client("dynamodb"))
    for name in ("one", "two", "three"):
        workers.begin(name)
    # Three shards at least, so that each of three workers has one from the beginning.
    server.client("kinesis").update_shard_count(
        StreamName=STREAM, TargetShardCount=3, ScalingType="UNIFORM_SCALING"
    )
    stop = threading.Event()
    with ThreadPoolExecutor() as pool:
        producing = [pool.submit(produce, server, number, stop) for number in range(PRODUCERS)]
        try:
            reshape_and_disturb(server, workers)
        finally:
            stop.set()
        counts = {key: count for one in producing for key, count in one.result().items()}

    put = {(key, number) for key, count in counts.items() for number in range(count)}
    until(
        lambda: put - {(key, number) for *_, key, number in workers.lines()},
        lambda missing: not missing,
        60,
    )
    workers.end()
    check_order(workers, put)


def check_order(workers: Workers, put: set[tuple[str, int]]) -> None:
    """Each record was read, under each lease's epoch once at most and in the order of the shard;
    the records of a key came in the order in which they were put, across all shards."""
    last: dict[tuple[str, int], int] = {}
    places: dict[int, tuple[str, int]] = {}
    first_times: dict[str, list[int]] = defaultdict(list)
    for _, shard, epoch, sequence, key, number in workers.lines():
        assert sequence > last.get((shard, epoch), 0)
        last[shard, epoch] = sequence
        if places.setdefault(sequence, (key, number)) == (key, number):
            expected = len(first_times[key])
            assert number <= expected, "a record was overtaken"
            if number == expected:
                first_times[key].append(number)
    assert {(key, number) for key, numbers in first_times.items() for number in numbers} == put
    assert len(places) == len(put), "each record lies in one place"
    assert max(epoch for _, epoch in last) > 1, "leases changed hands"
