"""What transforms do to columns, in Arrow: pure functions of arrays and Glue types.

Nested values keep their nulls: a field of a struct that is null, is null.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from .conversions import to_arrow
from .gluetypes import (
    ArrayType,
    ChoiceType,
    DataType,
    Field,
    MapType,
    NullType,
    StructType,
    UnknownType,
)
from .paths import Path


def conform(array: pa.Array, have: DataType, want: DataType) -> pa.Array:
    """The values as the type `want`, which holds all of `have` that is wanted: fields by name, in
    its order; what is missing is null, what it lacks is left out; a choice has a place for each."""
    if isinstance(want, (NullType, UnknownType)) or isinstance(have, (NullType, UnknownType)):
        return pa.nulls(len(array), to_arrow(want))
    if isinstance(want, ChoiceType):
        return _as_choice(array, have, want)
    if isinstance(have, ChoiceType):
        held = have.choices.get(want.typeName())
        if held is None:
            return pa.nulls(len(array), to_arrow(want))
        return conform(field_of(array, have, want.typeName()), held, want)
    if have == want:
        return array
    if isinstance(want, StructType) and isinstance(have, StructType):
        inner = dict(zip([f.name for f in have], fields_of(array), strict=False))
        made = [
            conform(inner[f.name], have.getField(f.name).dataType, f.dataType)
            if f.name in inner
            else pa.nulls(len(array), to_arrow(f.dataType))
            for f in want
        ]
        return make_struct(made, want, array.is_null())
    if isinstance(want, ArrayType) and isinstance(have, ArrayType):
        return map_elements(
            array, lambda values: conform(values, have.elementType, want.elementType)
        )
    if isinstance(want, MapType) and isinstance(have, MapType):
        return _map_items(array, lambda values: conform(values, have.valueType, want.valueType))
    return array.cast(to_arrow(want), safe=False)


def _as_choice(array: pa.Array, have: DataType, want: ChoiceType) -> pa.Array:
    present: dict[str, pa.Array] = {}
    if isinstance(have, ChoiceType):
        for one, values in zip(have.sorted(), fields_of(array), strict=False):
            if one.typeName() in want.choices:
                present[one.typeName()] = conform(values, one, want.choices[one.typeName()])
        null = array.is_null()
    else:
        name = have.typeName()
        if name in want.choices:
            present[name] = conform(array, have, want.choices[name])
        null = array.is_null()
    made = [
        present.get(one.typeName(), pa.nulls(len(array), to_arrow(one))) for one in want.sorted()
    ]
    return make_struct(made, want, null)


def fields_of(array: Any) -> list[pa.Array]:
    """The fields of structs, null where the struct is."""
    return list(array.flatten())


def field_of(array: pa.Array, kind: DataType, name: str) -> pa.Array:
    """One field of structs, or of choices by the name of the type."""
    names = (
        [one.typeName() for one in kind.sorted()]
        if isinstance(kind, ChoiceType)
        else [f.name for f in kind]  # type: ignore[attr-defined]
    )
    return fields_of(array)[names.index(name)]


def make_struct(arrays: Sequence[pa.Array], kind: DataType, null: Any) -> pa.Array:
    """Structs of these fields; `null` tells where there is none."""
    made = to_arrow(kind)
    if null is not None and null.true_count == 0:
        null = None
    return pa.StructArray.from_arrays(list(arrays), fields=list(made), mask=null)


def map_elements(array: Any, change: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """Lists with every element changed."""
    if len(array) == 0:
        return pa.array([], pa.list_(change(array.values.slice(0, 0)).type))
    offsets = array.offsets
    first, last = offsets[0].as_py(), offsets[len(array)].as_py()
    moved = pc.subtract(offsets, pa.scalar(first, offsets.type)).cast(pa.int32())
    values = change(array.values.slice(first, last - first))
    null = array.is_null()
    return pa.ListArray.from_arrays(moved, values, mask=null if null.true_count else None)


def _map_items(array: Any, change: Callable[[pa.Array], pa.Array]) -> pa.Array:
    rows = array.to_pylist()
    flat = change(array.items)
    kind = pa.map_(pa.string(), flat.type)
    count, made = 0, list[Any]()
    items = flat.to_pylist()
    for row in rows:
        if row is None:
            made.append(None)
            continue
        made.append([(key, items[count + at]) for at, (key, _) in enumerate(row)])
        count += len(row)
    return pa.array(made, kind)


def select(batch: pa.RecordBatch, have: StructType, want: StructType) -> pa.RecordBatch:
    """The batch as `want`, whose fields all are in `have`, or null."""
    columns = {f.name: index for index, f in enumerate(have)}
    arrays = [
        conform(batch.column(columns[f.name]), have.getField(f.name).dataType, f.dataType)
        if f.name in columns
        else pa.nulls(batch.num_rows, to_arrow(f.dataType))
        for f in want
    ]
    return make_batch(arrays, want, batch.num_rows)


def make_batch(arrays: Sequence[pa.Array], schema: StructType, rows: int) -> pa.RecordBatch:
    if not arrays:
        return pa.RecordBatch.from_struct_array(pa.array([{}] * rows, pa.struct([])))
    fields = [pa.field(f.name, to_arrow(f.dataType)) for f in schema]
    cast = [a if a.type == f.type else a.cast(f.type) for a, f in zip(arrays, fields, strict=False)]
    return pa.RecordBatch.from_arrays(cast, schema=pa.schema(fields))


def at_path(batch: pa.RecordBatch, schema: StructType, path: Path) -> pa.Array:
    """The values at a path through structs.

    Raises:
        ValueError: it leads through an array or a map.
    """
    index = [f.name for f in schema].index(path[0])
    array, kind = batch.column(index), schema.fields[index].dataType
    for name in path[1:]:
        if isinstance(kind, ChoiceType) and "struct" in kind.choices:
            array, kind = field_of(array, kind, "struct"), kind.choices["struct"]
        if not isinstance(kind, StructType):
            raise ValueError(f"The path {'.'.join(path)} leads through a {kind.typeName()}.")
        array, kind = field_of(array, kind, name), kind.getField(name).dataType
    return array


def nest(targets: Sequence[tuple[Path, DataType]]) -> StructType:
    """The schema with a field at each of these paths.

    Raises:
        ValueError: one of them leads through another.
    """
    tree: dict[str, Any] = {}
    for path, kind in targets:
        held = tree
        for name in path[:-1]:
            held = held.setdefault(name, {})
            if not isinstance(held, dict):
                raise ValueError(f"The path {'.'.join(path)} leads through another target.")
        held[path[-1]] = kind
    return _tree_type(tree)


def _tree_type(tree: Mapping[str, Any]) -> StructType:
    return StructType(
        [Field(n, _tree_type(k) if isinstance(k, dict) else k) for n, k in tree.items()]
    )


def assemble(arrays: Mapping[Path, pa.Array], schema: StructType, rows: int) -> pa.RecordBatch:
    """A batch whose fields at these paths are these arrays; `nest` made its schema."""

    def build(kind: DataType, at: Path) -> pa.Array:
        if at in arrays:
            return arrays[at]
        assert isinstance(kind, StructType)
        return make_struct([build(f.dataType, (*at, f.name)) for f in kind], kind, None)

    return make_batch([build(f.dataType, (f.name,)) for f in schema], schema, rows)


def rename(kind: DataType, path: Path, name: str) -> DataType:
    """The type with the field at a path named otherwise."""
    if isinstance(kind, ArrayType):
        return ArrayType(rename(kind.elementType, path, name))
    if isinstance(kind, ChoiceType):
        return ChoiceType([rename(one, path, name) for one in kind.sorted()])
    if not isinstance(kind, StructType):
        return kind
    fields = []
    for field in kind:
        if field.name != path[0]:
            fields.append(field)
        elif len(path) == 1:
            fields.append(Field(name, field.dataType))
        else:
            fields.append(Field(field.name, rename(field.dataType, path[1:], name)))
    return StructType(fields)


def relabel(array: pa.Array, have: DataType, want: DataType) -> pa.Array:
    """The same values where only names of fields differ."""
    if isinstance(have, (StructType, ChoiceType)) and isinstance(want, (StructType, ChoiceType)):
        pairs = zip(_parts(have), _parts(want), fields_of(array), strict=False)
        return make_struct(
            [relabel(values, one, other) for one, other, values in pairs], want, array.is_null()
        )
    if isinstance(have, ArrayType) and isinstance(want, ArrayType):
        return map_elements(array, lambda v: relabel(v, have.elementType, want.elementType))
    return array


def _parts(kind: DataType) -> list[DataType]:
    return kind.sorted() if isinstance(kind, ChoiceType) else [f.dataType for f in kind]  # type: ignore[attr-defined]


def unnested(schema: StructType) -> list[tuple[Path, DataType]]:
    """The paths of all values that are not structs, with their types; arrays stay whole."""
    found: list[tuple[Path, DataType]] = []

    def walk(kind: DataType, at: Path) -> None:
        if isinstance(kind, StructType):
            for field in kind:
                walk(field.dataType, (*at, field.name))
        else:
            found.append((at, kind))

    walk(schema, ())
    return found
