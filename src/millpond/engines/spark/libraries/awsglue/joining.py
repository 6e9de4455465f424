"""Frames put together: joins, unions and merges, by the engine.

In a join, a column of the second frame whose name the first one has too gets a dot before it
(`.id`), as on Glue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from .casts import cast
from .columns import at_path, make_batch, select
from .gluetypes import ChoiceType, DataType, Field, StringType, StructType, mergeDataTypes
from .paths import Path, find_path, type_at
from .plan import Errors, Rows


def join(one: Rows, keys1: Sequence[str], other: Rows, keys2: Sequence[str]) -> Rows:
    """The records of both whose keys are equal.

    Raises:
        ValueError: a key is not there, or there are not as many on either side.
    """
    if one.is_empty or other.is_empty:
        return Rows(one.session, union_type(one.schema, other.schema), source=_nothing)
    if len(keys1) != len(keys2):
        raise ValueError("A join needs as many keys of one frame as of the other.")
    pairs = [(_found(one, a), _found(other, b)) for a, b in zip(keys1, keys2, strict=False)]
    kinds = [_common(type_at(one.schema, a), type_at(other.schema, b)) for a, b in pairs]
    left = _keyed(one, [a for a, _ in pairs], kinds, "l")
    right = _keyed(other, [b for _, b in pairs], kinds, "r")
    taken = {field.name for field in one.schema}
    renamed = [Field(_free(f.name, taken), f.dataType) for f in other.schema]
    schema = StructType([*one.schema, *renamed])
    condition: Any = None
    for number in range(len(pairs)):
        equal = left[f"__l_key{number}"] == right[f"__r_key{number}"]
        condition = equal if condition is None else condition & equal
    joined = left.join(right, condition, "inner")
    wanted = [
        *(f"__l_{number}" for number in range(len(one.schema.fields))),
        *(f"__r_{number}" for number in range(len(renamed))),
    ]
    frame = joined.select(*wanted).toDF(*(field.name for field in schema))
    return Rows(one.session, schema, frame, schema)


def union_type(one: StructType, other: StructType) -> StructType:
    """The fields of either; one of both is a choice where its types differ."""
    merged = mergeDataTypes(one, other)
    assert isinstance(merged, StructType)
    return merged


def _nothing(task: int, errors: Errors) -> Iterator[pa.RecordBatch]:
    return iter(())


def _free(name: str, taken: set[str]) -> str:
    free = name
    while free in taken:
        free = f".{free}"
    taken.add(free)
    return free


def _found(rows: Rows, text: str) -> Path:
    path = find_path(rows.schema, text, case_sensitive=False)
    if path is None:
        raise ValueError(f"There is no field {text} to join by.")
    return path


def _common(one: DataType, other: DataType) -> DataType:
    if isinstance(one, ChoiceType) or isinstance(other, ChoiceType) or one != other:
        names = {one.typeName(), other.typeName()}
        if names <= {"byte", "short", "int", "long"}:
            return max((one, other), key=lambda kind: _WIDTH[kind.typeName()])
        return StringType()
    return one


_WIDTH = {"byte": 0, "short": 1, "int": 2, "long": 3}


def _keyed(rows: Rows, paths: Sequence[Path], kinds: Sequence[DataType], side: str) -> Any:
    """A DataFrame with plain names: the columns by number, and the keys."""
    schema = StructType(
        [
            *(Field(f"__{side}_{n}", f.dataType) for n, f in enumerate(rows.schema)),
            *(Field(f"__{side}_key{n}", kind) for n, kind in enumerate(kinds)),
        ]
    )
    have = rows.schema

    def step(batch: pa.RecordBatch, errors: Errors) -> pa.RecordBatch:
        keys = [
            cast(at_path(batch, have, path), type_at(have, path), kind)
            for path, kind in zip(paths, kinds, strict=False)
        ]
        return make_batch([*batch.columns, *keys], schema, batch.num_rows)

    return rows.then(step, schema).data_frame()


def union(one: Rows, other: Rows) -> Rows:
    """The records of both; a field that has other types in the other frame is a choice."""
    if one.is_empty or other.is_empty:
        return other if one.is_empty else one
    merged = union_type(one.schema, other.schema)
    frame = _conformed(one, merged).union(_conformed(other, merged))
    return Rows(one.session, merged, frame, merged)


def _conformed(rows: Rows, schema: StructType) -> Any:
    if rows.schema == schema:
        return rows.data_frame()
    return rows.then(_selecting(rows.schema, schema), schema).data_frame()


def _selecting(have: StructType, want: StructType) -> Callable[[pa.RecordBatch, Errors], Any]:
    return lambda batch, errors: select(batch, have, want)


def merge(rows: Rows, stage: Rows, keys: Sequence[str]) -> Rows:
    """The staged records, and those of the frame that none of them has the keys of.

    Raises:
        ValueError: a key is no column of both.
    """
    if rows.is_empty or stage.is_empty:
        return stage if rows.is_empty else rows
    for key in keys:
        if not rows.schema.hasField(key) or not stage.schema.hasField(key):
            raise ValueError(f"The primary key {key} is not a column of both frames.")
    kinds = [
        _common(rows.schema.getField(k).dataType, stage.schema.getField(k).dataType) for k in keys
    ]
    paths = [(key,) for key in keys]
    old = _keyed(rows, paths, kinds, "l")
    new = _keyed(stage, paths, kinds, "r").select(*(f"__r_key{n}" for n in range(len(keys))))
    condition: Any | None = None
    for number in range(len(keys)):
        equal = old[f"__l_key{number}"] == new[f"__r_key{number}"]
        condition = equal if condition is None else condition & equal
    kept = old.join(new, condition, "left_anti")
    names = [field.name for field in rows.schema]
    frame = kept.select(*(f"__l_{n}" for n in range(len(names)))).toDF(*names)
    return union(Rows(rows.session, rows.schema, frame, rows.schema), stage)
