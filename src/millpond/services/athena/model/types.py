"""Types in three tongues: Hive's (the catalog), Trino's (the SQL engine) and Athena's (answers).

Source: Athena User Guide, "Data types in Amazon Athena"; Athena API reference, ColumnInfo.
"""

import re
from dataclasses import dataclass

from millpond.services.athena.model.executions import ResultColumn

_TO_TRINO = {
    "boolean": "boolean",
    "tinyint": "tinyint",
    "smallint": "smallint",
    "int": "integer",
    "integer": "integer",
    "bigint": "bigint",
    "float": "real",
    "double": "double",
    "string": "varchar",
    "binary": "varbinary",
    "date": "date",
    "timestamp": "timestamp(3)",
    "decimal": "decimal(10,0)",
}
_TO_HIVE = {
    "boolean": "boolean",
    "tinyint": "tinyint",
    "smallint": "smallint",
    "integer": "int",
    "bigint": "bigint",
    "real": "float",
    "double": "double",
    "varchar": "string",
    "varbinary": "binary",
    "date": "date",
}
_PRECISIONS = {
    "boolean": 0,
    "tinyint": 3,
    "smallint": 5,
    "integer": 10,
    "bigint": 19,
    "float": 17,
    "double": 17,
    "varchar": 2147483647,
    "varbinary": 1073741824,
    "timestamp": 3,
    "timestamp with time zone": 3,
    "time": 3,
}
_WORD = re.compile(r'\s*("(?:[^"]|"")*"|`[^`]*`|[^\s<>(),:"`]+|[<>(),:])')
TYPE_DEPTH_MAX = 50


class UnknownType(ValueError):
    """A type that has no counterpart; the text is the type."""


def trino_of(hive: str) -> str:
    """The Trino type of a Hive type: `array<struct<a:int>>` is `array(row("a" integer))`.

    Raises:
        UnknownType: it has none.
    """
    reader = _Words(hive)
    made = _hive_to_trino(reader, 0)
    reader.end()
    return made


def hive_of(trino: str) -> str:
    """The Hive type that keeps a Trino type, as Athena's CTAS chooses it.

    Raises:
        UnknownType: Hive has none (times without dates, intervals, zones).
    """
    reader = _Words(trino)
    made = _trino_to_hive(reader, 0)
    reader.end()
    return made


def result_column(name: str, trino: str) -> ResultColumn:
    """A result's column as GetQueryResults describes it."""
    base = trino.partition("(")[0].strip()
    if base == "timestamp" and trino.endswith("with time zone"):
        base = "timestamp with time zone"
    if base == "decimal":
        sizes = [int(size) for size in re.findall(r"\d+", trino)]
        precision, scale = (*sizes, 0)[:2] if sizes else (38, 0)
        return ResultColumn(name, "decimal", precision, scale)
    if base in ("varchar", "char") and "(" in trino:
        return ResultColumn(name, base, int(re.findall(r"\d+", trino)[0]))
    shown = "float" if base == "real" else base
    return ResultColumn(name, shown, _PRECISIONS.get(shown, 0))


@dataclass(slots=True)
class _Words:
    """The words and signs of a type's text, one after the other."""

    text: str
    at: int = 0

    def peek(self) -> str:
        match = _WORD.match(self.text, self.at)
        return match[1] if match else ""

    def next(self) -> str:
        match = _WORD.match(self.text, self.at)
        if match is None:
            raise UnknownType(self.text)
        self.at = match.end()
        return match[1]

    def take(self, sign: str) -> None:
        if self.next() != sign:
            raise UnknownType(self.text)

    def end(self) -> None:
        if self.text[self.at :].strip():
            raise UnknownType(self.text)


def _sizes(reader: _Words) -> str:
    """`(10,2)` where it comes next, else nothing."""
    if reader.peek() != "(":
        return ""
    reader.take("(")
    sizes = [reader.next()]
    while reader.peek() == ",":
        reader.take(",")
        sizes.append(reader.next())
    reader.take(")")
    if not all(size.isdigit() for size in sizes):
        raise UnknownType(reader.text)
    return f"({','.join(sizes)})"


def _hive_to_trino(reader: _Words, depth: int) -> str:
    if depth > TYPE_DEPTH_MAX:
        raise UnknownType(reader.text)
    name = reader.next().lower()
    match name:
        case "decimal" | "char" | "varchar":
            sizes = _sizes(reader)
            if name == "decimal" and "," not in sizes:
                return f"decimal({sizes.strip('()') or '10'},0)"
            return name + sizes
        case "array":
            reader.take("<")
            inner = _hive_to_trino(reader, depth + 1)
            reader.take(">")
            return f"array({inner})"
        case "map":
            reader.take("<")
            key = _hive_to_trino(reader, depth + 1)
            reader.take(",")
            value = _hive_to_trino(reader, depth + 1)
            reader.take(">")
            return f"map({key}, {value})"
        case "struct":
            return _struct(reader, depth)
    if name not in _TO_TRINO:
        raise UnknownType(name)
    return _TO_TRINO[name]


def _struct(reader: _Words, depth: int) -> str:
    reader.take("<")
    fields: list[str] = []
    while True:
        field = reader.next().strip("`").replace('"', '""')
        reader.take(":")
        fields.append(f'"{field}" {_hive_to_trino(reader, depth + 1)}')
        if reader.peek() != ",":
            break
        reader.take(",")
    reader.take(">")
    return f"row({', '.join(fields)})"


def _trino_to_hive(reader: _Words, depth: int) -> str:
    if depth > TYPE_DEPTH_MAX:
        raise UnknownType(reader.text)
    name = reader.next().lower()
    match name:
        case "decimal" | "char":
            return name + _sizes(reader)
        case "varchar":
            sizes = _sizes(reader)
            return f"varchar{sizes}" if sizes else "string"
        case "timestamp":
            _sizes(reader)
            if reader.peek():
                _refuse_zone(reader)
            return "timestamp"
        case "array":
            reader.take("(")
            inner = _trino_to_hive(reader, depth + 1)
            reader.take(")")
            return f"array<{inner}>"
        case "map":
            reader.take("(")
            key = _trino_to_hive(reader, depth + 1)
            reader.take(",")
            value = _trino_to_hive(reader, depth + 1)
            reader.take(")")
            return f"map<{key},{value}>"
        case "row":
            return _row(reader, depth)
    if name not in _TO_HIVE:
        raise UnknownType(reader.text)
    return _TO_HIVE[name]


def _refuse_zone(reader: _Words) -> None:
    if reader.peek() == "with":
        raise UnknownType(reader.text)


def _row(reader: _Words, depth: int) -> str:
    reader.take("(")
    fields: list[str] = []
    while True:
        field = reader.next().strip('"').replace('""', '"')
        fields.append(f"{field.lower()}:{_trino_to_hive(reader, depth + 1)}")
        if reader.peek() != ",":
            break
        reader.take(",")
    reader.take(")")
    return f"struct<{','.join(fields)}>"
