"""Failed records as lines of the objects below the error output prefix.

Source: Firehose Developer Guide: data transformation failure handling, record format conversion
error handling, and what is delivered to S3 when a destination fails.
"""

import base64
from collections.abc import Iterable
from typing import Any

import msgspec

from millpond.services.firehose.delivery.interface import (
    FORMAT_CONVERSION_FAILED,
    PROCESSING_FAILED,
    Batch,
    Failure,
    Record,
    Undelivered,
)

_encode = msgspec.json.Encoder().encode


def line_of(failure: Failure, now_ms: int) -> bytes:
    """A failure as a line of JSON, with AWS's members."""
    prefix = "lastError" if failure.kind == FORMAT_CONVERSION_FAILED else "error"
    members: dict[str, Any] = {
        "attemptsMade": failure.attempts,
        "arrivalTimestamp": failure.arrival_ms,
        f"{prefix}Code": failure.code,
        f"{prefix}Message": failure.message,
        "attemptEndingTimestamp": now_ms,
        "rawData": base64.b64encode(failure.raw).decode(),
    }
    return _encode(members | dict(failure.more)) + b"\n"


def failures_of(kind: str, batch: Batch, undelivered: Iterable[Undelivered]) -> list[Failure]:
    """What of a batch did not arrive, as failures."""
    return [
        Failure(
            kind=kind,
            code=one.code,
            message=one.message,
            raw=one.record.data,
            arrival_ms=one.record.arrival_ms,
            attempts=batch.attempt,
            more=one.more,
        )
        for one in undelivered
    ]


def partition_failure(record: Record, code: str, message: str) -> Failure:
    """A record that no partition could take."""
    return Failure(PROCESSING_FAILED, code, message, record.data, record.arrival_ms)
