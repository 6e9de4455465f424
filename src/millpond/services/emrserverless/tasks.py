"""Background work: a step for each application that is not at rest, and one for each job run."""

from collections.abc import Mapping

from millpond.kernel.tasks import Step, Task, Wake
from millpond.services.emrserverless.needs import Needs
from millpond.services.emrserverless.running.application_run import ApplicationRun
from millpond.services.emrserverless.running.job_run import RunOfJob
from millpond.services.emrserverless.store import APPLICATION_TASK, RUN_TASK


async def run_application(needs: Needs, task: Task, wake: Wake) -> int | None:
    """Run the application `task.subject` until it is at rest, or the platform stops."""
    return await ApplicationRun(needs, task, wake).drive()


async def run_job(needs: Needs, task: Task, wake: Wake) -> int | None:
    """Run the job run `task.subject` (`application/run`) to its end, or until the platform
    stops."""
    return await RunOfJob(needs, task, wake).drive()


STEPS: Mapping[str, Step] = {APPLICATION_TASK: run_application, RUN_TASK: run_job}
