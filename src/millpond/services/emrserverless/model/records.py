"""Applications, job runs and their attempts, as they are kept."""

from typing import Literal

import msgspec

from millpond.services.emrserverless import shapes

ApplicationState = Literal[
    "CREATING", "CREATED", "STARTING", "STARTED", "STOPPING", "STOPPED", "TERMINATED"
]
RunState = Literal[
    "SUBMITTED", "PENDING", "SCHEDULED", "RUNNING", "SUCCESS", "FAILED", "CANCELLING",
    "CANCELLED", "QUEUED",
]  # fmt: skip
Engine = Literal["Spark", "Hive"]

UNTOLD = "-"
"""What stands for the client token of a request that is kept."""
AT_REST = frozenset({"CREATED", "STOPPED"})
RUN_ENDED = frozenset({"SUCCESS", "FAILED", "CANCELLED"})
RUN_WAITING = frozenset({"SUBMITTED", "QUEUED", "PENDING"})


class Worker(msgspec.Struct, frozen=True):
    """A worker's size: vCPUs, and GB of memory and of disk."""

    cpu: int
    memory_gb: int
    disk_gb: int

    def times(self, count: int) -> "Worker":
        return Worker(self.cpu * count, self.memory_gb * count, self.disk_gb * count)

    def plus(self, other: "Worker") -> "Worker":
        return Worker(
            self.cpu + other.cpu, self.memory_gb + other.memory_gb, self.disk_gb + other.disk_gb
        )

    def covers(self, other: "Worker") -> bool:
        """Whether it is as big as the other one in every respect."""
        return (
            self.cpu >= other.cpu
            and self.memory_gb >= other.memory_gb
            and self.disk_gb >= other.disk_gb
        )


NOTHING = Worker(0, 0, 0)


class Workers(msgspec.Struct, frozen=True):
    """What a job run works with: a driver, and executors of one size."""

    driver: Worker
    executor: Worker
    executors: int

    @property
    def together(self) -> Worker:
        return self.driver.plus(self.executor.times(self.executors))

    @property
    def least(self) -> Worker:
        """What a run must have to begin: its driver and one executor."""
        return self.driver.plus(self.executor.times(min(self.executors, 1)))


class Used(msgspec.Struct, frozen=True):
    """vCPU, GB of memory and GB of storage, each times seconds."""

    cpu: float = 0.0
    memory: float = 0.0
    storage: float = 0.0

    def plus(self, other: "Used") -> "Used":
        return Used(self.cpu + other.cpu, self.memory + other.memory, self.storage + other.storage)


class Application(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An application. `asked` is what CreateApplication and UpdateApplication were asked, without
    tags and token. `active` is what its job runs occupy, by their ids; `waiting` are those that
    have no place yet, the first one first; `idle_since_ms` is set while it is STARTED and neither
    has any."""

    id: str
    arn: str
    engine: Engine
    asked: shapes.CreateApplicationRequest
    created_ms: int
    updated_ms: int
    state: ApplicationState = "CREATING"
    details: str = ""
    tags: dict[str, str] = {}
    active: dict[str, Worker] = {}
    waiting: tuple[str, ...] = ()
    idle_since_ms: int | None = None

    @property
    def starts_itself(self) -> bool:
        given = self.asked.auto_start_configuration
        return given is None or given.enabled is not False

    @property
    def occupied(self) -> Worker:
        sum_ = NOTHING
        for one in self.active.values():
            sum_ = sum_.plus(one)
        return sum_


class JobRun(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A job run. `request` is what StartJobRun was asked, without tags and token; `monitoring` and
    `base_properties` are what it has of its application's configuration (the former merged with its
    own), `properties` its own; `wanted` are the workers it asks for, `granted` those that its
    present attempt has.

    `scheduled_ms` is when its time limit began to count; `attempt_started_ms` when its present
    attempt was RUNNING; `queued_since_ms` is set while it is QUEUED; `failures_ms` are the failed
    attempts of the last hour, in STREAMING mode; `cancel_text` is why it is CANCELLING;
    `access_key_id` are the credentials lent to it, `""` when there are none."""

    id: str
    application_id: str
    arn: str
    engine: Engine
    request: shapes.StartJobRunRequest
    release_label: str
    created_by: str
    created_ms: int
    updated_ms: int
    wanted: Workers
    actions: tuple[str, ...]
    monitoring: shapes.MonitoringConfiguration
    base_properties: dict[str, str] = {}
    properties: dict[str, str] = {}
    state: RunState = "SUBMITTED"
    details: str = ""
    tags: dict[str, str] = {}
    granted: Workers | None = None
    attempt: int = 1
    attempt_created_ms: int = 0
    attempt_updated_ms: int = 0
    attempt_started_ms: int | None = None
    scheduled_ms: int | None = None
    started_ms: int | None = None
    ended_ms: int | None = None
    queued_ms: int = 0
    queued_since_ms: int | None = None
    failures_ms: tuple[int, ...] = ()
    cancel_text: str = ""
    cancel_grace_seconds: int = 0
    access_key_id: str = ""
    used: Used = Used()
    billed: Used = Used()
    run_seconds: int = 0
    network: shapes.NetworkConfiguration | None = None

    @property
    def mode(self) -> str:
        return self.request.mode or "BATCH"

    @property
    def retries(self) -> bool:
        """Whether it was asked to be tried more than once, which shows in where its logs lie."""
        policy = self.request.retry_policy
        return self.mode == "STREAMING" or bool(policy and (policy.max_attempts or 1) > 1)


class Attempt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An attempt of a job run that has ended."""

    number: int
    state: RunState
    details: str
    created_ms: int
    updated_ms: int
    started_ms: int | None = None
    ended_ms: int | None = None
    used: Used = Used()
    billed: Used = Used()
    run_seconds: int = 0
