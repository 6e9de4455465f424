"""A program's text as tokens that know their place, so that nothing below looks for quotes.

Comments (`-- …`, `/* … */`) and white space are between tokens; a hint (`/*+ … */`) is a symbol, so
that the queries that have one keep it, to be refused.
"""

import bisect
import re
from dataclasses import dataclass
from typing import Literal

from millpond.engines.streams.interface import Refused
from millpond.engines.streams.sql.typed import Position

Kind = Literal["word", "name", "string", "number", "symbol"]
"""`name` is an identifier in backticks, `string` a literal in single quotes."""

_TOKEN = re.compile(
    r"(?P<space>\s+|--[^\n]*|/\*(?!\+).*?\*/)"
    r"|(?P<string>'(?:[^']|'')*')"
    r"|(?P<name>`(?:[^`]|``)*`)"
    r"|(?P<word>[^\W\d][\w$]*)"
    r"|(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)"
    r"|(?P<symbol>/\*\+.*?\*/|<>|<=|>=|=>|\|\||\"(?:[^\"]|\"\")*\"|.)",
    re.DOTALL,
)
_OPEN = {"'": "A string literal", "`": "An identifier", '"': "An identifier"}


@dataclass(frozen=True, slots=True)
class Token:
    """`text` as it is written; `value` without quotes, a word in upper case."""

    kind: Kind
    text: str
    value: str
    start: int
    end: int

    def is_symbol(self, text: str) -> bool:
        return self.kind == "symbol" and self.text == text


class Text:
    """A text and where its characters are for people."""

    def __init__(self, text: str):
        self.text = text
        self._lines = [0, *(match.end() for match in re.finditer("\n", text))]

    def position(self, offset: int) -> Position:
        line = bisect.bisect_right(self._lines, offset)
        return Position(line, offset - self._lines[line - 1] + 1)

    def tokens(self) -> list[Token]:
        """
        Raises:
            Refused: a quote or a comment has no end.
        """
        found: list[Token] = []
        offset = 0
        while offset < len(self.text):
            match = _TOKEN.match(self.text, offset)
            assert match
            kind, text = match.lastgroup, match.group()
            if kind == "symbol":
                self._refuse_open(text, offset)
            if kind != "space":
                found.append(Token(kind, text, _value(kind, text), offset, match.end()))  # type: ignore[arg-type]
            offset = match.end()
        return found

    def _refuse_open(self, symbol: str, offset: int) -> None:
        at = self.position(offset)
        if symbol in _OPEN:
            raise Refused(f"{_OPEN[symbol]} begins with {symbol} and has no end.", *_pair(at))
        if symbol == "/" and self.text.startswith("/*", offset):
            raise Refused("A comment begins with /* and has no end.", *_pair(at))


def _pair(at: Position) -> tuple[int, int]:
    return at.line, at.column


def _value(kind: str | None, text: str) -> str:
    match kind:
        case "string":
            return text[1:-1].replace("''", "'")
        case "name":
            return text[1:-1].replace("``", "`")
        case "word":
            return text.upper()
    return text
