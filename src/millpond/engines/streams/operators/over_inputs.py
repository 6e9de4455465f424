"""What OVER's functions read of each row: arguments as they are remembered, NULL where a FILTER
leaves the row out."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from millpond.engines.streams.operators.fingerprints import Fingerprints
from millpond.engines.streams.operators.keyed_rows import Places
from millpond.engines.streams.operators.vectors import Array, array_of, stored
from millpond.engines.streams.plan import Aggregate
from millpond.engines.streams.types import Column, DataType


class Batch(NamedTuple):
    """Rows that go on in a step, by key and, of a key, in their order. `starts` tell where keys
    begin, `owners` the number of each row's key."""

    rows: pa.Table
    keys: Fingerprints
    times: Places
    starts: Places
    owners: Places
    now_ms: int

    @property
    def first_keys(self) -> Fingerprints:
        """Each key once."""
        return Fingerprints(self.keys.hashes[self.starts], self.keys.checks[self.starts])

    @property
    def ends(self) -> Places:
        """Where each key ends."""
        return np.append(self.starts[1:], len(self.owners))

    def last_peers(self) -> Places:
        """For each row the last one of its key and time."""
        differs = np.empty(len(self.owners), np.bool_)
        differs[-1:] = True
        differs[:-1] = self.owners[1:] != self.owners[:-1]
        differs[:-1] |= self.times[1:] != self.times[:-1]
        places = np.flatnonzero(differs)
        return np.repeat(places, np.diff(places, prepend=-1))


class Inputs:
    """The columns that some functions read, each argument and FILTER once. A COUNT(*) with a FILTER
    counts a column of ones."""

    def __init__(self, functions: Iterable[Aggregate], columns: Sequence[Column]) -> None:
        self._types = {column.name: column.type for column in columns}
        self._names: dict[tuple[str, str | None], str] = {}
        for function in functions:
            if function.arguments or function.condition:
                key = (function.arguments[0] if function.arguments else "", function.condition)
                self._names.setdefault(key, f"a{len(self._names)}")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._names.values())

    def name(self, function: Aggregate) -> str | None:
        """The column that it reads; None: it counts rows."""
        argument = function.arguments[0] if function.arguments else ""
        return self._names.get((argument, function.condition))

    def type(self, function: Aggregate) -> DataType:
        """The type of its argument."""
        return self._types[function.arguments[0]] if function.arguments else function.type

    def of(self, rows: pa.Table) -> pa.Table:
        """The columns of these rows."""
        columns: dict[str, Array] = {}
        for (argument, condition), name in self._names.items():
            if argument:
                column = stored(array_of(rows.column(argument)), self._types[argument])
            else:
                column = pa.array(np.ones(rows.num_rows, np.int8))
            if condition is not None:
                kept = array_of(rows.column(condition))
                column = pc.if_else(pc.fill_null(kept, False), column, pa.scalar(None, column.type))
            columns[name] = column
        if not columns:
            return rows.select([])
        return pa.table(columns)
