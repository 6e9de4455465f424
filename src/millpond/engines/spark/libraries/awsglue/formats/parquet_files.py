"""Parquet where the engine's own reader does not do: files whose types differ, many partitions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from .. import places
from ..columns import conform, make_batch
from ..conversions import from_arrow, to_arrow
from ..gluetypes import StructType
from ..places import Access
from ..plan import Errors
from ..refusals import refuse_others
from ..shapes import Shape, of_type
from ..splits import Piece

OPTIONS = ("useGlueParquetWriter", "compression", "blockSize", "pageSize")
"""Those of the writer are passed over by the reader."""
_ROWS = 8192


@dataclass(frozen=True)
class ParquetFormat:
    may_cut: bool = False

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> ParquetFormat:
        refuse_others("parquet", options, OPTIONS)
        return cls()

    def fixed_schema(self, piece: Piece, access: Access) -> StructType | None:
        return None

    def observe(self, piece: Piece, access: Access) -> Shape:
        return of_type(_schema(_open(piece, access)))

    def read(
        self, piece: Piece, schema: StructType, access: Access, errors: Errors
    ) -> Iterator[pa.RecordBatch]:
        file = _open(piece, access)
        have = _schema(file)
        for batch in file.iter_batches(_ROWS, use_threads=False):
            arrays = []
            for field in schema:
                if not have.hasField(field.name):
                    arrays.append(pa.nulls(batch.num_rows, to_arrow(field.dataType)))
                    continue
                kind = have.getField(field.name).dataType
                index = batch.schema.get_field_index(field.name)
                column = batch.column(index).cast(to_arrow(kind))
                arrays.append(conform(column, kind, field.dataType))
            yield make_batch(arrays, schema, batch.num_rows)


def _open(piece: Piece, access: Access) -> Any:
    from pyarrow import parquet  # noqa: PLC0415 - only where it is needed

    return parquet.ParquetFile(pa.PythonFile(places.Ranges(piece.uri, piece.size, access), "r"))


def _schema(file: Any) -> StructType:
    kind = from_arrow(pa.struct(list(file.schema_arrow)))
    assert isinstance(kind, StructType)
    return kind
