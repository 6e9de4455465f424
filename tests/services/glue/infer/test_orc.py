"""ORC footers, as pyarrow writes them."""

import contextlib
import datetime
import decimal
import io

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import orc

from millpond.services.glue.infer.orc import NotOrc, infer_orc, tail_size_bytes


def written(table, **options):
    out = io.BytesIO()
    orc.write_table(table, out, **options)
    return out.getvalue()


KINDS = {
    "tinyint": pa.array([1], pa.int8()),
    "smallint": pa.array([1], pa.int16()),
    "int": pa.array([1], pa.int32()),
    "bigint": pa.array([1], pa.int64()),
    "boolean": pa.array([True]),
    "float": pa.array([1.0], pa.float32()),
    "double": pa.array([1.0]),
    "string": pa.array(["x"]),
    "binary": pa.array([b"x"]),
    "date": pa.array([datetime.date(2020, 1, 1)]),
    "timestamp": pa.array([datetime.datetime(2020, 1, 1)]),
    "decimal(5,2)": pa.array([decimal.Decimal("123.45")]),
    "array<int>": pa.array([[1]], pa.list_(pa.int32())),
    "struct<a:bigint,b:struct<c:string>>": pa.array([{"a": 1, "b": {"c": "x"}}]),
    "map<string,int>": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int32())),
}


@pytest.mark.parametrize("kind", KINDS)
def test_types_are_named_as_hive_does(kind):
    data = written(pa.table({"Column": KINDS[kind]}))
    assert [(name, str(found)) for name, found in infer_orc(data, len(data)).columns] == [
        ("column", kind)
    ]


@pytest.mark.parametrize("compression", ["uncompressed", "zlib", "snappy", "zstd"])
def test_footers_are_read_however_they_are_compressed(compression):
    table = pa.table({f"c{n}": range(5) for n in range(40)})
    data = written(table, compression=compression)
    found = infer_orc(data[-tail_size_bytes(data) :], len(data))
    assert (len(found.columns), found.records, found.sample_bytes) == (40, 5, len(data))


def test_what_is_compressed_in_a_way_that_is_not_known_is_no_orc():
    data = written(pa.table({f"c{n}": [1] for n in range(40)}), compression="snappy")
    head, postscript = data[: -1 - data[-1]], data[-1 - data[-1] :]
    data = head + postscript.replace(b"\x10\x02", b"\x10\x04", 1)
    with pytest.raises(NotOrc, match="lz4"):
        infer_orc(data, len(data))


WHOLE = written(pa.table({"a": [1, 2], "b": [["x"], []]}))


@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 255))
def test_a_damaged_byte_raises_nothing_else(position, byte):
    data = WHOLE[:position] + bytes([byte]) + WHOLE[position + 1 :]
    with contextlib.suppress(NotOrc):
        infer_orc(data, len(data))


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(data):
    with contextlib.suppress(NotOrc):
        infer_orc(data, len(data))


def test_types_that_are_parts_of_several_others_are_no_tree():
    def message(number, data):
        return bytes([number << 3 | 2, len(data)]) + data

    structs = [
        message(4, bytes([8, 12, 16, n + 1, 16, n + 1]) + message(3, b"a") + message(3, b"b"))
        for n in range(28)
    ]
    footer = b"".join(structs) + message(4, bytes([8, 4]))
    ending = bytes([8, len(footer) & 0x7F | 0x80, len(footer) >> 7]) + message(15, b"ORC")
    data = footer + ending + bytes([len(ending)])
    with pytest.raises(NotOrc, match="parts of others"):
        infer_orc(data, len(data))
