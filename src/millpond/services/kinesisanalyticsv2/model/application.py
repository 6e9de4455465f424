"""What an application is, and what is kept of its versions, snapshots and operations.

A version's `configuration` is AWS's ApplicationConfigurationDescription with AWS's names, without
what belongs to a run or to the code: how a request becomes one stands in `model.configuring`.
"""

from typing import Any, Literal

import msgspec

Status = Literal[
    "DELETING",
    "STARTING",
    "STOPPING",
    "READY",
    "RUNNING",
    "UPDATING",
    "FORCE_STOPPING",
    "ROLLING_BACK",
]
OperationStatus = Literal["IN_PROGRESS", "CANCELLED", "SUCCESSFUL", "FAILED"]
SnapshotStatus = Literal["CREATING", "READY", "DELETING", "FAILED"]
Restore = Literal["nothing", "latest", "snapshot"]

SQL_RUNTIME = "SQL-1_0"
ERROR_SIZE_MAX = 512
"""Characters of a failure that an operation tells."""


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """The code of a version: where its bytes came from. They are kept under their `digest`;
    `md5` is what AWS calls so, in hexadecimal digits."""

    digest: str
    md5: str = ""
    size_bytes: int
    zipped: bool
    bucket_arn: str = ""
    key: str = ""
    object_version: str | None = None

    @property
    def from_s3(self) -> bool:
        return bool(self.key)


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A version of an application: everything of it that an update may change.

    `plan` is the engine's, as JSON. `stood` is the status that the application had when a newer
    version took its place.
    """

    number: int
    runtime: str
    role: str
    created_ms: int
    configuration: dict[str, Any]
    logging: list[dict[str, Any]] = []
    code: Code | None = None
    plan: str = ""
    token: str = ""
    stood: Status = "READY"
    updated_from: int | None = None
    rolled_back_from: int | None = None
    rolled_back_to: int | None = None

    @property
    def is_sql(self) -> bool:
        return self.runtime == SQL_RUNTIME

    @property
    def snapshots_enabled(self) -> bool:
        described = self.configuration.get("ApplicationSnapshotConfigurationDescription", {})
        return bool(described.get("SnapshotsEnabled"))

    @property
    def rollback_enabled(self) -> bool:
        described = self.configuration.get("ApplicationSystemRollbackConfigurationDescription", {})
        return bool(described.get("RollbackEnabled"))


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """How the application was started, and what the next process of it begins with.

    `positions` are where inputs of a SQL application begin, by their ids. `restore` is said by
    whoever started it and followed once for an `origin`: afterwards it is `latest`.
    """

    restore: Restore = "nothing"
    snapshot: str = ""
    origin: str = ""
    allow_non_restored_state: bool = False
    configuration: dict[str, Any] = {}
    positions: dict[str, str] = {}
    restarts: int = 0


class Application(msgspec.Struct, frozen=True, kw_only=True):
    """An application. `id` is its own, also when another of its name was deleted; `stopped_at` is
    the engine's snapshot of where a SQL application was stopped."""

    name: str
    id: str
    account: str
    region: str
    created_ms: int
    updated_ms: int
    status: Status
    version: int
    description: str | None = None
    mode: str | None = None
    window_start: str = ""
    tags: dict[str, str] = {}
    run: Run = Run()
    operation_id: str = ""
    access_key_id: str = ""
    stopped_at: str = ""
    failure: str = ""

    @property
    def arn(self) -> str:
        return f"arn:aws:kinesisanalytics:{self.region}:{self.account}:application/{self.name}"


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was asked of an application, or that it did by itself (a rollback)."""

    id: str
    kind: str
    started_ms: int
    status: OperationStatus = "IN_PROGRESS"
    ended_ms: int | None = None
    from_version: int | None = None
    to_version: int | None = None
    failure: str = ""
    rollback_operation_id: str | None = None


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot of an application's state, which the engine keeps under `kept_as`."""

    name: str
    kept_as: str
    version: int
    runtime: str
    created_ms: int
    status: SnapshotStatus = "CREATING"
    failure: str = ""
