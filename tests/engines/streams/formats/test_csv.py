"""The CSV format, by tables of values and round trips."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.engines.streams.formats.csv_decoder import CsvDecoder
from millpond.engines.streams.formats.csv_encoder import CsvEncoder
from millpond.engines.streams.types import INT, STRING, Column, DataType, schema_of

TWO = [Column("a", INT), Column("b", STRING)]


def decode(columns: list[Column], records: list[bytes], paths: Any = None, **options: str) -> Any:
    named = {name.replace("_", "-"): text for name, text in options.items()}
    return CsvDecoder(columns, named, paths).decode(pa.array(records, pa.binary()))


def rows(decoded: Any) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in decoded.rows.to_pylist()]


def encode(columns: list[Column], values: list[dict[str, Any]], **options: str) -> list[bytes]:
    named = {name.replace("_", "-"): text for name, text in options.items()}
    table = pa.Table.from_pylist(values, schema=schema_of(columns))
    return CsvEncoder(columns, named).encode(table).to_pylist()


def test_records_are_split_by_rfc_4180() -> None:
    records = [b"1,x", b'2,"a,b"\r\n', b'3,"say ""hi"""', b'4,"two\nlines"', b"5,", b" 6 ,y"]
    assert rows(decode(TWO, records)) == [
        (1, "x"),
        (2, "a,b"),
        (3, 'say "hi"'),
        (4, "two\nlines"),
        (5, ""),
        (6, "y"),
    ]


def test_bad_records_are_told_and_leave_the_others_in_order() -> None:
    records = [b"1,x", b"2", b"3,y,z", b"n,x", b'4,"open', b"5,\xff", b"6,w", b'7,"q"', b""]
    decoded = decode(TWO, records)
    assert rows(decoded) == [(1, "x"), (6, "w"), (7, "q")]
    assert decoded.taken.to_pylist() == [0, 6, 7]
    assert [error.data for error in decoded.errors] == [
        "2", "3,y,z", "n,x", '4,"open', "5,\ufffd", "",
    ]  # fmt: skip
    assert "Row length mismatch. 2 fields expected but was 1." in decoded.errors[0].reason
    ignoring = decode(TWO, records, ignore_parse_errors="true")
    assert rows(ignoring) == [(1, "x"), (None, "x"), (6, "w"), (7, "q")]
    assert not ignoring.errors


def test_options_of_reading() -> None:
    assert rows(decode(TWO, [b"1\t2"], field_delimiter="\\t")) == [(1, "2")]
    assert rows(decode(TWO, [b"1,'a,b'"], quote_character="'")) == [(1, "a,b")]
    assert rows(decode(TWO, [b'1,"a"'], disable_quote_character="true")) == [(1, '"a"')]
    assert rows(decode(TWO, [b"n/a,n/a"], null_literal="n/a")) == [(None, None)]
    assert rows(decode(TWO, [b"# no", b"1,x"], allow_comments="true")) == [(1, "x")]
    assert rows(decode(TWO, [b'1,"a\\"b"'], escape_character="\\")) == [(1, 'a"b')]


def test_arrays_rows_and_times_are_read() -> None:
    columns = [
        Column("l", DataType("ARRAY", (), (("", INT),))),
        Column("r", DataType("ROW", (), (("x", INT), ("y", STRING)))),
        Column("t", DataType("TIMESTAMP", (3,))),
        Column("d", DataType("DECIMAL", (10, 2))),
    ]
    decoded = decode(columns, [b"1;2,7;z,2026-01-02 03:04:05.678,1.5"])
    moment = dt.datetime(2026, 1, 2, 3, 4, 5, 678000)
    assert rows(decoded) == [([1, 2], {"x": 7, "y": "z"}, moment, Decimal("1.50"))]


def test_columns_may_name_their_fields_by_number() -> None:
    assert rows(decode(TWO, [b"x,2,y"], {"a": "1", "b": "2"})) == [(2, "y")]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", b"1,plain"),
        ("a,b", b'1,"a,b"'),
        ('a"b', b'1,"a""b"'),
        ("a\nb", b'1,"a\nb"'),
        ("#a", b'1,"#a"'),
        (None, b"1,"),
        ("", b"1,"),
    ],
)
def test_texts_are_quoted_where_they_must_be(value: str | None, text: bytes) -> None:
    assert encode(TWO, [{"a": 1, "b": value}]) == [text]


def test_null_has_its_literal_and_is_told_from_an_empty_text() -> None:
    records = encode(TWO, [{"a": None, "b": ""}, {"a": 1, "b": None}], null_literal="NULL")
    assert records == [b'NULL,""', b"1,NULL"]


def test_hostile_records_are_errors_and_nothing_worse() -> None:
    records = [b'"' * 9999, b"\0,\0", b"," * 100_000, b'1,"' + b"x" * 200_000 + b'"', b"1e5,x"]
    decoded = decode(TWO, [*records, b"1,ok"])
    assert rows(decoded)[-1] == (1, "ok")


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "a": st.none() | st.integers(-(1 << 31), (1 << 31) - 1),
                "b": st.none()
                | st.text(st.characters(exclude_categories=["Cs"])).filter(
                    lambda text: text != "@"
                ),
                "c": st.none() | st.floats(allow_nan=False),
                "d": st.none() | st.datetimes(dt.datetime(1, 1, 1)),
                "e": st.none() | st.decimals(-(10**9), 10**9, places=3),
                "f": st.none() | st.binary(),
            }
        ),
        min_size=1,
        max_size=5,
    )
)
def test_what_is_written_is_read_again(values: list[dict[str, Any]]) -> None:
    columns = [
        *TWO,
        Column("c", DataType("DOUBLE")),
        Column("d", DataType("TIMESTAMP", (6,))),
        Column("e", DataType("DECIMAL", (20, 3))),
        Column("f", DataType("BYTES")),
    ]
    records = encode(columns, values, null_literal="@")
    decoded = decode(columns, records, null_literal="@")
    assert not decoded.errors
    assert decoded.rows.to_pylist() == values
