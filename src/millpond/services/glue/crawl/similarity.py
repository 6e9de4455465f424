"""Whether the schemas of files or folders belong to one table.

Glue compares "data compatibility" (format, separator) and "schema similarity", with a threshold of
70 %; it does not say how it measures. Here: the share of columns that agree in name and, where
names tell nothing (`col0` of files without header), in type. Between files of one folder, and
between folders that are named as partitions are, the smaller schema is what counts, so that a
column may be added; between other folders the larger one, so that two tables that share a few
columns stay two.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from millpond.services.glue.infer.schema import Columns, FileSchema, merge_columns
from millpond.services.glue.infer.types import (
    UNSEEN,
    Array,
    Decimal,
    HiveType,
    Map,
    Scalar,
    Struct,
)

SIMILARITY_MIN = 0.7
GROUPS_MAX = 50
"""With more groups than these, there is no telling which belong together: each is its own."""

_NUMBERS = frozenset({"tinyint", "smallint", "int", "bigint", "float", "double"})
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Shape:
    """What is compared: the format with its separator, whether names tell something, columns."""

    format: tuple[str, str]
    named: bool
    columns: Columns


@dataclass(frozen=True, slots=True)
class Group(Generic[_T]):
    """Things that belong together, and the shape of them all."""

    shape: Shape
    members: list[_T]


def shape_of(schema: FileSchema) -> Shape:
    csv = schema.csv
    delimiter = csv.delimiter if csv else ""
    return Shape((schema.classification, delimiter), csv is None or csv.header, schema.columns)


def merge_shapes(shapes: Sequence[Shape]) -> Shape:
    """The shape of things that are one table."""
    return Shape(
        shapes[0].format,
        all(shape.named for shape in shapes),
        merge_columns(shape.columns for shape in shapes),
    )


def are_similar(one: Shape, other: Shape, *, strict: bool) -> bool:
    """Whether both are of one table; `strict` counts against the larger one."""
    if one.format != other.format or one.named != other.named:
        return False
    types = dict(other.columns)
    agreeing = sum(
        1
        for name, kind in one.columns
        if name in types and ((one.named and not strict) or _agree(kind, types[name]))
    )
    sizes = (len(one.columns), len(other.columns))
    most = max(sizes) if strict else min(sizes)
    return agreeing >= SIMILARITY_MIN * most


def _agree(one: HiveType, other: HiveType) -> bool:
    """Whether values of both are of a kind: all numbers are."""
    if one is UNSEEN or other is UNSEEN or str(one) == str(other):
        return True
    if isinstance(one, Array | Struct | Map):
        return type(one) is type(other)
    return _is_number(one) and _is_number(other)


def _is_number(kind: HiveType) -> bool:
    return isinstance(kind, Decimal) or (isinstance(kind, Scalar) and kind.name in _NUMBERS)


def group(things: Iterable[tuple[Shape, _T]], *, strict: bool, combine: bool) -> list[Group[_T]]:
    """Things that are similar, together; with `combine` all of one format are."""
    groups: list[Group[_T]] = []
    for shape, thing in things:
        for index, found in enumerate(groups if len(groups) <= GROUPS_MAX else ()):
            same = (
                found.shape.format == shape.format
                if combine
                else are_similar(found.shape, shape, strict=strict)
            )
            if same:
                found.members.append(thing)
                if not set(shape.columns) <= set(found.shape.columns):
                    merged = merge_shapes([found.shape, shape])
                    groups[index] = Group(merged, found.members)
                break
        else:
            groups.append(Group(shape, [thing]))
    return groups
