"""The processors of a delivery stream, one after another, in AWS's order.

KPL aggregates of a Kinesis source are opened, always; then decompression, extraction of log
messages, deaggregation, the function, metadata extraction, the delimiter: those that are
configured. A record that fails in one of them leaves the row; the others go on.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence

from msgspec.structs import replace

from millpond.services.firehose.delivery.interface import (
    PROCESSING_FAILED,
    Delivery,
    Failure,
    Record,
    Transformed,
)
from millpond.services.firehose.needs import Needs
from millpond.services.firehose.shapes import IcebergDestinationConfiguration
from millpond.services.firehose.transform import kpl
from millpond.services.firehose.transform.cloudwatch_logs import (
    NotDecompressed,
    NotLogEvents,
    decompress,
    messages,
)
from millpond.services.firehose.transform.configuration import Processing
from millpond.services.firehose.transform.confined import place_of
from millpond.services.firehose.transform.invoking import Invoking
from millpond.services.firehose.transform.json_objects import NotJson, split_delimited, split_json
from millpond.services.firehose.transform.metadata import EXTRACTION_FAILED, JqExtraction

COMPRESSED_SIZE_BYTES_MAX = 128 << 10
"""How much is decompressed at a time: up to a thousand times as much comes out."""

Explode = Callable[[Record], Sequence[Record]]


class _Refused(Exception):
    """A record that cannot be processed, with AWS's code and words."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Pipeline:
    """The `Transformer` of a delivery stream."""

    def __init__(self, needs: Needs, delivery: Delivery, processing: Processing) -> None:
        self._processing = processing
        self._is_from_kinesis = delivery.source_arn is not None
        self._is_for_iceberg = isinstance(delivery.destination, IcebergDestinationConfiguration)
        self._function = (
            Invoking(needs, delivery, processing.function) if processing.function else None
        )
        self._query = JqExtraction(place_of(needs), processing.query) if processing.query else None

    @property
    def gather_size_bytes(self) -> int:
        function = self._processing.function
        return function.buffer_size_bytes if function else 0

    @property
    def gather_ms(self) -> int:
        function = self._processing.function
        return function.buffer_ms if function else 0

    @property
    def apply_size_bytes_max(self) -> int:
        return COMPRESSED_SIZE_BYTES_MAX if self._processing.is_compressed else 0

    async def apply(self, records: Sequence[Record]) -> Transformed:
        failures: list[Failure] = []
        dropped = 0
        records = await asyncio.to_thread(self._take_apart, records, failures)
        if self._function is not None:
            transformed = await self._function.apply(records)
            records, dropped = transformed.records, transformed.dropped
            failures += transformed.failures
        if self._query is not None:
            records = await self._extract(self._query, records, failures)
        if self._processing.delimiter:
            records = await asyncio.to_thread(_delimited, records, self._processing.delimiter)
        return Transformed(records, failures, dropped)

    async def close(self) -> None:
        if self._function is not None:
            await self._function.close()
        if self._query is not None:
            await self._query.close()

    def _take_apart(self, records: Sequence[Record], failures: list[Failure]) -> Sequence[Record]:
        """What makes several records of one, or none."""
        if self._is_from_kinesis:
            records = _taken_apart(records, _open_kpl, failures)
        if self._processing.is_compressed:
            records = _taken_apart(records, self._decompress, failures)
        if self._processing.split is not None:
            records = _taken_apart(records, self._split, failures)
        return records

    def _decompress(self, record: Record) -> Sequence[Record]:
        try:
            document = decompress(record.data)
        except NotDecompressed as error:
            raise _Refused("Decompression.Failed", str(error)) from None
        if not self._processing.extracts_messages:
            return [replace(record, data=document)]
        try:
            found = messages(document)
        except NotLogEvents as error:
            raise _Refused("CloudWatchLogProcessing.Failed", str(error)) from None
        return [replace(record, data=message + b"\n") for message in found]

    def _split(self, record: Record) -> Sequence[Record]:
        delimiter = self._processing.split
        if delimiter:
            pieces = split_delimited(record.data, delimiter)
        else:
            try:
                pieces = split_json(record.data)
            except NotJson as error:
                raise _Refused(
                    "DynamicPartitioning.RecordDeaggregationFailed", str(error)
                ) from None
        return [replace(record, data=piece) for piece in pieces]

    async def _extract(
        self, query: JqExtraction, records: Sequence[Record], failures: list[Failure]
    ) -> list[Record]:
        kept: list[Record] = []
        found = await query.extract([record.data for record in records])
        for record, (keys, problem) in zip(records, found, strict=True):
            if problem:
                failures.append(_failure(record, EXTRACTION_FAILED, problem))
            elif self._is_for_iceberg:
                kept.append(replace(record, target={**record.target, **keys}))
            else:
                kept.append(replace(record, query_keys=keys))
        return kept


def _open_kpl(record: Record) -> Sequence[Record]:
    inside = kpl.deaggregate(record.data)
    if inside is None:
        return (record,)
    return [replace(record, data=data, partition_key=key, subsequence=0) for key, data in inside]


def _taken_apart(
    records: Iterable[Record], explode: Explode, failures: list[Failure]
) -> list[Record]:
    """What `explode` makes of each record, its parts numbered anew within what was put."""
    parts: list[Record] = []
    whole: tuple[str, str] | None = None
    number = 0
    for record in records:
        if (record.shard, record.sequence) != whole:
            whole, number = (record.shard, record.sequence), 0
        try:
            pieces = explode(record)
        except _Refused as refused:
            failures.append(_failure(record, refused.code, refused.message))
            number += 1
            continue
        if len(pieces) == 1 and pieces[0].subsequence < 0:
            parts.append(pieces[0])
            continue
        for piece in pieces:
            parts.append(replace(piece, subsequence=number))
            number += 1
    return parts


def _delimited(records: Sequence[Record], delimiter: bytes) -> list[Record]:
    return [replace(record, data=record.data + delimiter) for record in records]


def _failure(record: Record, code: str, message: str) -> Failure:
    return Failure(PROCESSING_FAILED, code, message, record.data, record.arrival_ms)
