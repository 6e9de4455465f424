"""A change to one field, wherever it lies: its new type, and the function for its values."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa

from .columns import fields_of, make_batch, make_struct, map_elements
from .gluetypes import ArrayType, ChoiceType, DataType, Field, StructType
from .paths import Path
from .plan import Errors, Step

Function = Callable[[pa.Array], pa.Array]
Made = Sequence[tuple[Field, Function]]
Change = Callable[[Field], Made]
"""The fields that take the place of a field."""


def same(array: pa.Array) -> pa.Array:
    return array


def at_path(schema: StructType, path: Path, change: Change) -> tuple[StructType, Step]:
    """The schema after a change to the field at a path, and the step that makes it."""
    made = _fields(schema, path, change)
    return _step(made)


def everywhere(
    schema: StructType, change: Callable[[Field], Made | None]
) -> tuple[StructType, Step]:
    """A change to each field that it wants to change, those within others too."""
    return _step(_all_fields(schema, change))


_Out = list[tuple[int, Field, Function]]


def _step(made: _Out) -> tuple[StructType, Step]:
    schema = StructType([field for _, field, _ in made])

    def step(batch: pa.RecordBatch, errors: Errors) -> pa.RecordBatch:
        arrays = [function(batch.column(index)) for index, _, function in made]
        return make_batch(arrays, schema, batch.num_rows)

    return schema, step


def _fields(struct: StructType, path: Path, change: Change) -> _Out:
    out: _Out = []
    for index, field in enumerate(struct):
        if field.name != path[0]:
            out.append((index, field, same))
        elif len(path) == 1:
            out += [(index, made, function) for made, function in change(field)]
        else:
            kind, function = _inside(field.dataType, lambda s: _fields(s, path[1:], change))
            out.append((index, Field(field.name, kind), function))
    return out


def _all_fields(struct: StructType, change: Callable[[Field], Made | None]) -> _Out:
    out: _Out = []
    for index, field in enumerate(struct):
        kind, function = _inside(field.dataType, lambda s: _all_fields(s, change))
        inner = Field(field.name, kind)
        made = change(inner)
        if made is None:
            out.append((index, inner, function))
        else:
            out += [(index, one, _after(function, then)) for one, then in made]
    return out


def _after(first: Function, then: Function) -> Function:
    return then if first is same else lambda array: then(first(array))


def _inside(kind: DataType, fields: Callable[[StructType], _Out]) -> tuple[DataType, Function]:
    if isinstance(kind, StructType):
        made = fields(kind)
        if (
            all(function is same for _, _, function in made)
            and [f for _, f, _ in made] == kind.fields
        ):
            return kind, same
        new = StructType([field for _, field, _ in made])

        def struct(array: pa.Array) -> pa.Array:
            inner = fields_of(array)
            return make_struct(
                [function(inner[index]) for index, _, function in made], new, array.is_null()
            )

        return new, struct
    if isinstance(kind, ArrayType):
        element, function = _inside(kind.elementType, fields)
        if function is same:
            return kind, same
        return ArrayType(element), lambda array: map_elements(array, function)
    if isinstance(kind, ChoiceType):
        return _inside_choice(kind, fields)
    return kind, same


def _inside_choice(
    kind: ChoiceType, fields: Callable[[StructType], _Out]
) -> tuple[DataType, Function]:
    parts = [_inside(one, fields) for one in kind.sorted()]
    if all(function is same for _, function in parts):
        return kind, same
    new = ChoiceType([one for one, _ in parts])

    def choice(array: pa.Array) -> pa.Array:
        made = [function(a) for (_, function), a in zip(parts, fields_of(array), strict=False)]
        return make_struct(made, new, array.is_null())

    return new, choice
