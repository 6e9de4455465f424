"""The folders of a cluster, which all of its nodes share: what its programs write, and their logs.

Logs are apart from the rest. They are read by the platform and put where a program's owner can read
them; a program that could replace one by a link could have any file of the platform read.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class LogFiles:
    """The logs of a step or bootstrap action."""

    controller: Path
    stdout: Path
    stderr: Path

    @property
    def all(self) -> tuple[Path, Path, Path]:
        return (self.controller, self.stdout, self.stderr)


@dataclass(frozen=True, slots=True)
class Folders:
    """`folder` is the engine's, `logs` the platform's own."""

    folder: Path
    logs: Path

    def engine_logs(self) -> list[Path]:
        """The logs of the engine and of its nodes, those that there are now."""
        return sorted((self.folder / "logs").glob("*.log"))

    def scratch(self, *names: str) -> Path:
        """The folder that a step (`steps`, its id) or bootstrap action begins in."""
        return self.folder.joinpath(*names)

    def log_files(self, *names: str) -> LogFiles:
        """The logs of a step or bootstrap action."""
        folder = self.logs.joinpath(*names)
        return LogFiles(folder / "controller", folder / "stdout", folder / "stderr")
