"""Waits for a task to be written again and for something else, whichever comes first.

The wait for the task goes on from one waiting to the next: cut short, it might miss a waking.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from millpond.kernel.tasks import Wake

_ROUND_SECONDS = 3600.0


class Waiting:
    """One run of a step's waiting. Close it at the end."""

    def __init__(self, wake: Wake) -> None:
        self._wake = wake
        self._waking: asyncio.Task[bool] | None = None

    @property
    def stopping(self) -> bool:
        return self._wake.stopping

    async def until(self, others: Iterable[Callable[[], Coroutine[Any, Any, None]]]) -> None:
        """Return when the task was written again, the platform ends, or one of `others` returns.

        Raises:
            EngineError: what one of them raised.
        """
        if self._waking is None:
            self._waking = asyncio.create_task(self._wake.wait(_ROUND_SECONDS))
        tasks = [asyncio.create_task(other()) for other in others]
        try:
            done, _ = await asyncio.wait(
                (self._waking, *tasks), return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            for task in tasks:
                task.cancel()
        if self._waking in done:
            self._waking = None
        for one in done:
            one.result()

    def close(self) -> None:
        if self._waking is not None:
            self._waking.cancel()
