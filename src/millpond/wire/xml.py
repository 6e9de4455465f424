"""XML as a light tree, read without anything that XML could do to a reader.

A document type (and with it every entity), more than `DEPTH_MAX` levels, and more than
`ELEMENTS_MAX` elements are refused. Names lose their namespaces.
"""

import re
from dataclasses import dataclass, field
from xml.parsers import expat

DEPTH_MAX = 64
ELEMENTS_MAX = 500_000

_UNSAFE = re.compile('[&<>"\x00-\x08\x0b-\x1f\ufffe\uffff]')
_NAMED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}


class BadXml(ValueError):
    """Not XML, or XML that is not taken."""


@dataclass(slots=True)
class Element:
    """An element, and the texts that stand directly in it."""

    name: str
    attributes: dict[str, str]
    children: list["Element"] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.texts)


def parse_xml(data: bytes) -> Element:
    """The root element of a document.

    Raises:
        BadXml: it is not well-formed, or is of a kind that is refused.
    """
    builder = _Builder()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.characters
    parser.StartDoctypeDeclHandler = builder.doctype
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise BadXml(str(error)) from error
    if builder.root is None:
        raise BadXml("The document is empty.")
    return builder.root


def escape(text: str) -> str:
    """`text` as element content or attribute value.

    What XML 1.0 cannot hold becomes a character reference, as S3 writes it; a client asks for
    `encoding-type=url` to be spared these.
    """
    if _UNSAFE.search(text) is None:
        return text
    return _UNSAFE.sub(lambda match: _reference(match.group()), text)


def _reference(character: str) -> str:
    return _NAMED.get(character) or f"&#x{ord(character):x};"


class _Builder:
    def __init__(self) -> None:
        self.root: Element | None = None
        self._open: list[Element] = []
        self._count = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > ELEMENTS_MAX or len(self._open) >= DEPTH_MAX:
            raise BadXml("The document is too large.")
        plain = {_local(key): value for key, value in attributes.items()} if attributes else {}
        element = Element(_local(name), plain)
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)

    def end(self, name: str) -> None:
        self._open.pop()

    def characters(self, text: str) -> None:
        self._open[-1].texts.append(text)

    def doctype(self, *_: object) -> None:
        raise BadXml("The document declares a document type.")


def _local(name: str) -> str:
    return name.rpartition(" ")[2]
