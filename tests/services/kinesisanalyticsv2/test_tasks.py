"""What a killed platform left of its checks is cleared away."""

import os

from millpond.services.kinesisanalyticsv2.tasks import STEPS, TASKS_AT_START
from tests.services.world import Wake


async def test_only_old_folders_of_checks_are_removed(world) -> None:
    folder = world.needs.folder / "checks"
    for name in ("old", "new"):
        (folder / name).mkdir(parents=True)
    os.utime(folder / "old", (0, 0))
    (task,) = TASKS_AT_START
    assert await STEPS[task.kind](world.needs, task, Wake()) is None
    assert [path.name for path in folder.iterdir()] == ["new"]
