"""The logs of an attempt: its driver's output, and what its executors say, on their way to S3 and
to CloudWatch Logs while they grow."""

import asyncio
from functools import partial
from pathlib import Path

from millpond.kernel.call import Call, role_session
from millpond.kernel.log_archive import LogArchive
from millpond.kernel.log_events import put_log_events
from millpond.kernel.log_files import copy_lines
from millpond.kernel.tasks import Task
from millpond.services.emrserverless.model.places import Places, places_of
from millpond.services.emrserverless.model.records import JobRun
from millpond.services.emrserverless.model.role import ACTIONS
from millpond.services.emrserverless.needs import Needs

_EXECUTORS = ("engine*.log", "node-*.log")
"""How runtimes call the logs of a cluster's nodes."""
_TAIL_SIZE_BYTES = 8192


class RunLogs:
    """`folder` is the platform's own: programs that could replace a log by a link could have any
    file of the platform read."""

    def __init__(self, needs: Needs, task: Task, run: JobRun, folder: Path) -> None:
        self._needs, self._folder = needs, folder
        self._places: Places = places_of(run, run.attempt)
        role_arn = run.request.execution_role_arn
        self._call = Call(
            service="emrserverless",
            operation="StartJobRun",
            account=task.account,
            region=task.region,
            principal=role_session(task.account, role_arn, run.id, ACTIONS),
            request_id=needs.ids.uuid(),
            endpoint=needs.endpoint(),
        )
        self._archive = LogArchive(needs.call_aws, self._call, needs.clock)
        self._ended = asyncio.Event()
        self._copying: dict[Path, asyncio.Task[bool]] = {}

    @property
    def stdout(self) -> Path:
        return self._folder / "stdout"

    @property
    def stderr(self) -> Path:
        return self._folder / "stderr"

    def open(self) -> None:
        """Follow what the driver will say."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for path in (self.stdout, self.stderr):
            self._follow(path, self._places.driver, path.name)

    def follow_executors(self, folder: Path) -> None:
        """Follow what the nodes of a cluster say; those that came since the last time, too."""
        logs = (path for kind in _EXECUTORS for path in sorted(folder.glob(kind)))
        for number, path in enumerate(logs, 1):
            self._follow(path, f"{self._places.executor}/{number}", "stderr")

    def say(self, text: str) -> None:
        """Tell something in the driver's standard error."""
        with self.stderr.open("a", encoding="utf-8") as file:
            file.write(f"{text}\n")

    def last_line(self) -> str:
        """The last line of the driver's standard error that says something."""
        try:
            with self.stderr.open("rb") as file:
                file.seek(max(0, self.stderr.stat().st_size - _TAIL_SIZE_BYTES))
                lines = file.read().decode("utf-8", "replace").splitlines()
        except FileNotFoundError:
            return ""
        said = [line.strip() for line in lines if line.strip()]
        return said[-1] if said else ""

    async def finish(self) -> None:
        """Copy what is left, and follow nothing any more."""
        await self._archive.finish()
        self._ended.set()
        if self._copying:
            await asyncio.wait(self._copying.values())

    async def archive_again(self) -> None:
        """Put the logs of an attempt that a restart interrupted, as far as they go, into S3."""
        if self.stderr.exists():
            for path in (self.stdout, self.stderr):
                self._archive_from_now(path, self._places.driver, path.name)
            await self._archive.finish()

    async def let_go(self) -> None:
        """Copy nothing any more."""
        await self._archive.stop()
        for copying in self._copying.values():
            copying.cancel()

    def _follow(self, path: Path, worker: str, log: str) -> None:
        self._archive_from_now(path, worker, log)
        stream, streams = self._places.stream(worker, log), self._places.streams
        if stream is None or streams is None or path in self._copying:
            return
        needs = self._needs
        put = partial(put_log_events, needs.call_aws, self._call, streams.group, stream)
        copying = copy_lines(path, put, needs.clock, self._ended)
        self._copying[path] = asyncio.create_task(copying)

    def _archive_from_now(self, path: Path, worker: str, log: str) -> None:
        place = self._places.key_folder(worker)
        if place is not None:
            self._archive.follow(path, place.bucket, f"{place.prefix}{log}.gz")
