"""Background work, written down in the transaction that calls for it and done by the supervisor.

An operation writes `schedule(transaction, Task(...))`. The supervisor (app floor) sees the record
appear, runs the service's step for that kind, and removes the record when the step says it is
done. A record that outlives the process is taken up again at the next start, so a step begins by
looking at the state it finds: what it marked as running itself was interrupted.
"""

import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

TASK_PREFIX = b"task\x00"


@dataclass(frozen=True, slots=True)
class Task:
    """A piece of work: `subject` names what it is about (a query id, a crawler's name, …)."""

    service: str
    kind: str
    subject: str
    due_ms: int = 0
    account: str = ""
    region: str = ""

    @property
    def key(self) -> bytes:
        parts = (self.service, self.kind, self.account, self.region, self.subject)
        return TASK_PREFIX + b"\x00".join(part.encode() for part in parts)


class Writes(Protocol):
    """The writing half of a transaction."""

    def put(self, key: bytes, value: bytes) -> None: ...


def schedule(transaction: Writes, task: Task) -> None:
    """Have `task` done at or after its `due_ms`; writing it again wakes a step that is waiting.

    The mark makes every writing a different value, so that none is taken for an earlier one.
    """
    value = {"due_ms": task.due_ms, "mark": secrets.token_hex(8)}
    transaction.put(task.key, json.dumps(value).encode())


def read_task(key: bytes, value: bytes) -> Task:
    """The task that `schedule` wrote."""
    service, kind, account, region, subject = key[len(TASK_PREFIX) :].decode().split("\x00", 4)
    return Task(service, kind, subject, json.loads(value)["due_ms"], account, region)


class Wake(Protocol):
    """How a running step hears that its task was written again, or that the platform is ending."""

    @property
    def stopping(self) -> bool:
        """The platform is ending: leave things so that the next start can take them up."""
        ...

    async def wait(self, seconds: float) -> bool:
        """True once the task is written again or the platform ends, False when time is up."""
        ...


Step = Callable[[Any, Task, Wake], Awaitable[int | None]]
"""`async def step(needs, task, wake) -> next due time in epoch ms, or None when the work is done`.

An exception is logged and the step runs again after a growing pause."""
