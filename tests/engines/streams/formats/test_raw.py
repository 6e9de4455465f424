"""The raw format."""

from typing import Any

import pyarrow as pa
import pytest

from millpond.engines.streams.formats.raw import RawDecoder, RawEncoder
from millpond.engines.streams.types import Column, DataType, schema_of


@pytest.mark.parametrize(
    ("name", "value", "data", "options"),
    [
        ("STRING", "é", "é".encode(), {}),
        ("STRING", "é", b"\xe9", {"charset": "ISO-8859-1"}),
        ("BYTES", b"\xff\0", b"\xff\0", {}),
        ("BOOLEAN", True, b"\1", {}),
        ("TINYINT", -1, b"\xff", {}),
        ("SMALLINT", 258, b"\1\2", {}),
        ("INT", 258, b"\2\1\0\0", {"endianness": "little-endian"}),
        ("BIGINT", -2, b"\xff" * 7 + b"\xfe", {}),
        ("FLOAT", 1.0, b"\x3f\x80\0\0", {}),
        ("DOUBLE", 1.0, b"\x3f\xf0" + b"\0" * 6, {}),
    ],
)
def test_a_record_is_one_value_both_ways(
    name: str, value: Any, data: bytes, options: dict[str, str]
) -> None:
    columns = [Column("v", DataType(name))]
    decoded = RawDecoder(columns, options).decode(pa.array([data], pa.binary()))
    assert decoded.rows.to_pylist() == [{"v": value}]
    rows = pa.Table.from_pylist([{"v": value}], schema=schema_of(columns))
    assert RawEncoder(columns, options).encode(rows).to_pylist() == [data]


def test_numbers_of_a_wrong_size_are_told() -> None:
    decoded = RawDecoder([Column("v", DataType("INT"))], {}).decode(
        pa.array([b"\0\0\0\1", b"\0", b"\0\0\0\2"], pa.binary())
    )
    assert decoded.rows.to_pylist() == [{"v": 1}, {"v": 2}]
    assert decoded.taken.to_pylist() == [0, 2]
    assert [error.data for error in decoded.errors] == ["00"]


def test_bytes_that_are_no_text_become_the_replacement_character() -> None:
    decoded = RawDecoder([Column("v", DataType("STRING"))], {}).decode(
        pa.array([b"a\xff", b"b"], pa.binary())
    )
    assert decoded.rows.to_pylist() == [{"v": "a\ufffd"}, {"v": "b"}]
