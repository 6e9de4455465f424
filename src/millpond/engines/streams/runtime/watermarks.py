"""How far event time has come in a source, as its splits tell it.

The watermark of a source is the lowest of its splits' that are neither idle nor ended; it never
falls. A split is idle when no row came from it for the idle timeout. When all are, the highest of
theirs counts, and the source holds nobody up that it meets downstream (see `Pipeline`).

Where event time is the time of arrival (`quiet_ms`), a split is idle only once it is read to its
end, and when all are, the watermark follows the clock.
"""

from dataclasses import dataclass
from typing import Any

from millpond.engines.streams.operators.interface import AFTER_ALL_MS, BEFORE_ALL_MS

_HEARTBEAT_MS = 250
"""How often the watermark follows the clock."""


@dataclass(slots=True)
class _Split:
    watermark_ms: int
    active_ms: int
    is_read: bool = False


class SourceClock:
    """`idle_ms` 0: splits are never idle. Without `has_event_time` there is no watermark before
    the end. `quiet_ms`: see `plan.Source`."""

    def __init__(self, idle_ms: int = 0, *, has_event_time: bool = True, quiet_ms: int = 0) -> None:
        self._idle_ms = quiet_ms or idle_ms
        self._quiet_ms = quiet_ms
        self._has_event_time = has_event_time
        self._splits: dict[str, _Split] = {}
        self.watermark_ms = BEFORE_ALL_MS
        self.finished = False

    def announce(self, split: str, now_ms: int) -> None:
        """A split is there; the watermark waits for it."""
        self._splits.setdefault(split, _Split(BEFORE_ALL_MS, now_ms))

    def arrived(self, split: str, mark_ms: int | None, now_ms: int) -> None:
        """Rows came from a split; `mark_ms` is the highest that its watermark expression gave."""
        state = self._splits.setdefault(split, _Split(BEFORE_ALL_MS, now_ms))
        state.active_ms = max(state.active_ms, now_ms)
        if mark_ms is not None:
            state.watermark_ms = max(state.watermark_ms, mark_ms)

    def told_behind(self, split: str, behind_ms: int | None) -> None:
        """How far the reading of a split is behind its newest row, where that is known."""
        if behind_ms is not None and split in self._splits:
            self._splits[split].is_read = behind_ms == 0

    def end(self, split: str) -> None:
        """Nothing more comes from a split."""
        ended = self._splits.pop(split, None)
        if ended is not None and not self._splits:
            self.watermark_ms = max(self.watermark_ms, ended.watermark_ms)

    def finish(self) -> None:
        """Nothing more comes from any split."""
        self.finished = True
        self.watermark_ms = AFTER_ALL_MS

    def advance(self, now_ms: int) -> int:
        """The watermark at this time."""
        if self._has_event_time and not self.finished and self._splits:
            active = [
                split.watermark_ms
                for split in self._splits.values()
                if not self._idle(split, now_ms)
            ]
            reached = (
                min(active)
                if active
                else max(split.watermark_ms for split in self._splits.values())
            )
            if self._quiet_ms and not active:
                reached = max(reached, now_ms - self._quiet_ms)
            self.watermark_ms = max(self.watermark_ms, reached)
        return self.watermark_ms

    def is_idle(self, now_ms: int) -> bool:
        """Whether it holds nobody up: nothing comes from any split, or nothing ever will."""
        if self.finished:
            return True
        return bool(self._splits) and all(
            self._idle(split, now_ms) for split in self._splits.values()
        )

    def due_ms(self, now_ms: int) -> int | None:
        """When a split that is active now becomes idle, or the watermark follows the clock; None:
        never."""
        if not self._idle_ms or not self._has_event_time or self.finished:
            return None
        due = min(
            (
                split.active_ms + self._idle_ms
                for split in self._splits.values()
                if not self._idle(split, now_ms) and self._may_idle(split)
            ),
            default=None,
        )
        if due is None and self._quiet_ms and self.is_idle(now_ms):
            return now_ms + _HEARTBEAT_MS
        return due

    def saved(self) -> dict[str, Any]:
        """What a checkpoint keeps of it, as JSON's values."""
        return {
            "watermark_ms": self.watermark_ms,
            "finished": self.finished,
            "splits": {name: split.watermark_ms for name, split in self._splits.items()},
        }

    def restore(self, saved: dict[str, Any], now_ms: int) -> None:
        self.watermark_ms = saved["watermark_ms"]
        self._splits = {
            name: _Split(watermark_ms, now_ms) for name, watermark_ms in saved["splits"].items()
        }
        if saved["finished"]:
            self.finish()

    def _idle(self, split: _Split, now_ms: int) -> bool:
        is_due = bool(self._idle_ms) and now_ms - split.active_ms >= self._idle_ms
        return is_due and self._may_idle(split)

    def _may_idle(self, split: _Split) -> bool:
        return split.is_read or not self._quiet_ms
