"""Background work: one step for each application, which lasts until the application rests; and one
that clears away what checks left when the platform was killed."""

import asyncio
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

from millpond.kernel.tasks import Step, Task, Wake
from millpond.services.kinesisanalyticsv2.needs import Needs
from millpond.services.kinesisanalyticsv2.program import CHECKS_FOLDER
from millpond.services.kinesisanalyticsv2.running.application_run import ApplicationRun
from millpond.services.kinesisanalyticsv2.store import APPLICATION_TASK

_SWEEP = "sweep"
_CHECK_SECONDS_MAX = 3600
"""No check lasts so long."""


async def run_application(needs: Needs, task: Task, wake: Wake) -> int | None:
    """Have the application `task.subject` be what its status says."""
    return await ApplicationRun(needs, task, wake).drive()


async def sweep(needs: Needs, task: Task, wake: Wake) -> int | None:
    """Remove the folders of checks that nobody makes any more."""
    await asyncio.to_thread(_sweep, needs.folder / CHECKS_FOLDER)
    return None


def _sweep(folder: Path) -> None:
    for left in folder.glob("*"):
        if left.stat().st_mtime < time.time() - _CHECK_SECONDS_MAX:
            shutil.rmtree(left, ignore_errors=True)


STEPS: Mapping[str, Step] = {APPLICATION_TASK: run_application, _SWEEP: sweep}

TASKS_AT_START: tuple[Task, ...] = (Task("kinesisanalyticsv2", _SWEEP, CHECKS_FOLDER),)
