"""An application's initial and maximum capacity, and what of the latter a job run gets.

Source: EMR Serverless User Guide, "Configuring an application" (pre-initialized capacity,
maximum capacity); "Troubleshooting".
"""

import math
from collections.abc import Mapping

from millpond.services.emrserverless import shapes
from millpond.services.emrserverless.errors import Validation
from millpond.services.emrserverless.model.records import NOTHING, Engine, Worker, Workers
from millpond.services.emrserverless.model.sizes import number_of, read_worker
from millpond.services.emrserverless.model.worker_settings import default_workers

_ROLES: Mapping[Engine, Mapping[str, str]] = {
    "Spark": {"DRIVER": "driver", "EXECUTOR": "executor"},
    "Hive": {"HIVEDRIVER": "driver", "TEZTASK": "executor"},
}
_ENDLESS = 1 << 40


def check_capacity(asked: shapes.CreateApplicationRequest, engine: Engine) -> None:
    """Look whether there are such workers, and whether the initial ones are within the maximum.

    Raises:
        Validation: they are not.
    """
    initial = _initial(asked, engine)
    together = NOTHING
    for count, worker in initial.values():
        together = together.plus(worker.times(count))
    maximum = maximum_of(asked)
    if not maximum.covers(together):
        raise Validation(
            "The initial capacity of the application must not exceed its maximum capacity."
        )


def maximum_of(asked: shapes.CreateApplicationRequest) -> Worker:
    """What all workers together may have."""
    limit = asked.maximum_capacity
    if limit is None:
        return Worker(_ENDLESS, _ENDLESS, _ENDLESS)
    disk = number_of(limit.disk) if limit.disk else _ENDLESS
    return Worker(number_of(limit.cpu), number_of(limit.memory), disk)


def exceeded(asked: shapes.CreateApplicationRequest) -> str:
    """Why a worker could not be had, in AWS's words."""
    limit = asked.maximum_capacity
    parts = []
    if limit is not None:
        parts = [f"cpu: {number_of(limit.cpu)} vCPU", f"memory: {number_of(limit.memory)} GB"]
        parts += [f"disk: {number_of(limit.disk)} GB"] if limit.disk else []
    return (
        "ApplicationMaxCapacityExceededException: Worker could not be allocated as the "
        f"application has exceeded maximumCapacity settings: [{', '.join(parts)}]"
    )


def grant(wanted: Workers, free: Worker) -> Workers | None:
    """The workers that a run gets of what is free: as many of its executors as there is room for;
    None when not even its driver and one executor have."""
    if not free.covers(wanted.least):
        return None
    left, one = free_of(free, wanted.driver), wanted.executor
    room = min(left.cpu // one.cpu, left.memory_gb // one.memory_gb, left.disk_gb // one.disk_gb)
    return Workers(wanted.driver, one, min(wanted.executors, room))


def free_of(maximum: Worker, occupied: Worker) -> Worker:
    return Worker(
        maximum.cpu - occupied.cpu,
        maximum.memory_gb - occupied.memory_gb,
        maximum.disk_gb - occupied.disk_gb,
    )


def warm_workers(asked: shapes.CreateApplicationRequest, engine: Engine) -> tuple[int, Workers]:
    """The pre-initialised workers as runs can take them: how many drivers there are, each with its
    share of the executors; 0 without drivers or executors."""
    initial = _initial(asked, engine)
    default = default_workers(engine)
    drivers, driver = initial.get("driver", (0, default.driver))
    executors, executor = initial.get("executor", (0, default.executor))
    sets = min(drivers, executors)
    share = math.ceil(executors / sets) if sets else 0
    return sets, Workers(driver, executor, share)


def _initial(
    asked: shapes.CreateApplicationRequest, engine: Engine
) -> dict[str, tuple[int, Worker]]:
    """Count and size by role."""
    found: dict[str, tuple[int, Worker]] = {}
    default = default_workers(engine)
    for name, config in (asked.initial_capacity or {}).items():
        role = _ROLES[engine].get(name.upper().replace("_", "").replace("-", ""))
        if role is None:
            known = ", ".join(_ROLES[engine])
            raise Validation(
                f"Worker type {name} is not supported for applications of type {engine}; "
                f"supported are {known}."
            )
        sized = default.driver if role == "driver" else default.executor
        if config.worker_configuration is not None:
            sized = read_worker(config.worker_configuration)
        found[role] = (config.worker_count, sized)
    return found
