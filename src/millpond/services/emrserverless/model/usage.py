"""What an attempt used, and what AWS would bill for it.

Source: EMR Serverless API reference, JobRun: by the second from when the job runs; billed are at
least a minute of each worker, and of its storage what is beyond 20 GB.
"""

import math

from millpond.services.emrserverless import shapes
from millpond.services.emrserverless.model.records import Used, Worker, Workers
from millpond.services.emrserverless.model.sizes import DISK_GB_DEFAULT

BILLED_SECONDS_MIN = 60
_HOUR_SECONDS = 3600


def run_seconds(started_ms: int | None, ended_ms: int) -> int:
    """How long an attempt ran, begun seconds counted whole; 0 when it never did."""
    return 0 if started_ms is None else math.ceil((ended_ms - started_ms) / 1000)


def used_by(workers: Workers | None, seconds: int) -> Used:
    return Used() if workers is None else _of(workers.together, seconds)


def billed_for(workers: Workers | None, seconds: int) -> Used:
    if workers is None or not seconds:
        return Used()
    billed = Workers(_beyond(workers.driver), _beyond(workers.executor), workers.executors)
    return _of(billed.together, max(seconds, BILLED_SECONDS_MIN))


def show_total(used: Used) -> shapes.TotalResourceUtilization:
    cpu, memory, storage = _hours(used)
    return shapes.TotalResourceUtilization(
        v_cpu_hour=cpu, memory_gb_hour=memory, storage_gb_hour=storage
    )


def show_billed(used: Used) -> shapes.ResourceUtilization:
    cpu, memory, storage = _hours(used)
    return shapes.ResourceUtilization(
        v_cpu_hour=cpu, memory_gb_hour=memory, storage_gb_hour=storage
    )


def _beyond(worker: Worker) -> Worker:
    return Worker(worker.cpu, worker.memory_gb, worker.disk_gb - DISK_GB_DEFAULT)


def _of(worker: Worker, seconds: int) -> Used:
    return Used(worker.cpu * seconds, worker.memory_gb * seconds, worker.disk_gb * seconds)


def _hours(used: Used) -> tuple[float, float, float]:
    return (
        round(used.cpu / _HOUR_SECONDS, 3),
        round(used.memory / _HOUR_SECONDS, 3),
        round(used.storage / _HOUR_SECONDS, 3),
    )
