"""What CloudWatch is told of an application: AWS/EMRServerless, by ApplicationId and name.

Workers and job runs are counted once a minute while the application is started; how job runs ended
is told as they do.
Source: EMR Serverless User Guide, "EMR Serverless application metrics".
"""

from collections import Counter
from collections.abc import Iterable

from millpond.kernel.call import Scope
from millpond.kernel.metrics import Meter, Metric
from millpond.services.emrserverless.model.capacity import maximum_of
from millpond.services.emrserverless.model.records import Application, JobRun

NAMESPACE = "AWS/EMRServerless"
_STATES = {
    "SUBMITTED": "SubmittedJobs",
    "QUEUED": "QueuedJobs",
    "PENDING": "PendingJobs",
    "SCHEDULED": "ScheduledJobs",
    "RUNNING": "RunningJobs",
    "CANCELLING": "CancellingJobs",
}
_ENDS = {"SUCCESS": "SuccessJobs", "FAILED": "FailedJobs", "CANCELLED": "CancelledJobs"}


class ApplicationMeter:
    """`scope` is the account and region of the applications."""

    def __init__(self, meter: Meter, scope: Scope) -> None:
        self._meter, self._scope = meter, scope

    def tell_state(
        self, application: Application, runs: Iterable[JobRun], *, idle_workers: int
    ) -> None:
        """Its workers and its job runs that have not ended, now."""
        runs = list(runs)
        granted = [run.granted for run in runs if run.granted is not None]
        running = sum(workers.executors + 1 for workers in granted)
        occupied, maximum = application.occupied, maximum_of(application.asked)
        figures: dict[str, tuple[float, str]] = {
            "RunningWorkerCount": (running, "Count"),
            "IdleWorkerCount": (idle_workers, "Count"),
            "TotalWorkerCount": (running + idle_workers, "Count"),
            "CPUAllocated": (occupied.cpu, "None"),
            "MemoryAllocated": (occupied.memory_gb, "Gigabytes"),
            "StorageAllocated": (occupied.disk_gb, "Gigabytes"),
        }
        if application.asked.maximum_capacity is not None:
            figures["MaxCPUAllowed"] = (maximum.cpu, "None")
            figures["MaxMemoryAllowed"] = (maximum.memory_gb, "Gigabytes")
        states: Counter[str] = Counter(run.state for run in runs)
        figures |= {name: (states[state], "Count") for state, name in _STATES.items()}
        for name, (value, unit) in figures.items():
            self._tell(application, name, value, unit)

    def tell_end(self, application: Application, run: JobRun) -> None:
        """One of its job runs has ended."""
        self._tell(application, _ENDS[run.state], 1, "Count")

    def _tell(self, application: Application, name: str, value: float, unit: str) -> None:
        by_id = (("ApplicationId", application.id),)
        named = application.asked.name
        both = ((*by_id, ("ApplicationName", named)),) if named else ()
        for dimensions in (by_id, *both):
            scope = (self._scope.account, self._scope.region)
            self._meter.record(Metric(*scope, NAMESPACE, name, dimensions, unit), value)
