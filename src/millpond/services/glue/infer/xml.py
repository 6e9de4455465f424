"""XML: the columns of the elements that are rows.

A row's attributes become columns with `_` before their names, its children columns of their names:
structs where they have children or attributes of their own, arrays where they repeat. Text beside
attributes stands in `_VALUE`. Without a row tag, the rows are the children that the root has most
of. A document type is not read: it is where entities could grow without end.

Sources: Glue developer guide, "Writing XML custom classifiers", "Using the XML format".
"""

from collections import Counter
from dataclasses import dataclass, field
from xml.parsers import expat

from millpond.services.glue.infer.csv import cell_type
from millpond.services.glue.infer.schema import FileSchema, column_name
from millpond.services.glue.infer.types import STRING, Array, HiveType, Struct, merge, merge_all

ATTRIBUTE = "_"
TEXT = "_VALUE"
DEPTH_MAX = 32
ROWS_MAX = 20_000
COLUMNS_MAX = 10_000


@dataclass(slots=True)
class _Element:
    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list["_Element"] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)


class _Stop(Exception):
    """Enough was read, or more than is read."""


def infer_xml(
    text: str, compression: str, sample_bytes: int, whole: bool, row_tag: str = ""
) -> FileSchema | None:
    """The schema of XML text, or None when `text` is not such, or has no rows. A cut-off end is
    left out."""
    if not text.lstrip().startswith("<"):
        return None
    tag = row_tag or _frequent_child(text, whole)
    rows = _read_rows(text, tag, whole) if tag else []
    kind = merge_all(_as_struct(row, 1) for row in rows)
    if not isinstance(kind, Struct) or not 0 < len(kind.fields) <= COLUMNS_MAX:
        return None
    columns: dict[str, HiveType] = {}
    for name, part in kind.fields:
        columns.setdefault(column_name(name), part)
    return FileSchema(
        classification="xml",
        compression=compression,
        columns=tuple(columns.items()),
        records=len(rows),
        sample_bytes=sample_bytes,
        whole=whole,
        row_tag=tag,
    )


def _frequent_child(text: str, whole: bool) -> str:
    names: Counter[str] = Counter()
    depth = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth == 2:
            names[name] += 1

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1

    if not _parse(text, whole, start, end, lambda data: None):
        return ""
    found = names.most_common(1)
    return found[0][0] if found else ""


def _read_rows(text: str, tag: str, whole: bool) -> list[_Element]:
    rows: list[_Element] = []
    path: list[_Element] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        if not path and name != tag:
            return
        if len(path) > DEPTH_MAX:
            raise _Stop
        path.append(_Element(name, attributes))

    def end(name: str) -> None:
        if not path:
            return
        element = path.pop()
        (path[-1].children if path else rows).append(element)
        if len(rows) >= ROWS_MAX:
            raise _Stop

    def characters(data: str) -> None:
        if path:
            path[-1].texts.append(data)

    return rows if _parse(text, whole, start, end, characters) else []


def _parse(text: str, whole: bool, start: object, end: object, characters: object) -> bool:
    """Whether it is XML, up to where the sample is cut off."""
    parser = expat.ParserCreate()
    parser.StartElementHandler = start  # type: ignore[assignment]
    parser.EndElementHandler = end  # type: ignore[assignment]
    parser.CharacterDataHandler = characters  # type: ignore[assignment]
    parser.StartDoctypeDeclHandler = _refuse
    try:
        parser.Parse(text, whole)
    except expat.ExpatError:
        return False
    except _Stop:
        return True
    return True


def _refuse(*_: object) -> None:
    raise _Stop


def _as_struct(element: _Element, depth: int) -> Struct:
    fields: dict[str, HiveType] = {
        ATTRIBUTE + name: cell_type(value) for name, value in element.attributes.items()
    }
    children: dict[str, list[HiveType]] = {}
    for child in element.children:
        children.setdefault(child.name, []).append(_value_type(child, depth + 1))
    for name, kinds in children.items():
        kind = Array(merge_all(kinds)) if len(kinds) > 1 else kinds[0]
        fields[name] = merge(fields[name], kind) if name in fields else kind
    text = "".join(element.texts).strip()
    if text and not element.children:
        fields[TEXT] = cell_type(text)
    return Struct(tuple(fields.items()))


def _value_type(element: _Element, depth: int) -> HiveType:
    if depth >= DEPTH_MAX:
        return STRING
    if element.children or element.attributes:
        return _as_struct(element, depth)
    return cell_type("".join(element.texts))
