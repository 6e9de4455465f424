"""A query string as tokens: words, quoted names, strings, numbers and signs, with their places."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

from millpond.services.athena.statements.refusal import StatementRefused, mismatched

_T = TypeVar("_T")


class Kind(Enum):
    WORD = "word"
    NAME = "quoted name"
    STRING = "string"
    NUMBER = "number"
    SIGN = "sign"
    END = "<EOF>"


@dataclass(frozen=True, slots=True)
class Token:
    """`value` is what the token means: quotes removed, escapes resolved. `text` is as written."""

    kind: Kind
    value: str
    text: str
    start: int
    end: int
    line: int
    column: int

    def is_word(self, *words: str) -> bool:
        return self.kind is Kind.WORD and self.value.upper() in words


_GRAMMAR = r"""
    (?P<space>\s+|--[^\n]*|/\*.*?\*/)
  | (?P<word>[A-Za-z_][A-Za-z0-9_@]*)
  | (?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)
  | (?P<backquoted>`(?:[^`]|``)*`)
  | (?P<quoted>"(?:{other}|[^"{stop}]|"")*")
  | (?P<string>'(?:{other}|[^'{stop}]|'')*')
  | (?P<sign><=|>=|<>|!=|.)
"""
_HIVE = re.compile(
    _GRAMMAR.replace("{other}", r"\\.").replace("{stop}", r"\\"), re.VERBOSE | re.DOTALL
)
_TRINO = re.compile(_GRAMMAR.replace("{other}|", "").replace("{stop}", ""), re.VERBOSE | re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "b": "\b", "Z": "\x1a"}
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|[0-3][0-7]{2}|.)", re.DOTALL)


def tokenize(text: str, *, hive: bool) -> list[Token]:
    """The tokens of `text`, an END last. A backslash escapes in Hive's strings, not in Trino's.

    Raises:
        StatementRefused: a quote or comment is not closed.
    """
    pattern = _HIVE if hive else _TRINO
    tokens: list[Token] = []
    position, line, line_start = 0, 1, 0
    while position < len(text):
        match = pattern.match(text, position)
        assert match
        column = match.start() - line_start + 1
        if match["sign"] in ("'", '"', "`") or (text.startswith("/*", position) and match["sign"]):
            raise mismatched(match.group(), line, column)
        if match["space"] is None:
            tokens.append(_token(match, line, column, hive=hive))
        breaks = match.group().count("\n")
        if breaks:
            line += breaks
            line_start = match.start() + match.group().rindex("\n") + 1
        position = match.end()
    tokens.append(
        Token(Kind.END, "", "<EOF>", len(text), len(text), line, len(text) - line_start + 1)
    )
    return tokens


def _token(match: "re.Match[str]", line: int, column: int, *, hive: bool) -> Token:
    text = match.group()
    match match.lastgroup:
        case "word":
            kind, value = Kind.WORD, text
        case "number":
            kind, value = Kind.NUMBER, text
        case "backquoted":
            kind, value = Kind.NAME, text[1:-1].replace("``", "`")
        case "quoted":
            kind, value = Kind.NAME, text[1:-1].replace('""', '"')
        case "string":
            value = text[1:-1].replace("''", "'")
            kind, value = Kind.STRING, _unescape(value) if hive else value
        case _:
            kind, value = Kind.SIGN, text
    return Token(kind, value, text, match.start(), match.end(), line, column)


def _unescape(text: str) -> str:
    """A Hive string's escapes: `\\n`, `\\t`, `\\001`, `\\u0041`, and any other character itself."""

    def resolve(match: "re.Match[str]") -> str:
        code = match[1]
        if code[0] == "u" and len(code) == 5:
            return chr(int(code[1:], 16))
        if len(code) == 3:
            return chr(int(code, 8))
        return _ESCAPES.get(code, code)

    return _ESCAPE.sub(resolve, text) if "\\" in text else text


class Reader:
    """Walks over tokens; what does not fit is refused with its place."""

    def __init__(self, text: str, *, hive: bool) -> None:
        self.text = text
        self._tokens = tokenize(text, hive=hive)
        self._at = 0

    @property
    def token(self) -> Token:
        return self._tokens[self._at]

    def ahead(self, count: int) -> Token:
        """The token `count` places on, or the END."""
        return self._tokens[min(self._at + count, len(self._tokens) - 1)]

    def advance(self) -> Token:
        token = self.token
        if token.kind is not Kind.END:
            self._at += 1
        return token

    def refuse(self, expecting: str = "") -> StatementRefused:
        token = self.token
        return mismatched(token.text, token.line, token.column, expecting)

    def maybe_words(self, *words: str) -> bool:
        """Take these words where they come next, all of them or none."""
        if all(self.ahead(index).is_word(word) for index, word in enumerate(words)):
            self._at += len(words)
            return True
        return False

    def words(self, *words: str) -> None:
        for word in words:
            if not self.maybe_words(word):
                raise self.refuse(f"'{word}'")

    def one_of(self, *words: str) -> str:
        if not self.token.is_word(*words):
            raise self.refuse(", ".join(f"'{word}'" for word in words))
        return self.advance().value.upper()

    def maybe_sign(self, sign: str) -> bool:
        if self.token.kind is Kind.SIGN and self.token.value == sign:
            self._at += 1
            return True
        return False

    def sign(self, sign: str) -> None:
        if not self.maybe_sign(sign):
            raise self.refuse(f"'{sign}'")

    def string(self) -> str:
        """A string; Hive takes double quotes for it too."""
        token = self.token
        if token.kind is Kind.STRING or (token.kind is Kind.NAME and token.text[0] == '"'):
            return self.advance().value
        raise self.refuse("<string>")

    def name(self) -> str:
        """A name, quoted or not, folded to lower case as the catalog does."""
        if self.token.kind not in (Kind.WORD, Kind.NAME):
            raise self.refuse("<identifier>")
        return self.advance().value.lower()

    def qualified_name(self) -> tuple[str | None, str]:
        """`[catalog.][database.]name`: the database (None where not written) and the name. Hive
        takes and writes both in one pair of backquotes too.

        Raises:
            StatementRefused: the catalog is not `awsdatacatalog`.
        """
        if self.token.text.startswith("`") and "." in self.token.value:
            parts = self.name().split(".")
        else:
            parts = [self.name()]
        while self.maybe_sign("."):
            parts.append(self.name())
        if len(parts) > 3 or (len(parts) == 3 and parts[0] != "awsdatacatalog"):
            raise StatementRefused(f"Catalog '{parts[0]}' does not exist")
        return (parts[-2] if len(parts) > 1 else None), parts[-1]

    def listed(self, item: Callable[[], _T]) -> list[_T]:
        """`(item, item, …)`."""
        self.sign("(")
        items = [item()]
        while self.maybe_sign(","):
            items.append(item())
        self.sign(")")
        return items

    def properties(self) -> dict[str, str]:
        """`('key' = 'value', …)`."""

        def pair() -> tuple[str, str]:
            key = self.string()
            self.sign("=")
            return key, self.string()

        return dict(self.listed(pair))

    def end(self) -> None:
        """Nothing may follow but semicolons."""
        closed = self._closing()
        if self.token.kind is not Kind.END:
            raise self._refuse_more() if closed else self.refuse("<EOF>")

    def rest(self) -> str:
        """The text from here to its end or a closing semicolon.

        Raises:
            StatementRefused: another statement follows.
        """
        start = end = self.token.start
        while self.token.kind is not Kind.END:
            if self._closing():
                break
            end = self.advance().end
        if self.token.kind is not Kind.END:
            raise self._refuse_more()
        return self.text[start:end]

    def _closing(self) -> bool:
        """Take the semicolons that come next; whether there were any."""
        closed = False
        while self.maybe_sign(";"):
            closed = True
        return closed

    def _refuse_more(self) -> StatementRefused:
        return StatementRefused(f"Only one sql statement is allowed. Got: {self.text}")

    def parenthesised(self) -> str:
        """The text between a parenthesis and the one that closes it."""
        self.sign("(")
        start, depth = self.token.start, 1
        while True:
            token = self.token
            if token.kind is Kind.END:
                raise self.refuse("')'")
            if token.kind is Kind.SIGN:
                depth += {"(": 1, ")": -1}.get(token.value, 0)
            self._at += 1
            if depth == 0:
                return self.text[start : token.start].strip()
