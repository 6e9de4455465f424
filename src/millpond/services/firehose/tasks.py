"""Firehose's work in the background: one step for each delivery stream, as long as it lives."""

from collections.abc import Mapping

from millpond.kernel.tasks import Step, Task
from millpond.services.firehose.delivery.engine import deliver
from millpond.services.firehose.store import DELIVERY_TASK

STEPS: Mapping[str, Step] = {DELIVERY_TASK: deliver}

TASKS_AT_START: tuple[Task, ...] = ()
