"""Firehose's contract with a transformation function: the event that it gets, and what it answers.

Pure. The codes and their words are those that Firehose writes into its error records and logs.

Source: Firehose Developer Guide, Transform source data (required parameters, failure handling);
Monitor Firehose using CloudWatch Logs (Lambda invocation errors).
"""

from binascii import Error as BadBase64
from binascii import a2b_base64
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from millpond.services.firehose.delivery.interface import NO_KEYS, Record

PAYLOAD_SIZE_BYTES_MAX = 6 << 20
"""What an event, and what an answer, may be at most: Lambda's bound of a synchronous call."""
RECORDS_MAX = 10_000
"""AWS's bound of records in one invocation."""
EVENT_OVERHEAD_BYTES = 1024
RECORD_OVERHEAD_BYTES = 320
"""What a record takes in an event beside its data and its names, generously."""

FUNCTION_ERROR = "Lambda.FunctionError"
FUNCTION_ERROR_TEXT = (
    "The Lambda function was successfully invoked but it returned an error result."
)
JSON_ERROR = "Lambda.JsonProcessingException"
JSON_ERROR_TEXT = (
    "There was an error parsing returned records from the Lambda function. Ensure that the "
    "returned records follow the status model required by Amazon Data Firehose."
)
MISSING_ID = "Lambda.MissingRecordId"
MISSING_ID_TEXT = (
    "One or more record IDs were not returned. Ensure that the Lambda function returns all "
    "received record IDs."
)
DUPLICATED_ID = "Lambda.DuplicatedRecordId"
DUPLICATED_ID_TEXT = (
    "Multiple records were returned with the same record ID. Ensure that the Lambda function "
    "returns unique record IDs for each record."
)
PROCESSING_FAILED = "Lambda.ProcessingFailedStatus"
PROCESSING_FAILED_TEXT = "ProcessingFailed status set for record"


class InvocationFailed(Exception):
    """An invocation that gave no usable answer, with AWS's code and words."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class Result(NamedTuple):
    """What became of one record: `data` is None for one that was dropped or failed."""

    status: str
    data: bytes | None = None
    partition_keys: Mapping[str, str] = NO_KEYS
    target: Mapping[str, str] = NO_KEYS


class _KinesisMetadata(msgspec.Struct, rename="camel"):
    shard_id: str
    partition_key: str
    approximate_arrival_timestamp: int
    sequence_number: str
    subsequence_number: int


class _EventRecord(msgspec.Struct, rename="camel", omit_defaults=True):
    record_id: str
    approximate_arrival_timestamp: int
    data: bytes
    kinesis_record_metadata: _KinesisMetadata | None = None


class _Event(msgspec.Struct, rename="camel", omit_defaults=True):
    invocation_id: str
    delivery_stream_arn: str
    region: str
    records: Sequence[_EventRecord]
    source_kinesis_stream_arn: str | None = None


class _Metadata(msgspec.Struct, rename="camel"):
    partition_keys: dict[str, str] | None = None
    otf_metadata: dict[str, str] | None = None


class _AnswerRecord(msgspec.Struct, rename="camel"):
    record_id: str
    result: str
    data: str | None = None
    metadata: _Metadata | None = None


class _Answer(msgspec.Struct):
    records: list[_AnswerRecord]


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Answer).decode


def event(
    records: Sequence[Record],
    *,
    invocation_id: str,
    delivery_stream_arn: str,
    region: str,
    source_arn: str | None,
) -> bytes:
    """The event for `records`, as JSON."""
    return _encode(
        _Event(
            invocation_id=invocation_id,
            delivery_stream_arn=delivery_stream_arn,
            region=region,
            source_kinesis_stream_arn=source_arn,
            records=[_event_record(record) for record in records],
        )
    )


def _event_record(record: Record) -> _EventRecord:
    kinesis = None
    if record.shard:
        kinesis = _KinesisMetadata(
            shard_id=record.shard,
            partition_key=record.partition_key,
            approximate_arrival_timestamp=record.arrival_ms,
            sequence_number=record.sequence,
            subsequence_number=max(0, record.subsequence),
        )
    return _EventRecord(record.id, record.arrival_ms, record.data, kinesis)


def batches(records: Iterable[Record], data_size_bytes_max: int) -> Iterable[list[Record]]:
    """Records by invocation: within the buffer's size, Lambda's bound of an event, and the bound
    of their count. A record too large for any event is alone."""
    taken: list[Record] = []
    size, encoded = 0, EVENT_OVERHEAD_BYTES
    for record in records:
        more = len(record.data)
        more_encoded = (more + 2) // 3 * 4 + RECORD_OVERHEAD_BYTES + 2 * len(record.partition_key)
        if taken and (
            size + more > data_size_bytes_max
            or encoded + more_encoded > PAYLOAD_SIZE_BYTES_MAX
            or len(taken) == RECORDS_MAX
        ):
            yield taken
            taken, size, encoded = [], 0, EVENT_OVERHEAD_BYTES
        taken.append(record)
        size += more
        encoded += more_encoded
    if taken:
        yield taken


def results(answer: bytes, ids: Sequence[str]) -> list[Result]:
    """What became of each of `ids`, in their order.

    Raises:
        InvocationFailed: the answer is too large, no such JSON, or its ids are not these.
    """
    if len(answer) > PAYLOAD_SIZE_BYTES_MAX:
        raise InvocationFailed(
            FUNCTION_ERROR,
            f"{FUNCTION_ERROR_TEXT} Response payload size exceeded maximum allowed payload size "
            f"({PAYLOAD_SIZE_BYTES_MAX} bytes).",
        )
    try:
        found = _decode(answer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvocationFailed(JSON_ERROR, f"{JSON_ERROR_TEXT} ({error})") from None
    by_id: dict[str, _AnswerRecord] = {}
    wanted = set(ids)
    for record in found.records:
        if record.record_id in by_id:
            raise InvocationFailed(DUPLICATED_ID, DUPLICATED_ID_TEXT)
        if record.record_id not in wanted:
            raise InvocationFailed(
                JSON_ERROR, f"{JSON_ERROR_TEXT} (The record ID {record.record_id[:64]} is unknown.)"
            )
        by_id[record.record_id] = record
    if len(by_id) < len(wanted):
        raise InvocationFailed(MISSING_ID, MISSING_ID_TEXT)
    return [_result(by_id[one]) for one in ids]


def _result(record: _AnswerRecord) -> Result:
    if record.result in {"Dropped", "ProcessingFailed"}:
        return Result(record.result)
    if record.result != "Ok":
        raise InvocationFailed(
            FUNCTION_ERROR,
            f"{FUNCTION_ERROR_TEXT} (The result {record.result[:64]!r} is none of Ok, Dropped and "
            "ProcessingFailed.)",
        )
    if record.data is None:
        raise InvocationFailed(JSON_ERROR, f"{JSON_ERROR_TEXT} (A record has no data.)")
    try:
        data = a2b_base64(record.data, strict_mode=True)
    except (BadBase64, ValueError):
        raise InvocationFailed(
            JSON_ERROR, f"{JSON_ERROR_TEXT} (The data of a record is no Base64.)"
        ) from None
    metadata = record.metadata or _Metadata()
    return Result("Ok", data, metadata.partition_keys or NO_KEYS, metadata.otf_metadata or NO_KEYS)
