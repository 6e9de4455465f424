"""Pre-initialised workers: clusters that are started before a job run takes them.

The step of an application keeps as many as its initial capacity says; the step of a job run takes
one whose workers are as big as those that it wants. A cluster that a run has used is stopped with
it, and a fresh one takes its place: a run finds nothing of an earlier one.
"""

from dataclasses import dataclass
from pathlib import Path

from millpond.engines.spark.interface import Cluster
from millpond.kernel.credentials import Credential
from millpond.services.emrserverless.model.records import Workers


@dataclass(frozen=True, slots=True, eq=False)
class WarmCluster:
    """A started cluster, the folder that it has alone, and credentials that allow nothing yet."""

    cluster: Cluster
    folder: Path
    credential: Credential
    workers: Workers


class WarmClusters:
    """Those of all applications, by the application's id."""

    def __init__(self) -> None:
        self._idle: dict[str, list[WarmCluster]] = {}
        self._lent: dict[str, int] = {}

    def put(self, application_id: str, warm: WarmCluster) -> None:
        self._idle.setdefault(application_id, []).append(warm)

    def take(self, application_id: str, wanted: Workers) -> WarmCluster | None:
        """One that fits what is wanted, if there is one; whoever takes it gives it back."""
        for warm in self._idle.get(application_id, ()):
            has = warm.workers
            if (
                has.driver.covers(wanted.driver)
                and has.executor.covers(wanted.executor)
                and warm.cluster.is_running
            ):
                self._idle[application_id].remove(warm)
                self._lent[application_id] = self._lent.get(application_id, 0) + 1
                return warm
        return None

    def give_back(self, application_id: str) -> None:
        """One that was taken is stopped: a fresh one may take its place."""
        self._lent[application_id] -= 1

    def take_dead(self, application_id: str) -> list[WarmCluster]:
        """Those whose engine has died while they waited."""
        idle = self._idle.get(application_id, [])
        dead = [warm for warm in idle if not warm.cluster.is_running]
        self._idle[application_id] = [warm for warm in idle if warm.cluster.is_running]
        return dead

    def take_idle(self, application_id: str) -> list[WarmCluster]:
        """All that wait, to be stopped."""
        return self._idle.pop(application_id, [])

    def idle(self, application_id: str) -> int:
        return len(self._idle.get(application_id, ()))

    def count(self, application_id: str) -> int:
        """Those that wait, and those that runs have."""
        return self.idle(application_id) + self._lent.get(application_id, 0)
