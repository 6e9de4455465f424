"""What one file turned out to hold, and how the schemas of several files become one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from millpond.services.glue.infer.types import HiveType, merge

Columns = tuple[tuple[str, HiveType], ...]
"""Columns by name (lower case), in order."""


NAME_CHARACTERS_MAX = 255


def column_name(text: str) -> str:
    """A name as the catalog takes it: lower case, printable, not too long. It may end up empty."""
    printable = "".join(character for character in text if character.isprintable())
    return printable.strip().lower()[:NAME_CHARACTERS_MAX]


@dataclass(frozen=True, slots=True)
class CsvFacts:
    """How a delimited text file is written.

    `first_row` holds the first row's cells as they would be column names, and `columns_below` the
    columns that the file has if that row is a header: another file of the folder may tell.
    """

    delimiter: str
    quoted: bool
    header: bool
    first_row: tuple[str, ...] = ()
    columns_below: Columns = ()


@dataclass(frozen=True, slots=True)
class Parsing:
    """A SerDe of its own for files that a custom classifier takes: its class and parameters."""

    serde: str
    parameters: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class FileSchema:
    """Format and columns of one file.

    `records` and `sample_bytes` count what was looked at, after decompression; `whole` says that
    it was all. `paths` are JSON's member names in their own case; `json_path` says where in a file
    its records stand, `row_tag` which element of XML is one; `definition` is what the file itself
    has of a schema (Avro). `parsed_by` is what a custom classifier says of how to read it.
    """

    classification: str
    compression: str
    columns: Columns
    records: int
    sample_bytes: int
    whole: bool
    csv: CsvFacts | None = None
    paths: tuple[str, ...] = field(default=())
    json_path: str = ""
    row_tag: str = ""
    definition: str = ""
    parsed_by: Parsing | None = None

    def changed(self, **changes: Any) -> "FileSchema":
        """The same file, told in another way."""
        return replace(self, **changes)

    @property
    def record_size_bytes(self) -> int:
        """The average size of a record in the sample, in bytes; at least one."""
        return max(1, self.sample_bytes // max(1, self.records))


def merge_columns(schemas: Iterable[Columns]) -> Columns:
    """All columns, in the order in which they first stand, each with its merged type."""
    merged: dict[str, HiveType] = {}
    for columns in schemas:
        for name, kind in columns:
            merged[name] = merge(merged[name], kind) if name in merged else kind
    return tuple(merged.items())


def merge_positional(schemas: Sequence[Columns]) -> Columns:
    """As `merge_columns`, but in the order of the widest: delimited text is read by position."""
    widest = max(schemas, key=len, default=())
    return merge_columns([widest, *schemas])
