"""One piece of work of a cluster: a step, or a bootstrap action, with its three logs."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from millpond.engines.spark.interface import Application, CannotStart, Cluster, Run
from millpond.kernel.clock import Clock
from millpond.services.emr.model.places import Place
from millpond.services.emr.model.records import Failure
from millpond.services.emr.running.controller import Controller
from millpond.services.emr.running.folders import LogFiles
from millpond.services.emr.running.logs import Logs

INTERRUPT_GRACE_SECONDS = 10.0
"""How long a step may take after it was asked to stop, before it is killed."""
END_GRACE_SECONDS = 2.0
UNKNOWN_ERROR = "Unknown Error."
"""What AWS says when it does not know the cause."""
_TAIL_SIZE_BYTES = 8192
_MESSAGE_LENGTH_MAX = 1024


class Work:
    """`what` names it in the controller log; `scratch` is where it begins."""

    def __init__(
        self, what: str, scratch: Path, files: LogFiles, place: Place | None, clock: Clock
    ) -> None:
        self._what, self._scratch, self._files, self._place = what, scratch, files, place
        self._controller = Controller(files.controller, clock)
        self._run: Run | None = None
        self._ended_by_us = False

    async def run(
        self,
        cluster: Cluster,
        words: Sequence[str],
        logs: Logs,
        environment: Mapping[str, str] | None = None,
    ) -> Failure | None:
        """Run a command line to its end; why it failed, None when it did not."""
        self._controller.begin(self._what, words, self._scratch)
        logs.follow(self._place, *self._files.all)
        application = Application(
            tuple(words),
            self._scratch,
            self._files.stdout,
            self._files.stderr,
            environment or {},
        )
        try:
            self._run = await cluster.run(application)
            if self._ended_by_us:
                await self._run.end(END_GRACE_SECONDS)
            finished = await self._run.wait()
        except CannotStart as error:
            return await self.refuse(UNKNOWN_ERROR, str(error), logs)
        succeeded = finished.exit_code == 0
        self._controller.end(succeeded, finished.description)
        failure = None if succeeded else await self._explain(finished.description)
        await logs.finish(*self._files.all)
        return failure

    async def refuse(self, reason: str, message: str, logs: Logs) -> Failure:
        """It cannot run: say so in its logs and in its failure."""
        with self._files.stderr.open("a", encoding="utf-8") as file:
            file.write(f"{message or reason}\n")
        self._files.stdout.touch()
        self._controller.say(f"WARN Step failed: {message or reason}")
        logs.follow(self._place, *self._files.all)
        await logs.finish(*self._files.all)
        return Failure(reason=reason, message=message, log_file=self._log_file())

    async def interrupt(self) -> None:
        """Ask it to stop, and kill it when it takes too long."""
        self._controller.say("INFO Interrupting the step")
        if self._run is not None:
            self._run.interrupt()
            try:
                async with asyncio.timeout(INTERRUPT_GRACE_SECONDS):
                    await self._run.wait()
                    return
            except TimeoutError:
                pass
        await self.end()

    async def end(self) -> None:
        """End it now."""
        self._ended_by_us = True
        if self._run is not None:
            await self._run.end(END_GRACE_SECONDS)

    async def _explain(self, description: str) -> Failure:
        line = await asyncio.to_thread(_last_line, self._files.stderr)
        message = line or f"The step ended with {description}."
        return Failure(reason=UNKNOWN_ERROR, message=message, log_file=self._log_file())

    def _log_file(self) -> str:
        return self._place.url("stderr.gz") if self._place else ""


def _last_line(path: Path) -> str:
    """The last line that says something."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL_SIZE_BYTES))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return ""
    said = [line.strip() for line in lines if line.strip()]
    return said[-1][:_MESSAGE_LENGTH_MAX] if said else ""
