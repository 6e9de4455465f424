"""The pure parts: types, times, patterns."""

import contextlib
import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.services.firehose.convert import joda
from millpond.services.firehose.convert.columns import ColumnReader
from millpond.services.firehose.convert.reading import Serde, reader_of
from millpond.services.firehose.convert.timestamps import hive_reader, read_date, read_openx
from millpond.services.firehose.convert.types import BadType, Column, Type, parse_type

names = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True)
simple = st.sampled_from(
    [Type(name) for name in ("int", "string", "double", "timestamp", "date", "boolean")]
    + [Type("decimal", 10, 2), Type("decimal", 38, 0)]
)


def structs(inner: st.SearchStrategy[Type]) -> st.SearchStrategy[Type]:
    return st.dictionaries(names, inner, min_size=1, max_size=3).map(
        lambda fields: Type("struct", inner=tuple(fields.values()), fields=tuple(fields))
    )


types = st.recursive(
    simple,
    lambda inner: (
        inner.map(lambda one: Type("array", inner=(one,)))
        | st.tuples(simple, inner).map(lambda pair: Type("map", inner=pair))
        | structs(inner)
    ),
    max_leaves=8,
)


def written(type_: Type) -> str:
    match type_.name:
        case "decimal":
            return f"decimal({type_.precision}, {type_.scale})"
        case "array" | "map":
            return f"{type_.name}<{','.join(map(written, type_.inner))}>"
        case "struct":
            fields = zip(type_.fields, type_.inner, strict=True)
            return f"struct<{', '.join(f'{name}:{written(one)}' for name, one in fields)}>"
    return type_.name.upper()


@given(types)
def test_a_type_that_is_written_is_read_back(type_: Type) -> None:
    assert parse_type(written(type_)) == type_


@given(st.text(alphabet="<>:,() intarysmpc10", max_size=40))
def test_any_text_is_a_type_or_refused(text: str) -> None:
    with contextlib.suppress(BadType):
        parse_type(text)


@pytest.mark.parametrize(
    "text",
    ["", "int int", "array<int", "array<int>>", "map<int>", "struct<>", "struct<a:int,a:int>",
     "decimal(39,0)", "decimal(2,3)", "varchar", "uniontype<int>",
     "array<" * 100 + "int" + ">" * 100],
)  # fmt: skip
def test_what_is_no_type_is_refused(text: str) -> None:
    with pytest.raises(BadType):
        parse_type(text)


def test_a_decimal_has_hives_defaults() -> None:
    assert parse_type("decimal") == Type("decimal", 10, 0)
    assert parse_type("decimal(5)") == Type("decimal", 5, 0)


@pytest.mark.parametrize(
    ("value", "time"),
    [
        ("2017-02-07T15:13:01.39256Z", datetime(2017, 2, 7, 15, 13, 1, 392560)),
        ("2017-2-7 5:13:01.5", datetime(2017, 2, 7, 5, 13, 1, 500_000)),
        ("2017-02-07 15:13:01", datetime(2017, 2, 7, 15, 13, 1)),
        ("2017-02-07T15:13:01.123456789Z", datetime(2017, 2, 7, 15, 13, 1, 123456)),
        ("2017-02-07T15:13:01+02:00", datetime(2017, 2, 7, 13, 13, 1)),
        (1518033528, datetime(2018, 2, 7, 19, 58, 48)),
        (1518033528123, datetime(2018, 2, 7, 19, 58, 48, 123_000)),
        (1518033528.5, datetime(2018, 2, 7, 19, 58, 48, 500_000)),
        ("1518033528", datetime(2018, 2, 7, 19, 58, 48)),
        (-1, datetime(1969, 12, 31, 23, 59, 59)),
    ],
)
def test_openx_reads_the_forms_that_aws_lists(value: object, time: datetime) -> None:
    assert read_openx(value) == time


@given(
    st.text(max_size=30)
    | st.integers()
    | st.floats()
    | st.decimals(allow_nan=False)
    | st.booleans()
    | st.none()
)
def test_any_value_is_a_time_or_refused(value: object) -> None:
    for read in (read_openx, hive_reader(None), hive_reader(["millis", "yyyy"]), read_date):
        with contextlib.suppress(ValueError):
            assert isinstance(read(value), date)


@pytest.mark.parametrize(
    ("pattern", "text", "time"),
    [
        ("yyyy-MM-dd'T'HH:mm:ss.SSSZ", "2024-02-29T01:02:03.004-0130",
         (2024, 2, 29, 2, 32, 3, 4000)),
        ("MM/dd/yy hh:mm a", "1/2/99 12:05 am", (1999, 1, 2, 0, 5)),
        ("MM/dd/yy hh:mm a", "1/2/69 12:05 PM", (2069, 1, 2, 12, 5)),
        ("EEE, d MMM yyyy HH:mm", "Thu, 29 Feb 2024 07:08", (2024, 2, 29, 7, 8)),
        ("d MMMM yyyy", "1 September 2024", (2024, 9, 1)),
        ("yyyy-DDD", "2024-366", (2024, 12, 31)),
        ("yyyy''MM", "2024'05", (2024, 5, 1)),
        ("HH 'o''clock'", "07 o'clock", (1970, 1, 1, 7)),
        ("yyyy-MM-dd kk", "2024-01-01 24", (2024, 1, 1, 0)),
    ],
)  # fmt: skip
def test_joda_patterns(pattern: str, text: str, time: tuple[int, ...]) -> None:
    assert joda.reader(pattern)(text) == datetime(*time)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["2024-13-01", "2024-02-30", "24-02-01x", "", "2024-02-01 "])
def test_a_text_that_is_not_of_the_pattern_is_not_read(text: str) -> None:
    assert joda.reader("yyyy-MM-dd")(text) is None


@pytest.mark.parametrize("pattern", ["yyyy-'x", "ww", "yyyy yyyy", "zzz"])
def test_a_pattern_that_cannot_be_read_by_is_refused(pattern: str) -> None:
    with pytest.raises(joda.BadPattern):
        joda.reader(pattern)


@given(st.datetimes(datetime(1970, 1, 1), datetime(2069, 12, 31)))
def test_what_a_pattern_writes_it_reads(time: datetime) -> None:
    text = time.strftime("%d.%m.%Y %H-%M-%S,%f")
    assert joda.reader("dd.MM.yyyy HH-mm-ss,SSSSSS")(text) == time
    millis = int(time.replace(tzinfo=UTC).timestamp() * 1000)
    assert abs(hive_reader(["millis"])(millis) - time).total_seconds() < 0.002


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=5)
    | st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(["12", "true", "1.5"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=4,
)  # fmt: skip
kinds = st.sampled_from(
    ["string", "int", "tinyint", "bigint", "double", "float", "boolean", "decimal(5,2)", "date",
     "timestamp", "array<int>", "map<string,double>", "struct<a:int>"]
)  # fmt: skip


@given(kinds, st.lists(json_values, max_size=6), st.booleans())
def test_a_column_made_in_one_go_is_what_its_values_are_one_by_one(
    kind: str, values: list[Any], is_lenient: bool
) -> None:
    serde = Serde(is_lenient=is_lenient, read_time=read_openx, key=str.lower)
    column = Column("c", parse_type(kind))
    records = [json.dumps({"c": value}).encode() for value in values]
    together = ColumnReader([column], serde).read(records)
    alone = [ColumnReader([column], serde).read([record]) for record in records]
    assert set(together.misfits) == {at for at, one in enumerate(alone) if one.misfits}
    each = [row for one in alone for row in one.table.column("c").to_pylist()]
    assert together.table.column("c").to_pylist() == each
    read = reader_of(column.type, serde)
    for value, one in zip(values, alone, strict=True):
        if value is None or not isinstance(value, str | bool | int | float):
            continue
        try:
            expected = read(value)
        except ValueError:
            assert one.misfits
        else:
            assert one.table.num_rows == 1
            if kind not in {"float", "decimal(5,2)"}:
                assert one.table.column("c").to_pylist() == [expected]


@pytest.mark.parametrize("kind", ["double", "float", "map<string,double>", "array<float>"])
@pytest.mark.parametrize("serde", [Serde(True, read_openx), Serde(False, hive_reader(None))])
def test_a_number_beyond_all_bounds_fails_alone(kind: str, serde: Serde) -> None:
    reader = ColumnReader([Column("n", parse_type(kind))], serde)
    huge = b"1" * 400
    inside = {"map": b'{"k":%s}', "arra": b"[%s]"}.get(kind[:4].rstrip("<"), b"%s") % huge
    found = reader.read([b"{}", b'{"n":%s}' % inside, b'{"n":null}'])
    assert list(found.misfits) == [1]
    assert found.sources == [0, 2]


def test_a_record_that_breaks_its_reading_fails_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = ColumnReader([Column("n", parse_type("int"))], Serde(True, read_openx))
    whole = reader._column

    def fragile(one: Any, rows: Any, sources: Any, misfits: Any) -> Any:
        if any(row.get("n") == 13 for row in rows):
            raise ZeroDivisionError("a mistake of ours")
        return whole(one, rows, sources, misfits)

    monkeypatch.setattr(reader, "_column", fragile)
    found = reader.read([b'{"n":1}', b'{"n":2}{"n":3}', b'{"n":13}', b'{"n":"x"}', b'{"n":4}'])
    assert found.table["n"].to_pylist() == [1, 2, 3, 4]
    assert found.sources == [0, 1, 1, 4]
    assert sorted(found.misfits) == [2, 3]
    assert "ZeroDivisionError" in found.misfits[2].message
