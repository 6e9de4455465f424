"""Background work: one step for each application, which lasts until the application rests."""

from collections.abc import Mapping

from millpond.kernel.tasks import Step, Task, Wake
from millpond.services.kinesisanalyticsv2.needs import Needs
from millpond.services.kinesisanalyticsv2.running.application_run import ApplicationRun
from millpond.services.kinesisanalyticsv2.store import APPLICATION_TASK


async def run_application(needs: Needs, task: Task, wake: Wake) -> int | None:
    """Have the application `task.subject` be what its status says."""
    return await ApplicationRun(needs, task, wake).drive()


STEPS: Mapping[str, Step] = {APPLICATION_TASK: run_application}
