"""XML as columns."""

import time

import pytest

from millpond.services.glue.infer.xml import infer_xml

PEOPLE = """<?xml version="1.0"?>
<people>
  <person id="1"><name>Ada</name><born>1815</born><tag>a</tag><tag>b</tag></person>
  <person id="2"><name>Alan</name><born>1912.5</born><home city="London">x</home></person>
</people>
"""


def columns(text, whole=True, tag=""):
    found = infer_xml(text, "none", len(text), whole, tag)
    return found and {name: str(kind) for name, kind in found.columns}


def test_rows_are_the_children_that_the_root_has_most_of():
    assert columns(PEOPLE) == {
        "_id": "bigint",
        "name": "string",
        "born": "double",
        "tag": "array<string>",
        "home": "struct<_city:string,_VALUE:string>",
    }


def test_a_row_tag_says_what_is_a_row():
    found = infer_xml(PEOPLE, "none", len(PEOPLE), True, "home")
    assert found.row_tag == "home"
    assert columns(PEOPLE, tag="home") == {"_city": "string", "_value": "string"}


def test_a_sample_that_is_cut_off_has_the_rows_before():
    cut = PEOPLE[: PEOPLE.index("Alan")]
    assert columns(cut, whole=False)["name"] == "string"
    assert columns(cut) is None


def test_entities_are_not_read():
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x><r>&b;</r></x>'
    assert columns(bomb) is None


def test_what_is_no_xml_has_no_schema():
    assert columns("a,b\n1,2\n") is None
    assert columns("<a><b></a>") is None
    assert columns("<a/>") is None


@pytest.mark.parametrize("row", ["<r><c{}>1</c{}></r>", "<r><n><c{}>1</c{}></n></r>"])
def test_rows_that_have_nothing_in_common_are_read_in_time_linear_in_them(row):
    rows = 9_000
    text = f"<x>{''.join(row.format(n, n) for n in range(rows))}</x>"
    started = time.process_time()
    found = columns(text)
    assert time.process_time() - started < 5
    assert len(found) in (1, rows)
