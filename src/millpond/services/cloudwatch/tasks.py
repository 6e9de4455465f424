"""CloudWatch's work in the background: keeping what was measured, and ageing."""

from collections.abc import Mapping
from functools import partial

from millpond.engines.records.interface import Transaction, transact
from millpond.kernel.tasks import Step, Task, Wake
from millpond.services.cloudwatch import store
from millpond.services.cloudwatch.metering import keep_measurements
from millpond.services.cloudwatch.needs import Needs

KEEP_SECONDS = 10.0
"""How much of the measurements a killed process takes with it."""
ROLL_UP_SECONDS = 3600
ROLLED_UP_AT_ONCE = 100
"""Metrics of one transaction."""


async def keep(needs: Needs, task: Task, wake: Wake) -> int | None:
    """Keep what the services measured from time to time, and once more when the platform ends."""
    while True:
        await wake.wait(KEEP_SECONDS)
        await keep_measurements(needs)
        if wake.stopping:
            return needs.clock.now_ms()


async def roll_up(needs: Needs, task: Task, wake: Wake) -> int | None:
    """Every hour, sum up what is old by longer stretches, and forget what is too old."""
    after = b""
    while not wake.stopping:
        after = await transact(needs.records, partial(_roll_up, needs, after))
        if not after:
            break
    return needs.clock.now_ms() + ROLL_UP_SECONDS * 1000


async def _roll_up(needs: Needs, after: bytes, transaction: Transaction) -> bytes:
    now = needs.clock.now_ms() // 1000
    return await store.roll_up(transaction, after, ROLLED_UP_AT_ONCE, now)


STEPS: Mapping[str, Step] = {"keep": keep, "roll_up": roll_up}

TASKS_AT_START: tuple[Task, ...] = (
    Task("cloudwatch", "keep", ""),
    Task("cloudwatch", "roll_up", ""),
)
