"""Clusters, steps and what they are made of, as they are kept."""

from typing import Literal

import msgspec

from millpond.services.emr import shapes

ClusterState = Literal[
    "STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING", "TERMINATING", "TERMINATED",
    "TERMINATED_WITH_ERRORS",
]  # fmt: skip
StepState = Literal[
    "PENDING", "CANCEL_PENDING", "RUNNING", "COMPLETED", "CANCELLED", "FAILED", "INTERRUPTED"
]
Role = Literal["MASTER", "CORE", "TASK"]

CLUSTER_ENDED = frozenset({"TERMINATED", "TERMINATED_WITH_ERRORS"})
CLUSTER_ENDING = CLUSTER_ENDED | {"TERMINATING"}
STEP_ENDED = frozenset({"COMPLETED", "CANCELLED", "FAILED", "INTERRUPTED"})


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """The one synthetic instance of a group or fleet: EMR's id of it, and EC2's."""

    id: str
    ec2_id: str
    instance_type: str
    market: str


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """An instance group as it was asked for, and its instance."""

    id: str
    config: shapes.InstanceGroupConfig
    machine: Machine


class Fleet(msgspec.Struct, frozen=True, kw_only=True):
    """An instance fleet as it was asked for, and its instance."""

    id: str
    config: shapes.InstanceFleetConfig
    machine: Machine


class Cluster(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A cluster. `request` is what RunJobFlow was asked, without steps and tags.

    `active` are the numbers of its steps that have not ended; `bootstrapped` counts the bootstrap
    actions that are done; `idle_since_ms` is set while there is nothing to do;
    `access_key_id` are the credentials lent to it, `""` when there are none.
    """

    id: str
    arn: str
    request: shapes.RunJobFlowInput
    creator_arn: str
    created_ms: int
    state: ClusterState = "STARTING"
    reason_code: str = ""
    reason_message: str = ""
    ready_ms: int | None = None
    end_ms: int | None = None
    groups: tuple[Group, ...] = ()
    fleets: tuple[Fleet, ...] = ()
    keep_alive: bool = False
    termination_protected: bool = False
    visible_to_all_users: bool = True
    step_concurrency: int = 1
    idle_timeout_seconds: int | None = None
    tags: dict[str, str] = {}
    steps_count: int = 0
    active: tuple[int, ...] = ()
    has_failed_step: bool = False
    bootstrapped: int = 0
    idle_since_ms: int | None = None
    access_key_id: str = ""

    @property
    def master(self) -> Machine:
        machines = {group.config.instance_role: group.machine for group in self.groups}
        machines |= {fleet.config.instance_fleet_type: fleet.machine for fleet in self.fleets}
        return machines["MASTER"]


class Failure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a step failed, as FailureDetails tells it."""

    reason: str
    message: str = ""
    log_file: str = ""


class Step(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A step, the `number`-th of its cluster (from 1). `cancel_forcibly` is set when its
    cancellation asks to terminate its process."""

    id: str
    number: int
    config: shapes.StepConfig
    created_ms: int
    state: StepState = "PENDING"
    message: str = ""
    start_ms: int | None = None
    end_ms: int | None = None
    failure: Failure | None = None
    cancel_forcibly: bool = False

    @property
    def action_on_failure(self) -> str:
        return self.config.action_on_failure or "TERMINATE_CLUSTER"
