"""Sizes as AWS writes them (`4 vCPU`, `16 GB`), and the workers that there are.

Source: EMR Serverless User Guide, "Worker configurations", "Pre-initialized capacity".
"""

import re
from dataclasses import dataclass

from millpond.services.emrserverless import shapes
from millpond.services.emrserverless.errors import Validation
from millpond.services.emrserverless.model.records import Worker

DISK_GB_DEFAULT = 20
DISK_GB_MAX, SHUFFLE_DISK_GB_MAX = 200, 2000
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class _Memory:
    """The memory that a worker of so many vCPUs may have, in GB."""

    low: int
    high: int
    step: int


_MEMORY = {
    1: _Memory(2, 8, 1),
    2: _Memory(4, 16, 1),
    4: _Memory(8, 30, 1),
    8: _Memory(16, 60, 4),
    16: _Memory(32, 120, 8),
}


def number_of(size: str) -> int:
    """The number of a size whose form the model has checked."""
    found = _NUMBER.match(size)
    assert found is not None
    return int(found[0])


def show_cpu(size: str) -> str:
    return f"{number_of(size)} vCPU"


def show_gb(size: str) -> str:
    return f"{number_of(size)} GB"


def read_worker(asked: shapes.WorkerResourceConfig) -> Worker:
    """A worker as it is configured.

    Raises:
        Validation: AWS has no worker of that size.
    """
    cpu, memory = number_of(asked.cpu), number_of(asked.memory)
    disk = number_of(asked.disk) if asked.disk else DISK_GB_DEFAULT
    allowed = _memory_of(cpu)
    if not allowed.low <= memory <= allowed.high or memory % allowed.step:
        raise Validation(_describe(cpu, memory, allowed))
    shuffle = (asked.disk_type or "STANDARD").upper() == "SHUFFLE_OPTIMIZED"
    if shuffle and cpu < 4:
        raise Validation("Shuffle-optimized disks need workers of at least 4 vCPU.")
    return Worker(cpu, memory, _checked_disk(disk, SHUFFLE_DISK_GB_MAX if shuffle else DISK_GB_MAX))


def fit_worker(cpu: int, memory_gb: float, disk_gb: int, disk_max: int = DISK_GB_MAX) -> Worker:
    """The smallest worker that has so much memory, which includes its overhead.

    Raises:
        Validation: there is none so big.
    """
    allowed = _memory_of(cpu)
    steps = -(-memory_gb // allowed.step)
    memory = max(int(steps) * allowed.step, allowed.low)
    if memory > allowed.high:
        raise Validation(_describe(cpu, memory, allowed))
    return Worker(cpu, memory, _checked_disk(max(disk_gb, DISK_GB_DEFAULT), disk_max))


def _memory_of(cpu: int) -> _Memory:
    allowed = _MEMORY.get(cpu)
    if allowed is None:
        known = ", ".join(map(str, _MEMORY))
        raise Validation(f"A worker cannot have {cpu} vCPU; supported are {known}.")
    return allowed


def _describe(cpu: int, memory: int, allowed: _Memory) -> str:
    return (
        f"Memory of {memory} GB is not supported for workers of {cpu} vCPU; supported are "
        f"{allowed.low} GB to {allowed.high} GB in steps of {allowed.step} GB."
    )


def _checked_disk(disk: int, most: int) -> int:
    if not DISK_GB_DEFAULT <= disk <= most:
        raise Validation(
            f"A disk of {disk} GB is not supported; supported are {DISK_GB_DEFAULT} GB to "
            f"{most} GB."
        )
    return disk
