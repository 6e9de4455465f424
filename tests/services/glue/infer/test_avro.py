"""Avro files, as fastavro writes them."""

import contextlib
import io
import json

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.services.glue.infer.avro import NotAvro, infer_avro


def written(fields, records, codec="null"):
    out = io.BytesIO()
    schema = {"type": "record", "name": "row", "fields": fields}
    fastavro.writer(out, schema, records, codec=codec)
    return out.getvalue()


def field(kind):
    return [{"name": "Column", "type": kind}]


def micros(kind):
    return {"type": "long", "logicalType": kind}


KINDS = {
    "int": ("int", 1),
    "bigint": ("long", 1),
    "string": ("string", "x"),
    "boolean": ("boolean", True),
    "double": ("double", 1.5),
    "float": (["null", "float"], 1.5),
    "binary": ("bytes", b"x"),
    "date": ({"type": "int", "logicalType": "date"}, 1),
    "timestamp": (micros("timestamp-micros"), 1),
    "array<bigint>": ({"type": "array", "items": "long"}, [1]),
    "map<string,int>": ({"type": "map", "values": "int"}, {"a": 1}),
    "decimal(9,2)": (
        {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2},
        b"\x01",
    ),
    "struct<a:int,b:string>": (
        {
            "type": "record",
            "name": "inner",
            "fields": [
                {"name": "a", "type": "int"},
                {"name": "b", "type": {"type": "enum", "name": "e", "symbols": ["X"]}},
            ],
        },
        {"a": 1, "b": "X"},
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_types_are_named_as_hive_does(kind):
    avro, value = KINDS[kind]
    data = written(field(avro), [{"Column": value}])
    found = infer_avro(data, len(data))
    assert [(name, str(each)) for name, each in found.columns] == [("column", kind)]
    assert '"name":"row"' in found.definition


def test_a_named_type_can_be_used_again():
    inner = {"type": "record", "name": "place", "fields": [{"name": "x", "type": "int"}]}
    fields = [{"name": "a", "type": inner}, {"name": "b", "type": "place"}]
    data = written(fields, [{"a": {"x": 1}, "b": {"x": 2}}])
    assert [str(kind) for _, kind in infer_avro(data, len(data)).columns] == ["struct<x:int>"] * 2


def test_a_union_of_several_types_is_a_string():
    data = written(field(["null", "int", "string"]), [{"Column": 1}])
    assert str(infer_avro(data, len(data)).columns[0][1]) == "string"


def test_records_are_counted_by_the_first_block():
    data = written(field("long"), [{"Column": n} for n in range(10_000)], "deflate")
    found = infer_avro(data[:4096] if len(data) > 4096 else data, len(data))
    assert found.records > 1000
    assert found.whole == (found.records == 10_000)


WHOLE = written(field(["null", {"type": "array", "items": "string"}]), [{"Column": ["a"]}])


@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 255))
def test_a_damaged_byte_raises_nothing_else(position, byte):
    data = WHOLE[:position] + bytes([byte]) + WHOLE[position + 1 :]
    with contextlib.suppress(NotAvro):
        infer_avro(data, len(data))


@given(st.binary(max_size=100))
def test_no_bytes_raise_anything_else(data):
    with contextlib.suppress(NotAvro):
        infer_avro(b"Obj\x01" + data, 1000)


def test_types_that_name_one_another_cannot_grow_without_end():
    kind = "long"
    for n in range(40):
        both = [{"name": "a", "type": kind}, {"name": "b", "type": f"r{n - 1}" if n else "long"}]
        kind = {"type": "record", "name": f"r{n}", "fields": both}
    text = json.dumps({"type": "record", "name": "row", "fields": field(kind)}).encode()
    data = b"Obj\x01\x02\x16avro.schema" + _long(len(text)) + text + b"\0" + bytes(16)
    with pytest.raises(NotAvro, match="too many types"):
        infer_avro(data, len(data))


def _long(value):
    value, out = value << 1, b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])
