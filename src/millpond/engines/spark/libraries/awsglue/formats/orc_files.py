"""ORC, read by Arrow.

Source: "Using the ORC format in AWS Glue" (developer guide).
"""

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


@dataclass(frozen=True)
class OrcFormat:
    may_cut: bool = False

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> OrcFormat:
        refuse_others("orc", options, ())
        return cls()

    def fixed_schema(self, piece: Piece, access: Access) -> StructType | None:
        return None

    def observe(self, piece: Piece, access: Access) -> Shape:
        return of_type(from_arrow(pa.struct(list(_open(piece, access).schema))))

    def read(
        self, piece: Piece, schema: StructType, access: Access, errors: Errors
    ) -> Iterator[pa.RecordBatch]:
        file = _open(piece, access)
        for number in range(file.nstripes):
            stripe = file.read_stripe(number)
            arrays = []
            for field in schema:
                index = stripe.schema.get_field_index(field.name)
                if index < 0:
                    arrays.append(pa.nulls(stripe.num_rows, to_arrow(field.dataType)))
                    continue
                have = from_arrow(stripe.schema.field(index).type)
                column = stripe.column(index).cast(to_arrow(have))
                arrays.append(conform(column, have, field.dataType))
            yield make_batch(arrays, schema, stripe.num_rows)


def _open(piece: Piece, access: Access) -> Any:
    from pyarrow import orc  # noqa: PLC0415 - only ORC needs it

    return orc.ORCFile(pa.PythonFile(places.Ranges(piece.uri, piece.size, access), "r"))
