"""Records of Kinesis as arrivals: aggregated ones opened, data decoded, metadata added."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pyarrow as pa

from millpond.engines.streams.arrow import Array, pc
from millpond.engines.streams.connectors.aggregated import MAGIC, opened
from millpond.engines.streams.connectors.interface import Arrival
from millpond.engines.streams.formats.registry import make_decoder
from millpond.engines.streams.plan import Metadata, Table
from millpond.engines.streams.types import schema_of


class Record(msgspec.Struct, gc=False):
    """A record as GetRecords and SubscribeToShard answer it; the time is epoch seconds."""

    data: bytes = msgspec.field(name="Data")
    key: str = msgspec.field(name="PartitionKey")
    sequence: str = msgspec.field(name="SequenceNumber")
    arrival: float = msgspec.field(name="ApproximateArrivalTimestamp", default=0.0)


class ChildShard(msgspec.Struct):
    """A shard that follows a closed one."""

    shard: str = msgspec.field(name="ShardId")
    parents: list[str] = msgspec.field(name="ParentShards", default_factory=list)


class ArrivalMaker:
    """Makes arrivals of a table."""

    def __init__(self, table: Table, zone: str | None = None) -> None:
        self._decoder = make_decoder(table)
        self._metadata = table.metadata
        self._zone = zone or "UTC"
        columns = (*table.columns, *(each.column for each in table.metadata))
        self._schema = schema_of(columns)

    def announcement(
        self, shard: str, position: Any, *, ended: bool = False, behind_ms: int | None = None
    ) -> Arrival:
        """An arrival without rows."""
        empty = self._schema.empty_table()
        return Arrival(shard, empty, position, ended=ended, behind_ms=behind_ms)

    def arrival(
        self, shard: str, records: Sequence[Record], position: Any, behind_ms: int | None
    ) -> Arrival:
        """What some records bring."""
        data = [record.data for record in records]
        if any(each[:4] == MAGIC for each in data):
            records = _taken_apart(records)
            data = [record.data for record in records]
        decoded = self._decoder.decode(pa.array(data, pa.binary()))
        rows = decoded.rows
        for metadata in self._metadata:
            values = self._values(metadata, shard, records)
            if decoded.taken is not None:
                values = values.take(decoded.taken)
            rows = rows.append_column(self._schema.field(metadata.column.name), values)
        return Arrival(
            shard,
            rows,
            position,
            behind_ms=behind_ms,
            size_bytes=sum(map(len, data)),
            errors=tuple(decoded.errors),
        )

    def _values(self, metadata: Metadata, shard: str, records: Sequence[Record]) -> Array:
        wanted = metadata.column.type
        if metadata.key in ("timestamp", "arrival-timestamp"):
            millis: Array = pa.array([round(record.arrival * 1000) for record in records])
            moments = millis.cast(pa.timestamp("ms", "UTC")).cast(pa.timestamp("us", self._zone))
            if wanted.name == "TIMESTAMP":
                return pc.local_timestamp(moments)
            return moments.cast(pa.timestamp("us", "UTC")).cast(wanted.arrow())
        texts: dict[str, Callable[[Record], str]] = {
            "shard-id": lambda record: shard,
            "sequence-number": lambda record: record.sequence,
            "partition-key": lambda record: record.key,
        }
        return pa.array(map(texts[metadata.key], records), pa.string(), size=len(records))


def _taken_apart(records: Sequence[Record]) -> list[Record]:
    found: list[Record] = []
    for record in records:
        inner = opened(record.data) if record.data[:4] == MAGIC else None
        if inner is None:
            found.append(record)
        else:
            found += [Record(data, key, record.sequence, record.arrival) for key, data in inner]
    return found
