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
InstanceState = Literal["PROVISIONING", "BOOTSTRAPPING", "RUNNING", "TERMINATED"]
Role = Literal["MASTER", "CORE", "TASK"]

CLUSTER_ENDED = frozenset({"TERMINATED", "TERMINATED_WITH_ERRORS"})
CLUSTER_ENDING = CLUSTER_ENDED | {"TERMINATING"}
STEP_ENDED = frozenset({"COMPLETED", "CANCELLED", "FAILED", "INTERRUPTED"})


class Leaving(msgspec.Struct, frozen=True, kw_only=True):
    """Why an instance is being taken away. It ends when its work is done or moved to others, after
    the grace at the latest."""

    since_ms: int
    grace_seconds: float
    message: str
    code: str = ""


class Instance(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An instance of a group or fleet (`part`): EMR's id of it, and EC2's, which is the name of its
    node. `weight` is what it counts of its part's target."""

    id: str
    ec2_id: str
    part: str
    role: Role
    instance_type: str
    market: str
    created_ms: int
    weight: int = 1
    state: InstanceState = "PROVISIONING"
    ready_ms: int | None = None
    end_ms: int | None = None
    reason_code: str = ""
    reason_message: str = ""
    leaving: Leaving | None = None

    @property
    def is_alive(self) -> bool:
        return self.state != "TERMINATED"

    @property
    def stays(self) -> bool:
        """Alive, and not being taken away."""
        return self.is_alive and self.leaving is None


class Scaling(msgspec.Struct, frozen=True, kw_only=True):
    """A group's automatic scaling policy, and when it last changed the group's size."""

    policy: shapes.AutoScalingPolicy
    scaled_ms: int = 0


class Group(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An instance group. `config` is as it stands now: its count is the target."""

    id: str
    config: shapes.InstanceGroupConfig
    created_ms: int = 0
    scaling: Scaling | None = None
    shrink: shapes.ShrinkPolicy | None = None
    configurations_version: int = 0
    applied_version: int = 0
    applied_configurations: list[shapes.Configuration] = []


class Fleet(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An instance fleet. `config` is as it stands now, with its targets."""

    id: str
    config: shapes.InstanceFleetConfig
    created_ms: int = 0


class Cluster(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A cluster. `request` is what RunJobFlow was asked, without steps and tags.

    `active` are the numbers of its steps that have not ended; `instances` those that are alive,
    and at the cluster's end the last ones, while `spent_hours` are the normalised instance hours
    of those that ended before; `bootstrapped` counts the bootstrap actions that are done;
    `idle_since_ms` is set while there is nothing to do; `access_key_id` are the credentials lent
    to it, `""` when there are none.
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
    instances: tuple[Instance, ...] = ()
    managed_scaling: shapes.ManagedScalingPolicy | None = None
    spent_hours: int = 0
    keep_alive: bool = False
    termination_protected: bool = False
    unhealthy_node_replacement: bool | None = None
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
    def master(self) -> Instance:
        """The one whose logs and credentials stand for the cluster."""
        return next(one for one in self.instances if one.role == "MASTER")

    @property
    def is_ready(self) -> bool:
        return self.state in ("RUNNING", "WAITING")


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


class SecurityConfiguration(msgspec.Struct, frozen=True, kw_only=True):
    """A security configuration: JSON as it was given."""

    name: str
    text: str
    created_ms: int


class PublicAccess(msgspec.Struct, frozen=True, kw_only=True):
    """An account's block public access configuration of a region, and who set it."""

    configuration: shapes.BlockPublicAccessConfiguration
    created_ms: int
    creator_arn: str
