"""The structures that msgspec reads JSON records of a table into."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from millpond.engines.streams.formats import texts
from millpond.engines.streams.types import Column, DataType

AS_TEXT = frozenset({"DATE", "TIME", "TIMESTAMP", "TIMESTAMP_LTZ"})
"""Types whose values are texts in JSON, read a column at a time."""


def shape_of(
    columns: Sequence[Column], paths: Sequence[tuple[str | int, ...]], needs_all: bool
) -> tuple[type, list[tuple[str, ...]]] | None:
    """The structure of a record, and how to get to each column in it; None where paths meet."""
    tree: dict[str, Any] = {}
    getters = []
    for column, path in zip(columns, paths, strict=True):
        if not path or not all(isinstance(part, str) for part in path):
            return None
        inner = tree
        for part in path[:-1]:
            inner = inner.setdefault(str(part), {})
            if not isinstance(inner, dict):
                return None
        if str(path[-1]) in inner:
            return None
        inner[str(path[-1])] = column.type
        getters.append(path)
    shape = _struct(tree, needs_all)
    return shape, [_names(tree, path) for path in getters]


def _names(tree: dict[str, Any], path: Sequence[str | int]) -> tuple[str, ...]:
    names = []
    inner: Any = tree
    for part in path:
        names.append(f"f{list(inner).index(part)}")
        inner = inner[part]
    return tuple(names)


def _struct(fields: Mapping[str, Any], needs_all: bool) -> type:
    declared: list[Any] = []
    rename = {}
    for at, (name, kind) in enumerate(fields.items()):
        inner = _struct(kind, needs_all) if isinstance(kind, dict) else _python(kind, needs_all)
        declared.append((f"f{at}", inner | None, *(() if needs_all else (None,))))
        rename[f"f{at}"] = name
    return msgspec.defstruct("Row", declared, rename=rename, gc=False)


def _python(kind: DataType, needs_all: bool) -> Any:
    """What msgspec reads a value of a type into."""
    name = kind.name
    if name in texts.TEXTS or name in AS_TEXT:
        return str
    if name in texts.INTEGERS:
        return int
    if name in texts.BINARIES:
        return bytes
    if name == "ARRAY":
        return list[_python(kind.fields[0][1], needs_all) | None]  # type: ignore[misc]
    if name in ("MAP", "MULTISET"):
        return dict[str, _python(kind.fields[-1][1], needs_all) | None]  # type: ignore[misc]
    if name == "ROW":
        return _struct(dict(kind.fields), needs_all)
    return {"BOOLEAN": bool, "FLOAT": float, "DOUBLE": float, "DECIMAL": Decimal}[name]
