"""What is read out of delimited text."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.services.glue.infer.classify import infer_head


def infer(text, size=None):
    data = text.encode() if isinstance(text, str) else text
    return infer_head(data, len(data) if size is None else size)


def types(schema):
    return {name: str(kind) for name, kind in schema.columns}


def test_a_header_names_the_columns_in_lower_case():
    schema = infer("Id,Name,Unit Price\n1,x,2.5\n2,y,3\n")
    assert types(schema) == {"id": "bigint", "name": "string", "unit price": "double"}
    assert schema.csv.header
    assert not schema.csv.quoted
    assert schema.records == 2
    assert schema.whole


@pytest.mark.parametrize("delimiter", [",", "|", "\t", ";", "\x01"])
def test_each_separator_is_found(delimiter):
    rows = [["id", "note, with comma", "n"], ["1", "a, b", "2"], ["2", "c", "3"]]
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(rows)
    schema = infer(out.getvalue())
    assert schema.csv.delimiter == delimiter
    assert len(schema.columns) == 3


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a,b\nx,y\nz,w\n", ["col0", "col1"]),
        ("1,2\n3,4\n", ["col0", "col1"]),
        ("a,2020\n1,2\n", ["col0", "col1"]),
        (",b\n1,2\n", ["col0", "col1"]),
        (f"{'a' * 150},b\n1,2\n", ["col0", "col1"]),
        ("a,b\n1,2\n", ["a", "b"]),
        (f"{'a' * 149},b\n1,2\n", ["a" * 149, "b"]),
        ("a,b,\n1,2,\n3,4,\n", ["a", "b", "col2"]),
        ("a,A,b\n1,2,3\n", ["a", "a_1", "b"]),
        ("a,b\n,x\n1,y\n", ["a", "b"]),
    ],
)
def test_a_header_is_told_by_glues_rules(text, names):
    assert list(types(infer(text))) == names


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "-2", "+3", ""], "bigint"),
        (["007", "12"], "bigint"),
        (["1", "2.5"], "double"),
        (["1e5", ".5", "-3."], "double"),
        (["NaN", "1"], "double"),
        (["17850.0", ""], "double"),
        (["true", "FALSE"], "boolean"),
        (["true", "1"], "string"),
        (["1", "x"], "string"),
        (["C536", "1"], "string"),
        (["9223372036854775807"], "bigint"),
        (["9223372036854775808"], "string"),
        (["2020-01-01", "2020-01-02"], "string"),
        (["2010-12-01 08:26:00"], "string"),
        ([" 5 ", "6"], "bigint"),
        (["1,5", "2,5"], "string"),
        (["", ""], "string"),
        (["1_000"], "string"),
        (["٣"], "string"),
    ],
)
def test_cells_have_the_narrowest_type_that_holds_them(values, kind):
    out = io.StringIO()
    csv.writer(out).writerows([["v", "k"], *([value, "1"] for value in values)])
    assert types(infer(out.getvalue()))["v"] == kind


def test_quotes_hold_separators_and_quotes():
    schema = infer('id,name\n1,"a, ""b"""\n2,c\n')
    assert schema.csv.quoted
    assert types(schema) == {"id": "bigint", "name": "string"}
    assert not infer('id,name\n1,5" pipe\n2,c\n').csv.quoted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "just one column\n1\n2\n",
        "a,b\n",
        "Dear Sir,\nI write to you, since, as you know, it is late.\nYours, A\n",
        "x" * 500_000,
        'a,b\n1,"' + "x" * 300_000,
        ",".join("a" * 20_000) + "\n" + ",".join("1" * 20_000) + "\n",
    ],
)
def test_what_is_no_table_is_not_taken_for_one(text):
    assert infer(text) is None


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x01\x02" * 100,
        "a,b\n1,ü\n".encode("latin-1"),
        "a,b\n1,2\n".encode("utf-16"),
        b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n",
        b"\x89PNG\r\n\x1a\n\x00\x00",
    ],
)
def test_what_is_no_utf8_text_is_not_taken_for_it(data):
    assert infer(data) is None


def test_a_byte_order_mark_and_line_ends_of_windows_are_passed_over():
    schema = infer(b"\xef\xbb\xbfid,name\r\n1,x\r\n2,y\r\n")
    assert types(schema) == {"id": "bigint", "name": "string"}


def test_the_cut_off_line_of_a_sample_does_not_count():
    text = "id,name\n1,x\n2,y\n3"
    schema = infer(text, size=1000)
    assert types(schema) == {"id": "bigint", "name": "string"}
    assert schema.records == 2
    assert not schema.whole
    assert infer("é,n\n1,2\n3,4\n".encode()[:-4] + "é".encode()[:1], size=1000) is not None


cells = st.one_of(
    st.integers().map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(str),
    st.text(st.characters(codec="utf-8", exclude_characters="\x00\r\n"), max_size=12),
)


@given(st.lists(st.lists(cells, min_size=3, max_size=3), min_size=1, max_size=8))
def test_whatever_the_cells_no_file_breaks_the_reader(rows):
    out = io.StringIO()
    csv.writer(out).writerows([["id", "name", "n"], *rows])
    schema = infer(out.getvalue())
    assert schema is None or len(schema.columns) >= 2


@given(st.binary(max_size=300))
def test_whatever_the_bytes_no_file_breaks_the_reader(data):
    infer(data)
    infer(data, size=10_000)
