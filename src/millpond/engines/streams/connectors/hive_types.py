"""Reads types as the Glue Data Catalog writes them: Hive's."""

import re

from millpond.engines.streams.types import DataType

_NAMES = {
    "boolean": "BOOLEAN",
    "tinyint": "TINYINT",
    "smallint": "SMALLINT",
    "int": "INT",
    "integer": "INT",
    "bigint": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "string": "STRING",
    "binary": "BYTES",
    "date": "DATE",
}
_TOKEN = re.compile(r"\s*([\w$.-]+|[<>(),:])")


def hive_type(text: str) -> DataType | None:
    """The type; None if it is none of Hive's, or one that Flink has not."""
    tokens = _TOKEN.findall(text)
    if "".join(tokens) != "".join(text.split()):
        return None
    reader = _Reader(tokens)
    try:
        kind = reader.read()
    except (IndexError, KeyError, ValueError):
        return None
    return kind if not reader.tokens else None


class _Reader:
    """Reads a type from the front of `tokens`."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens

    def read(self) -> DataType:
        name = self.tokens.pop(0).lower()
        match name:
            case "array":
                return DataType("ARRAY", fields=tuple(("", kind) for kind in self._inner(1)))
            case "map":
                return DataType("MAP", fields=tuple(("", kind) for kind in self._inner(2)))
            case "struct":
                return DataType("ROW", fields=self._members())
            case "decimal":
                numbers = self._numbers() or (10, 0)
                return DataType("DECIMAL", (*numbers, 0)[:2])
            case "varchar" | "char":
                return DataType(name.upper(), self._numbers())
            case "timestamp":
                return DataType("TIMESTAMP", (6,))
        return DataType(_NAMES[name])

    def _numbers(self) -> tuple[int, ...]:
        if not self.tokens or self.tokens[0] != "(":
            return ()
        end = self.tokens.index(")")
        numbers = tuple(int(part) for part in self.tokens[1:end] if part != ",")
        del self.tokens[: end + 1]
        return numbers

    def _inner(self, count: int) -> list[DataType]:
        self._expect("<")
        kinds = [self.read()]
        while len(kinds) < count:
            self._expect(",")
            kinds.append(self.read())
        self._expect(">")
        return kinds

    def _members(self) -> tuple[tuple[str, DataType], ...]:
        self._expect("<")
        members = []
        while True:
            name = self.tokens.pop(0)
            self._expect(":")
            members.append((name, self.read()))
            if self.tokens[0] != ",":
                break
            self._expect(",")
        self._expect(">")
        return tuple(members)

    def _expect(self, token: str) -> None:
        if self.tokens.pop(0) != token:
            raise ValueError(token)
