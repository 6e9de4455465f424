"""What sinks that put records to AWS in batches have in common: encoding, batches, retries.

Entries that AWS did not take are sent again, they alone, with growing, random pauses. A sink that
gets none through for two minutes gives up, and its run begins again from the last checkpoint.
"""

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from millpond.engines.streams.connectors import options
from millpond.engines.streams.connectors.aws import PATIENCE_SECONDS, Aws, AwsError
from millpond.engines.streams.connectors.batches import (
    IN_FLIGHT_MAX_DEFAULT,
    LINGER_SECONDS_DEFAULT,
    Batches,
    portions,
)
from millpond.engines.streams.connectors.endpoints import check_endpoint
from millpond.engines.streams.connectors.interface import SinkFailed, World
from millpond.engines.streams.formats.registry import make_encoder
from millpond.engines.streams.plan import Table

_PAUSE_SECONDS_MIN = 0.05
_PAUSE_SECONDS_MAX = 2.0
_FOR_GOOD = ("AccessDeniedException", "ResourceNotFoundException")


class AwsSink:
    """A sink that encodes rows and puts them in batches. Subclasses say how.

    What was acknowledged is durable; there is nothing to commit. After a loss, rows since the last
    checkpoint are sent again.
    """

    what: str
    """The thing that is written to, for people: "Stream 'orders'"."""

    def __init__(self, table: Table, world: World, region: str | None, size_bytes_max: int) -> None:
        self._table = table
        self._world = world
        self._aws = Aws(world.credentials, region)
        self._encoder = make_encoder(table)
        self._fails_at_once = options.boolean(table.option("sink.fail-on-error") or "false")
        linger_ms = table.option("sink.flush-buffer.timeout")
        size = options.whole(table.option("sink.flush-buffer.size") or str(size_bytes_max))
        in_flight = table.option("sink.requests.max-inflight")
        self._batches = Batches(
            self._put_all,
            size_bytes_max=min(size, size_bytes_max),
            entries_max=options.whole(table.option("sink.batch.max-size") or "500"),
            in_flight_max=options.whole(in_flight) if in_flight else IN_FLIGHT_MAX_DEFAULT,
            linger_seconds=options.whole(linger_ms) / 1000 if linger_ms else LINGER_SECONDS_DEFAULT,
        )

    async def look(self) -> None:
        """See whether what is written to is there; raises AwsError."""
        raise NotImplementedError

    def entries(self, rows: pa.Table, records: Sequence[bytes]) -> Sequence[Any]:
        """What is put for each row; `records` are the encoded rows."""
        raise NotImplementedError

    async def put(self, entries: Sequence[Any]) -> Sequence[Mapping[str, Any]]:
        """Put a batch; answers for each entry a mapping that has `ErrorCode` where it failed."""
        raise NotImplementedError

    def size_bytes(self, entry: Any) -> int:
        """What an entry counts against the size of a batch."""
        raise NotImplementedError

    async def open(self, committed: Any) -> None:
        """Look whether it can be written.

        Raises:
            SinkFailed: it cannot.
        """
        try:
            check_endpoint(self._table, self._world)
            await self.look()
        except (AwsError, ValueError) as error:
            await self._aws.close()
            raise SinkFailed(f"{self.what}: {error}") from error

    async def write(self, rows: pa.Table) -> None:
        """Send rows; waits while enough is on its way.

        Raises:
            SinkFailed: what AWS refused for good, or for too long.
        """
        async for part in portions(rows):
            records: Any = self._encoder.encode(part).to_pylist()
            entries = self.entries(part, records)
            await self._batches.add(entries, [self.size_bytes(entry) for entry in entries])

    async def prepare(self, checkpoint: int) -> Any:
        """Wait until everything that was written is acknowledged.

        Raises:
            SinkFailed: it will not be.
        """
        await self._batches.drain()

    async def commit(self, checkpoint: int, prepared: Any) -> None:
        """Nothing is left to be done."""

    async def close(self) -> None:
        await self._batches.close()
        await self._aws.close()

    async def _put_all(self, entries: Sequence[Any]) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        attempt = 0
        while entries:
            try:
                results = await self.put(entries)
            except AwsError as error:
                raise SinkFailed(f"{self.what}: {error}") from error
            failed = [at for at, result in enumerate(results) if result.get("ErrorCode")]
            self._count(entries, failed)
            if not failed:
                return
            why = results[failed[0]]
            text = f"{why['ErrorCode']}: {why.get('ErrorMessage', '')}"
            given_up = self._fails_at_once or why["ErrorCode"] in _FOR_GOOD
            if given_up or time.monotonic() > until:
                raise SinkFailed(f"{self.what}: {len(failed)} records were refused: {text}")
            if len(failed) < len(entries):
                until, attempt = time.monotonic() + PATIENCE_SECONDS, 0
            entries = [entries[at] for at in failed]
            attempt += 1
            longest = min(_PAUSE_SECONDS_MAX, _PAUSE_SECONDS_MIN * 2**attempt)
            await asyncio.sleep(random.uniform(_PAUSE_SECONDS_MIN / 2, longest))  # noqa: S311

    def _count(self, entries: Sequence[Any], failed: Sequence[int]) -> None:
        sizes = sum(map(self.size_bytes, entries))
        lost = sum(self.size_bytes(entries[at]) for at in failed)
        self._world.traffic.records += len(entries) - len(failed)
        self._world.traffic.bytes += sizes - lost
