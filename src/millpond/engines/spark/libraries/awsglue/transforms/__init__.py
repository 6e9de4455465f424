"""Glue's transforms, under AWS's names. What is missing fails by its name."""

from __future__ import annotations

import json

from .collection_transforms import FlatMap, MapToCollection, SelectFromCollection
from .field_transforms import (
    ApplyMapping,
    Coalesce,
    DropDuplicates,
    DropFields,
    DropNullFields,
    ErrorsAsDynamicFrame,
    Filter,
    Join,
    Map,
    Relationalize,
    RenameField,
    Repartition,
    ResolveChoice,
    SelectFields,
    SimplifyDDBJson,
    Spigot,
    SplitFields,
    SplitRows,
    Unbox,
    Union,
    UnnestFrame,
)
from .transform import GlueTransform

ALL_TRANSFORMS: set[type[GlueTransform]] = {
    ApplyMapping, Coalesce, DropDuplicates, DropFields, DropNullFields, ErrorsAsDynamicFrame,
    Filter, FlatMap,
    Join, Map, MapToCollection, Relationalize, RenameField, Repartition, ResolveChoice,
    SelectFields, SelectFromCollection, SimplifyDDBJson, Spigot, SplitFields, SplitRows, Unbox,
    Union, UnnestFrame,
}  # fmt: skip

__all__ = [transform.__name__ for transform in ALL_TRANSFORMS]


def get_transforms() -> set[GlueTransform]:
    return {transform() for transform in ALL_TRANSFORMS}


def get_transform(name: str) -> GlueTransform | None:
    return next((one for one in get_transforms() if one.name().lower() == name.lower()), None)


def describe_transform(name: str) -> str:
    found = get_transform(name)
    return json.dumps(found.describe() if found else {}, sort_keys=True, indent=4)
