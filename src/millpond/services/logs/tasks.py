"""CloudWatch Logs's work in the background."""

from collections.abc import Mapping

from millpond.kernel.tasks import Step, Task

STEPS: Mapping[str, Step] = {}

TASKS_AT_START: tuple[Task, ...] = ()
