"""Footers, as pyarrow writes them."""

import contextlib
import datetime
import decimal
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.services.glue.infer.parquet import NotParquet, footer_size_bytes, infer_parquet


def written(table, **options):
    out = io.BytesIO()
    pq.write_table(table, out, **options)
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
    "decimal(38,0)": pa.array([1], pa.decimal128(38, 0)),
    "array<int>": pa.array([[1]], pa.list_(pa.int32())),
    "array<struct<a:bigint>>": pa.array([[{"a": 1}]]),
    "array<array<string>>": pa.array([[["x"]]]),
    "struct<a:bigint,b:struct<c:string>>": pa.array([{"a": 1, "b": {"c": "x"}}]),
    "map<string,double>": pa.array([[("a", 1.0)]], pa.map_(pa.string(), pa.float64())),
    "map<string,array<int>>": pa.array([[("a", [1])]], pa.map_(pa.string(), pa.list_(pa.int32()))),
}


def test_every_type_has_its_name_in_hive():
    data = written(pa.table({f"C{index}": column for index, column in enumerate(KINDS.values())}))
    schema = infer_parquet(data, len(data))
    assert [name for name, _ in schema.columns] == [f"c{index}" for index in range(len(KINDS))]
    assert [str(kind) for _, kind in schema.columns] == list(KINDS)


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (pa.array([1], pa.uint8()), "smallint"),
        (pa.array([1], pa.uint16()), "int"),
        (pa.array([1], pa.uint32()), "bigint"),
        (pa.array([1], pa.uint64()), "bigint"),
        (pa.array([datetime.time(1)]), "bigint"),
        (pa.array(["x"], pa.large_string()), "string"),
        (pa.array(["x"]).dictionary_encode(), "string"),
        (pa.array([datetime.datetime(2020, 1, 1)], pa.timestamp("s", "UTC")), "timestamp"),
    ],
)
def test_types_that_hive_has_not_become_those_that_hold_them(column, kind):
    data = written(pa.table({"c": column}))
    assert str(infer_parquet(data, len(data)).columns[0][1]) == kind


def test_old_timestamps_and_old_lists_are_known():
    table = pa.table({"t": pa.array([datetime.datetime(2020, 1, 1)]), "l": pa.array([[1]])})
    data = written(table, use_deprecated_int96_timestamps=True, use_compliant_nested_type=False)
    kinds = [str(kind) for _, kind in infer_parquet(data, len(data)).columns]
    assert kinds == ["timestamp", "array<bigint>"]


def test_rows_are_counted_and_only_the_end_is_needed():
    table = pa.table({"n": list(range(50_000))})
    data = written(table, row_group_size=1000)
    size = footer_size_bytes(data[-8:])
    schema = infer_parquet(data[-size:], len(data))
    assert schema.records == 50_000
    with pytest.raises(NotParquet, match="longer than"):
        infer_parquet(data[-size + 1 :], len(data))


@given(st.data())
def test_a_damaged_footer_is_refused_and_nothing_worse(data):
    whole = written(pa.table(dict(KINDS)))
    size = footer_size_bytes(whole)
    footer = bytearray(whole[-size:])
    for _ in range(data.draw(st.integers(1, 8))):
        footer[data.draw(st.integers(0, size - 9))] = data.draw(st.integers(0, 255))
    try:
        schema = infer_parquet(bytes(footer), len(whole))
    except NotParquet:
        return
    assert all(str(kind) for _, kind in schema.columns)


@given(st.binary(max_size=200))
def test_whatever_the_bytes_a_footer_is_refused_and_nothing_worse(data):
    tail = data + len(data).to_bytes(4, "little") + b"PAR1"
    with contextlib.suppress(NotParquet):
        infer_parquet(tail, len(tail))


@pytest.mark.parametrize("tail", [b"", b"PAR1", b"\xff\xff\xff\xffPAR1", b"12345678"])
def test_what_does_not_end_as_parquet_is_refused(tail):
    with pytest.raises(NotParquet):
        infer_parquet(tail, 100)
