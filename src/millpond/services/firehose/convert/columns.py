"""Turns records of JSON into columns, a run at a time; a record that does not fit fails alone.

A column is made in one go where all its values are plainly of its type, which is nearly always.
Otherwise its values are read one by one (`reading`), which finds those that do not fit.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec
import pyarrow as pa

from millpond.services.firehose.convert.reading import Read, Serde, reader_of
from millpond.services.firehose.convert.types import Column, Type
from millpond.services.firehose.transform.json_objects import NotJson, split_json

PARSE_ERROR = "DataFormatConversion.ParseError"
MALFORMED_DATA = "DataFormatConversion.MalformedData"
_PLAIN: Mapping[str, frozenset[type]] = {
    "string": frozenset({str, type(None)}),
    "boolean": frozenset({bool, type(None)}),
    "tinyint": frozenset({int, type(None)}),
    "smallint": frozenset({int, type(None)}),
    "int": frozenset({int, type(None)}),
    "bigint": frozenset({int, type(None)}),
    "float": frozenset({float, type(None)}),
    "double": frozenset({float, type(None)}),
}
"""The JSON values of which Arrow makes what `reading` would make."""
_logger = logging.getLogger(__name__)
_NOTHING: frozenset[type] = frozenset()
_ARROW: Mapping[str, Any] = {
    "string": pa.string(),
    "binary": pa.binary(),
    "boolean": pa.bool_(),
    "tinyint": pa.int8(),
    "smallint": pa.int16(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "timestamptz": pa.timestamp("us", tz="UTC"),
    "refused": pa.null(),
}


@dataclass(frozen=True, slots=True)
class Misfit:
    """Why a record fails."""

    code: str
    message: str


@dataclass(slots=True)
class Columns:
    """What became of a run: a table of the rows that fit, and for the records that did not (by
    their place in the run) why. `sources` are the places of the records of the rows."""

    table: Any
    sources: list[int]
    misfits: dict[int, Misfit] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Reader:
    name: str
    key: str
    arrow: Any
    plain: frozenset[type]
    read: Read


class ColumnReader:
    """Reads runs of records into `columns`. `keys` are the JSON keys of those that are not found
    under their own name, `arrow` the Arrow types of those that are not to have the usual one."""

    def __init__(
        self,
        columns: Sequence[Column],
        serde: Serde,
        keys: Mapping[str, str] | None = None,
        arrow: Mapping[str, Any] | None = None,
    ) -> None:
        self._key = serde.key
        exact = any(_has_decimals(column.type) for column in columns)
        decoder = msgspec.json.Decoder(float_hook=Decimal) if exact else msgspec.json.Decoder()
        self._decode = decoder.decode
        named = keys or {}
        self._readers = [
            _Reader(
                name=column.name,
                key=self._keyed(named.get(column.name, column.name)),
                arrow=(arrow or {}).get(column.name) or arrow_type(column.type),
                plain=_NOTHING if exact else _PLAIN.get(column.type.name, _NOTHING),
                read=reader_of(column.type, serde),
            )
            for column in columns
        ]
        self.schema = pa.schema([pa.field(one.name, one.arrow) for one in self._readers])

    def read(self, records: Sequence[bytes]) -> Columns:
        """The table of a run. A record that cannot be read for a reason that nobody foresaw is
        found by halves, and fails alone."""
        try:
            return self._read(records)
        except MemoryError:
            raise
        except Exception as error:
            if len(records) == 1:
                _logger.exception("A record breaks its conversion.")
                text = f"The record cannot be converted. {type(error).__name__}: {error}"[:1000]
                return Columns(self.schema.empty_table(), [], {0: Misfit(MALFORMED_DATA, text)})
        middle = len(records) // 2
        first, second = self.read(records[:middle]), self.read(records[middle:])
        return Columns(
            pa.concat_tables([first.table, second.table]),
            [*first.sources, *(middle + at for at in second.sources)],
            first.misfits | {middle + at: why for at, why in second.misfits.items()},
        )

    def _read(self, records: Sequence[bytes]) -> Columns:
        misfits: dict[int, Misfit] = {}
        rows: list[dict[str, Any]] = []
        sources: list[int] = []
        for at, data in enumerate(records):
            try:
                row = self._decode(data)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                row = self._decode_several(data)
            found = row if isinstance(row, _Several) else (row,)
            if isinstance(row, Misfit):
                misfits[at] = row
            elif not all(isinstance(one, dict) for one in found):
                misfits[at] = Misfit(MALFORMED_DATA, "The record is no JSON object.")
            else:
                rows.extend(found)
                sources.extend([at] * len(found))
        if self._key is not None:
            key = self._key
            rows = [{key(name): value for name, value in row.items()} for row in rows]
        arrays = [self._column(one, rows, sources, misfits) for one in self._readers]
        table = pa.Table.from_arrays(arrays, schema=self.schema)
        if misfits and any(at in misfits for at in sources):
            table = table.filter(pa.array([at not in misfits for at in sources]))
            sources = [at for at in sources if at not in misfits]
        return Columns(table, sources, misfits)

    def _keyed(self, name: str) -> str:
        return self._key(name) if self._key else name

    def _decode_several(self, data: bytes) -> Any:
        """The objects of a record that holds several, or why it holds none."""
        try:
            return _Several(self._decode(one) for one in split_json(data))
        except (NotJson, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return Misfit(PARSE_ERROR, f"Encountered malformed JSON. {error}")

    def _column(
        self,
        reader: _Reader,
        rows: Sequence[dict[str, Any]],
        sources: Sequence[int],
        misfits: dict[int, Misfit],
    ) -> Any:
        key = reader.key
        values = [row.get(key) for row in rows]
        if reader.plain.issuperset(map(type, values)):
            try:
                return pa.array(values, reader.arrow)
            except (pa.ArrowInvalid, OverflowError):
                pass
        read = reader.read
        for at, value in enumerate(values):
            if value is None:
                continue
            try:
                values[at] = read(value)
            except (ValueError, RecursionError) as error:
                values[at] = None
                text = f"Data does not match the schema. Column {reader.name}: {error}"
                misfits.setdefault(sources[at], Misfit(MALFORMED_DATA, text))
        return pa.array(values, reader.arrow)


class _Several(tuple[Any, ...]):
    """The values of one record."""

    __slots__ = ()


def _has_decimals(type_: Type) -> bool:
    return type_.name == "decimal" or any(map(_has_decimals, type_.inner))


def arrow_type(type_: Type) -> Any:
    """The Arrow type of a column type."""
    match type_.name:
        case "decimal":
            return pa.decimal128(type_.precision, type_.scale)
        case "array":
            return pa.list_(arrow_type(type_.inner[0]))
        case "map":
            return pa.map_(*(arrow_type(inner) for inner in type_.inner))
        case "struct":
            return pa.struct(
                [
                    (name, arrow_type(inner))
                    for name, inner in zip(type_.fields, type_.inner, strict=True)
                ]
            )
    return _ARROW[type_.name]
