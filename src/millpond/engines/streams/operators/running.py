"""Running sums and the like: a value after each row of a key, from the value before them."""

from typing import Any, Final

import numpy as np

from millpond.engines.streams.operators.keyed_rows import Places
from millpond.engines.streams.operators.vectors import Numbers

_FEW: Final = 32


def running(function: Any, values: Numbers, starts: Places, before: Numbers) -> Numbers:
    """`function` folded over `values` from each of `starts` to the next, beginning with the value
    `before` it. Each key is folded by itself, so that its floats do not meet others'.

    Keys of few rows go together, row by row; each of the others by itself.
    """
    result: Numbers = values.astype(before.dtype) if before.dtype == object else values.copy()
    if not len(result):
        return result
    result[starts] = function(before, result[starts])
    counts = np.diff(starts, append=len(values))
    for start, count in zip(starts[counts > _FEW], counts[counts > _FEW], strict=True):
        end = start + count
        result[start:end] = function.accumulate(result[start:end])
    few = counts <= _FEW
    at, left = starts[few], counts[few]
    for row in range(1, int(left.max(initial=1))):
        going = left > row
        at, left = at[going], left[going]
        result[at + row] = function(result[at + row - 1], result[at + row])
    return result
