"""A worker that shares a stream's shards with others through leases in DynamoDB: a program of its
own, built as consumers without a client library are.

`python -m tests.scenarios.shard_worker <name> <stream> <table> <folder>`, with the shell's AWS
variables. A lease is an item with a shard, its owner, epoch, counter and checkpoint; each change of
it is conditional on what was read. A worker takes leases that nobody has and those whose counter
has not moved for a while, children only after their parents have ended, and steals one where
another has more than its share. It ends when the folder has a file `stop`.
"""

import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

ENDED = "SHARD_END"
NOBODY = "-"
LEASE_SECONDS = 1.5
SYNC_SECONDS = 0.3
_PAUSE_SECONDS = 0.02


class Leases:
    """The table of leases. What `all` answers has an item's members by shorter names."""

    def __init__(self, dynamodb: Any, table: str, worker: str) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._worker = worker

    def all(self) -> dict[str, dict[str, Any]]:
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=self._table, ConsistentRead=True
        )
        return {item["leaseKey"]["S"]: _plain(item) for page in pages for item in page["Items"]}

    def make(self, shard: dict[str, Any]) -> None:
        parents = {shard.get("ParentShardId"), shard.get("AdjacentParentShardId")} - {None}
        item = {
            "leaseKey": {"S": shard["ShardId"]},
            "parents": {"L": [{"S": parent} for parent in sorted(parents)]},
            "leaseOwner": {"S": NOBODY},
            "epoch": {"N": "0"},
            "leaseCounter": {"N": "0"},
            "checkpoint": {"S": NOBODY},
        }
        _if_so(
            self._dynamodb.put_item,
            TableName=self._table,
            Item=item,
            ConditionExpression="attribute_not_exists(leaseKey)",
        )

    def take(self, lease: dict[str, Any]) -> bool:
        """Become its owner, in a new epoch, unless it changed since it was read."""
        return self._update(
            lease,
            "SET leaseOwner = :me, epoch = epoch + :one, leaseCounter = leaseCounter + :one",
            "leaseCounter = :counter AND checkpoint <> :ended",
            {":counter": {"N": str(lease["counter"])}, ":ended": {"S": ENDED}},
        )

    def keep(self, lease: dict[str, Any], checkpoint: str) -> bool:
        """Renew it and set its checkpoint, unless another took it."""
        return self._update(
            lease,
            "SET checkpoint = :checkpoint, leaseCounter = leaseCounter + :one",
            "leaseOwner = :me AND epoch = :epoch",
            {":checkpoint": {"S": checkpoint}, ":epoch": {"N": str(lease["epoch"])}},
        )

    def _update(
        self, lease: dict[str, Any], update: str, condition: str, values: dict[str, Any]
    ) -> bool:
        mine = {":me": {"S": self._worker}, ":one": {"N": "1"}}
        return _if_so(
            self._dynamodb.update_item,
            TableName=self._table,
            Key={"leaseKey": {"S": lease["shard"]}},
            UpdateExpression=update,
            ConditionExpression=condition,
            ExpressionAttributeValues=mine | values,
        )


def _if_so(write: Any, **members: Any) -> bool:
    try:
        write(**members)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        return False
    return True


def _plain(item: dict[str, Any]) -> dict[str, Any]:
    return {
        "shard": item["leaseKey"]["S"],
        "parents": [parent["S"] for parent in item["parents"]["L"]],
        "owner": item["leaseOwner"]["S"],
        "epoch": int(item["epoch"]["N"]),
        "counter": int(item["leaseCounter"]["N"]),
        "checkpoint": item["checkpoint"]["S"],
    }


class Worker:
    """`read` gets a line for each record: time (ns), shard, epoch, sequence number, data."""

    def __init__(self, kinesis: Any, leases: Leases, name: str, stream: str, read: Any) -> None:
        self._kinesis = kinesis
        self._leases = leases
        self._name = name
        self._stream = stream
        self._read = read
        self._held: dict[str, dict[str, Any]] = {}
        self._iterators: dict[str, str] = {}
        self._seen: dict[str, tuple[int, float]] = {}

    def run(self, stop: Path) -> None:
        synced = 0.0
        while not stop.exists():
            if time.monotonic() - synced > SYNC_SECONDS:
                self._sync()
                synced = time.monotonic()
            found = [self._advance(shard) for shard in list(self._held)]
            if not any(found):
                time.sleep(_PAUSE_SECONDS)

    def _sync(self) -> None:
        """Make leases for new shards, and take what is this worker's share."""
        leases = self._leases.all()
        pages = self._kinesis.get_paginator("list_shards").paginate(StreamName=self._stream)
        for page in pages:
            for shard in page["Shards"]:
                if shard["ShardId"] not in leases:
                    self._leases.make(shard)
        leases = self._leases.all()
        ready = [
            lease
            for lease in leases.values()
            if lease["checkpoint"] != ENDED
            and all(leases[parent]["checkpoint"] == ENDED for parent in lease["parents"])
        ]
        free = [lease for lease in ready if self._is_free(lease)]
        owners = Counter(lease["owner"] for lease in ready if lease not in free)
        owners.setdefault(self._name, 0)
        share = -(-len(ready) // len(owners))
        for lease in free[: max(0, share - len(self._held))]:
            self._take(lease)
        if not free and len(self._held) < share:
            self._steal(ready, owners)

    def _is_free(self, lease: dict[str, Any]) -> bool:
        """Nobody has it, or who has it has not moved its counter for too long."""
        now = time.monotonic()
        counter, since = self._seen.get(lease["shard"], (-1, now))
        if counter != lease["counter"]:
            self._seen[lease["shard"]] = (lease["counter"], now)
            return bool(lease["owner"] == NOBODY)
        return lease["owner"] == NOBODY or now - since > LEASE_SECONDS

    def _steal(self, ready: list[dict[str, Any]], owners: Counter[str]) -> None:
        richest, most = owners.most_common(1)[0]
        if most > len(self._held) + 1:
            self._take(next(lease for lease in ready if lease["owner"] == richest))

    def _take(self, lease: dict[str, Any]) -> None:
        if self._leases.take(lease):
            self._held[lease["shard"]] = lease | {"epoch": lease["epoch"] + 1}
            self._iterators.pop(lease["shard"], None)

    def _advance(self, shard: str) -> bool:
        """Read once from a shard whose lease is held, then move its checkpoint. True: there was
        something."""
        lease = self._held[shard]
        iterator = self._iterators.get(shard) or self._begin(lease)
        answer = self._kinesis.get_records(ShardIterator=iterator, Limit=500)
        for record in answer["Records"]:
            data = record["Data"].decode()
            line = (time.monotonic_ns(), shard, lease["epoch"], record["SequenceNumber"], data)
            self._read.write(" ".join(map(str, line)) + "\n")
            lease["checkpoint"] = record["SequenceNumber"]
        self._read.flush()
        following = answer.get("NextShardIterator")
        checkpoint = ENDED if following is None else lease["checkpoint"]
        if self._leases.keep(lease, checkpoint) and following is not None:
            self._iterators[shard] = following
        else:
            del self._held[shard]
        return bool(answer["Records"]) or following is None

    def _begin(self, lease: dict[str, Any]) -> str:
        where = (
            {"ShardIteratorType": "TRIM_HORIZON"}
            if lease["checkpoint"] == NOBODY
            else {
                "ShardIteratorType": "AFTER_SEQUENCE_NUMBER",
                "StartingSequenceNumber": lease["checkpoint"],
            }
        )
        answer = self._kinesis.get_shard_iterator(
            StreamName=self._stream, ShardId=lease["shard"], **where
        )
        return str(answer["ShardIterator"])


def main(name: str, stream: str, table: str, folder: str) -> None:
    config = Config(connect_timeout=5, read_timeout=20)
    leases = Leases(boto3.client("dynamodb", config=config), table, name)
    with (Path(folder) / f"read-{name}").open("w", encoding="ascii") as read:
        worker = Worker(boto3.client("kinesis", config=config), leases, name, stream, read)
        worker.run(Path(folder) / "stop")


if __name__ == "__main__":
    main(*sys.argv[1:])
