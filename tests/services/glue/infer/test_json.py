"""What is read out of JSON."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.services.glue.infer.classify import infer_head
from millpond.services.glue.infer.schema import column_name


def infer(text, size=None):
    data = text.encode()
    return infer_head(data, len(data) if size is None else size)


def types(schema):
    return {name: str(kind) for name, kind in schema.columns}


def test_records_in_lines_become_columns():
    schema = infer('{"Id": 1, "name": "a"}\n{"Id": 2, "ok": true}\n')
    assert schema.classification == "json"
    assert types(schema) == {"id": "int", "name": "string", "ok": "boolean"}
    assert schema.paths == ("Id", "name", "ok")
    assert schema.records == 2
    assert not schema.json_path


def test_an_array_of_records_gives_the_same_columns():
    schema = infer('[\n  {"id": 1},\n  {"id": 3000000000}\n]')
    assert types(schema) == {"id": "bigint"}
    assert schema.json_path == "$[*]"
    assert schema.records == 2


def test_one_record_over_many_lines_is_a_record():
    assert types(infer('{\n "a": 1,\n "b": {"c": "x"}\n}')) == {"a": "int", "b": "struct<c:string>"}


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2], "int"),
        ([1, 2**31], "bigint"),
        ([1, 2**70], "double"),
        ([1, 1.5], "double"),
        ([1, "x"], "string"),
        ([True, False, None], "boolean"),
        ([True, 1], "string"),
        ([None, None], "string"),
        ([[], []], "array<string>"),
        ([[1], [2.5], []], "array<double>"),
        ([[1, "a"]], "array<string>"),
        ([{"a": 1}, {"b": [{"C": "x"}]}], "struct<a:int,b:array<struct<C:string>>>"),
        ([{"a": 1}, {"a": None}], "struct<a:int>"),
        ([{"a": 1}, [1]], "string"),
        ([{}], "string"),
        ([{"a:b": 1}], "string"),
        ([{"with space": 1}], "struct<with space:int>"),
    ],
)
def test_values_have_hives_types(values, kind):
    lines = "\n".join(json.dumps({"v": value}) for value in values)
    assert types(infer(lines)) == {"v": kind}


@pytest.mark.parametrize(
    "text",
    [
        "[1, 2, 3]",
        '["a"]',
        "[]",
        "{}",
        "{}\n{}\n",
        "{",
        '{"a": 1',
        '{"a": 1} x',
        '[{"a": 1} {"a": 2}]',
        "[" * 300_000,
        '{"a":' * 100_000,
        '{"a": ' + "9" * 10_000 + "}",
    ],
)
def test_what_is_no_record_is_not_taken_for_one(text):
    assert infer(text) is None


def test_the_cut_off_end_of_a_sample_does_not_count():
    lines = '{"a": 1}\n{"a": 2}\n{"a": "x'
    assert types(infer(lines, size=10_000)) == {"a": "int"}
    array = '[{"a": 1}, {"a": 2}, {"a": "x'
    assert types(infer(array, size=10_000)) == {"a": "int"}


def test_what_is_nested_too_deep_is_text():
    deep = "[" * 100 + "]" * 100
    kind = types(infer('{"a": ' + deep + "}"))["a"]
    assert kind.startswith("array<array<")
    assert kind.count("array") == 31


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)


names = st.text(min_size=1, max_size=4).filter(column_name)


@given(st.lists(st.dictionaries(names, values, min_size=1), min_size=1))
def test_every_list_of_records_has_a_schema_with_balanced_types(records):
    schema = infer("\n".join(map(json.dumps, records)))
    assert schema is not None
    assert {name for name, _ in schema.columns} == {
        column_name(key) for row in records for key in row
    }
    for kind in types(schema).values():
        assert kind.count("<") == kind.count(">")
        assert "``" not in kind


def test_records_that_have_nothing_in_common_are_read_in_time_linear_in_them():
    text = "".join(f'{{"n": {{"c{n}": 1}}}}\n' for n in range(12_000))
    started = time.process_time()
    (column,) = infer(text).columns
    assert time.process_time() - started < 3
    assert len(column[1].fields) == 12_000
