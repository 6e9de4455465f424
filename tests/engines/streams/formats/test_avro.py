"""The Avro format: the schema that Flink derives, and both encodings."""

import datetime as dt
import io
from decimal import Decimal
from typing import Any

import fastavro
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.engines.streams.formats.avro import AvroDecoder, AvroEncoder
from millpond.engines.streams.formats.avro_schema import schema_of_table
from millpond.engines.streams.types import BIGINT, INT, STRING, Column, DataType, schema_of

COLUMNS = [
    Column("id", DataType("BIGINT", nullable=False)),
    Column("name", STRING),
    Column("price", DataType("DECIMAL", (10, 2))),
    Column("at", DataType("TIMESTAMP", (3,))),
    Column("day", DataType("DATE")),
    Column("tags", DataType("ARRAY", (), (("", STRING),))),
    Column("counts", DataType("MAP", (), (("", STRING), ("", INT)))),
    Column("place", DataType("ROW", (), (("x", DataType("DOUBLE")), ("y", DataType("BYTES"))))),
]
ROW = {
    "id": 1,
    "name": "é",
    "price": Decimal("-12.50"),
    "at": dt.datetime(2026, 1, 2, 3, 4, 5, 678000),
    "day": dt.date(2026, 1, 2),
    "tags": ["a", None],
    "counts": [("k", 1), ("l", None)],
    "place": {"x": 0.5, "y": b"\xff"},
}


def both(rows: list[dict[str, Any]], options: dict[str, str]) -> tuple[list[bytes], Any]:
    table = pa.Table.from_pylist(rows, schema=schema_of(COLUMNS))
    records = AvroEncoder(COLUMNS, options).encode(table)
    return records.to_pylist(), AvroDecoder(COLUMNS, options).decode(records)


def test_the_schema_is_the_one_that_flink_derives() -> None:
    schema = schema_of_table(COLUMNS, legacy=True)
    assert schema["name"] == "org.apache.flink.avro.generated.record"
    types = {field["name"]: field["type"] for field in schema["fields"]}
    assert types["id"] == "long"
    assert types["name"] == ["null", "string"]
    assert types["price"][1] == {
        "type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2,
    }  # fmt: skip
    assert types["at"][1] == {"type": "long", "logicalType": "timestamp-millis"}
    assert types["place"][1]["name"] == "org.apache.flink.avro.generated.record_place"
    moment = [
        Column("t", DataType("TIMESTAMP", (6,))),
        Column("l", DataType("TIMESTAMP_LTZ", (3,))),
    ]
    modern = schema_of_table(moment, legacy=False)["fields"]
    assert [each["type"][1]["logicalType"] for each in modern] == [
        "local-timestamp-micros",
        "timestamp-millis",
    ]


def test_other_programs_read_what_is_written() -> None:
    records, _ = both([ROW], {})
    schema = fastavro.parse_schema(schema_of_table(COLUMNS, legacy=True))
    read = fastavro.schemaless_reader(io.BytesIO(records[0]), schema, None)
    assert read["price"] == Decimal("-12.50")
    assert read["at"] == dt.datetime(2026, 1, 2, 3, 4, 5, 678000, dt.UTC)
    assert read["place"] == {"x": 0.5, "y": b"\xff"}


@pytest.mark.parametrize("encoding", ["binary", "json"])
def test_what_is_written_is_read_again(encoding: str) -> None:
    nulls = dict.fromkeys(ROW) | {"id": 2}
    _, decoded = both([ROW, nulls], {"encoding": encoding})
    assert not decoded.errors
    assert decoded.rows.to_pylist() == [ROW, nulls]


@given(st.lists(st.binary(max_size=60), max_size=5))
def test_hostile_records_are_errors_and_nothing_worse(records: list[bytes]) -> None:
    whole, _ = both([ROW], {})
    decoded = AvroDecoder(COLUMNS, {}).decode(pa.array([*records, *whole], pa.binary()))
    assert decoded.rows.num_rows + len(decoded.errors) == len(records) + 1
    assert decoded.rows.to_pylist()[-1] == ROW


def test_a_number_that_its_type_cannot_hold_is_told() -> None:
    wide, narrow = [Column("v", BIGINT)], [Column("v", DataType("TINYINT"))]
    rows = pa.Table.from_pylist([{"v": 1}, {"v": 300}, {"v": 2}], schema=schema_of(wide))
    decoded = AvroDecoder(narrow, {}).decode(AvroEncoder(wide, {}).encode(rows))
    assert decoded.rows.column("v").to_pylist() == [1, 2]
    assert decoded.taken.to_pylist() == [0, 2]
    assert len(decoded.errors) == 1
