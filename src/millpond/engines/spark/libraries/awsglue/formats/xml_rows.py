"""XML: each element named by `rowTag` is a record.

An element with nothing but text is its value: a whole number, a double, a boolean, or text. One
with elements is a struct; what comes several times in it is an array, so that a field may be a
choice between a struct and an array of them. Attributes are fields too, by `attributePrefix`.

Source: "Using the XML format in AWS Glue" (developer guide).
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import pyarrow as pa

from ..gluetypes import StructType
from ..places import Access
from ..plan import Errors
from ..records import error_record
from ..refusals import NotSupported, is_true, refuse_others
from ..shapes import Shape, observe
from ..splits import Piece, unpacked
from ..values import from_records

_OPTIONS = (
    "rowTag", "encoding", "excludeAttribute", "treatEmptyValuesAsNulls", "attributePrefix",
    "valueTag", "ignoreSurroundingSpaces",
)  # fmt: skip
_WHOLE = re.compile(r"[+-]?\d+$")
_FRACTION = re.compile(r"[+-]?(\d+\.\d*|\.\d+|\d+)([eE][+-]?\d+)?$")
_ROWS = 4096


@dataclass(frozen=True)
class XmlFormat:
    row_tag: str
    encoding: str
    attributes: bool
    prefix: str
    value_tag: str
    empty_is_null: bool
    trim: bool
    may_cut: bool = False

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> XmlFormat:
        refuse_others("xml", options, _OPTIONS)
        if not options.get("rowTag"):
            raise ValueError("xml: the option rowTag is missing.")
        prefix = str(options.get("attributePrefix", "_"))
        if not prefix:
            raise NotSupported("xml: an empty attributePrefix is not supported.")
        return cls(
            str(options["rowTag"]),
            str(options.get("encoding", "UTF-8")),
            not is_true(options.get("excludeAttribute", False)),
            prefix,
            str(options.get("valueTag", "_VALUE")),
            is_true(options.get("treatEmptyValuesAsNulls", False)),
            is_true(options.get("ignoreSurroundingSpaces", False)),
        )

    def fixed_schema(self, piece: Piece, access: Access) -> StructType | None:
        return None

    def observe(self, piece: Piece, access: Access) -> Shape:
        shape: Shape = {}
        for record in self._records(piece, access, None):
            observe(shape, record)
        return shape

    def read(
        self, piece: Piece, schema: StructType, access: Access, errors: Errors
    ) -> Iterator[pa.RecordBatch]:
        some: list[dict[str, Any]] = []
        for record in self._records(piece, access, errors):
            some.append(record)
            if len(some) == _ROWS:
                yield from_records(some, schema)
                some = []
        if some:
            yield from_records(some, schema)

    def _records(self, piece: Piece, access: Access, errors: Errors) -> Iterator[dict[str, Any]]:
        data = unpacked(piece, access)
        if self.encoding.upper() not in ("UTF-8", "UTF8"):
            data = data.decode(self.encoding).encode()
        try:
            for _, element in ElementTree.iterparse(io.BytesIO(data)):  # noqa: S314 - no entities
                if _local(element.tag) == self.row_tag:
                    found = self._value(element)
                    yield found if isinstance(found, dict) else {self.value_tag: found}
                    element.clear()
        except ElementTree.ParseError as error:
            if errors is not None:
                errors.append(error_record(str(error), source=piece.uri))

    def _value(self, element: ElementTree.Element) -> Any:
        fields: dict[str, Any] = {}
        if self.attributes:
            for name, text in element.attrib.items():
                fields[self.prefix + _local(name)] = self._plain(text)
        for child in element:
            name, value = _local(child.tag), self._value(child)
            if name in fields:
                held = fields[name]
                fields[name] = [*held, value] if isinstance(held, list) else [held, value]
            else:
                fields[name] = value
        text = element.text or ""
        if not fields:
            return self._plain(text)
        if text.strip():
            fields[self.value_tag] = self._plain(text)
        return fields

    def _plain(self, text: str) -> Any:
        bare = text.strip()
        if not bare:
            return None if self.empty_is_null or not text else (bare if self.trim else text)
        if _WHOLE.match(bare):
            return int(bare)
        if _FRACTION.match(bare):
            return float(bare)
        if bare in ("true", "false"):
            return bare == "true"
        return bare if self.trim else text


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
