"""Keys of two sides, made comparable as SQL compares them, and their fingerprints."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from millpond.engines.streams.operators.fingerprints import Fingerprints, fingerprints
from millpond.engines.streams.operators.vectors import Mask, array_of
from millpond.engines.streams.types import DataType

_INTEGERS = ("TINYINT", "SMALLINT", "INT", "BIGINT")


def common_type(left: DataType, right: DataType) -> Any:
    """The Arrow type in which values of both are equal when SQL says so."""
    one, other = left.arrow(), right.arrow()
    if one.equals(other):
        return one
    names = {left.name, right.name}
    if names & {"FLOAT", "DOUBLE"}:
        return pa.float64()
    if "DECIMAL" in names:
        scales = [kind.parameters[1] for kind in (left, right) if kind.name == "DECIMAL"]
        return pa.decimal256(76, max(scales))
    if names <= set(_INTEGERS):
        return pa.int64()
    if "TIMESTAMP_LTZ" in names:
        return pa.timestamp("us", "UTC")
    if "TIMESTAMP" in names:
        return pa.timestamp("us")
    return one


class Keys:
    """How one side's keys are found in rows: their columns and the types to compare them in."""

    def __init__(self, names: Sequence[str], types: Sequence[Any], seed: int) -> None:
        self._names = names
        self._types = types
        self._seed = seed

    def of(self, rows: pa.Table) -> tuple[Fingerprints, Mask | None]:
        """The fingerprints of these rows' keys, and which rows have NULL in theirs, which equals
        nothing; None: no row."""
        columns = [
            _as(array_of(rows.column(name)), kind)
            for name, kind in zip(self._names, self._types, strict=True)
        ]
        found = fingerprints(columns, rows.num_rows, self._seed)
        without: Mask | None = None
        for column in columns:
            if column.null_count:
                mask = column.is_null().to_numpy(zero_copy_only=False)
                without = mask if without is None else without | mask
        return found, without


def _as(column: Any, kind: Any) -> Any:
    if column.type.equals(kind):
        return column
    return pc.cast(column, kind, safe=not pa.types.is_floating(kind))
