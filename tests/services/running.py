"""A service at work among those that it calls: S3, Kinesis and Logs on the embedded engines.

Background work is done by the platform's own supervisor, on a clock that tests move.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from millpond.app.supervisor import Supervisor
from millpond.engines.log.embedded import EmbeddedLog
from millpond.engines.objects.embedded import EmbeddedObjects
from millpond.engines.records.embedded import EmbeddedRecords
from millpond.gateway.dispatch import caller
from millpond.gateway.service import Service
from millpond.kernel.clock import ManualClock
from millpond.kernel.ids import SeededIds
from millpond.kernel.metrics import MinuteMeter
from millpond.kernel.pages import Pages
from millpond.services.kinesis import needs as kinesis_needs
from millpond.services.kinesis import operations as kinesis_operations
from millpond.services.kinesis import shapes as kinesis_shapes
from millpond.services.kinesis import tasks as kinesis_tasks
from millpond.services.logs import needs as logs_needs
from millpond.services.logs import operations as logs_operations
from millpond.services.logs import shapes as logs_shapes
from millpond.services.s3 import needs as s3_needs
from millpond.services.s3 import operations as s3_operations
from millpond.services.s3 import shapes as s3_shapes
from tests.services.world import call_of_ann

START_MS = 1_700_000_000_000
"""Where the clock begins: 2023-11-14 22:13:20 UTC."""
WAIT_SECONDS_MAX = 15.0


class Engines(NamedTuple):
    records: Any
    objects: Any
    log: Any
    clock: ManualClock


@asynccontextmanager
async def opened_engines(folder: Path) -> AsyncIterator[Engines]:
    """Engines on a folder, and a clock."""
    clock = ManualClock(START_MS)
    async with AsyncExitStack() as ends:
        records = EmbeddedRecords.open(folder / "records", map_size_bytes=1 << 28)
        ends.push_async_callback(records.close)
        objects = EmbeddedObjects.open(folder / "objects", clock, SeededIds(3))
        ends.push_async_callback(objects.close)
        log = EmbeddedLog.open(folder / "log", clock)
        ends.push_async_callback(log.close)
        yield Engines(records, objects, log, clock)


class RunningServices:
    """S3, Kinesis and Logs on one data folder, and the supervisor of their work.

    Who is tested joins `services`, stands on `common` needs and more, and then calls `join_up`.
    """

    def __init__(self, engines: Engines) -> None:
        self.records, self.log, self.clock = engines.records, engines.log, engines.clock
        self.services: dict[str, Service] = {}
        self.meter = MinuteMeter(self.clock)
        self.ids = SeededIds(7)
        self.common: dict[str, Any] = {
            "clock": self.clock,
            "ids": self.ids,
            "pages": Pages(b"secret"),
            "records": self.records,
        }
        self.services["s3"] = Service(
            s3_shapes.MODEL,
            s3_operations.OPERATIONS,
            s3_needs.Needs(objects=engines.objects, local_files=engines.objects, **self.common),
        )
        self.services["kinesis"] = Service(
            kinesis_shapes.MODEL,
            kinesis_operations.OPERATIONS,
            kinesis_needs.Needs(
                log=self.log,
                meter=self.meter,
                call_aws=caller(self.services, kinesis_needs.CALLS),
                limits=False,
                **self.common,
            ),
            kinesis_tasks.STEPS,
        )
        self.services["logs"] = Service(
            logs_shapes.MODEL,
            logs_operations.OPERATIONS,
            logs_needs.Needs(
                log=self.log,
                meter=self.meter,
                call_aws=caller(self.services, logs_needs.CALLS),
                insights=None,
                **self.common,
            ),
        )
        self._supervisor: Supervisor | None = None

    def join_up(self, service: str) -> None:
        """Let tests call every operation, as somebody who begins with `service`."""
        every = [
            (name, operation)
            for name, each in self.services.items()
            for operation in each.operations
        ]
        self._caller = caller(self.services, every)
        self.call = call_of_ann(service)

    async def start(self) -> None:
        self._supervisor = Supervisor(self.records, self.clock, self.services)
        await self._supervisor.start()

    async def stop(self, seconds: float = 0.0) -> None:
        """End all work; what does not end within `seconds` is cut off."""
        if self._supervisor is not None:
            await self._supervisor.stop(seconds)
            self._supervisor = None

    async def until(self, is_so: Callable[[], Awaitable[Any]], *, moving: bool = True) -> Any:
        """What `is_so` answers, once that is something; the clock runs meanwhile."""
        end = time.monotonic() + WAIT_SECONDS_MAX
        while not (found := await is_so()):
            assert time.monotonic() < end, "It did not happen."
            if moving:
                self.clock.advance(0.1)
            await asyncio.sleep(0.002)
        return found

    async def of(self, service: str, operation: str, **members: Any) -> dict[str, Any]:
        """Call an operation of a service by AWS's names."""
        return await self._caller(self.call, service, operation, **members)
