"""Windows that begin at the same times for all keys: tumbling, hopping and cumulating ones, and
the panes that they are made of.

A pane is a stretch of time that no window divides. Times are milliseconds; panes go by their
beginning, windows by their end.
"""

import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from millpond.engines.streams.operators.times import Millis
from millpond.engines.streams.plan import Window

_Time = TypeVar("_Time", int, Millis)


@dataclass(frozen=True, slots=True)
class Panes:
    """The panes of windows of `size_ms` that end every `slide_ms`; `cumulates`: those within a
    stretch of `size_ms` begin together."""

    size_ms: int
    slide_ms: int
    offset_ms: int
    cumulates: bool
    pane_ms: int

    @classmethod
    def of(cls, window: Window) -> "Panes":
        size, slide = window.size_ms, window.slide_ms
        match window.kind:
            case "tumble":
                return cls(size, size, window.offset_ms, False, size)
            case "hop":
                return cls(size, slide, window.offset_ms, False, math.gcd(size, slide))
            case "cumulate":
                return cls(size, slide, window.offset_ms, True, slide)
        raise ValueError(window.kind)

    def pane(self, time: _Time) -> _Time:
        """The pane of a time."""
        return self._floor(time, self.pane_ms)

    def ends(self, pane: int) -> range:
        """The ends of the windows that a pane is in, in order."""
        if self.cumulates:
            last = self._floor(pane, self.size_ms) + self.size_ms
            return range(pane + self.slide_ms, last + 1, self.slide_ms)
        last = self._floor(pane, self.slide_ms) + self.size_ms
        # Of the ends, which are `slide_ms` apart, the first beyond the pane.
        first = last - (last - pane - 1) // self.slide_ms * self.slide_ms
        return range(first, last + 1, self.slide_ms)

    def start(self, end: _Time) -> _Time:
        """Where the window of an end begins."""
        return self._floor(end - 1, self.size_ms) if self.cumulates else end - self.size_ms

    def between(self, times: Millis) -> npt.NDArray[np.bool_] | None:
        """Which times are in no window; None: none of them, ever."""
        if self.cumulates or self.slide_ms <= self.size_ms:
            return None
        found: npt.NDArray[np.bool_] = times - self._floor(times, self.slide_ms) >= self.size_ms
        return found

    def _floor(self, time: _Time, step: int) -> _Time:
        return (time - self.offset_ms) // step * step + self.offset_ms
