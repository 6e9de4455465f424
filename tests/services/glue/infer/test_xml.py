"""XML as columns."""

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
