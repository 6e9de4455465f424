"""What tests of services share: who calls, and a supervisor that runs when it is told to."""

from dataclasses import replace
from typing import Any

from millpond.engines.records.interface import Records, end_of
from millpond.kernel.call import Call, Principal
from millpond.kernel.clock import Clock
from millpond.kernel.tasks import TASK_PREFIX, Task, read_task, schedule

ACCOUNT = "123456789012"


class Wake:
    """A platform that is not ending, or is: `stopping`. `wait` is over at once."""

    def __init__(self, stopping: bool = False) -> None:
        self.stopping = stopping

    async def wait(self, seconds: float) -> bool:
        return self.stopping


def call_of_ann(service: str) -> Call:
    """A call of a user who may do everything."""
    return Call(
        service=service,
        operation="",
        account=ACCOUNT,
        region="us-east-1",
        principal=Principal(f"arn:aws:iam::{ACCOUNT}:user/ann", "ANN", "AKIA"),
        request_id="R",
        endpoint="http://localhost:4566",
    )


async def tasks_of(records: Records, service: str) -> list[Task]:
    """The background work that a service has written down."""
    async with records.transaction() as transaction:
        found = transaction.scan(TASK_PREFIX, end_of(TASK_PREFIX))
        tasks = [read_task(key, value) async for key, value in found]
    return [task for task in tasks if task.service == service]


async def work_of(
    records: Records, clock: Clock, service: str, steps: Any, needs: Any, wake: Wake | None = None
) -> None:
    """Do all the background work of a service that is due; with a `wake`, one round of it."""
    while True:
        every = await tasks_of(records, service)
        due = [task for task in every if task.due_ms <= clock.now_ms()]
        for task in due:
            next_ms = await steps[task.kind](needs, task, wake or Wake())
            async with records.transaction() as transaction:
                if next_ms is None:
                    transaction.delete(task.key)
                else:
                    schedule(transaction, replace(task, due_ms=next_ms))
        if not due or wake is not None:
            return
