"""The fraud job under kill -9: nothing is lost, nothing is twice where it must be once."""

import csv
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import boto3
import pytest

from examples.fraud import driver
from examples.fraud.desk import Desk
from examples.fraud.generate import write_history

KILLS = 10
RATE, SECONDS, CARDS = 800, 32, 5_000
ROOT = Path(__file__).parents[2]


@pytest.fixture
def aws(fresh_server, monkeypatch):
    """This process's AWS clients, and those of what it starts, speak to the server."""
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in fresh_server.environment().items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    return fresh_server


def test_ten_kills_lose_nothing_and_score_each_transaction_once(aws, tmp_path):
    write_history(tmp_path / "history", 7, 1_767_225_600_000, 120, 1_000, CARDS)
    desk = Desk()
    driver.create_places(4)
    driver.archive()
    driver.upload_history(tmp_path / "history", lambda text: None)
    driver.train(lambda text: None)
    driver.start_application(
        driver.upload_code(desk.listen()), lambda text: None, checkpoint_seconds=1
    )
    desk.subscribe()
    labels = tmp_path / "labels.csv"
    producer = subprocess.Popen(
        [
            *(sys.executable, "-m", "examples.fraud.produce", "--stream", driver.TRANSACTIONS),
            *("--rate", str(RATE), "--seconds", str(SECONDS), "--cards", str(CARDS)),
            *("--labels", str(labels)),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    dice = random.Random(1)
    for _ in range(KILLS):
        time.sleep(dice.uniform(1.0, 3.0))  # wherever it is then
        aws.restart(kill=True)
    told, _ = producer.communicate(timeout=120)
    assert producer.returncode == 0
    made = json.loads(told.splitlines()[-1])["made"]

    _wait_until(lambda: len(set(_column("scores"))) >= made, 90)
    driver.stop_application(lambda text: None)
    driver.wait_for_archive(made, lambda text: None)
    sent = _in_the_stream()
    assert len(set(sent)) == made
    assert Counter(_column("scores")) == Counter(sent)
    assert set(_column("transactions")) == set(sent)
    alarming = set(_column("scores", "WHERE is_alarming"))
    _wait_until(lambda: len(desk.alerts) >= len(alarming), 30)
    _wait_until(lambda: len(desk.called) >= len(alarming), 30)
    assert desk.called == set(desk.alerts) == alarming
    with labels.open(newline="") as file:
        frauds = {row[0] for row in csv.reader(file)} - {"transaction_id"}
    assert len(frauds & set(desk.alerts)) > 0.5 * len(frauds)


def _in_the_stream() -> list[str]:
    """The transactions that the stream holds: one that a producer sent again is there twice."""
    kinesis = boto3.client("kinesis")
    found = []
    for shard in kinesis.list_shards(StreamName=driver.TRANSACTIONS)["Shards"]:
        iterator = kinesis.get_shard_iterator(
            StreamName=driver.TRANSACTIONS,
            ShardId=shard["ShardId"],
            ShardIteratorType="TRIM_HORIZON",
        )["ShardIterator"]
        while True:
            answer = kinesis.get_records(ShardIterator=iterator)
            found += [json.loads(record["Data"])["transaction_id"] for record in answer["Records"]]
            iterator = answer["NextShardIterator"]
            if not answer["MillisBehindLatest"] and not answer["Records"]:
                break
    return found


def _column(table: str, where: str = "") -> list[str]:
    sql = f"SELECT transaction_id AS id FROM {driver.DATABASE}.{table} {where}"
    return [row["id"] for row in driver.run_query(sql, driver.RESULTS)]


def _wait_until(is_so, seconds_max: float) -> None:
    deadline = time.monotonic() + seconds_max
    while not is_so():
        assert time.monotonic() < deadline, driver.application_log()
        time.sleep(0.5)
