"""The start of a cluster's engine: what is ordered of the runtime, and what is told meanwhile."""

import asyncio
from collections.abc import Callable
from functools import partial

from millpond.engines.spark import interface as spark
from millpond.kernel.credentials import Credential
from millpond.kernel.tasks import Task
from millpond.services.emr.model.configurations import read_configurations
from millpond.services.emr.model.flow import Flow
from millpond.services.emr.model.records import Cluster
from millpond.services.emr.model.releases import needs_engine, programs_of, runtime_of
from millpond.services.emr.model.sizes import nodes
from millpond.services.emr.needs import Needs
from millpond.services.emr.running.desk import Desk
from millpond.services.emr.running.folders import Folders


async def start_engine(
    desk: Desk, needs: Needs, task: Task, folders: Folders, cluster: Cluster, credential: Credential
) -> spark.Cluster | None:
    """The started engine, with a node for each instance that stays; None when the cluster or the
    platform is to end before. What takes long is told in the cluster's reason.

    Raises:
        CannotStart: it did not come up.
    """
    ear, loop = desk.listen(), asyncio.get_running_loop()
    said: list[str] = []

    def hear(text: str) -> None:
        said.append(text)
        ear.nudge()

    def progress(text: str) -> None:
        loop.call_soon_threadsafe(hear, text)

    runtime = runtime_of(cluster.request, needs.sparks)
    order = _order(needs, task, folders, cluster, credential, runtime, progress)
    starting = asyncio.create_task(runtime.start(order))
    try:
        while not starting.done():
            await ear.wait({starting}, None)
            if said:
                text = said[-1]
                said.clear()
                await desk.tell(partial(Flow.tell_progress, text=text))
            if not starting.done() and await desk.must_stop():
                return None
        return starting.result()
    finally:
        if not starting.done():
            starting.cancel()
            await asyncio.wait([starting])


def _order(
    needs: Needs,
    task: Task,
    folders: Folders,
    cluster: Cluster,
    credential: Credential,
    runtime: spark.Spark,
    progress: Callable[[str], None],
) -> spark.Order:
    request = cluster.request
    by_group = (group.config.configurations for group in cluster.groups)
    settings = read_configurations(request.release_label, request.configurations, *by_group)
    return spark.Order(
        name=cluster.id,
        folder=folders.folder,
        access=spark.Access(
            endpoint=needs.endpoint(),
            region=task.region,
            access_key_id=credential.access_key_id,
            secret_access_key=credential.secret_access_key,
            session_token=credential.session_token,
        ),
        with_engine=needs_engine(request),
        properties=settings.properties,
        environment=settings.environment,
        nodes=nodes(cluster, runtime.capacity()),
        programs=programs_of(request, runtime.installed()),
        progress=progress,
    )
