"""What a way to read a shard is."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from millpond.engines.streams.connectors.kinesis_records import Record


class Batch(NamedTuple):
    """Records that were read together; `children`: the shards that follow, once that is told."""

    records: Sequence[Record]
    behind_ms: int | None
    children: Sequence[str] = ()


class Reader(Protocol):
    """A way to read the shards of a stream."""

    async def open(self) -> None:
        """Make ready.

        Raises:
            AwsError, SourceFailed: it must not, or cannot.
        """
        ...

    def read(self, shard: str, position: Mapping[str, Any]) -> AsyncGenerator[Batch, None]:
        """What a shard has after a position, to its end.

        Raises:
            AwsError: it cannot go on; `ResourceNotFoundException` where the shard is no more.
        """
        ...

    async def close(self) -> None:
        """Leave nothing behind."""
        ...


def starting_point(position: Mapping[str, Any]) -> dict[str, Any]:
    """A position as Kinesis's `StartingPosition` says it."""
    if "after" in position:
        return {"Type": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": position["after"]}
    if "timestamp" in position:
        return {"Type": "AT_TIMESTAMP", "Timestamp": position["timestamp"] / 1000}
    return {"Type": "TRIM_HORIZON"}
