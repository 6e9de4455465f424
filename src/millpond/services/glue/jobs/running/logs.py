"""What a run prints, on its way to CloudWatch Logs.

Source: Glue developer guide, "Monitoring with Amazon CloudWatch", "Continuous logging".
"""

import asyncio
from functools import partial
from pathlib import Path

from millpond.kernel.call import Call
from millpond.kernel.log_events import put_log_events
from millpond.kernel.log_files import copy_lines
from millpond.services.glue.jobs.arguments import Settings
from millpond.services.glue.jobs.capacity import PYTHON_SHELL
from millpond.services.glue.jobs.definitions import command_of
from millpond.services.glue.jobs.model import Run
from millpond.services.glue.needs import Needs
from millpond.services.glue.shapes import JobUpdate


def group_of(definition: JobUpdate) -> str:
    """What the names of a job's log groups begin with, as GetJobRun tells it."""
    is_shell = command_of(definition) == PYTHON_SHELL
    return "/aws-glue/python-jobs" if is_shell else "/aws-glue/jobs"


class RunLogs:
    """Copies lines until `finish`."""

    def __init__(self, needs: Needs, call: Call, run: Run, settings: Settings) -> None:
        self._needs, self._call = needs, call
        self._run, self._settings = run, settings
        self._ended = asyncio.Event()
        self._copying: list[asyncio.Task[bool]] = []

    def follow(self, stdout: Path, stderr: Path) -> None:
        """Put lines from now on."""
        group, run_id = group_of(self._run.definition), self._run.id
        self._copy(stdout, f"{group}/output", run_id)
        self._copy(stderr, f"{group}/error", run_id)
        if self._settings.continuous_group is not None:
            prefix = self._settings.continuous_prefix or run_id
            self._copy(stderr, self._settings.continuous_group, f"{prefix}-driver")

    async def finish(self) -> None:
        """Put what is left; nothing comes any more."""
        self._ended.set()
        if self._copying:
            await asyncio.wait(self._copying)

    def drop(self) -> None:
        for copying in self._copying:
            copying.cancel()

    def _copy(self, path: Path, group: str, stream: str) -> None:
        put = partial(put_log_events, self._needs.call_aws, self._call, group, stream)
        copying = copy_lines(path, put, self._needs.clock, self._ended)
        self._copying.append(asyncio.create_task(copying))
