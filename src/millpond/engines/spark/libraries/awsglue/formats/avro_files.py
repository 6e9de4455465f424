"""Avro: object container files, read by `fastavro` record by record.

Source: "Using the Avro format in AWS Glue" (developer guide).
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from .. import places
from ..gluetypes import StructType
from ..places import Access
from ..plan import Errors
from ..refusals import refuse_others
from ..shapes import Shape, observe
from ..splits import Piece
from ..values import from_records

_ROWS = 8192
_WIDER = {"long": {"int": "long"}, "float": {"double": "float"}}
"""What a value looks like, and what its field's declared type makes of it."""


@dataclass(frozen=True)
class AvroFormat:
    may_cut: bool = False

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> AvroFormat:
        refuse_others("avro", options, ("version",))
        return cls()

    def fixed_schema(self, piece: Piece, access: Access) -> StructType | None:
        return None

    def observe(self, piece: Piece, access: Access) -> Shape:
        shape: Shape = {}
        reader = _open(piece, access)
        for record in reader:
            observe(shape, record)
        declared = _declared(reader.writer_schema)
        for name in declared:
            shape.setdefault("struct", {}).setdefault(name, {})
        for name, kind in declared.items():
            wider = _WIDER.get(str(kind), {})
            seen = shape["struct"][name]
            shape["struct"][name] = {wider.get(one, one): value for one, value in seen.items()}
        return shape

    def read(
        self, piece: Piece, schema: StructType, access: Access, errors: Errors
    ) -> Iterator[pa.RecordBatch]:
        some: list[dict[str, Any]] = []
        for record in _open(piece, access):
            some.append(record)
            if len(some) == _ROWS:
                yield from_records(some, schema)
                some = []
        if some:
            yield from_records(some, schema)


def _open(piece: Piece, access: Access) -> Any:
    import fastavro  # noqa: PLC0415 - only Avro needs it

    return fastavro.reader(io.BytesIO(places.read(piece.uri, 0, None, access)))


def _declared(schema: Any) -> dict[str, Any]:
    """The fields' types as far as they are one plain type, or that and null."""
    found = {}
    for field in schema.get("fields", ()):
        kind = field["type"]
        if isinstance(kind, list):
            others = [one for one in kind if one != "null"]
            kind = others[0] if len(others) == 1 else None
        found[field["name"]] = kind if isinstance(kind, str) else None
    return found
