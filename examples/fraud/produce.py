"""Puts transactions into the stream, at a rate, for a while, as they would happen now.

    python -m examples.fraud.produce --stream transactions --rate 5000 --seconds 60

Writes the ids of the frauds to `--labels`, for whoever wants to judge the alerts, and once a second
a line of JSON to its output: how many transactions are acknowledged, and how late it is.
"""

import argparse
import csv
import json
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from examples.fraud.generate import CARDS_DEFAULT, RATE_DEFAULT, Transactions

TICK_MS = 50
PUT_RECORDS_MAX = 500
TRIES_MAX = 50


class Producer:
    """Puts records, several calls at a time, and again those that were throttled."""

    def __init__(self, stream: str) -> None:
        self._stream = stream
        self._kinesis = boto3.client(
            "kinesis", config=Config(max_pool_connections=8, retries={"max_attempts": 10})
        )
        self._pool = ThreadPoolExecutor(8)
        self._waiting: list[Future[int]] = []
        self.acknowledged = 0

    def put(self, records: list[tuple[str, bytes]]) -> None:
        entries = [{"PartitionKey": key, "Data": data} for key, data in records]
        for first in range(0, len(entries), PUT_RECORDS_MAX):
            part = entries[first : first + PUT_RECORDS_MAX]
            self._waiting.append(self._pool.submit(self._send, part))
        self._reap(wait=len(self._waiting) > 64)

    def finish(self) -> None:
        self._reap(wait=True)
        self._pool.shutdown()

    def _reap(self, *, wait: bool) -> None:
        left = []
        for call in self._waiting:
            if wait or call.done():
                self.acknowledged += call.result()
            else:
                left.append(call)
        self._waiting = left

    def _send(self, entries: list[dict[str, Any]]) -> int:
        count = len(entries)
        for attempt in range(TRIES_MAX):
            answer = self._kinesis.put_records(StreamName=self._stream, Records=entries)
            if not answer["FailedRecordCount"]:
                return count
            entries = [
                entry
                for entry, result in zip(entries, answer["Records"], strict=True)
                if "ErrorCode" in result
            ]
            time.sleep(min(1.0, 0.02 * 2**attempt))
        raise RuntimeError(f"{len(entries)} records were refused {TRIES_MAX} times.")


def produce(
    transactions: Transactions, stream: str, rate: int, seconds: float, labels: Path
) -> tuple[int, int]:
    """Put `rate` transactions a second; how many there were, and how many of them frauds."""
    producer = Producer(stream)
    started = time.time()
    ticks = round(seconds * 1_000 / TICK_MS)
    made = frauds = 0
    told = 0.0
    with labels.open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["transaction_id", "pattern"])
        for tick in range(ticks):
            count = rate * (tick + 1) * TICK_MS // 1_000 - rate * tick * TICK_MS // 1_000
            batch = transactions.take(count, TICK_MS)
            labelled = list(batch.labels())
            rows.writerows(labelled)
            file.flush()
            made, frauds = made + len(batch), frauds + len(labelled)
            happened = started + (tick + 1) * TICK_MS / 1_000
            time.sleep(max(0.0, happened - time.time()))
            producer.put(list(batch.records()))
            late_ms = round((time.time() - happened) * 1_000)
            if time.time() - told >= 1 or tick == ticks - 1:
                told = time.time()
                _tell(made, producer.acknowledged, frauds, late_ms)
        producer.finish()
    _tell(made, producer.acknowledged, frauds, 0)
    return made, frauds


def _tell(made: int, acknowledged: int, frauds: int, late_ms: int) -> None:
    figures = {"made": made, "acknowledged": acknowledged, "frauds": frauds, "late_ms": late_ms}
    print(json.dumps(figures), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m examples.fraud.produce",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--stream", required=True)
    parser.add_argument("--rate", type=int, default=RATE_DEFAULT, help="transactions a second")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=7, help="of the cards: as in the history")
    parser.add_argument("--first", type=int, default=100_000_000, help="the first number")
    parser.add_argument("--cards", type=int, default=CARDS_DEFAULT)
    parser.add_argument("--labels", type=Path, required=True)
    options = parser.parse_args()
    transactions = Transactions(
        options.seed, round(time.time() * 1_000), options.cards, options.first
    )
    produce(transactions, options.stream, options.rate, options.seconds, options.labels)


if __name__ == "__main__":
    main()
