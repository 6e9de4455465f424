"""STS has no work in the background."""

from collections.abc import Mapping

from millpond.kernel.tasks import Step

STEPS: Mapping[str, Step] = {}
