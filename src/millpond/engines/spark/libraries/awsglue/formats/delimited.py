"""CSV: text in columns. Without a catalog all of it is strings, and what is missing is null.

Where the Data Catalog declares a column's type, values are of that type; those that cannot be stay
strings, and the column is a choice. An empty value is null unless the column is of strings.

Source: "Using the CSV format in AWS Glue" (developer guide).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from .. import places
from ..casts import cast
from ..columns import make_batch, make_struct
from ..conversions import to_arrow
from ..gluetypes import ChoiceType, DataType, Field, StringType, StructType
from ..places import Access
from ..plan import Errors
from ..refusals import NotSupported, is_true, refuse_others
from ..shapes import Shape, of_type
from ..splits import BLOCK_BYTES, Piece, is_compressed, lines, unpacked

_OPTIONS = (
    "separator", "escaper", "quoteChar", "multiLine", "multiline", "withHeader", "writeHeader",
    "skipFirst", "optimizePerformance", "strictCheckForQuoting",
)  # fmt: skip
_ROWS = 8192


@dataclass(frozen=True)
class CsvFormat:
    separator: str
    quote: str
    escape: str
    multiline: bool
    header: bool
    skip_first: bool
    declared: StructType | None

    @classmethod
    def of(cls, options: Mapping[str, Any], declared: StructType | None) -> CsvFormat:
        refuse_others("csv", options, _OPTIONS)
        separator = str(options.get("separator", ","))
        quote = options.get("quoteChar", '"')
        if len(separator.encode()) != 1:
            raise NotSupported(f"csv: the separator {separator!r} is not one plain character.")
        return cls(
            separator,
            "" if quote in (-1, "-1", None) else str(quote),
            str(options.get("escaper") or ""),
            is_true(options.get("multiLine", options.get("multiline", False))),
            is_true(options.get("withHeader", False)),
            is_true(options.get("skipFirst", False)),
            declared,
        )

    @property
    def may_cut(self) -> bool:
        return not self.multiline

    def fixed_schema(self, piece: Piece, access: Access) -> StructType | None:
        if self.declared and all(isinstance(f.dataType, StringType) for f in self.declared):
            return self.declared
        return None

    def observe(self, piece: Piece, access: Access) -> Shape:
        if self.declared is None:
            names = self._names(piece, access) if piece.start == 0 else []
            return {"struct": {name: {"string": 1} for name in names}}
        found: dict[str, Shape] = {f.name: of_type(f.dataType) for f in self.declared}
        for columns in self._columns(piece, access):
            for field, text in zip(self.declared, columns, strict=False):
                if "string" not in found[field.name] and _is_stray(text, field.dataType):
                    found[field.name]["string"] = 1
        return {"struct": found}

    def read(
        self, piece: Piece, schema: StructType, access: Access, errors: Errors
    ) -> Iterator[pa.RecordBatch]:
        if self.declared is not None:
            names = [field.name for field in self.declared]
        else:
            names = self._names(piece, access)
        for columns in self._columns(piece, access):
            rows = len(columns[0]) if columns else 0
            texts = dict(zip(names, columns, strict=False))
            arrays = [_typed(texts.get(f.name), f.dataType, rows) for f in schema]
            made = make_batch(arrays, schema, rows)
            for at in range(0, rows, _ROWS):
                yield made.slice(at, _ROWS)

    def _names(self, piece: Piece, access: Access) -> list[str]:
        first = self._first_row(piece, access)
        if self.header:
            return [name or f"col{index}" for index, name in enumerate(first)]
        return [f"col{index}" for index in range(len(first))]

    def _first_row(self, piece: Piece, access: Access) -> list[str]:
        if is_compressed(piece.uri):
            data = unpacked(piece, access)
        else:
            data = places.read(piece.uri, 0, min(piece.size, BLOCK_BYTES), access)
        text = io.StringIO(data.decode("utf-8-sig", "replace"), newline="")
        return next(self._reader(text), [])

    def _reader(self, text: Any) -> Iterator[list[str]]:
        rows = csv.reader(
            text,
            delimiter=self.separator,
            quotechar=self.quote or None,
            quoting=csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
            escapechar=self.escape or None,
        )
        return (row for row in rows if row)

    def _columns(self, piece: Piece, access: Access) -> Iterator[list[pa.Array]]:
        """The texts of each column, null where a row is too short."""
        if self.declared is not None:
            width = len(self.declared.fields)
        else:
            width = len(self._first_row(piece, access))
        skip = piece.start == 0 and (self.header or self.skip_first)
        blocks = iter([unpacked(piece, access)]) if self.multiline else lines(piece, access)
        for number, block in enumerate(blocks):
            columns = self._parse(block, width, skip and number == 0)
            if columns and len(columns[0]):
                yield columns

    def _parse(self, block: bytes, width: int, skip: bool) -> list[pa.Array] | None:
        if not block.strip() or not width:
            return None
        names = [str(index) for index in range(width)]
        ragged = False

        def invalid(row: Any) -> str:
            nonlocal ragged
            ragged = True
            return "skip"

        try:
            table = arrow_csv.read_csv(
                io.BytesIO(block),
                arrow_csv.ReadOptions(
                    use_threads=False,
                    column_names=names,
                    block_size=len(block) + 1,
                    skip_rows_after_names=int(skip),
                ),
                arrow_csv.ParseOptions(
                    delimiter=self.separator,
                    quote_char=self.quote or False,
                    escape_char=self.escape or False,
                    newlines_in_values=self.multiline,
                    invalid_row_handler=invalid,
                ),
                arrow_csv.ConvertOptions(
                    column_types={name: pa.string() for name in names}, strings_can_be_null=False
                ),
            )
        except pa.ArrowInvalid:
            ragged = True
        if ragged or self.escape:
            return self._parse_slowly(block, width, skip)
        return [column.combine_chunks() for column in table.columns]

    def _parse_slowly(self, block: bytes, width: int, skip: bool) -> list[pa.Array]:
        text = io.StringIO(block.decode("utf-8-sig", "replace"), newline="")
        columns: list[list[Any]] = [[] for _ in range(width)]
        for number, row in enumerate(self._reader(text)):
            if skip and number == 0:
                continue
            for index in range(width):
                columns[index].append(row[index] if index < len(row) else None)
        return [pa.array(column, pa.string()) for column in columns]


def _is_stray(text: pa.Array, kind: DataType) -> bool:
    """Whether a value is there that is not of its column's type."""
    if isinstance(kind, StringType):
        return False
    made = cast(text, StringType(), kind)
    if made.null_count == text.null_count:
        return False
    return bool(pc.any(pc.and_(made.is_null(), _filled(text))).as_py())


def _filled(text: pa.Array) -> pa.Array:
    return pc.fill_null(pc.greater(pc.utf8_length(pc.utf8_trim_whitespace(text)), 0), False)


def _typed(text: pa.Array | None, kind: DataType, rows: int) -> pa.Array:
    if text is None:
        return pa.nulls(rows, to_arrow(kind))
    if isinstance(kind, StringType):
        return text
    if not isinstance(kind, ChoiceType):
        return cast(text, StringType(), kind)
    plain = next(one for one in kind.sorted() if not isinstance(one, StringType))
    made = cast(text, StringType(), plain)
    stray = pc.and_(made.is_null(), _filled(text))
    strings = pc.if_else(stray, text, pa.scalar(None, pa.string()))
    null = pc.and_(made.is_null(), pc.invert(stray))
    parts = [strings if isinstance(one, StringType) else made for one in kind.sorted()]
    struct = StructType([Field(one.typeName(), one) for one in kind.sorted()])
    return make_struct(parts, struct, null)
