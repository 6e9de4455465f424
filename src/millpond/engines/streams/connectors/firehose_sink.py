"""The `firehose` connector: PutRecordBatch to a delivery stream.

Source: Firehose API reference (2015-08-04), PutRecordBatch: 500 records or 4 MiB in a request.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pyarrow as pa

from millpond.engines.streams.connectors.aws_sink import AwsSink
from millpond.engines.streams.connectors.interface import World
from millpond.engines.streams.plan import Table

_SIZE_BYTES_MAX = 4 << 20


class _Entry(msgspec.Struct, gc=False):
    data: bytes = msgspec.field(name="Data")


class _Result(msgspec.Struct, gc=False):
    code: str | None = msgspec.field(name="ErrorCode", default=None)
    text: str | None = msgspec.field(name="ErrorMessage", default=None)


class _Answer(msgspec.Struct, gc=False):
    results: list[_Result] = msgspec.field(name="RequestResponses")
    failed: int = msgspec.field(name="FailedPutCount", default=0)


class FirehoseSink(AwsSink):
    """Writes rows to a delivery stream."""

    def __init__(self, table: Table, world: World) -> None:
        self._name = table.option("delivery-stream") or ""
        self.what = f"Delivery stream '{self._name}'"
        super().__init__(table, world, table.option("aws.region"), _SIZE_BYTES_MAX)

    async def look(self) -> None:
        request = {"DeliveryStreamName": self._name}
        await self._aws.call("firehose", "DescribeDeliveryStream", request, patience_seconds=20)

    def entries(self, rows: pa.Table, records: Sequence[bytes]) -> Sequence[Any]:
        return list(map(_Entry, records))

    def size_bytes(self, entry: Any) -> int:
        return len(entry.data)

    async def put(self, entries: Sequence[Any]) -> Sequence[Mapping[str, Any]]:
        request = {"DeliveryStreamName": self._name, "Records": entries}
        answer: _Answer = await self._aws.call("firehose", "PutRecordBatch", request, _Answer)
        return [
            {"ErrorCode": result.code, "ErrorMessage": result.text or ""}
            for result in answer.results
        ]
