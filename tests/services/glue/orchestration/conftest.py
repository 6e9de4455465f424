"""Glue with jobs that tests control."""

import pytest

from tests.services.glue.jobs.conftest import bench, refusal  # noqa: F401
from tests.services.world import tasks_of


@pytest.fixture
def rest(bench):  # noqa: F811
    """Waits until nothing is to be done now."""

    async def until_nothing_is_due():
        async def is_at_rest():
            tasks = await tasks_of(bench.running.records, "glue")
            return not [task for task in tasks if task.due_ms <= bench.clock.now_ms()]

        await bench.running.until(is_at_rest, moving=False)

    return until_nothing_is_due
