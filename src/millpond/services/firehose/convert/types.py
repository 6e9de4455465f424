"""The types of columns: Hive's, as Glue tables name them.

    int   decimal(10,2)   array<string>   map<string,int>   struct<a:int,b:array<date>>

Pure. Source: Hive language manual, Types.
"""

import re
from dataclasses import dataclass
from typing import NoReturn

DEPTH_MAX = 64
_PRIMITIVES = {
    "boolean": "boolean",
    "tinyint": "tinyint",
    "smallint": "smallint",
    "int": "int",
    "integer": "int",
    "bigint": "bigint",
    "float": "float",
    "real": "float",
    "double": "double",
    "double precision": "double",
    "string": "string",
    "binary": "binary",
    "date": "date",
    "timestamp": "timestamp",
}
_TOKEN = re.compile(r"\s*([<>:,()]|[^<>:,()]+)")
_DECIMAL_DIGITS_MAX = 38


class BadType(ValueError):
    """The text names no type that records can be converted to."""


@dataclass(frozen=True, slots=True)
class Type:
    """A type: `name` is Hive's (`int`, `decimal`, `array`, `map`, `struct`, …), or `timestamptz`
    for an instant, or `refused` for one that nothing but null can be converted to. `inner` are the
    types inside it, `fields` name those of a struct, `required` tells which of them (of a map, its
    values) may not be null: none, if it is empty."""

    name: str
    precision: int = 0
    scale: int = 0
    inner: tuple["Type", ...] = ()
    fields: tuple[str, ...] = ()
    required: tuple[bool, ...] = ()


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    type: Type


def parse_type(text: str) -> Type:
    """The type that `text` names.

    Raises:
        BadType: see there.
    """
    tokens = [found[1].strip() for found in _TOKEN.finditer(text)]
    parser = _Parser(text, [token for token in tokens if token])
    found = parser.type(0)
    if parser.tokens:
        parser.refuse()
    return found


class _Parser:
    def __init__(self, text: str, tokens: list[str]) -> None:
        self._text = text
        self.tokens = tokens[::-1]

    def refuse(self) -> NoReturn:
        raise BadType(f"The type {self._text[:200]} is not implemented or no type.")

    def type(self, depth: int) -> Type:
        if depth > DEPTH_MAX:
            self.refuse()
        name = self._word().lower()
        if name in _PRIMITIVES:
            return Type(_PRIMITIVES[name])
        if name in {"varchar", "char"}:
            self._numbers(1, 1)
            return Type("string")
        if name in {"decimal", "numeric"}:
            return self._decimal()
        if name not in {"array", "map", "struct"}:
            self.refuse()
        self._expect("<")
        if name == "struct":
            return self._struct(depth)
        inner = [self.type(depth + 1)]
        if name == "map":
            self._expect(",")
            inner.append(self.type(depth + 1))
            if inner[0].name in {"array", "map", "struct"}:
                self.refuse()
        self._expect(">")
        return Type(name, inner=tuple(inner))

    def _decimal(self) -> Type:
        numbers = self._numbers(0, 2)
        precision, scale = (*numbers, *(10, 0)[len(numbers) :])
        if not (1 <= precision <= _DECIMAL_DIGITS_MAX and 0 <= scale <= precision):
            self.refuse()
        return Type("decimal", precision, scale)

    def _struct(self, depth: int) -> Type:
        names: list[str] = []
        inner: list[Type] = []
        while True:
            names.append(self._word().lower())
            self._expect(":")
            inner.append(self.type(depth + 1))
            mark = self._next()
            if mark == ">":
                break
            if mark != ",":
                self.refuse()
        if len(set(names)) < len(names):
            self.refuse()
        return Type("struct", inner=tuple(inner), fields=tuple(names))

    def _numbers(self, least: int, most: int) -> list[int]:
        numbers: list[int] = []
        if self.tokens and self.tokens[-1] == "(":
            self._next()
            while True:
                word = self._word()
                if not re.fullmatch(r"\d{1,6}", word, re.ASCII):
                    self.refuse()
                numbers.append(int(word))
                if self._next() == ")":
                    break
        if not least <= len(numbers) <= most:
            self.refuse()
        return numbers

    def _next(self) -> str:
        if not self.tokens:
            self.refuse()
        return self.tokens.pop()

    def _word(self) -> str:
        word = self._next()
        if word in "<>:,()":
            self.refuse()
        return word

    def _expect(self, mark: str) -> None:
        if self._next() != mark:
            self.refuse()
