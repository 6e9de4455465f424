"""The controller log of a step or bootstrap action: what was run, and how that ended."""

import time
from collections.abc import Sequence
from pathlib import Path
from shlex import join

from millpond.kernel.clock import Clock


class Controller:
    """Writes lines in the way of EMR's own, each as soon as it is known."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path, self._clock = path, clock
        self._started_ms = clock.now_ms()
        path.parent.mkdir(parents=True, exist_ok=True)

    def begin(self, what: str, words: Sequence[str], folder: Path) -> None:
        self._started_ms = self._clock.now_ms()
        self.say(f"INFO StepRunner: Created Runner for {what}")
        self.say(f"INFO startExec '{join(words)}'")
        self.say(f"INFO Working dir {folder}")

    def end(self, succeeded: bool, description: str) -> None:
        seconds = round((self._clock.now_ms() - self._started_ms) / 1000)
        self.say(f"INFO waitProcessCompletion ended with {description}")
        self.say(f"INFO total process run time: {seconds} seconds")
        outcome = "INFO Step succeeded with" if succeeded else "WARN Step failed with"
        self.say(f"{outcome} {description} and took {seconds} seconds")

    def say(self, line: str) -> None:
        now_ms = self._clock.now_ms()
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now_ms / 1000))
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"{stamp}.{now_ms % 1000:03d}Z {line}\n")
