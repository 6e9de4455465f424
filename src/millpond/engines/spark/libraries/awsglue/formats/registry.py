"""Formats by the names that scripts call them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import pyarrow as pa

from ..gluetypes import StructType
from ..places import Access
from ..plan import Errors
from ..refusals import NotSupported
from ..shapes import Shape
from ..splits import Piece


class Format(Protocol):
    @property
    def may_cut(self) -> bool: ...

    def fixed_schema(self, piece: Piece, access: Access) -> StructType | None:
        """The schema, where it needs no look at all the records."""
        ...

    def observe(self, piece: Piece, access: Access) -> Shape: ...

    def read(
        self, piece: Piece, schema: StructType, access: Access, errors: Errors
    ) -> Iterator[pa.RecordBatch]: ...


def find_format(
    name: str, options: Mapping[str, Any], declared: StructType | None = None
) -> Format:
    """The format of this name with its options; `declared` are the columns that the Data Catalog
    has for the files.

    Raises:
        NotSupported: there is none of that name, or one of the options is not known.
    """
    # Each is loaded when it is asked for: some bring a library of their own.
    name = name.lower()
    if name == "json":
        from .json_lines import JsonFormat  # noqa: PLC0415

        return JsonFormat.of(options)
    if name == "csv":
        from .delimited import CsvFormat  # noqa: PLC0415

        return CsvFormat.of(options, declared)
    if name == "xml":
        from .xml_rows import XmlFormat  # noqa: PLC0415

        return XmlFormat.of(options)
    if name == "avro":
        from .avro_files import AvroFormat  # noqa: PLC0415

        return AvroFormat.of(options)
    if name == "orc":
        from .orc_files import OrcFormat  # noqa: PLC0415

        return OrcFormat.of(options)
    if name in ("parquet", "glueparquet"):
        from .parquet_files import ParquetFormat  # noqa: PLC0415

        return ParquetFormat.of(options)
    if name in ("groklog", "grok"):
        from .grok_lines import GrokFormat  # noqa: PLC0415

        return GrokFormat.of(options)
    raise NotSupported(f"The format {name} is not supported.")
