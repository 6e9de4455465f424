"""The `kinesis` connector writing: PutRecords, several batches on their way at a time.

The partition key of a record is made of the PARTITIONED BY columns, or random, or (`fixed`) always
the same. As with Flink's connector, records of one key may change places where batches overtake one
another or some of a batch are sent again.

Sources: Kinesis API reference (2013-12-02), PutRecords; Apache Flink's Kinesis connector 6.0.
"""

import random
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pyarrow as pa

from millpond.engines.streams.arrow import Array, pc
from millpond.engines.streams.connectors.aws_sink import AwsSink
from millpond.engines.streams.connectors.interface import World
from millpond.engines.streams.connectors.kinesis_options import stream_of
from millpond.engines.streams.formats import printed, texts
from millpond.engines.streams.plan import Table
from millpond.engines.streams.types import Column

_SIZE_BYTES_MAX = 5_000_000
_KEY_CHARACTERS_MAX = 256


class _Entry(msgspec.Struct, gc=False):
    data: bytes = msgspec.field(name="Data")
    key: str = msgspec.field(name="PartitionKey")


class _Result(msgspec.Struct, gc=False):
    code: str | None = msgspec.field(name="ErrorCode", default=None)
    text: str | None = msgspec.field(name="ErrorMessage", default=None)


class _Answer(msgspec.Struct, gc=False):
    results: list[_Result] = msgspec.field(name="Records")
    failed: int = msgspec.field(name="FailedRecordCount", default=0)


_DONE: Mapping[str, Any] = {}


class KinesisSink(AwsSink):
    """Writes rows to a stream."""

    def __init__(self, table: Table, world: World) -> None:
        self._stream = stream_of(table)
        self.what = f"Stream '{self._stream.shown}'"
        super().__init__(table, world, self._stream.region, _SIZE_BYTES_MAX)
        by_name = {column.name: column for column in table.columns}
        self._key_columns = [by_name[name] for name in table.partitioned_by]
        self._delimiter = table.option("sink.partitioner-field-delimiter")
        self._is_fixed = table.option("sink.partitioner") == "fixed"

    async def look(self) -> None:
        await self._aws.call(
            "kinesis", "DescribeStreamSummary", self._stream.identity, patience_seconds=20
        )

    def entries(self, rows: pa.Table, records: Sequence[bytes]) -> Sequence[Any]:
        return list(map(_Entry, records, self._keys(rows)))

    def size_bytes(self, entry: Any) -> int:
        return len(entry.data) + len(entry.key)

    async def put(self, entries: Sequence[Any]) -> Sequence[Mapping[str, Any]]:
        request = {**self._stream.identity, "Records": entries}
        answer: _Answer = await self._aws.call("kinesis", "PutRecords", request, _Answer)
        if not answer.failed:
            return [_DONE] * len(entries)
        return [
            {"ErrorCode": result.code, "ErrorMessage": result.text or ""}
            for result in answer.results
        ]

    def _keys(self, rows: pa.Table) -> Sequence[str]:
        if self._key_columns:
            delimiter = "|" if self._delimiter is None else self._delimiter
            parts = [_text(rows.column(each.name), each) for each in self._key_columns]
            joined = pc.binary_join_element_wise(*parts, delimiter)
            return [key[:_KEY_CHARACTERS_MAX] or " " for key in joined.to_pylist()]
        if self._is_fixed:
            return ["0"] * rows.num_rows
        return [f"{random.getrandbits(64):016x}" for _ in range(rows.num_rows)]


def _text(column: Any, described: Column) -> Array:
    """A column's values as Java shows them."""
    if described.type.is_time:
        column = printed.timestamps(column, described.type, texts.ISO)
    return pc.fill_null(column.cast(pa.string()), "null")
