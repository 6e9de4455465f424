"""Those who put card transactions into a stream and those who read them: programs of their own.

`python -m tests.scenarios.card_stream produce|consume …`, with the shell's AWS variables. They meet
a server that dies and comes back, as their users' programs do: what was not acknowledged is put
again, and a reader goes on after what it has read.
"""

import json
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import botocore.exceptions
from botocore.config import Config

BATCH_SIZE = 500
LINE_SIZE_BYTES = 88
"""An acknowledgement: id, shard id, sequence number, with spaces between and a line's end."""

TROUBLE = (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError)
_PAUSE_SECONDS = 0.05


def transactions(producer: int, count: int) -> Iterator[dict[str, Any]]:
    """A producer's transactions: the same ones each time, on cards of its own."""
    chance = random.Random(producer)
    for number in range(count):
        yield {
            "id": f"{producer}-{number:07d}",
            "card": f"{producer}{chance.randrange(20_000):015d}",
            "merchant": f"m{chance.randrange(5_000):05d}",
            "country": chance.choice(("DE", "FR", "GB", "PL", "US")),
            "amount": round(chance.lognormvariate(3, 1), 2),
            "at": 1_790_000_000_000 + 10 * number,
        }


def client() -> Any:
    config = Config(
        retries={"total_max_attempts": 1},
        connect_timeout=2,
        read_timeout=20,
        parameter_validation=False,
    )
    return boto3.client("kinesis", config=config)


def produce(stream: str, producer: int, count: int, acknowledged: Path) -> None:
    """Put them all, a batch at a time, again and again until each record is acknowledged."""
    kinesis = client()
    with acknowledged.open("a", encoding="ascii") as file:
        batch: list[dict[str, Any]] = []
        for transaction in transactions(producer, count):
            batch.append(transaction)
            if len(batch) == BATCH_SIZE:
                _put(kinesis, stream, batch, file)
                batch = []
        if batch:
            _put(kinesis, stream, batch, file)


def _put(kinesis: Any, stream: str, batch: list[dict[str, Any]], file: Any) -> None:
    while batch:
        entries = [
            {"PartitionKey": transaction["card"], "Data": json.dumps(transaction)}
            for transaction in batch
        ]
        try:
            answers = kinesis.put_records(StreamName=stream, Records=entries)["Records"]
        except TROUBLE:
            time.sleep(_PAUSE_SECONDS)
            continue
        failed = []
        for transaction, answer in zip(batch, answers, strict=True):
            if "ErrorCode" in answer:
                failed.append(transaction)
            else:
                place = f"{answer['ShardId']} {answer['SequenceNumber']:>56}"
                file.write(f"{transaction['id']} {place}\n")
        file.flush()
        batch = failed


class Consumer:
    """Reads a stream from its beginning: a shard's parents to their end before the shard."""

    def __init__(self, stream: str, read: Any) -> None:
        self._kinesis = client()
        self._stream = stream
        self._read = read
        self._ended: set[str] = set()
        self._iterators: dict[str, str | None] = {}
        self._last: dict[str, str] = {}

    def run(self, last_words: Path) -> None:
        """Read until `last_words` exists and every shard has been read to its tip since."""
        while True:
            told = last_words.exists()
            try:
                found = self._round()
            except TROUBLE:
                time.sleep(_PAUSE_SECONDS)
                continue
            if told and not found:
                return

    def _round(self) -> bool:
        """Read once from every shard whose parents are read. True: there was something."""
        found = False
        for shard in self._shards():
            name = shard["ShardId"]
            parents = {shard.get("ParentShardId"), shard.get("AdjacentParentShardId")} - {None}
            if name not in self._ended and parents <= self._ended:
                found |= self._advance(name)
        return found

    def _shards(self) -> list[dict[str, Any]]:
        pages = self._kinesis.get_paginator("list_shards").paginate(StreamName=self._stream)
        return [shard for page in pages for shard in page["Shards"]]

    def _advance(self, shard: str) -> bool:
        try:
            iterator = self._iterators.get(shard) or self._iterator(shard)
            answer = self._kinesis.get_records(ShardIterator=iterator, Limit=10_000)
        except TROUBLE:
            self._iterators[shard] = None
            raise
        for record in answer["Records"]:
            transaction = json.loads(record["Data"])
            place = f"{shard} {record['SequenceNumber']}"
            self._read.write(f"{transaction['id']} {transaction['card']} {place}\n")
            self._last[shard] = record["SequenceNumber"]
        self._iterators[shard] = answer.get("NextShardIterator")
        if self._iterators[shard] is None:
            self._ended.add(shard)
        return bool(answer["Records"]) or shard in self._ended

    def _iterator(self, shard: str) -> str:
        after = self._last.get(shard)
        where = (
            {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": after}
            if after
            else {"ShardIteratorType": "TRIM_HORIZON"}
        )
        answer = self._kinesis.get_shard_iterator(StreamName=self._stream, ShardId=shard, **where)
        return str(answer["ShardIterator"])


def main(role: str, stream: str, *arguments: str) -> None:
    if role == "produce":
        producer, count, acknowledged = arguments
        produce(stream, int(producer), int(count), Path(acknowledged))
    else:
        read, last_words = arguments
        with Path(read).open("w", encoding="ascii") as file:
            Consumer(stream, file).run(Path(last_words))


if __name__ == "__main__":
    main(*sys.argv[1:])
