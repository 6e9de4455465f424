"""How far a window operator is: by the watermark of its input, or by the clock."""

from millpond.engines.streams.operators.interface import AFTER_ALL_MS, BEFORE_ALL_MS, State, Step

_PROGRESS = "progress_ms"


class Progress:
    """`ms` is the time up to which everything has come. By the clock it is the millisecond before
    now: a row that comes now may still belong to a window that has now not ended."""

    def __init__(self, state: State, *, processing: bool) -> None:
        self._state = state
        self._processing = processing
        self.ms: int = state.small.get(_PROGRESS, BEFORE_ALL_MS)

    def row_time_ms(self, now_ms: int) -> int:
        """The time of rows that come now; it does not fall when the clock does."""
        return max(now_ms, self.ms + 1)

    def advance(self, given: Step, now_ms: int) -> bool:
        """Go on after a step; whether that was anywhere."""
        reached = given.watermark_ms
        if self._processing and reached != AFTER_ALL_MS:
            reached = now_ms - 1
        if reached <= self.ms:
            return False
        self.ms = self._state.small[_PROGRESS] = reached
        return True
