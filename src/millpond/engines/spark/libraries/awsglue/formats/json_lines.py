"""JSON: a record on each line, or with `multiline` records that span lines; `jsonPath` finds the
records inside of a document.

Blocks whose values all are of one type per field are read by Arrow; others by Python, value by
value: Arrow would make a number of 1 and 1.5 where Glue sees a choice.

Source: "Using the JSON format in AWS Glue" (developer guide).
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import json as arrow_json

from ..columns import make_batch
from ..conversions import arrow_schema
from ..gluetypes import ArrayType, ChoiceType, DataType, MapType, StructType
from ..places import Access
from ..plan import Errors
from ..records import error_record
from ..refusals import is_true, refuse_others
from ..shapes import Shape, merge, observe
from ..splits import Piece, lines, unpacked
from ..values import from_records
from .json_path import JsonPath

_OPTIONS = ("jsonPath", "multiLine", "multiline", "optimizePerformance", "withSchema")
_INT = 1 << 31
_ROWS = 8192


@dataclass(frozen=True)
class JsonFormat:
    path: JsonPath | None
    multiline: bool

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> JsonFormat:
        refuse_others("json", options, _OPTIONS)
        refuse_others("json", {"withSchema": options.get("withSchema")}, ())
        path = options.get("jsonPath")
        multiline = is_true(options.get("multiLine", options.get("multiline", False)))
        return cls(JsonPath(path) if path else None, multiline)

    @property
    def may_cut(self) -> bool:
        return not self.multiline and self.path is None

    def fixed_schema(self, piece: Piece, access: Access) -> StructType | None:
        return None

    def observe(self, piece: Piece, access: Access) -> Shape:
        whole: Shape = {}
        for block in self._blocks(piece, access):
            merge(whole, _observe_block(block) if isinstance(block, bytes) else _observe_all(block))
        return whole

    def read(
        self, piece: Piece, schema: StructType, access: Access, errors: Errors
    ) -> Iterator[pa.RecordBatch]:
        simple = not _has_choice(schema) and len(schema.fields) > 0
        for block in self._blocks(piece, access):
            if isinstance(block, bytes):
                table = _read_block(block, schema) if simple else None
                if table is not None:
                    for batch in table.to_batches(max_chunksize=_ROWS):
                        yield make_batch(batch.columns, schema, batch.num_rows)
                    continue
                records = _records(block, piece.uri, errors)
            else:
                records = iter(block)
            yield from _batches(records, schema)

    def _blocks(self, piece: Piece, access: Access) -> Iterator[Any]:
        """Bytes of lines, or the records themselves."""
        if self.may_cut:
            yield from lines(piece, access)
            return
        text = unpacked(piece, access).decode("utf-8-sig")
        found: list[Any] = []
        for document in _documents(text) if self.multiline else map(json.loads, _filled(text)):
            if self.path is not None:
                found += [one for one in self.path.find(document) if isinstance(one, dict)]
            else:
                found += [one for one in _flat(document) if isinstance(one, dict)]
        yield found


def _filled(text: str) -> Iterator[str]:
    return (line for line in text.splitlines() if line.strip())


def _documents(text: str) -> Iterator[Any]:
    decoder = json.JSONDecoder()
    at = 0
    while True:
        while at < len(text) and text[at] in " \t\r\n,":
            at += 1
        if at >= len(text):
            return
        document, at = decoder.raw_decode(text, at)
        yield document


def _flat(document: Any) -> list[Any]:
    return document if isinstance(document, list) else [document]


def _records(block: bytes, uri: str, errors: Errors) -> Iterator[dict[str, Any]]:
    for line in block.split(b"\n"):
        text = line.strip(b"\xef\xbb\xbf \t\r")
        if not text:
            continue
        try:
            found = json.loads(text)
            if not isinstance(found, (dict, list)):
                raise ValueError("The line is not a JSON object.")
        except ValueError as error:
            if errors is not None:
                shown = text.decode("utf-8", "replace")
                errors.append(error_record(str(error), text=shown, source=uri))
            continue
        for one in _flat(found):
            if isinstance(one, dict):
                yield one


def _batches(records: Iterator[dict[str, Any]], schema: StructType) -> Iterator[pa.RecordBatch]:
    some: list[dict[str, Any]] = []
    for record in records:
        some.append(record)
        if len(some) == _ROWS:
            yield from_records(some, schema)
            some = []
    if some:
        yield from_records(some, schema)


def _observe_all(records: list[dict[str, Any]]) -> Shape:
    shape: Shape = {}
    for record in records:
        observe(shape, record)
    return shape


def _observe_block(block: bytes) -> Shape:
    try:
        table = arrow_json.read_json(
            io.BytesIO(block), arrow_json.ReadOptions(use_threads=False, block_size=len(block) + 1)
        )
    except pa.ArrowInvalid:
        table = None
    if table is not None:
        shape = _arrow_shape(table)
        if shape is not None:
            return shape
    shape = {}
    for record in _records(block, "", None):
        observe(shape, record)
    return shape


def _arrow_shape(table: pa.Table) -> Shape | None:
    """The shape of what Arrow has read; None when it may have made one type of several."""
    fields: dict[str, Shape] = {}
    for name, column in zip(table.column_names, table.columns, strict=False):
        shape = _column_shape(
            column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
        )
        if shape is None:
            return None
        fields[name] = shape
    return {"struct": fields}


def _column_shape(array: Any) -> Shape | None:
    kind = array.type
    if pa.types.is_null(kind):
        return {}
    if array.null_count == len(array):
        # All null, in whichever type Arrow chose: nothing has been seen.
        return {} if not pa.types.is_struct(kind) and not pa.types.is_list(kind) else None
    if pa.types.is_string(kind) or pa.types.is_timestamp(kind):
        return {"string": 1}
    if pa.types.is_boolean(kind):
        return {"boolean": 1}
    if pa.types.is_integer(kind):
        ends = pc.min_max(array).as_py()
        small = pc.any(pc.and_(pc.greater_equal(array, -_INT), pc.less(array, _INT))).as_py()
        shape: Shape = {"int": 1} if small else {}
        if ends["min"] < -_INT or ends["max"] >= _INT:
            shape["long"] = 1
        return shape
    if pa.types.is_struct(kind):
        inner = {}
        for field, values in zip(kind, array.flatten(), strict=False):
            found = _column_shape(values)
            if found is None:
                return None
            inner[field.name] = found
        return {"struct": inner}
    if pa.types.is_list(kind):
        found = _column_shape(array.flatten())
        return None if found is None else {"array": found}
    return None


def _read_block(block: bytes, schema: StructType) -> pa.Table | None:
    """All records of a block at once; None when one of them is not of the schema's types."""
    wanted = arrow_schema(schema)
    try:
        table = arrow_json.read_json(
            io.BytesIO(block),
            arrow_json.ReadOptions(use_threads=False, block_size=len(block) + 1),
            arrow_json.ParseOptions(explicit_schema=wanted, unexpected_field_behavior="ignore"),
        )
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None
    return table.select(wanted.names).combine_chunks()


def _has_choice(kind: DataType) -> bool:
    if isinstance(kind, ChoiceType):
        return True
    if isinstance(kind, StructType):
        return any(_has_choice(field.dataType) for field in kind)
    if isinstance(kind, ArrayType):
        return _has_choice(kind.elementType)
    return isinstance(kind, MapType)
