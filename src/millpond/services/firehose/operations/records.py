"""Records, put directly. They are durable before the answer."""

from collections.abc import Sequence

from millpond.engines.log.interface import Batch, Sealed
from millpond.kernel.call import Call
from millpond.kernel.metrics import Metric, Statistics
from millpond.services.firehose import shapes
from millpond.services.firehose.encryption import encrypt
from millpond.services.firehose.errors import InvalidArgument, InvalidSource
from millpond.services.firehose.model.entries import pack, record_id
from millpond.services.firehose.model.stream import DeliveryStream
from millpond.services.firehose.needs import Needs
from millpond.services.firehose.operations.scope import not_found, require_stream

REQUEST_SIZE_BYTES_MAX = 4 * 1024 * 1024
_NAMESPACE = "AWS/Firehose"


async def put_record(
    needs: Needs, call: Call, request: shapes.PutRecordInput
) -> shapes.PutRecordOutput:
    """Put one record.

    Raises:
        InvalidSource: the delivery stream reads a Kinesis stream.

    Source: Firehose API reference, PutRecord (2015-08-04).
    """
    ids, encrypted = await _put(needs, call, request.delivery_stream_name, (request.record,))
    return shapes.PutRecordOutput(record_id=ids[0], encrypted=encrypted)


async def put_record_batch(
    needs: Needs, call: Call, request: shapes.PutRecordBatchInput
) -> shapes.PutRecordBatchOutput:
    """Put up to 500 records. All of them are taken or none, so none is told as failed alone.

    Raises:
        InvalidArgument: together they are more than 4 MiB.
        InvalidSource: the delivery stream reads a Kinesis stream.

    Source: Firehose API reference, PutRecordBatch (2015-08-04).
    """
    size = sum([len(record.data) for record in request.records])
    if size > REQUEST_SIZE_BYTES_MAX:
        raise InvalidArgument("Records size exceeds 4 MB limit")
    ids, encrypted = await _put(needs, call, request.delivery_stream_name, request.records)
    entry = shapes.PutRecordBatchResponseEntry
    return shapes.PutRecordBatchOutput(
        failed_put_count=0,
        encrypted=encrypted,
        request_responses=[entry(record_id=one) for one in ids],
    )


async def _put(
    needs: Needs, call: Call, name: str, records: Sequence[shapes.Record]
) -> tuple[list[str], bool]:
    """Append records to the delivery stream's log as one entry; their ids, and whether they are
    encrypted."""
    began_ms = needs.clock.now_ms()
    async with needs.records.transaction() as transaction:
        stream = await require_stream(transaction, call, name)
    if stream.source is not None:
        raise InvalidSource(
            "This operation is not permitted on KinesisStreamAsSource delivery stream type."
        )
    if stream.status != "ACTIVE":
        raise not_found(call, name)
    data = [record.data for record in records]
    packed = pack(data)
    entry = (b"", packed) if stream.key_type is None else encrypt(stream.data_keys, packed)
    try:
        (appended,) = await needs.log.append([Batch(stream.log, [entry])])
    except Sealed:
        raise not_found(call, name) from None
    _measure(needs, stream, call.operation, data, needs.clock.now_ms() - began_ms)
    position = appended.position
    ids = [record_id(stream.id, position, index) for index in range(len(data))]
    return ids, stream.key_type is not None


def _measure(
    needs: Needs, stream: DeliveryStream, operation: str, data: Sequence[bytes], took_ms: int
) -> None:
    sizes = [len(one) for one in data]
    total, count = sum(sizes), len(sizes)
    dimensions = (("DeliveryStreamName", stream.name),)

    def put(name: str, value: float, unit: str) -> None:
        metric = Metric(stream.account, stream.region, _NAMESPACE, name, dimensions, unit)
        needs.meter.sum_up(metric, Statistics(1, value, value, value))

    put("IncomingBytes", total, "Bytes")
    put("IncomingRecords", count, "Count")
    put("IncomingPutRequests", 1, "Count")
    put("ThrottledRecords", 0, "Count")
    put(f"{operation}.Bytes", total, "Bytes")
    put(f"{operation}.Latency", took_ms, "Milliseconds")
    put(f"{operation}.Requests", 1, "Count")
    if operation == "PutRecordBatch":
        put(f"{operation}.Records", count, "Count")
