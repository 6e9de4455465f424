"""Capacity units that requests consume, and how they are told.

A read unit is 4 KB read strongly or 8 KB eventually; a write unit is 1 KB. Transactions take twice
as many. Nothing is throttled by them.

Source: DynamoDB developer guide, Read and write operations: capacity unit consumption.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from millpond.services.dynamodb import shapes

READ_UNIT_BYTES = 4096
WRITE_UNIT_BYTES = 1024


def read_units(size_bytes: int, *, consistent: bool) -> float:
    """The units of reading so many bytes at once."""
    units = max(1, -(-size_bytes // READ_UNIT_BYTES))
    return float(units) if consistent else units / 2


def write_units(size_bytes: int) -> float:
    """The units of writing so many bytes."""
    return float(max(1, -(-size_bytes // WRITE_UNIT_BYTES)))


@dataclass(slots=True)
class Consumed:
    """What one request consumed of one table."""

    table: float = 0.0
    global_indexes: dict[str, float] = field(default_factory=dict)
    local_indexes: dict[str, float] = field(default_factory=dict)

    def add(self, other: "Consumed", times: int = 1) -> None:
        self.table += other.table * times
        for mine, theirs in (
            (self.global_indexes, other.global_indexes),
            (self.local_indexes, other.local_indexes),
        ):
            for name, units in theirs.items():
                mine[name] = mine.get(name, 0.0) + units * times

    def add_index(self, name: str, units: float, *, local: bool) -> None:
        indexes = self.local_indexes if local else self.global_indexes
        indexes[name] = indexes.get(name, 0.0) + units

    @property
    def total(self) -> float:
        return self.table + sum(self.global_indexes.values()) + sum(self.local_indexes.values())

    def shown(
        self, table: str, wanted: str | None, side: Literal["read", "write", ""] = ""
    ) -> shapes.ConsumedCapacity | None:
        """The answer's member; None unless the caller wants it. Transactions name their `side`."""
        if wanted not in ("TOTAL", "INDEXES"):
            return None
        found = shapes.ConsumedCapacity(table_name=table, capacity_units=self.total)
        if side == "read":
            found.read_capacity_units = self.total
        elif side == "write":
            found.write_capacity_units = self.total
        if wanted == "INDEXES":
            found.table = _capacity(self.table, side)
            found.global_secondary_indexes = _capacities(self.global_indexes, side)
            found.local_secondary_indexes = _capacities(self.local_indexes, side)
        return found


def _capacities(
    units: Mapping[str, float], side: Literal["read", "write", ""]
) -> dict[str, shapes.Capacity] | None:
    return {name: _capacity(each, side) for name, each in units.items()} or None


def _capacity(units: float, side: Literal["read", "write", ""]) -> shapes.Capacity:
    return shapes.Capacity(
        capacity_units=units,
        read_capacity_units=units if side == "read" else None,
        write_capacity_units=units if side == "write" else None,
    )
