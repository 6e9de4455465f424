"""PutRecord and PutRecords."""

from collections.abc import Sequence

from millpond.kernel.call import Call
from millpond.services.kinesis.errors import (
    DryRunOperation,
    InternalFailure,
    InvalidArgument,
    ProvisionedThroughputExceeded,
    Validation,
)
from millpond.services.kinesis.model import sequence
from millpond.services.kinesis.model.entries import KEYLESS
from millpond.services.kinesis.model.stream import Stream
from millpond.services.kinesis.needs import Needs
from millpond.services.kinesis.operations.scope import resolve_for_data
from millpond.services.kinesis.operations.writing import THROTTLED, Incoming, Sent, Written, write
from millpond.services.kinesis.shapes import (
    PutRecordInput,
    PutRecordOutput,
    PutRecordsInput,
    PutRecordsOutput,
)

REQUEST_SIZE_BYTES_MAX = 10 * 1024 * 1024
"""What the records of one PutRecords may take together, partition keys counted."""


async def put_record(needs: Needs, call: Call, request: PutRecordInput) -> PutRecordOutput:
    """Write one record; the answer comes when it is durable.

    Raises:
        InvalidArgument: it is too large, its hash key is out of range, or
            SequenceNumberForOrdering is not of this stream.
        ProvisionedThroughputExceeded: its shard takes no more at this moment.
        InternalFailure: the stream's shards were changing for too long; nothing was written.

    Source: Kinesis API reference, PutRecord (2013-12-02).
    """
    began_ms = needs.clock.now_ms()
    async with needs.records.transaction() as transaction:
        stream = await resolve_for_data(
            needs, transaction, call, request.stream_name, request.stream_arn
        )
    incoming = Incoming((request,))
    size = incoming.sizes[0]
    _check_record(stream, request, size, "data", "partitionKey")
    if request.sequence_number_for_ordering is not None:
        _check_ordering(stream, request.sequence_number_for_ordering)
    if request.dry_run:
        raise DryRunOperation("Request would have succeeded, but DryRun flag is set.")
    written = await write(needs, call, stream, incoming)
    _measure_one(needs, written, size, began_ms)
    result = written.results[0]
    if result.error_code == THROTTLED:
        raise ProvisionedThroughputExceeded(str(result.error_message))
    if result.error_code is not None:
        raise InternalFailure(str(result.error_message))
    return PutRecordOutput(
        shard_id=result.shard_id,
        sequence_number=result.sequence_number,
        encryption_type=_encryption(written.stream),
    )


async def put_records(needs: Needs, call: Call, request: PutRecordsInput) -> PutRecordsOutput:
    """Write up to 500 records; the answer comes when they are durable.

    What a shard's limits refuse is told record by record, with AWS's codes; the others are written.

    Raises:
        InvalidArgument: the records are too large, one or all together, or a hash key is out of
            range; nothing is written.

    Source: Kinesis API reference, PutRecords (2013-12-02).
    """
    began_ms = needs.clock.now_ms()
    async with needs.records.transaction() as transaction:
        stream = await resolve_for_data(
            needs, transaction, call, request.stream_name, request.stream_arn
        )
    incoming = Incoming(request.records)
    sizes = incoming.sizes
    if sum(sizes) > REQUEST_SIZE_BYTES_MAX:
        raise InvalidArgument("Records size exceeds 10 MB limit")
    _check_records(stream, incoming)
    if request.dry_run:
        raise DryRunOperation("Request would have succeeded, but DryRun flag is set.")
    written = await write(needs, call, stream, incoming)
    _measure_many(needs, written, sizes, began_ms)
    return PutRecordsOutput(
        failed_record_count=written.throttled + written.failed,
        records=list(written.results),
        encryption_type=_encryption(written.stream),
    )


def _check_records(stream: Stream, incoming: Incoming) -> None:
    keyless = stream.distribution != "AUTO" and KEYLESS in incoming.keys
    if keyless or max(incoming.sizes) > stream.max_record_size_kib * 1024:
        for place, record in enumerate(incoming.sent):
            path = f"records.{place + 1}.member"
            size = incoming.sizes[place]
            _check_record(stream, record, size, f"{path}.data", f"{path}.partitionKey")


def _check_record(stream: Stream, record: Sent, size: int, data_path: str, key_path: str) -> None:
    if record.partition_key is None and stream.distribution != "AUTO":
        raise Validation(
            f"1 validation error detected: Value null at '{key_path}' failed to satisfy "
            "constraint: Member must not be null"
        )
    size_max = stream.max_record_size_kib * 1024
    if size > size_max:
        raise InvalidArgument(
            f"1 validation error detected: Value at '{data_path}' failed to satisfy constraint: "
            f"Member must have length less than or equal to {size_max}"
        )


def _check_ordering(stream: Stream, number: str) -> None:
    """A shard of this stream gave out the number that the new one is to be greater than."""
    try:
        index = sequence.read(number).shard_index
    except ValueError:
        index = stream.next_index
    if index >= stream.next_index:
        raise InvalidArgument(
            f"ExclusiveMinimumSequenceNumber {number} used in PutRecord on stream {stream.name} "
            f"under account {stream.account} is invalid."
        )


def _encryption(stream: Stream) -> str | None:
    return "KMS" if stream.encryption == "KMS" else None


def _measure_one(needs: Needs, written: Written, size: int, began_ms: int) -> None:
    metrics = needs.traffic.of(written.stream, needs.meter).metrics
    accepted = not written.throttled and not written.failed
    metrics.stream("PutRecord.Success", int(accepted))
    metrics.stream("WriteProvisionedThroughputExceeded", written.throttled)
    if accepted:
        metrics.stream("PutRecord.Bytes", size)
        metrics.stream("PutRecord.Latency", needs.clock.now_ms() - began_ms)
        metrics.stream("IncomingBytes", size)
        metrics.stream("IncomingRecords", 1)


def _measure_many(needs: Needs, written: Written, sizes: Sequence[int], began_ms: int) -> None:
    metrics = needs.traffic.of(written.stream, needs.meter).metrics
    total = len(sizes)
    accepted = total - written.throttled - written.failed
    accepted_bytes = (
        sum(sizes)
        if accepted == total
        else sum(
            size
            for size, result in zip(sizes, written.results, strict=True)
            if result.error_code is None
        )
    )
    metrics.stream("PutRecords.Success", int(accepted > 0))
    metrics.stream("PutRecords.Latency", needs.clock.now_ms() - began_ms)
    metrics.stream("PutRecords.Records", accepted)
    metrics.stream("PutRecords.TotalRecords", total)
    metrics.stream("PutRecords.SuccessfulRecords", accepted)
    metrics.stream("PutRecords.FailedRecords", written.failed)
    metrics.stream("PutRecords.ThrottledRecords", written.throttled)
    metrics.stream("WriteProvisionedThroughputExceeded", written.throttled)
    if accepted:
        metrics.stream("PutRecords.Bytes", accepted_bytes)
        metrics.stream("IncomingBytes", accepted_bytes)
        metrics.stream("IncomingRecords", accepted)
