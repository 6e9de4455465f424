"""Mappings between tables: each field of the source, and the field of the target it becomes."""

from collections.abc import Iterator, Sequence

from millpond.services.glue.model import Table
from millpond.services.glue.shapes import MappingEntry

GLUE_TYPES = {
    "bigint": "long",
    "integer": "int",
    "smallint": "short",
    "tinyint": "byte",
    "char": "string",
    "varchar": "string",
}
"""Types of the catalog that Glue's scripts call by another name."""


def mapping_of(source: Table, sinks: Sequence[Table]) -> list[MappingEntry]:
    """The mapping of a table to each of the others, by the names of their fields; of a table
    alone to itself."""
    fields = list(fields_of(source))
    found = []
    for sink in sinks or [source]:
        targets = {path.lower(): (path, kind) for path, kind in fields_of(sink)}
        for path, kind in fields:
            if path.lower() in targets:
                target_path, target_kind = targets[path.lower()]
                found.append(
                    MappingEntry(
                        source_table=source.input.name,
                        source_path=path,
                        source_type=kind,
                        target_table=sink.input.name,
                        target_path=target_path,
                        target_type=target_kind,
                    )
                )
    return found


def fields_of(table: Table) -> Iterator[tuple[str, str]]:
    """The fields of a table that are no structures, with their paths and Glue's types."""
    described = table.input.storage_descriptor
    columns = [*((described.columns if described else None) or ())]
    for column in [*columns, *(table.input.partition_keys or ())]:
        yield from _fields(column.name, column.type or "string")


def _fields(path: str, kind: str) -> Iterator[tuple[str, str]]:
    base, _, inner = kind.strip().partition("<")
    if base.strip().lower() != "struct" or not inner.endswith(">"):
        yield path, glue_type(kind)
        return
    for part in _split(inner[:-1]):
        name, _, part_kind = part.partition(":")
        yield from _fields(f"{path}.{name.strip()}", part_kind)


def _split(text: str) -> Iterator[str]:
    """The parts between commas that stand in no brackets."""
    depth, begun = 0, 0
    for place, each in enumerate(text):
        depth += (each in "<(") - (each in ">)")
        if each == "," and depth == 0:
            yield text[begun:place]
            begun = place + 1
    if text[begun:].strip():
        yield text[begun:]


def glue_type(kind: str) -> str:
    """Glue's type of a type of the catalog: `bigint` is `long`, `array<int>` is `array`."""
    base = kind.strip().partition("<")[0].lower()
    bare = base.partition("(")[0].strip()
    return GLUE_TYPES.get(bare, bare)
