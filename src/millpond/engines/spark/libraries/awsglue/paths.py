"""Paths of fields: `a.b` is the field b in a, `` `a.b` `` is one field with a dot in its name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .gluetypes import ArrayType, ChoiceType, DataType, Field, MapType, StructType

Path = tuple[str, ...]


def read_path(text: str) -> Path:
    """The names on the way.

    Raises:
        ValueError: a back-tick is not closed.
    """
    parts: list[str] = []
    rest = text
    while True:
        if rest.startswith("`"):
            name, closed, rest = rest[1:].partition("`")
            if not closed:
                raise ValueError(f"The path {text} has a back-tick that is not closed.")
            parts.append(name)
            if not rest:
                return tuple(parts)
            rest = rest[1:] if rest.startswith(".") else rest
        else:
            name, dot, rest = rest.partition(".")
            parts.append(name)
            if not dot:
                return tuple(parts)


def find_path(schema: StructType, text: str, case_sensitive: bool = True) -> Path | None:
    """The path that `text` names in a schema; None when there is none. A column whose name is
    the whole text, dots and all, comes first: `.id`, or what `unnest` made."""
    if schema.hasField(text):
        return (text,)
    return _spelled(schema, read_path(text), case_sensitive)


def _spelled(schema: DataType, path: Path, case_sensitive: bool) -> Path | None:
    if not path:
        return ()
    inner = inside(schema)
    if inner is None:
        return None
    wanted = path[0]
    names = [field.name for field in inner]
    if wanted not in names and not case_sensitive:
        wanted = next((name for name in names if name.lower() == wanted.lower()), wanted)
    if wanted not in names:
        return None
    rest = _spelled(inner.getField(wanted).dataType, path[1:], case_sensitive)
    return None if rest is None else (wanted, *rest)


def inside(kind: DataType) -> StructType | None:
    """The struct that a path goes on in: through arrays, and a choice's struct."""
    if isinstance(kind, StructType):
        return kind
    if isinstance(kind, ArrayType):
        return inside(kind.elementType)
    if isinstance(kind, ChoiceType):
        found = [one for one in map(inside, kind.sorted()) if one is not None]
        return found[0] if len(found) == 1 else None
    return None


def type_at(schema: StructType, path: Path) -> DataType:
    """The type of the field at a path that `find_path` found."""
    kind: DataType = schema
    for name in path:
        inner = inside(kind)
        assert inner is not None
        kind = inner.getField(name).dataType
    return kind


def without(schema: StructType, paths: Iterable[Path]) -> StructType:
    """The schema without the fields at these paths."""
    kept = _changed(schema, set(paths), (), keep=False)
    assert isinstance(kept, StructType)
    return kept


def only(schema: StructType, paths: Iterable[Path]) -> StructType:
    """The schema with the fields at these paths alone, top-level ones in the order of paths."""
    wanted = list(paths)
    kept = _changed(schema, set(wanted), (), keep=True)
    assert isinstance(kept, StructType)
    order = list(dict.fromkeys(path[0] for path in wanted))
    return StructType([kept.getField(name) for name in order if kept.hasField(name)])


def _changed(kind: DataType, paths: set[Path], at: Path, keep: bool) -> Any:
    if isinstance(kind, ArrayType):
        return ArrayType(_changed(kind.elementType, paths, at, keep))
    if isinstance(kind, MapType):
        return kind
    if isinstance(kind, ChoiceType):
        return ChoiceType([_changed(one, paths, at, keep) for one in kind.sorted()])
    if not isinstance(kind, StructType):
        return kind
    fields = []
    for field in kind:
        here = (*at, field.name)
        if here in paths:
            if keep:
                fields.append(field)
        elif any(path[: len(here)] == here for path in paths):
            fields.append(Field(field.name, _changed(field.dataType, paths, here, keep)))
        elif not keep:
            fields.append(field)
    return StructType(fields)


def quote(name: str) -> str:
    """A name as a path of its own."""
    return f"`{name}`" if "." in name else name
