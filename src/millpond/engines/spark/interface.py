"""Spark: clusters that run Spark applications, one engine for each.

    cluster = await spark.start(Order(name="j-1", folder=scratch, access=access))
    run = await cluster.run(Application(("spark-submit", "s3://b/job.py"), folder, out, err))
    finished = await run.wait()
    await cluster.stop()

An application is a command line of the release's programs: `spark-submit`, `spark-sql`,
`run-script` (fetches a script from S3 and becomes it), and what a cluster's shell has besides
(`bash`, `python3`, `pip3`, `aws`). It runs in its own process group with the environment that it
is given, and sees of the platform's data what its cluster shares (home, `/tmp`, the Python
environment) and its own folder. Programs that use Spark reach the cluster's engine with no setting
of their own.

Nothing of a cluster outlives the platform, however that ends: after a restart a cluster is started
anew under the same folder, whose files are as they were.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from millpond.kernel.errors import EngineError


class CannotStart(EngineError):
    """An engine or application could not be started; the text says why."""


@dataclass(frozen=True, slots=True)
class Installed:
    """What truly runs: the version of the Spark API, and of the engine behind it."""

    spark_version: str
    engine: str
    engine_version: str


@dataclass(frozen=True, slots=True)
class Access:
    """How a cluster calls AWS: the endpoint (a URL without a path) and temporary credentials."""

    endpoint: str
    region: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Order:
    """A cluster to start. `folder` is its own; it is made, and kept when the cluster stops. What
    runs on the cluster writes in folders inside of it, but not in itself.

    `properties` are its Spark defaults (`spark.…`), `environment` is added to that of every
    application. Without `access` there is no S3 and no catalog; without `with_engine` there is
    only the shell, for command lines that do not use Spark.
    """

    name: str
    folder: Path
    access: Access | None = None
    with_engine: bool = True
    properties: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Application:
    """A command line; the folder that it begins in and may write, which is made; and the files
    that its output is appended to while it runs, which must be where it cannot write."""

    arguments: tuple[str, ...]
    folder: Path
    stdout: Path
    stderr: Path
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finished:
    """How an application ended. `exit_code` is None when a signal ended it; `ended_by_us` tells
    that `end` was called before. `description` is for a log."""

    exit_code: int | None
    description: str
    ended_by_us: bool = False


class Run(Protocol):
    """A running application."""

    async def wait(self) -> Finished:
        """How it ended, once it and everything that it started is gone."""
        ...

    def interrupt(self) -> None:
        """Ask it to stop, as Ctrl-C does (SIGINT), and leave the rest to it."""
        ...

    async def end(self, grace_seconds: float) -> Finished:
        """Ask it to stop (SIGTERM), and kill it when the grace is over."""
        ...


class Cluster(Protocol):
    """A started cluster."""

    @property
    def address(self) -> tuple[str, int]:
        """Where its engine speaks Spark Connect, on this machine alone. It asks no questions of
        whoever connects."""
        ...

    @property
    def is_running(self) -> bool:
        """Whether its engine runs. One that died starts again with the next application."""
        ...

    async def run(self, application: Application) -> Run:
        """Start an application; several may run side by side.

        Raises:
            CannotStart: its program is missing, or the engine does not start again.
        """
        ...

    async def stop(self) -> None:
        """End the engine and every application. Stopping twice is fine."""
        ...


class Spark(Protocol):
    """Starts clusters."""

    def installed(self) -> Installed | None:
        """What is installed; None when there is no engine on this machine."""
        ...

    async def start(self, order: Order) -> Cluster:
        """Start a cluster; its engine answers when this returns.

        Raises:
            CannotStart: nothing is installed, or the engine did not come up.
        """
        ...
