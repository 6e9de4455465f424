"""Arrow columns of what msgspec read of JSON records."""

from collections.abc import Sequence
from itertools import chain
from operator import attrgetter
from typing import Any

import pyarrow as pa

from millpond.engines.streams.arrow import Array
from millpond.engines.streams.formats import texts
from millpond.engines.streams.formats.json_shapes import AS_TEXT
from millpond.engines.streams.types import DataType


def fetched(rows: list[Any], getters: Sequence[str]) -> list[Any]:
    """The values of a field, or of a field of a field: the way there may end at a null."""
    values = list(map(attrgetter(getters[0]), rows))
    for name in getters[1:]:
        values = [None if value is None else getattr(value, name) for value in values]
    return values


class ColumnBuilder:
    """Makes Arrow columns of what msgspec read; gathers rows with a value that does not fit."""

    def __init__(self, standard: str, wrong: set[int]) -> None:
        self._standard = standard
        self._wrong = wrong

    def build(self, values: list[Any], kind: DataType, owners: list[int] | None) -> Array:
        """`owners` are the rows that the values belong to; None: each to its own."""
        name = kind.name
        if name in AS_TEXT:
            read, wrong = texts.read_texts(pa.array(values, pa.string()), kind, self._standard)
            self._blame(wrong, owners)
            return read
        if name == "DECIMAL":
            return self._decimals(values, kind, owners)
        if name == "ROW":
            return self._structs(values, kind, owners)
        if name in ("ARRAY", "MAP", "MULTISET"):
            return self._lists(values, kind, owners)
        try:
            return pa.array(values, kind.arrow())
        except (pa.ArrowException, OverflowError, ValueError):
            return self._checked(values, kind, owners)

    def _blame(self, places: Any, owners: list[int] | None) -> None:
        self._wrong.update(places if owners is None else [owners[place] for place in places])

    def _checked(self, values: list[Any], kind: DataType, owners: list[int] | None) -> Any:
        """Whole numbers of which some are out of range."""
        least, most = texts.INTEGERS[kind.name]
        wrong = [
            place
            for place, value in enumerate(values)
            if value is not None and not least <= value <= most
        ]
        self._blame(wrong, owners)
        for place in wrong:
            values[place] = None
        return pa.array(values, kind.arrow())

    def _decimals(self, values: list[Any], kind: DataType, owners: list[int] | None) -> Array:
        for place, value in enumerate(values):
            if value is not None:
                try:
                    values[place] = texts.decimal_of(str(value), kind)
                except ValueError:
                    values[place] = None
                    self._blame([place], owners)
        return pa.array(values, kind.arrow())

    def _structs(self, values: list[Any], kind: DataType, owners: list[int] | None) -> Array:
        children = [
            self.build(
                [None if value is None else getattr(value, f"f{at}") for value in values],
                inner,
                owners,
            )
            for at, (_, inner) in enumerate(kind.fields)
        ]
        gone = pa.array([value is None for value in values], pa.bool_())
        return pa.StructArray.from_arrays(
            children, names=[name for name, _ in kind.fields], mask=gone
        )

    def _lists(self, values: list[Any], kind: DataType, owners: list[int] | None) -> Array:
        offsets: list[int | None] = []
        inner_owners: list[int] = []
        total = 0
        for place, value in enumerate(values):
            offsets.append(None if value is None else total)
            if value:
                total += len(value)
                inner_owners += [place if owners is None else owners[place]] * len(value)
        offsets.append(total)
        starts: Any = pa.array(offsets, pa.int32())
        present = [value for value in values if value]
        if kind.name == "ARRAY":
            inner = list(chain.from_iterable(present))
            built = self.build(inner, kind.fields[0][1], inner_owners)
            return pa.ListArray.from_arrays(starts, built, type=kind.arrow())
        keys = pa.array(chain.from_iterable(present), pa.string())
        items = list(chain.from_iterable(value.values() for value in present))
        built = self.build(items, kind.fields[-1][1], inner_owners)
        return pa.MapArray.from_arrays(starts, keys, built)
