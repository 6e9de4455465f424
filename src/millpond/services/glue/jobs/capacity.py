"""Workers and data processing units: what a job may ask for, and what it gets here.

Source: Glue API reference, CreateJob (MaxCapacity, WorkerType, NumberOfWorkers, ExecutionClass).
"""

from typing import NamedTuple, Protocol

import msgspec

from millpond.engines.spark.interface import Node, Size, scaled
from millpond.services.glue.errors import InvalidInput
from millpond.services.glue.jobs.versions import is_at_least

PYTHON_SHELL = "pythonshell"
DPUS_DEFAULT = 10.0
DPUS_MIN, DPUS_MAX = 2, 100
SHELL_DPUS = (0.0625, 1.0)
WORKERS_MIN = 2
_GIB = 1 << 30


class Worker(NamedTuple):
    dpus: float
    cores: int
    memory_gib: int
    since: str


WORKERS = {
    "Standard": Worker(1, 4, 16, "0.9"),
    "G.025X": Worker(0.25, 2, 4, "3.0"),
    "G.1X": Worker(1, 4, 16, "0.9"),
    "G.2X": Worker(2, 8, 32, "0.9"),
    "G.4X": Worker(4, 16, 64, "3.0"),
    "G.8X": Worker(8, 32, 128, "3.0"),
    "G.12X": Worker(12, 48, 192, "4.0"),
    "G.16X": Worker(16, 64, 256, "4.0"),
    "R.1X": Worker(1, 4, 32, "4.0"),
    "R.2X": Worker(2, 8, 64, "4.0"),
    "R.4X": Worker(4, 16, 128, "4.0"),
    "R.8X": Worker(8, 32, 256, "4.0"),
}
_FLEXIBLE = ("Standard", "G.1X", "G.2X")


class Asked(Protocol):
    """What a definition of a job, or the start of a run, says of its capacity."""

    @property
    def allocated_capacity(self) -> int | None: ...
    @property
    def max_capacity(self) -> float | None: ...
    @property
    def worker_type(self) -> str | None: ...
    @property
    def number_of_workers(self) -> int | None: ...


class Allotment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a run is given by AWS's count. `worker_type` is None for a Python shell."""

    dpus: float
    worker_type: str | None = None
    number_of_workers: int | None = None
    tells_workers: bool = True
    """Whether AWS shows workers, or (of jobs of Glue 1.0 and before) the capacity alone."""


def says_capacity(asked: Asked) -> bool:
    given = (asked.allocated_capacity, asked.max_capacity, asked.worker_type)
    return any(value is not None for value in (*given, asked.number_of_workers))


def allot(asked: Asked, command: str, version: str) -> Allotment:
    """What a job gets that asks for this.

    Raises:
        InvalidInput: it cannot be had, or two of the ways to say it are mixed.
    """
    if asked.allocated_capacity is not None and asked.max_capacity is not None:
        raise InvalidInput("Please set only Allocated Capacity or Max Capacity.")
    dpus = asked.max_capacity if asked.max_capacity is not None else asked.allocated_capacity
    has_workers = asked.worker_type is not None or asked.number_of_workers is not None
    if command == PYTHON_SHELL:
        if has_workers:
            raise InvalidInput(
                "Worker Type is not supported for Job Command pythonshell "
                f"and Glue Version {version}."
            )
        return _allot_shell(dpus)
    if not has_workers:
        return _allot_dpus(dpus, version)
    if dpus is not None:
        name = "Max" if asked.max_capacity is not None else "Allocated"
        raise InvalidInput(
            f"Please do not set {name} Capacity if using Worker Type and Number of Workers."
        )
    return _allot_workers(asked.worker_type, asked.number_of_workers, version)


def _allot_shell(dpus: float | None) -> Allotment:
    dpus = SHELL_DPUS[0] if dpus is None else float(dpus)
    if dpus not in SHELL_DPUS:
        raise InvalidInput("The Max Capacity of a pythonshell job is either 0.0625 or 1.")
    return Allotment(dpus=dpus, tells_workers=False)


def _allot_dpus(dpus: float | None, version: str) -> Allotment:
    dpus = DPUS_DEFAULT if dpus is None else float(dpus)
    if not dpus.is_integer() or not DPUS_MIN <= dpus <= DPUS_MAX:
        raise InvalidInput(
            f"The Max Capacity of a Spark job is a whole number from {DPUS_MIN} to {DPUS_MAX}."
        )
    return Allotment(
        dpus=dpus,
        worker_type="G.1X",
        number_of_workers=int(dpus),
        tells_workers=is_at_least(version, "2.0"),
    )


def _allot_workers(name: str | None, number: int | None, version: str) -> Allotment:
    if name is None or number is None:
        raise InvalidInput("Please set both Worker Type and Number of Workers.")
    worker = WORKERS.get(name)
    if worker is None:
        raise InvalidInput(f"Worker Type {name} is not supported: it is of Ray jobs.")
    if not is_at_least(version, worker.since):
        raise InvalidInput(f"Worker Type {name} is not supported for Glue Version {version}.")
    if number < WORKERS_MIN:
        raise InvalidInput(f"Number of Workers must be at least {WORKERS_MIN}.")
    return Allotment(dpus=number * worker.dpus, worker_type=name, number_of_workers=number)


def check_flexible(allotment: Allotment, command: str, version: str) -> None:
    """What FLEX is for.

    Raises:
        InvalidInput: the job is none that may have it.
    """
    if command != "glueetl" or not is_at_least(version, "3.0"):
        raise InvalidInput(
            "Execution Class FLEX is supported for Job Command glueetl and Glue Version 3.0 "
            "and above."
        )
    if allotment.worker_type not in _FLEXIBLE:
        raise InvalidInput("Execution Class FLEX is supported for Worker Types G.1X and G.2X.")


def nodes_for(allotment: Allotment, capacity: Size, *, one_node: bool) -> tuple[Node, ...]:
    """The nodes of a run: what all workers come to, within the machine's capacity. One of the
    workers is the driver, which has a process of its own.

    There are no more nodes than cores: a worker that had none of its own would only cost memory.
    `one_node`: the runtime runs an application on one node.
    """
    if allotment.worker_type is None or allotment.number_of_workers is None:
        return ()
    worker = WORKERS[allotment.worker_type]
    executors = max(allotment.number_of_workers - 1, 1)
    together = Size(executors * worker.cores, executors * worker.memory_gib * _GIB)
    count = 1 if one_node else max(1, min(executors, capacity.cores))
    asked = Size(together.cores // count, together.memory_bytes // count)
    size = scaled(asked, together, capacity)
    return tuple(Node(f"worker-{number}", size) for number in range(1, count + 1))
