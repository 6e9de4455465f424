"""What a subscriber is sent: JSON, compressed by gzip.

Source: CloudWatch Logs user guide, "Real-time processing of log data with subscriptions".
"""

import zlib
from collections.abc import Sequence

import msgspec

RAW_SIZE_BYTES_MAX = 900_000
"""Messages of one payload, before they are compressed."""
PAYLOAD_SIZE_BYTES_MAX = 1_000_000
"""What both Kinesis and Firehose take as one record."""
_GZIP = 16 + zlib.MAX_WBITS
_FAST = 1


class Event(msgspec.Struct, frozen=True, gc=False):
    id: str
    timestamp: int
    message: str


class Payload(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    message_type: str
    owner: str
    log_group: str
    log_stream: str
    subscription_filters: Sequence[str]
    log_events: Sequence[Event]


def compress(payload: Payload) -> bytes:
    compressor = zlib.compressobj(_FAST, zlib.DEFLATED, _GZIP)
    return compressor.compress(msgspec.json.encode(payload)) + compressor.flush()


def control_message(destination: str, now_ms: int) -> bytes:
    """What a destination is sent to see whether it can be reached."""
    text = f"CWL CONTROL MESSAGE: Checking health of destination {destination}."
    return compress(
        Payload(
            message_type="CONTROL_MESSAGE",
            owner="CloudwatchLogs",
            log_group="",
            log_stream="",
            subscription_filters=(),
            log_events=(Event("", now_ms, text),),
        )
    )
