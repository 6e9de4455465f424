"""Spark: clusters that run Spark applications.

    cluster = await spark.start(Order(name="j-1", folder=scratch, access=access))
    run = await cluster.run(Application(("spark-submit", "s3://b/job.py"), folder, out, err))
    finished = await run.wait()
    await cluster.stop()

There is one `Spark` for each runtime of this machine: `SAIL`, and Apache Spark by its version. A
service is lent them by name (`Sparks`), and decides which release, worker or job runs on which.

A cluster has nodes: processes with the cores and the memory that they are given, which come and go
while applications run. An application outlives the nodes that work for it, be they taken away with
a grace or lost at once: what they did is done again elsewhere (Apache Spark: the tasks; Sail: the
application, which runs on one node, from its beginning, as often as `spark.yarn.maxAppAttempts`
allows).

An application is a command line of the release's programs: `spark-submit`, `spark-sql`,
`run-script` (fetches a script from S3 and becomes it), and what a cluster's shell has besides
(`bash`, `python3`, `pip3`, `aws`). It runs in its own process group with the environment that it
is given, and sees of the platform's data what its cluster shares (home, `/tmp`, the Python
environment) and its own folder. Programs that use Spark reach the cluster's engine with no setting
of their own.

Nothing of a cluster outlives the platform, however that ends: after a restart a cluster is started
anew under the same folder, whose files are as they were.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from millpond.kernel.errors import EngineError

SAIL = "sail"
SPARK_3_5 = "spark-3.5"
SPARK_4 = "spark-4"
"""Names of runtimes."""
NODE_MEMORY_BYTES_MIN = 512 << 20


class CannotStart(EngineError):
    """An engine or application could not be started; the text says why."""


@dataclass(frozen=True, slots=True)
class Installed:
    """What truly runs: the version of the Spark API, and of the engine behind it."""

    spark_version: str
    engine: str
    engine_version: str
    programs: Mapping[str, str] = field(default_factory=dict)
    """What else a cluster's shell has, by EMR's names for applications (`Hadoop`, `Hive`, `Trino`
    …), and the versions."""


@dataclass(frozen=True, slots=True)
class Size:
    """Cores and memory of a machine, of a worker, or of all that there is to share."""

    cores: int
    memory_bytes: int


def scaled(asked: Size, together: Size, capacity: Size) -> Size:
    """What a machine of the size `asked` gets here: its share of `capacity`, when `together` is
    the sum over all machines that its cluster may come to have. Never more than was asked, and a
    core and `NODE_MEMORY_BYTES_MIN` at least."""
    cores = round(asked.cores * min(1.0, capacity.cores / max(together.cores, 1)))
    memory = int(
        asked.memory_bytes * min(1.0, capacity.memory_bytes / max(together.memory_bytes, 1))
    )
    return Size(max(cores, 1), max(memory, NODE_MEMORY_BYTES_MIN))


@dataclass(frozen=True, slots=True)
class Node:
    """A node of a cluster: a name of its own (an instance's id), and what it may use."""

    name: str
    size: Size


@dataclass(frozen=True, slots=True)
class Load:
    """How busy a cluster is now. `cores_wanted` are those that running applications could use
    beside those they have; waiting applications have not got what they need to begin."""

    nodes: Mapping[str, int]
    """How many cores are in use, by node; a node that is being taken away is not in it."""
    cores: int
    cores_used: int
    cores_wanted: int
    memory_bytes: int
    memory_bytes_used: int
    applications_running: int
    applications_waiting: int


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

    `nodes` do the work; without any there is one that may use the whole capacity. `python_modules`
    are pip's requirements (`pandas==2.2.0`, a path of a wheel): they are installed once, into a
    layer that all clusters with the same ones share, and programs and functions import them.
    `programs` are further applications that its shell is to have, as `Installed.programs` names
    them. `progress` hears, in a sentence each, what takes long (a runtime that is made on first
    use).
    """

    name: str
    folder: Path
    access: Access | None = None
    with_engine: bool = True
    properties: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    nodes: tuple[Node, ...] = ()
    python_modules: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    progress: Callable[[str], None] = field(default=lambda text: None, repr=False)


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


@runtime_checkable
class ShowsPage(Protocol):
    """A run whose runtime shows browsers on this machine what the application does."""

    @property
    def page_port(self) -> int:
        """Where, as soon as its Spark session is there and until it ends; 0 for nowhere."""
        ...


class Cluster(Protocol):
    """A started cluster."""

    @property
    def address(self) -> tuple[str, int]:
        """Where its engine listens, on this machine alone: Sail speaks Spark Connect there, and
        asks no questions of whoever connects; with Apache Spark it is the master."""
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

    async def add_node(self, node: Node) -> None:
        """Start a node, which gets work when this returns.

        Raises:
            CannotStart: it did not come up.
        """
        ...

    async def remove_node(self, name: str, grace_seconds: float) -> None:
        """Take a node away: it gets no new work from now on, and ends when its work is done or
        moved to others, after the grace at the latest. No application fails for it; one that has
        no node left waits for the next one."""
        ...

    async def lose_node(self, name: str) -> None:
        """Kill a node at once, as when a Spot instance is taken back."""
        ...

    def load(self) -> Load:
        """How busy it is; costs next to nothing to ask."""
        ...

    async def stop(self) -> None:
        """End the engine and every application. Stopping twice is fine."""
        ...


class Spark(Protocol):
    """Starts clusters."""

    def installed(self) -> Installed | None:
        """What is installed, or is made on first use; None when it cannot be had here."""
        ...

    def capacity(self) -> Size:
        """What all nodes of one cluster may use together."""
        ...

    async def start(self, order: Order) -> Cluster:
        """Start a cluster; its engine answers when this returns.

        Raises:
            CannotStart: nothing is installed, or the engine did not come up.
        """
        ...


Sparks = Mapping[str, Spark]
"""The runtimes of this machine by name; `SAIL` is always there, if only to say what is missing."""
