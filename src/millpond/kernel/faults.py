"""Failure handed in: at the first place where something can fail, then the second, until none.

    for place in itertools.count():
        faults = Faults(place)
        ...  # do the work on engines wrapped with `faults`, and ask that all or nothing happened
        if faults.struck is None:
            break

The wrappers are each engine's `faulty.py`. The same seed gives the same pauses on every run.
"""

import asyncio
import random


class Faults:
    """A plan: fail at place number `strike_at` (from 0) of those that are passed, and never again.

    With a `seed`, every wait lets other tasks run up to three times, so that they interleave in
    another order for each seed.
    """

    def __init__(self, strike_at: int | None = None, *, seed: int | None = None) -> None:
        self._strike_at = strike_at
        self._random = None if seed is None else random.Random(seed)  # noqa: S311
        self._passed = 0
        self.struck: str | None = None
        """The place that failed, None before."""

    def strikes(self, place: str) -> bool:
        """Whether to fail now; `place` says for whom and how."""
        strikes = self._passed == self._strike_at
        self._passed += 1
        if strikes:
            self.struck = place
        return strikes

    async def pause(self) -> None:
        """Wait as something elsewhere would."""
        turns = 1 if self._random is None else self._random.randint(0, 3)
        for _ in range(turns):
            await asyncio.sleep(0)
