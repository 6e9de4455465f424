"""The statements of a program, read but not yet understood: queries and expressions are still
text, with the place that it begins at."""

from dataclasses import dataclass

from millpond.engines.streams.sql.typed import Position

Name = tuple[str, ...]
"""A name of one to three parts: catalog, database, object."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """A part of the program's text that the parser of queries reads."""

    text: str
    at: Position


@dataclass(frozen=True, slots=True)
class PhysicalColumn:
    name: str
    type: Fragment
    at: Position


@dataclass(frozen=True, slots=True)
class ComputedColumn:
    name: str
    expression: Fragment
    at: Position


@dataclass(frozen=True, slots=True)
class MetadataColumn:
    """`virtual`: it can be read alone, not written."""

    name: str
    type: Fragment
    key: str
    virtual: bool
    at: Position


DeclaredColumn = PhysicalColumn | ComputedColumn | MetadataColumn


@dataclass(frozen=True, slots=True)
class Watermark:
    column: str
    expression: Fragment
    at: Position


@dataclass(frozen=True, slots=True)
class Statement:
    at: Position


@dataclass(frozen=True, slots=True)
class CreateTable(Statement):
    name: Name
    columns: tuple[DeclaredColumn, ...]
    watermark: Watermark | None
    primary_key: tuple[str, ...]
    partitioned_by: tuple[str, ...]
    options: tuple[tuple[str, str], ...]
    unless_exists: bool
    temporary: bool
    like: Name | None


@dataclass(frozen=True, slots=True)
class CreateView(Statement):
    name: Name
    columns: tuple[str, ...]
    query: Fragment
    unless_exists: bool


@dataclass(frozen=True, slots=True)
class CreateFunction(Statement):
    name: Name
    module: str
    attribute: str
    unless_exists: bool


@dataclass(frozen=True, slots=True)
class CreateCatalog(Statement):
    name: str
    options: tuple[tuple[str, str], ...]
    unless_exists: bool


@dataclass(frozen=True, slots=True)
class Use(Statement):
    """`USE CATALOG c` (a catalog alone) or `USE [c.]d`."""

    catalog: str | None
    database: str | None


@dataclass(frozen=True, slots=True)
class Drop(Statement):
    kind: str
    name: Name
    if_exists: bool


@dataclass(frozen=True, slots=True)
class SetOption(Statement):
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class ResetOption(Statement):
    """Without a key, all of them."""

    key: str | None


@dataclass(frozen=True, slots=True)
class Insert(Statement):
    """`columns` None: all that can be written, in order."""

    name: Name
    columns: tuple[str, ...] | None
    query: Fragment
    text: str
