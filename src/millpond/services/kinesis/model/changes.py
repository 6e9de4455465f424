"""What AWS lets happen only so often in 24 hours."""

from typing import Literal

from msgspec.structs import replace

from millpond.services.kinesis.model.stream import DAY_MS, Stream

Kind = Literal["scale", "mode", "encrypt", "decrypt"]

TIMES_A_DAY: dict[Kind, int] = {"scale": 10, "mode": 2, "encrypt": 25, "decrypt": 25}
"""Source: Kinesis API reference: UpdateShardCount, UpdateStreamMode, StartStreamEncryption,
StopStreamEncryption."""


def may_change(stream: Stream, kind: Kind, now_ms: int) -> bool:
    """It was not yet done as often as AWS lets it be done in 24 hours."""
    return len(_in_a_day(stream, kind, now_ms)) < TIMES_A_DAY[kind]


def with_change(stream: Stream, kind: Kind, now_ms: int) -> Stream:
    """The stream, which remembers that it was done now."""
    times = (*_in_a_day(stream, kind, now_ms), now_ms)[-TIMES_A_DAY[kind] :]
    return replace(stream, changes={**stream.changes, kind: times})


def _in_a_day(stream: Stream, kind: Kind, now_ms: int) -> tuple[int, ...]:
    return tuple(time for time in stream.changes.get(kind, ()) if time > now_ms - DAY_MS)
