"""What formats are: records to rows, and rows to records. Pure, and made for a table once."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import pyarrow as pa

from millpond.engines.streams.connectors.interface import RecordError


class Decoded(NamedTuple):
    """`rows` have the table's physical columns. `taken` (int64) are the places of the records that
    they come from, None when each record is one row; a record may be several rows, or none.
    `errors` are those that could not be read."""

    rows: pa.Table
    taken: "pa.Array[Any] | None"
    errors: Sequence[RecordError]


class Decoder(Protocol):
    """Made as `SomeDecoder(columns, options, paths)`."""

    def decode(self, records: "pa.Array[Any]") -> Decoded:
        """Read records (a binary array without NULLs)."""
        ...


class Encoder(Protocol):
    """Made as `SomeEncoder(columns, options)`."""

    def encode(self, rows: pa.Table) -> "pa.Array[Any]":
        """One record (binary) for each row; without a line end."""
        ...
