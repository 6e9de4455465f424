"""Background work: one step for each cluster, which lasts as long as the cluster does."""

from collections.abc import Mapping

from millpond.kernel.tasks import Step, Task, Wake
from millpond.services.emr.needs import Needs
from millpond.services.emr.running.cluster_run import ClusterRun
from millpond.services.emr.store import CLUSTER_TASK


async def run_cluster(needs: Needs, task: Task, wake: Wake) -> int | None:
    """Run the cluster `task.subject` to its end, or until the platform stops."""
    return await ClusterRun(needs, task, wake).drive()


STEPS: Mapping[str, Step] = {CLUSTER_TASK: run_cluster}
