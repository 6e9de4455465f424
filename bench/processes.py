"""What the processes of a server under test use, sampled once in a while."""

import os
import statistics
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

_PAGE_SIZE_BYTES = os.sysconf("SC_PAGE_SIZE")
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
Role = Literal["server", "application", "engine", "producer", "client", "other"]
_WORDS: tuple[tuple[Role, str, str], ...] = (
    ("application", "millpond.engines.streams.runtime.main", "run"),
    ("engine", "millpond.engines.spark.runtime.engine", ""),
    ("producer", "examples.fraud.produce", ""),
)


@dataclass(frozen=True)
class Sample:
    """What the processes of each role use now: resident memory, how much of that is their own (not
    of files, which the system takes back as it likes), and processor time since their start."""

    at_s: float
    resident_mb: dict[Role, float]
    own_mb: dict[Role, float]
    cpu_seconds: dict[Role, float]


class Sampler:
    """Samples a process and its children until left: `with Sampler(process) as sampler: …`.

    Processes are told apart by what they run: Millpond is the `server`, `application` runs a
    streaming application, `engine` is Sail, `client` is this process.
    """

    def __init__(self, process: subprocess.Popen[bytes] | int, every_seconds: float = 1.0) -> None:
        self._pid = process if isinstance(process, int) else process.pid
        self._every_seconds = every_seconds
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.samples: list[Sample] = []

    def __enter__(self) -> Self:
        self.samples.append(sample(self._pid))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
        self._thread.join()
        self.samples.append(sample(self._pid))

    def resident_mb(self, role: Role) -> float:
        """The mean."""
        return statistics.fmean(each.resident_mb.get(role, 0.0) for each in self.samples)

    def resident_mb_max(self, role: Role) -> float:
        return max(each.resident_mb.get(role, 0.0) for each in self.samples)

    def cores(self, role: Role) -> float:
        """How many processors it used, on average."""
        passed = self.samples[-1].at_s - self.samples[0].at_s
        return self.cpu_seconds(role) / passed if passed else 0.0

    def cpu_seconds(self, role: Role) -> float:
        """The processor time between the first and the last sample that have it."""
        seen = [each.cpu_seconds[role] for each in self.samples if role in each.cpu_seconds]
        return seen[-1] - seen[0] if seen else 0.0

    def _run(self) -> None:
        while not self._left.wait(self._every_seconds):
            self.samples.append(sample(self._pid))


def sample(pid: int) -> Sample:
    """What a process and its children use now."""
    resident: dict[Role, float] = {}
    own: dict[Role, float] = {}
    cpu: dict[Role, float] = {}
    pids = [pid]
    while pids:
        each = pids.pop()
        try:
            pages, of_files = map(int, Path(f"/proc/{each}/statm").read_text().split()[1:3])
            times = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
            words = Path(f"/proc/{each}/cmdline").read_bytes().decode().split("\0")
            for task in Path(f"/proc/{each}/task").iterdir():
                pids += [int(child) for child in (task / "children").read_text().split()]
        except (FileNotFoundError, ProcessLookupError):
            continue
        role = _role(each, words)
        resident[role] = resident.get(role, 0.0) + pages * _PAGE_SIZE_BYTES / 1e6
        own[role] = own.get(role, 0.0) + (pages - of_files) * _PAGE_SIZE_BYTES / 1e6
        ticks = int(times[11]) + int(times[12])
        cpu[role] = cpu.get(role, 0.0) + ticks / _TICKS_PER_SECOND
    return Sample(time.monotonic(), resident, own, cpu)


def _role(pid: int, words: list[str]) -> Role:
    if pid == os.getpid():
        return "client"
    if any(word == "millpond" or word.endswith("/millpond") for word in words) and "up" in words:
        return "server"
    for role, module, mode in _WORDS:
        if module in words and (not mode or mode in words):
            return role
    return "other"
