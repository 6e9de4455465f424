"""OVER's functions over bounded frames."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from millpond.engines.streams.operators import vectors
from millpond.engines.streams.operators.frames import GREATEST, LEAST, SUM, Frames
from millpond.engines.streams.operators.interface import Compute
from millpond.engines.streams.operators.keyed_rows import Places
from millpond.engines.streams.operators.over_inputs import Inputs
from millpond.engines.streams.operators.vectors import (
    Array,
    averages,
    column_of,
    is_wide,
)
from millpond.engines.streams.plan import Aggregate
from millpond.engines.streams.types import DataType

DEVIATIONS: Final = {
    "STDDEV_POP": "stddev_pop",
    "STDDEV_SAMP": "stddev_samp",
    "STDDEV": "stddev_samp",
    "VAR_POP": "var_pop",
    "VAR_SAMP": "var_samp",
    "VARIANCE": "var_samp",
}
_EXTREMES: Final = {"MIN": LEAST, "MAX": GREATEST}


class Bounded:
    """Functions over the frames that a step asks for."""

    def __init__(self, functions: Sequence[Aggregate], inputs: Inputs, compute: Compute) -> None:
        self._inputs = inputs
        self._compute = compute
        self._asked = [each for each in functions if _is_asked(each)]
        self._folded = [each for each in functions if not _is_asked(each)]

    @property
    def is_needed(self) -> bool:
        """Whether there are any functions."""
        return bool(self._asked or self._folded)

    def columns(self, frames: Frames, owners: Places) -> dict[str, Array]:
        """Each function's values by its name; `owners` numbers the key of each row."""
        columns = {each.name: self._fold(each, frames) for each in self._folded}
        if self._asked:
            columns |= self._ask(frames, owners)
        return columns

    def _fold(self, function: Aggregate, frames: Frames) -> Array:
        name = self._inputs.name(function)
        kind = self._inputs.type(function)
        if name is None:
            return column_of(frames.sizes(), None, function.type)
        if function.function == "FIRST_VALUE":
            return restored(frames.first(name), function.type)
        if function.function == "LAST_VALUE":
            return restored(frames.last(name), function.type)
        counts = frames.counts(name)
        if function.function == "COUNT":
            return column_of(counts, None, function.type)
        valid = counts > 0
        if function.function in _EXTREMES:
            folded = frames.fold(name, _EXTREMES[function.function])
            return column_of(folded, valid, function.type)
        sums = frames.fold(name, SUM, wide=is_wide(kind))
        if function.function == "SUM":
            return column_of(sums, valid, function.type)
        return column_of(
            averages(sums, np.maximum(counts, 1), kind, function.type), valid, function.type
        )

    def _ask(self, frames: Frames, owners: Places) -> dict[str, Array]:
        """DuckDB's answer over the rows of all frames."""
        rows = frames.narrowed(owners, self._inputs.names)
        current = vectors.array_of(rows.column("row")).to_numpy()
        asked = np.flatnonzero(current >= 0)
        back = np.zeros(len(current), np.int64)
        ahead = np.zeros(len(current), np.int64)
        ahead[asked] = frames.ahead[current[asked]]
        back[asked] = (frames.sizes() - 1 - frames.ahead)[current[asked]]
        rows = rows.append_column("back", pa.array(back)).append_column("ahead", pa.array(ahead))
        chosen = ", ".join(
            f"{sql} OVER frame AS s{number}_{part}"
            for number, each in enumerate(self._asked)
            for part, sql in enumerate(self._sql(each))
        )
        answer = self._compute.run(
            f"SELECT * EXCLUDE (row) FROM (SELECT row, {chosen} FROM narrowed WINDOW frame AS "
            "(PARTITION BY key ORDER BY place ROWS BETWEEN back PRECEDING AND ahead FOLLOWING)) "
            "WHERE row >= 0 ORDER BY row",
            narrowed=rows,
        )
        return {
            each.name: self._answered(each, number, answer)
            for number, each in enumerate(self._asked)
        }

    def _sql(self, function: Aggregate) -> list[str]:
        name, kind = self._inputs.name(function), self._inputs.type(function)
        if function.function in DEVIATIONS:
            digits = 10 ** vectors.scale_of(kind) if vectors.is_number(kind) else 1
            return [f"{DEVIATIONS[function.function]}(CAST({name} AS DOUBLE) / {digits})"]
        if function.function == "COUNT":
            return [f"count(DISTINCT {name})"]
        if vectors.is_float(kind):
            sums = f"sum(DISTINCT CAST({name} AS DOUBLE))"
        elif vectors.is_number(kind):
            sums = f"sum(DISTINCT CAST({name} AS HUGEINT))"
        else:
            sums = f"sum(DISTINCT {name})"
        return [sums, f"count(DISTINCT {name})"]

    def _answered(self, function: Aggregate, number: int, answer: pa.Table) -> Array:
        column = vectors.array_of(answer.column(f"s{number}_0"))
        if function.function in DEVIATIONS:
            return of_doubles(column, function.type)
        if function.function == "COUNT":
            return column_of(column.to_numpy(), None, function.type)
        counts = vectors.array_of(answer.column(f"s{number}_1")).to_numpy()
        if pa.types.is_floating(column.type):
            sums = column.fill_null(0.0).to_numpy()
        else:
            sums = vectors.objects(column.fill_null(0))
        if function.function == "AVG":
            kind = self._inputs.type(function)
            sums = averages(sums, np.maximum(counts, 1), kind, function.type)
        return column_of(sums, counts > 0, function.type)


def of_doubles(column: Array, kind: DataType) -> Array:
    """What is computed as a DOUBLE, in the type that Flink gives it: integers lose the fraction."""
    valid = vectors.mask_of(column)
    values = column.fill_null(0.0).to_numpy()
    if vectors.is_integer(kind):
        values = np.trunc(values)
    if kind.name == "DECIMAL":
        digits = np.rint(values * 10 ** vectors.scale_of(kind))
        values = np.empty(len(digits), object)
        values[:] = [int(one) for one in digits.tolist()]
    return column_of(values, valid, kind)


def restored(column: Array, kind: DataType) -> Array:
    """Remembered values in the type that they had."""
    if kind.name == "DECIMAL" and not pa.types.is_decimal(column.type):
        return column_of(column.fill_null(0).to_numpy(), vectors.mask_of(column), kind)
    return column


def _is_asked(function: Aggregate) -> bool:
    if function.function in DEVIATIONS:
        return True
    return function.distinct and function.function in ("COUNT", "SUM", "AVG")
