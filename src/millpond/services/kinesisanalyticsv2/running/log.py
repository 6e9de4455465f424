"""What an application tells, as AWS writes it into its CloudWatch log stream.

Without a logging option that is `/aws/kinesis-analytics/<application>`, stream
`kinesis-analytics-log-stream`, as AWS's console makes it. Events are gathered for a second and put
together; when more come than can be put, the oldest are left out and counted.
Source: developer guide, Writing custom messages to CloudWatch Logs; Analyzing logs.
"""

import asyncio
import json
import logging
from collections import deque

from millpond.kernel.call import Call, Caller
from millpond.kernel.clock import Clock
from millpond.kernel.log_events import put_log_events
from millpond.services.kinesisanalyticsv2.model.application import Application, Version
from millpond.services.kinesisanalyticsv2.model.configuring import log_place

DEFAULT_STREAM = "kinesis-analytics-log-stream"
PAUSE_SECONDS = 1.0
WAITING_MAX = 5_000
_TEXT_SIZE_MAX = 30_000
_BATCH_COUNT = 500
_BATCH_SIZE_BYTES = 900_000
_EVENT_OVERHEAD_BYTES = 26

_log = logging.getLogger("millpond.kinesisanalyticsv2")


def place_of(application: Application, version: Version) -> tuple[str, str]:
    """The log group and log stream of an application."""
    if version.logging:
        return log_place(version.logging[0]["LogStreamARN"])
    return f"/aws/kinesis-analytics/{application.name}", DEFAULT_STREAM


class ApplicationLog:
    """Tells for one application; `call` says in whose name."""

    def __init__(self, call_aws: Caller, clock: Clock, application: Application) -> None:
        self._call_aws, self._clock = call_aws, clock
        self._application = application
        self._waiting: deque[tuple[int, bytes]] = deque()
        self._left_out = 0
        self._place = ("", "")
        self._version = 0
        self._call: Call | None = None
        self._putting: asyncio.Task[None] | None = None

    @property
    def application_id(self) -> str:
        return self._application.id

    def open(self, call: Call, version: Version) -> None:
        """From now on tell as `call`'s principal, for `version`."""
        self._call = call
        self._place = place_of(self._application, version)
        self._version = version.number
        if self._putting is None:
            self._putting = asyncio.create_task(self._put_again_and_again())

    def say(
        self, level: str, text: str, logger: str = "millpond.streams", time_ms: int | None = None
    ) -> None:
        """One message; it is put within a second."""
        event = {
            "applicationARN": self._application.arn,
            "applicationVersionId": str(self._version),
            "locationInformation": logger,
            "logger": logger,
            "message": text[:_TEXT_SIZE_MAX],
            "messageSchemaVersion": "1",
            "messageType": level,
            "threadName": "main",
        }
        if len(self._waiting) == WAITING_MAX:
            self._waiting.popleft()
            self._left_out += 1
        when_ms = self._clock.now_ms() if time_ms is None else time_ms
        self._waiting.append((when_ms, json.dumps(event, ensure_ascii=False).encode()))

    async def close(self) -> None:
        """Put what waits, if that can be done, and no more."""
        if self._putting is not None:
            self._putting.cancel()
            await asyncio.wait([self._putting])
            self._putting = None
            await self._put_all()

    async def _put_again_and_again(self) -> None:
        while True:
            await self._clock.sleep(PAUSE_SECONDS)
            await self._put_all()

    async def _put_all(self) -> None:
        if self._left_out:
            left_out, self._left_out = self._left_out, 0
            self.say("WARN", f"{left_out} messages were left out: too many at once.")
        while self._waiting and self._call is not None:
            batch = self._batch()
            group, stream = self._place
            if not await put_log_events(self._call_aws, self._call, group, stream, sorted(batch)):
                _log.warning("Messages of %s were not put into its log.", self._application.name)
                return

    def _batch(self) -> list[tuple[int, bytes]]:
        batch: list[tuple[int, bytes]] = []
        size = 0
        while self._waiting and len(batch) < _BATCH_COUNT:
            size += len(self._waiting[0][1]) + _EVENT_OVERHEAD_BYTES
            if batch and size > _BATCH_SIZE_BYTES:
                break
            batch.append(self._waiting.popleft())
        return batch
