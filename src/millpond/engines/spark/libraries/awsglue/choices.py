"""ResolveChoice: what becomes of fields that have several types.

Source: "DynamicFrame class", resolveChoice (AWS Glue developer guide).
"""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa

from . import changes
from .casts import cast
from .columns import field_of, map_elements
from .conversions import read_type, to_arrow
from .gluetypes import ArrayType, ChoiceType, DataType, Field, StructType
from .paths import Path, find_path, type_at
from .plan import Step

CatalogTypes = Callable[[], StructType]


def resolve(
    schema: StructType,
    specs: list[tuple[str, str]],
    choice: str,
    catalog: CatalogTypes | None,
) -> list[tuple[StructType, Step]]:
    """The steps that resolve the named fields as the specs say, or every choice as `choice` says;
    each with the schema after it.

    Raises:
        ValueError: an action is none of those that there are.
    """
    steps = []
    for text, action in specs:
        path = find_path(schema, text.replace("[]", ""))
        if path is None:
            continue
        schema, step = changes.at_path(schema, path, _change(action, catalog, path))
        steps.append((schema, step))
    if choice:
        schema, step = changes.everywhere(schema, _of_choices(choice, catalog))
        steps.append((schema, step))
    return steps


def _of_choices(
    action: str, catalog: CatalogTypes | None
) -> Callable[[Field], changes.Made | None]:
    def change(field: Field) -> changes.Made | None:
        kind = field.dataType
        if isinstance(kind, ArrayType) and isinstance(kind.elementType, ChoiceType):
            return _elements(action, field)
        if not isinstance(kind, ChoiceType):
            return None
        return _change(action, catalog, (field.name,))(field)

    _change(action, catalog, ())
    return change


def _elements(action: str, field: Field) -> changes.Made | None:
    """A choice between the types of an array's elements; columns cannot be made of it."""
    assert isinstance(field.dataType, ArrayType)
    if action.partition(":")[0].lower() not in ("cast", "project", "make_struct"):
        return None
    inner = _change(action, None, ())(Field("element", field.dataType.elementType))
    (element, function), *_ = inner
    kind = ArrayType(element.dataType)
    return [(Field(field.name, kind), lambda array: map_elements(array, function))]


def _change(action: str, catalog: CatalogTypes | None, path: Path) -> changes.Change:
    name, _, target = action.partition(":")
    name = name.strip().lower()
    if name == "cast" and target:
        return _cast_to(read_type(target))
    if name == "project" and target:
        return _project_to(read_type(target))
    if name == "make_cols" and not target:
        return _make_cols
    if name == "make_struct" and not target:
        return _make_struct
    if name == "match_catalog" and not target:
        if catalog is None:
            raise ValueError("match_catalog needs the parameters database and table_name.")
        return _match(catalog, path)
    raise ValueError(
        f"{action} is not an action: cast:<type>, project:<type>, make_cols, make_struct or "
        "match_catalog."
    )


def _cast_to(want: DataType) -> changes.Change:
    def change(field: Field) -> changes.Made:
        have = field.dataType
        if isinstance(have, ArrayType) and not isinstance(want, ArrayType):
            element = have.elementType
            if isinstance(element, ChoiceType):
                return [
                    (
                        Field(field.name, ArrayType(want)),
                        lambda a: map_elements(a, lambda values: cast(values, element, want)),
                    )
                ]
        return [(Field(field.name, want), lambda array: cast(array, have, want))]

    return change


def _project_to(want: DataType) -> changes.Change:
    def change(field: Field) -> changes.Made:
        have = field.dataType
        if not isinstance(have, ChoiceType):
            return [(field, changes.same)]
        held = have.choices.get(want.typeName())

        def project(array: pa.Array) -> pa.Array:
            if held is None:
                return pa.nulls(len(array), to_arrow(want))
            return field_of(array, have, held.typeName())

        return [(Field(field.name, held or want), project)]

    return change


def _make_cols(field: Field) -> changes.Made:
    have = field.dataType
    if not isinstance(have, ChoiceType):
        return [(field, changes.same)]
    return [
        (Field(f"{field.name}_{one.typeName()}", one), _picks(have, one.typeName()))
        for one in have.sorted()
    ]


def _picks(kind: ChoiceType, name: str) -> changes.Function:
    return lambda array: field_of(array, kind, name)


def _make_struct(field: Field) -> changes.Made:
    have = field.dataType
    if not isinstance(have, ChoiceType):
        return [(field, changes.same)]
    made = StructType([Field(one.typeName(), one) for one in have.sorted()])
    return [(Field(field.name, made), changes.same)]


def _match(catalog: CatalogTypes, path: Path) -> changes.Change:
    def change(field: Field) -> changes.Made:
        if not isinstance(field.dataType, ChoiceType):
            return [(field, changes.same)]
        table = catalog()
        found = find_path(table, ".".join(f"`{name}`" for name in path), case_sensitive=False)
        if found is None:
            return [(field, changes.same)]
        return _cast_to(type_at(table, found))(field)

    return change
