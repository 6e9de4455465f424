"""The XML reader takes plain documents, and refuses what could cost more than it is worth."""

import pytest

from millpond.wire.xml import DEPTH_MAX, ELEMENTS_MAX, BadXml, Element, parse_xml


def test_a_document_is_a_tree_of_local_names() -> None:
    root = parse_xml(b'<a:x xmlns:a="urn:a" a:k="1">s<y>t<!-- no -->u</y><![CDATA[<v>]]></a:x>')
    assert root == Element("x", {"k": "1"}, [Element("y", {}, [], ["tu"])], ["s", "<v>"])
    assert root.text == "s<v>"


def test_a_document_may_be_in_another_encoding() -> None:
    assert parse_xml('<?xml version="1.0" encoding="UTF-16"?><x>é</x>'.encode("utf-16")).text == "é"


@pytest.mark.parametrize(("depth", "taken"), [(DEPTH_MAX, True), (DEPTH_MAX + 1, False)])
def test_a_document_is_only_so_deep(depth: int, taken: bool) -> None:
    document = b"<a>" * depth + b"</a>" * depth
    if taken:
        assert parse_xml(document).name == "a"
        return
    with pytest.raises(BadXml):
        parse_xml(document)


def test_a_document_has_only_so_many_elements() -> None:
    with pytest.raises(BadXml):
        parse_xml(b"<a>" + b"<b/>" * ELEMENTS_MAX + b"</a>")


@pytest.mark.parametrize(
    "document", [b"", b" ", b"x", b"<a/><b/>", b"<a>", b"<!DOCTYPE a><a/>", b"<a b='1' b='2'/>"]
)
def test_what_is_no_document_is_refused(document: bytes) -> None:
    with pytest.raises(BadXml):
        parse_xml(document)
