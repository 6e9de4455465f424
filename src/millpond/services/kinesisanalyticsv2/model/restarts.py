"""How long to wait before a run that failed is started again: as Flink's exponential delay.

Source: Apache Flink documentation, Task Failure Recovery, Exponential Delay Restart Strategy.
"""

PAUSE_SECONDS_MIN = 1.0
PAUSE_SECONDS_MAX = 60.0
MULTIPLIER = 1.5
STABLE_SECONDS = 3600.0
"""A run that lasted so long begins with the shortest pause again."""


class Patience:
    """The pauses between one run and the next."""

    def __init__(self) -> None:
        self._next = PAUSE_SECONDS_MIN

    def after(self, lasted_seconds: float) -> float:
        """How long to wait after a run that failed, and lasted so long."""
        if lasted_seconds >= STABLE_SECONDS:
            self._next = PAUSE_SECONDS_MIN
        pause = self._next
        self._next = min(pause * MULTIPLIER, PAUSE_SECONDS_MAX)
        return pause
