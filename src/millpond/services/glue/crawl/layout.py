"""Folders to tables: where a table begins, and which folders are its partitions.

A folder whose files are alike is one table. Folders side by side whose contents are alike, and
equally deep, are partitions of the table above them: `key=value` folders are named by the key,
others `partition_0`, `partition_1`, … Where they are not alike, each is a table of its own, and
in a folder whose files are not alike each file is.

Source: Glue developer guide, "How does a crawler determine when to create partitions?"
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from millpond.services.glue.crawl.naming import key_value
from millpond.services.glue.crawl.similarity import Shape, group, merge_shapes, shape_of
from millpond.services.glue.expression.values import NULL
from millpond.services.glue.infer.csv import with_header
from millpond.services.glue.infer.schema import FileSchema

MAJORITY_MIN = 0.7


@dataclass(frozen=True, slots=True)
class File:
    """An object with its schema."""

    key: str
    size: int
    schema: FileSchema


@dataclass(frozen=True, slots=True)
class Leaf:
    """A partition, or the whole of a table without any: `folders` lead to it from the table."""

    key: str
    folders: tuple[str, ...]
    files: tuple[File, ...]


@dataclass(frozen=True, slots=True)
class FoundTable:
    """A table. `key` is its folder (with a final slash, or empty) or its one file."""

    key: str
    leaves: tuple[Leaf, ...]

    @property
    def depth(self) -> int:
        return len(self.leaves[0].folders)


@dataclass(slots=True)
class _Folder:
    key: str
    name: str
    files: list[File] = field(default_factory=list)
    folders: "dict[str, _Folder]" = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Uniform:
    """A folder that can be a table, or part of one."""

    shape: Shape
    leaves: tuple[Leaf, ...]

    @property
    def depth(self) -> int:
        return len(self.leaves[0].folders)


_Outcome = _Uniform | tuple[FoundTable, ...]


def find_tables(
    root: str,
    files: Iterable[File],
    *,
    combine: bool = False,
    table_level: int | None = None,
    single: bool = False,
) -> list[FoundTable]:
    """The tables below the folder `root` (a key prefix that is empty or ends with a slash).

    `combine` takes all files of one format for alike. `table_level` says at which depth tables
    begin, the bucket being level 1, and then all below such a folder is one table. With `single`
    each file is a table, whatever its folder.
    """
    if single:
        return list(_one_by_one(list(files)))
    tree = _build(root, _agree_on_headers(list(files)))
    if table_level is not None:
        tops = _folders_at(tree, table_level - 1 - root.count("/"))
        return [table for top in tops for table in _forced(top)]
    return list(_tables(tree, _examine(tree, combine)))


def _agree_on_headers(files: list[File]) -> list[File]:
    """A file in which nothing tells a header still has one, if its first row is that of another."""
    headers = {
        file.schema.csv.first_row for file in files if file.schema.csv and file.schema.csv.header
    }
    return [
        File(file.key, file.size, with_header(file.schema))
        if file.schema.csv and not file.schema.csv.header and file.schema.csv.first_row in headers
        else file
        for file in files
    ]


def _build(root: str, files: Sequence[File]) -> _Folder:
    tree = _Folder(root, root.rstrip("/").rpartition("/")[2])
    for file in sorted(files, key=lambda file: file.key):
        folder = tree
        *names, _ = file.key[len(root) :].split("/")
        for name in names:
            if name not in folder.folders:
                folder.folders[name] = _Folder(f"{folder.key}{name}/", name)
            folder = folder.folders[name]
        folder.files.append(file)
    return tree


def _folders_at(folder: _Folder, depth: int) -> list[_Folder]:
    level = [folder]
    for _ in range(depth):
        level = [below for above in level for below in above.folders.values()]
    return level


def _examine(folder: _Folder, combine: bool) -> _Outcome:
    """What a folder is, from its leaves up; without recursion, since keys may be deep."""
    order = [folder]
    for waiting in order:
        order.extend(waiting.folders.values())
    outcomes: dict[str, _Outcome] = {}
    for current in reversed(order):
        below = {name: outcomes.pop(inner.key) for name, inner in current.folders.items()}
        outcomes[current.key] = _judge(current, below, combine)
    return outcomes[folder.key]


def _judge(folder: _Folder, below: dict[str, _Outcome], combine: bool) -> _Outcome:
    own = _own_files(folder, combine)
    uniform = {name: found for name, found in below.items() if isinstance(found, _Uniform)}
    if len(uniform) == len(below) and not isinstance(own, tuple):
        if not below:
            return () if own is None else own
        joined = _join(folder, own, uniform, combine)
        if joined is not None:
            return joined
    tables = [
        table for name, found in below.items() for table in _tables(folder.folders[name], found)
    ]
    tables.extend(own if isinstance(own, tuple) else _one_by_one(folder.files))
    return tuple(tables)


def _own_files(folder: _Folder, combine: bool) -> _Outcome | None:
    """The files that stand in the folder itself: alike, not alike, or none."""
    if not folder.files:
        return None
    groups = group(
        ((shape_of(file.schema), file) for file in folder.files), strict=False, combine=combine
    )
    largest = max(groups, key=lambda found: len(found.members))
    if len(groups) > 1 and len(largest.members) < MAJORITY_MIN * len(folder.files):
        return _one_by_one(folder.files)
    files = tuple(
        file for file in folder.files if shape_of(file.schema).format == largest.shape.format
    )
    return _Uniform(largest.shape, (Leaf(folder.key, (), files),))


def _one_by_one(files: Sequence[File]) -> tuple[FoundTable, ...]:
    return tuple(FoundTable(file.key, (Leaf(file.key, (), (file,)),)) for file in files)


def _join(
    folder: _Folder, own: _Uniform | None, below: dict[str, _Uniform], combine: bool
) -> _Uniform | None:
    """The folders below as partitions, or with the folder's own files as one; None: not alike."""
    pairs = {name: key_value(name) for name in below}
    keys = {pair[0] if pair else None for pair in pairs.values()}
    partitioned = len(keys) == 1 and None not in keys
    dated = all(name.isdecimal() for name in below)
    shapes = [found.shape for found in below.values()] + ([own.shape] if own else [])
    groups = group(
        ((shape, shape) for shape in shapes),
        strict=not (partitioned or dated or own),
        combine=combine or partitioned,
    )
    if len(groups) > 1:
        return None
    merged = merge_shapes(shapes)
    if own is None and len({found.depth for found in below.values()}) == 1:
        leaves = tuple(
            Leaf(leaf.key, (name, *leaf.folders), leaf.files)
            for name, found in below.items()
            for leaf in found.leaves
        )
        return _Uniform(merged, leaves)
    if own is None:
        return None
    files = [*own.leaves[0].files]
    files.extend(file for found in below.values() for leaf in found.leaves for file in leaf.files)
    return _Uniform(merged, (Leaf(folder.key, (), tuple(files)),))


def _tables(folder: _Folder, found: _Outcome) -> tuple[FoundTable, ...]:
    if isinstance(found, _Uniform):
        return (FoundTable(folder.key, found.leaves),)
    return found


def _forced(folder: _Folder) -> Iterator[FoundTable]:
    """All of the commonest format below a folder as one table, with partitions if they fit."""
    found = _examine(folder, combine=True)
    if isinstance(found, _Uniform) or not found:
        yield from _tables(folder, found)
        return
    files = [file for table in found for leaf in table.leaves for file in leaf.files]
    groups = group(((shape_of(file.schema), file) for file in files), strict=False, combine=True)
    largest = max(groups, key=lambda group: len(group.members))
    yield FoundTable(folder.key, (Leaf(folder.key, (), tuple(largest.members)),))


def partition_names(table: FoundTable, columns: Iterable[str]) -> list[str]:
    """The partition keys' names: of `key=value` folders the key, else `partition_<level>`; also
    where the key is the name of a column, since a table has each name once."""
    taken = set(columns)
    names: list[str] = []
    for level in range(table.depth):
        pairs = [key_value(leaf.folders[level]) for leaf in table.leaves]
        keys = {pair[0] if pair else "" for pair in pairs}
        name = keys.pop() if len(keys) == 1 else ""
        names.append(name if name and name not in taken else f"partition_{level}")
        taken.add(names[-1])
    return names


def partition_values(leaf: Leaf) -> list[str]:
    """The values that a leaf's folders stand for."""
    pairs = [(folder, key_value(folder)) for folder in leaf.folders]
    return [pair[1] if pair else folder or NULL for folder, pair in pairs]
