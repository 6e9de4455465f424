"""What a Python function of a program is to what computes with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from millpond.engines.streams.types import DataType


@dataclass(frozen=True, slots=True)
class Function:
    """A function that is loaded and open.

    `call` takes its arguments as arrays of equal length, and that length, and gives an array of
    `result.arrow()`; what it raises is the fault of one of the rows. `is_deterministic`: equal
    arguments give equal results, so that calls may be saved. `where` is `module.attribute`.
    """

    name: str
    result: DataType
    call: Callable[[Sequence[pa.Array[Any]], int], pa.Array[Any]]
    is_deterministic: bool = False
    where: str = ""
