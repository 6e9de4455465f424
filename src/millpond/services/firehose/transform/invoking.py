"""Puts records to a transformation function, batch by batch, again where it fails."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from millpond.services.firehose.delivery.interface import (
    PROCESSING_FAILED,
    Delivery,
    Failure,
    Record,
    Transformed,
)
from millpond.services.firehose.needs import Needs
from millpond.services.firehose.transform import invocation
from millpond.services.firehose.transform.configuration import FunctionSettings
from millpond.services.firehose.transform.function import Function, function_at
from millpond.services.firehose.transform.invocation import InvocationFailed, Result

PAUSE_SECONDS = 0.1
PAUSE_SECONDS_MAX = 5.0


class Invoking:
    """The Lambda processor of a delivery stream."""

    def __init__(self, needs: Needs, delivery: Delivery, settings: FunctionSettings) -> None:
        self._needs = needs
        self._delivery = delivery
        self._settings = settings
        self._more: dict[str, Any] = {"lambdaArn": settings.address}
        self.function: Function = function_at(needs, delivery, settings.address, settings.role_arn)

    async def apply(self, records: Sequence[Record]) -> Transformed:
        kept: list[Record] = []
        failures: list[Failure] = []
        dropped = 0
        for batch in invocation.batches(records, self._settings.buffer_size_bytes):
            try:
                results, attempts = await self._results(batch)
            except _GivenUp as given_up:
                last = given_up.last
                self._delivery.tell(last.code, last.message, processor=self._settings.address)
                failures += [
                    self._failure(record, last.code, last.message, given_up.attempts)
                    for record in batch
                ]
                continue
            for record, result in zip(batch, results, strict=True):
                if result.status == "Dropped":
                    dropped += 1
                elif result.data is None:
                    code, text = invocation.PROCESSING_FAILED, invocation.PROCESSING_FAILED_TEXT
                    failures.append(self._failure(record, code, text, attempts))
                else:
                    kept.append(
                        replace(
                            record,
                            data=result.data,
                            lambda_keys=result.partition_keys,
                            target={**record.target, **result.target},
                        )
                    )
        return Transformed(kept, failures, dropped)

    async def close(self) -> None:
        await self.function.close()

    async def _results(self, batch: Sequence[Record]) -> tuple[list[Result], int]:
        """What became of a batch's records, and at which attempt."""
        ids = [record.id for record in batch]
        attempt = 0
        while True:
            attempt += 1
            started = time.perf_counter()
            try:
                event = await asyncio.to_thread(self._event, batch)
                answer = await self.function.invoke(event)
                results = await asyncio.to_thread(invocation.results, answer, ids)
            except InvocationFailed as failed:
                self._measure(started, batch, is_success=False)
                if attempt > self._settings.retries:
                    raise _GivenUp(failed, attempt) from failed
                pause = min(PAUSE_SECONDS_MAX, PAUSE_SECONDS * 2 ** (attempt - 1))
                await self._needs.clock.sleep(pause)
            else:
                self._measure(started, batch, is_success=True)
                return results, attempt

    def _event(self, batch: Sequence[Record]) -> bytes:
        event = invocation.event(
            batch,
            invocation_id=self._needs.ids.uuid(),
            delivery_stream_arn=self._delivery.arn,
            region=self._delivery.region,
            source_arn=self._delivery.source_arn,
        )
        if len(event) > invocation.PAYLOAD_SIZE_BYTES_MAX:
            raise InvocationFailed(
                invocation.FUNCTION_ERROR,
                f"The event of {len(event)} bytes is larger than a function takes "
                f"({invocation.PAYLOAD_SIZE_BYTES_MAX} bytes).",
            )
        return event

    def _measure(self, started: float, batch: Sequence[Record], *, is_success: bool) -> None:
        spent_ms = (time.perf_counter() - started) * 1000
        self._delivery.count("ExecuteProcessing.Duration", spent_ms, "Milliseconds")
        self._delivery.count("ExecuteProcessing.Success", 1.0 if is_success else 0.0)
        if is_success:
            self._delivery.count("SucceedProcessing.Records", len(batch))
            size = sum(len(record.data) for record in batch)
            self._delivery.count("SucceedProcessing.Bytes", size, "Bytes")

    def _failure(self, record: Record, code: str, message: str, attempts: int) -> Failure:
        return Failure(
            PROCESSING_FAILED, code, message, record.data, record.arrival_ms, attempts, self._more
        )


class _GivenUp(Exception):
    def __init__(self, last: InvocationFailed, attempts: int) -> None:
        super().__init__(str(last))
        self.last = last
        self.attempts = attempts
