"""The JSON format, by tables of values and round trips."""

# ruff: noqa: E501

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.engines.streams.formats.json_decoder import JsonDecoder
from millpond.engines.streams.formats.json_encoder import JsonEncoder
from millpond.engines.streams.types import Column, DataType, schema_of

UTC = dt.UTC


def T(name: str, *parameters: int, **fields: DataType) -> DataType:
    return DataType(name, parameters, tuple(fields.items()))


def array_of(inner: DataType) -> DataType:
    return DataType("ARRAY", (), (("", inner),))


def map_of(inner: DataType) -> DataType:
    return DataType("MAP", (), (("", T("STRING")), ("", inner)))


def decode(columns: Any, records: list[bytes], paths: Any = None, **options: str) -> Any:
    named = {name.replace("__", ".").replace("_", "-"): text for name, text in options.items()}
    listed = [Column(name, kind) for name, kind in columns.items()]
    return JsonDecoder(listed, named, paths).decode(pa.array(records, pa.binary()))


def one(kind: DataType, text: str, **options: str) -> Any:
    decoded = decode({"v": kind}, [f'{{"v": {text}}}'.encode()], **options)
    if decoded.errors:
        raise ValueError(decoded.errors[0].reason)
    return decoded.rows.column("v")[0].as_py()


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (T("BOOLEAN"), "true", True),
        (T("BOOLEAN"), '" TRUE "', True),
        (T("BOOLEAN"), '"yes"', False),
        (T("TINYINT"), "-128", -128),
        (T("INT"), '" 42 "', 42),
        (T("INT"), '"+7"', 7),
        (T("INT"), "1.9", 1),
        (T("BIGINT"), "-9223372036854775808", -(1 << 63)),
        (T("DOUBLE"), "1e3", 1000.0),
        (T("DOUBLE"), '"2.5"', 2.5),
        (T("FLOAT"), "0.5", 0.5),
        (T("DECIMAL", 10, 2), "1.005", Decimal("1.01")),
        (T("DECIMAL", 10, 2), '"-0.001"', Decimal("0.00")),
        (T("DECIMAL", 3, 0), "1000", None),
        (T("DECIMAL", 38, 18), "12345678901234567890.123456789012345678", Decimal("12345678901234567890.123456789012345678")),
        (T("STRING"), "12.50", "12.50"),
        (T("STRING"), "true", "true"),
        (T("STRING"), '{"a" : [1, 2.50, null]}', '{"a":[1,2.5,null]}'),
        (T("STRING"), '"\\ud83d\\ude00 \\u0000"', "\U0001f600 \0"),
        (T("STRING"), '"\\ud800"', "?"),
        (T("BYTES"), '"AAECAw=="', b"\0\1\2\3"),
        (T("DATE"), '"2026-02-28"', dt.date(2026, 2, 28)),
        (T("TIME", 0), '"23:59:59.9"', dt.time(23, 59, 59)),
        (T("TIMESTAMP", 3), '"2026-11-21 12:13:14"', dt.datetime(2026, 11, 21, 12, 13, 14)),
        (T("TIMESTAMP", 3), '"1969-12-31 23:59:59.9999"', dt.datetime(1969, 12, 31, 23, 59, 59, 999000)),
        (T("TIMESTAMP", 6), '"2026-11-21 12:13:14.123456789"', dt.datetime(2026, 11, 21, 12, 13, 14, 123456)),
        (T("TIMESTAMP_LTZ", 3), '"2026-11-21 12:13:14.5Z"', dt.datetime(2026, 11, 21, 12, 13, 14, 500000, UTC)),
        (array_of(T("INT")), '[1, null, "3"]', [1, None, 3]),
        (map_of(T("DATE")), '{"a": "2026-01-01", "b": null}', [("a", dt.date(2026, 1, 1)), ("b", None)]),
        (T("ROW", a=T("INT"), b=T("STRING")), '{"b": "x", "c": 0}', {"a": None, "b": "x"}),
        (T("INT"), "null", None),
    ],
)  # fmt: skip
def test_values_are_read_as_flink_reads_them(kind: DataType, text: str, value: Any) -> None:
    assert one(kind, text) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (T("INT"), '"x"'),
        (T("INT"), "2147483648"),
        (T("TINYINT"), "128"),
        (T("BIGINT"), "1e400"),
        (T("INT"), '"0x10"'),
        (T("INT"), "[1]"),
        (T("DOUBLE"), '"1_0"'),
        (T("DOUBLE"), "NaN"),
        (T("DATE"), '"2026-02-29"'),
        (T("TIME", 0), '"24:00:00"'),
        (T("TIMESTAMP", 3), '"2026-11-21T12:13:14"'),
        (T("TIMESTAMP", 3), '"2026-11-21 12:13"'),
        (T("TIMESTAMP", 3), '"2026-11-21 12:13:14Z"'),
        (T("TIMESTAMP_LTZ", 3), '"2026-11-21 12:13:14"'),
        (T("BYTES"), '"?"'),
        (T("ROW", a=T("INT")), "[1]"),
        (array_of(T("INT")), '{"a": 1}'),
        (array_of(T("TIMESTAMP", 3)), '["never"]'),
        (map_of(T("TINYINT")), '{"k": 1000}'),
    ],
)
def test_what_is_no_value_of_its_type_is_an_error_that_names_the_field(
    kind: DataType, text: str
) -> None:
    with pytest.raises(ValueError, match=r"Fail to deserialize at field: v|Non-standard token"):
        one(kind, text)
    if text != "NaN":
        assert one(kind, text, ignore_parse_errors="true") in (None, [None], [("k", None)])


@pytest.mark.parametrize(
    ("standard", "kind", "text", "value"),
    [
        ("ISO-8601", T("TIMESTAMP", 3), "2026-11-21T12:13", dt.datetime(2026, 11, 21, 12, 13)),
        ("ISO-8601", T("TIMESTAMP_LTZ", 3), "2026-11-21T12:13:14.1Z", dt.datetime(2026, 11, 21, 12, 13, 14, 100000, UTC)),
        ("ISO-8601-WITH-OFFSET", T("TIMESTAMP", 3), "2026-11-21T12:13:14+02:00", dt.datetime(2026, 11, 21, 10, 13, 14)),
        ("ISO-8601-WITH-OFFSET", T("TIMESTAMP_LTZ", 3), "2026-11-21T12:13:14.123456789-05:30", dt.datetime(2026, 11, 21, 17, 43, 14, 123000, UTC)),
    ],
)  # fmt: skip
def test_timestamps_follow_the_standard_that_the_table_names(
    standard: str, kind: DataType, text: str, value: Any
) -> None:
    assert one(kind, f'"{text}"', timestamp_format__standard=standard) == value
    with pytest.raises(ValueError, match="is no TIMESTAMP"):
        one(kind, f'"{text}"')


def test_bad_records_are_told_and_leave_the_others_in_order() -> None:
    records = [b'{"v": 1}', b"{", b'{"v": "2"}', b"\xff", b'{"v": 3}', b"", b"null", b'{"v": 9e99}']
    decoded = decode({"v": T("BIGINT")}, records)
    assert decoded.rows.column("v").to_pylist() == [1, 2, 3]
    assert decoded.taken.to_pylist() == [0, 2, 4]
    assert [error.data for error in decoded.errors] == ["{", "\ufffd", "", "null", '{"v": 9e99}']
    ignoring = decode({"v": T("BIGINT")}, records, ignore_parse_errors="true")
    assert ignoring.rows.column("v").to_pylist() == [1, 2, 3, None]
    assert not ignoring.errors


def test_a_record_may_be_an_array_of_rows_or_several_objects() -> None:
    decoded = decode({"v": T("INT")}, [b'[{"v": 1}, {"v": 2}]', b'{"v": 3}\n{"v": 4}\n', b"[]"])
    assert decoded.rows.column("v").to_pylist() == [1, 2, 3, 4]
    assert decoded.taken.to_pylist() == [0, 0, 1, 1]
    assert not decoded.errors


@pytest.mark.parametrize(
    "record",
    [
        b"[" * 200_000,
        b'{"v":' * 100_000,
        b'{"v": ' + b"9" * 10_000 + b"}",
        b'{"v": 1e999999999}',
        b'{"v": "' + b"\\ud800" * 1000 + b'"}',
        b'{"v": 1}, {"v": 2}',
        b'{"v": 1} garbage',
        b'{"v": "\x00"}',
        b"\x00" * 100,
        b"\xef\xbb\xbf",
        b'{"v": Infinity}',
        b"{'v': 1}",
        b'{"v": 1,}',
    ],
)
def test_hostile_records_are_errors_and_nothing_worse(record: bytes) -> None:
    for kind in (T("INT"), T("DECIMAL", 38, 10), T("ROW", v=T("INT")), array_of(T("INT"))):
        decoded = decode({"v": kind}, [b'{"v": null}', record, b'{"v": null}'])
        assert len(decoded.errors) + decoded.rows.num_rows >= 3 or record == b"\xef\xbb\xbf"
        assert decoded.rows.column("v")[0].as_py() is None


def test_two_records_that_only_together_are_json_are_two_errors() -> None:
    decoded = decode({"v": T("STRING")}, [b'{"v": "a', b'b"}'])
    assert (decoded.rows.num_rows, len(decoded.errors)) == (0, 2)


def test_of_duplicate_keys_the_last_counts() -> None:
    assert one(T("INT"), '1, "v": 2') == 2
    assert one(T("INT"), '1, "v": "2"') == 2


def test_a_missing_field_is_null_or_an_error() -> None:
    columns = {"a": T("INT"), "b": T("INT")}
    assert decode(columns, [b'{"a": 1}']).rows.to_pylist() == [{"a": 1, "b": None}]
    strict = decode(columns, [b'{"a": 1}', b'{"a": 1, "b": null}'], fail_on_missing_field="true")
    assert [error.reason for error in strict.errors] == [
        "Failed to deserialize JSON: Could not find field with name 'b'"
    ]
    assert strict.rows.num_rows == 1


def test_columns_have_their_values_where_their_paths_say() -> None:
    columns = {"id": T("INT"), "price": T("DOUBLE"), "first": T("STRING"), "top": T("INT")}
    nested = {"id": "$.order.id", "price": "$.order.price"}
    record = b'{"order": {"id": 1, "price": 2.5, "items": ["a", "b"]}, "top": 3}'
    rows = decode(columns, [record, b'{"order": null}'], nested).rows
    assert rows.to_pylist()[0] == {"id": 1, "price": 2.5, "first": None, "top": 3}
    assert rows.to_pylist()[1] == {"id": None, "price": None, "first": None, "top": None}
    indexed = nested | {"first": "$.order.items[0]"}
    assert decode(columns, [record], indexed).rows.to_pylist()[0]["first"] == "a"


def encode(columns: Any, rows: list[dict[str, Any]], **options: str) -> list[bytes]:
    named = {name.replace("__", ".").replace("_", "-"): text for name, text in options.items()}
    listed = [Column(name, kind) for name, kind in columns.items()]
    table = pa.Table.from_pylist(rows, schema=schema_of(listed))
    return JsonEncoder(listed, named).encode(table).to_pylist()


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (T("DECIMAL", 10, 2), Decimal("12.50"), "12.5"),
        (T("DECIMAL", 10, 2), Decimal("100.00"), "1E+2"),
        (T("DECIMAL", 12, 9), Decimal("0.000000027"), "2.7E-8"),
        (T("DECIMAL", 10, 2), Decimal("0.00"), "0"),
        (T("FLOAT"), 0.1, "0.1"),
        (T("DOUBLE"), float("nan"), '"NaN"'),
        (T("DOUBLE"), float("-inf"), '"-Infinity"'),
        (T("BYTES"), b"\0\1", '"AAE="'),
        (T("DATE"), dt.date(2026, 1, 2), '"2026-01-02"'),
        (T("TIME", 0), dt.time(1, 2, 3), '"01:02:03"'),
        (T("TIMESTAMP", 3), dt.datetime(2026, 1, 2, 3, 4, 5), '"2026-01-02 03:04:05"'),
        (T("TIMESTAMP", 3), dt.datetime(2026, 1, 2, 3, 4, 5, 120000), '"2026-01-02 03:04:05.12"'),
        (T("TIMESTAMP_LTZ", 3), dt.datetime(2026, 1, 2, 3, 4, 5, 1000, UTC), '"2026-01-02 03:04:05.001Z"'),
        (T("STRING"), 'a"\n\u2028é', '"a\\"\\n\u2028é"'),
        (map_of(T("INT")), [("a", 1), ("b", None)], '{"a":1,"b":null}'),
        (array_of(T("ROW", x=T("DATE"))), [{"x": dt.date(2026, 1, 1)}, None], '[{"x":"2026-01-01"},null]'),
        (T("INT"), None, "null"),
    ],
)  # fmt: skip
def test_values_are_written_as_flink_writes_them(kind: DataType, value: Any, text: str) -> None:
    assert encode({"v": kind}, [{"v": value}]) == [f'{{"v":{text}}}'.encode()]


def test_options_of_writing() -> None:
    kind = T("DECIMAL", 10, 2)
    plain = encode({"v": kind}, [{"v": Decimal(100)}], encode__decimal_as_plain_number="true")
    assert plain == [b'{"v":100}']
    columns = {"a": T("INT"), "r": T("ROW", x=T("INT"), y=T("INT"))}
    rows = [{"a": None, "r": {"x": 1, "y": None}}]
    assert encode(columns, rows, encode__ignore_null_fields="true") == [b'{"r":{"x":1}}']
    moment = {"v": dt.datetime(2026, 1, 2, 3, 4, 5)}
    iso = encode({"v": T("TIMESTAMP", 3)}, [moment], timestamp_format__standard="ISO-8601")
    assert json.loads(iso[0]) == {"v": "2026-01-02T03:04:05"}


MOMENTS = st.datetimes(dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31))
VALUES: dict[str, tuple[DataType, st.SearchStrategy[Any]]] = {
    "b": (T("BOOLEAN"), st.booleans()),
    "i": (T("INT"), st.integers(-(1 << 31), (1 << 31) - 1)),
    "l": (T("BIGINT"), st.integers(-(1 << 63), (1 << 63) - 1)),
    "d": (T("DOUBLE"), st.floats(allow_nan=False)),
    "n": (T("DECIMAL", 20, 6), st.decimals(-(10**13), 10**13, places=6)),
    "s": (T("STRING"), st.text(st.characters(exclude_categories=["Cs"]))),
    "y": (T("BYTES"), st.binary()),
    "t": (T("TIMESTAMP", 6), MOMENTS),
    "z": (T("TIMESTAMP_LTZ", 6), MOMENTS.map(lambda moment: moment.replace(tzinfo=UTC))),
    "e": (T("DATE"), st.dates()),
    "a": (array_of(T("STRING")), st.lists(st.none() | st.text(st.characters(codec="utf-8")))),
    "r": (
        T("ROW", x=T("INT"), y=array_of(T("DOUBLE"))),
        st.fixed_dictionaries(
            {"x": st.none() | st.integers(0, 9), "y": st.none() | st.lists(st.integers(0, 9).map(float))}
        ),
    ),
}  # fmt: skip


@given(
    st.lists(
        st.fixed_dictionaries({name: st.none() | values for name, (_, values) in VALUES.items()}),
        min_size=1,
        max_size=5,
    ),
    st.sampled_from(["SQL", "ISO-8601"]),
)
def test_what_is_written_is_read_again(rows: list[dict[str, Any]], standard: str) -> None:
    columns = {name: kind for name, (kind, _) in VALUES.items()}
    records = encode(columns, rows, timestamp_format__standard=standard)
    decoded = decode(columns, records, timestamp_format__standard=standard)
    assert not decoded.errors
    assert decoded.rows.to_pylist() == rows
