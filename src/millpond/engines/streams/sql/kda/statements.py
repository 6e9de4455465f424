"""SQL-1_0's statements: CREATE STREAM, CREATE PUMP and ALTER PUMP; others are refused by name."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NoReturn

from sqlglot.tokens import Token, TokenType

from millpond.engines.streams.interface import Refused
from millpond.engines.streams.sql.kda.dialect import kda_tokens, read_kda_type
from millpond.engines.streams.sql.typed import Position
from millpond.engines.streams.types import Column

ROWTIME = "ROWTIME"


@dataclass(frozen=True, slots=True)
class CreateStream:
    """An in-application stream and its columns."""

    name: str
    columns: tuple[Column, ...]
    at: Position


@dataclass(frozen=True, slots=True)
class CreatePump:
    """`CREATE PUMP name AS INSERT INTO stream (columns) query`; `text` is all of it."""

    name: str
    stream: str
    columns: tuple[str, ...] | None
    query: str
    query_at: Position
    at: Position
    text: str


@dataclass(frozen=True, slots=True)
class AlterPump:
    """A pump is started (as all are) or stopped."""

    name: str
    starts: bool
    at: Position


Statement = CreateStream | CreatePump | AlterPump


def read_statements(text: str) -> list[Statement]:
    """The statements of a program.

    Raises:
        Refused: one is wrong or not supported, with its place.
    """
    return [_Reader(text, tokens).statement() for tokens in _parts(kda_tokens(text))]


def _parts(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    part: list[Token] = []
    for token in tokens:
        if token.token_type != TokenType.SEMICOLON:
            part.append(token)
        elif part:
            yield part
            part = []
    if part:
        yield part


class _Reader:
    """Reads one statement."""

    def __init__(self, text: str, tokens: list[Token]) -> None:
        self._text = text
        self._tokens = tokens
        self._index = 0

    def statement(self) -> Statement:
        first = self._tokens[0]
        at = Position(first.line, first.col)
        if self._take("ALTER"):
            return self._alter(at)
        if not self._take("CREATE"):
            self._refuse(f"{first.text} is not supported here; CREATE STREAM and CREATE PUMP are")
        if self._take("OR"):
            self._expect("REPLACE")
        if self._take("STREAM"):
            return self._stream(at)
        if self._take("PUMP"):
            return self._pump(at)
        return self._refuse(f"CREATE {self._word()} is not supported")

    def _stream(self, at: Position) -> CreateStream:
        name = self._name()
        self._expect("(")
        columns: list[Column] = []
        while True:
            token = self._token()
            column = self._name()
            if column == ROWTIME:
                self._refuse("A stream has the column ROWTIME already", token)
            if any(column == known.name for known in columns):
                self._refuse(f"A column named '{column}' is there already", token)
            kind, self._index = read_kda_type(self._tokens, self._index)
            columns.append(Column(column, kind))
            if not self._take(","):
                break
        self._expect(")")
        if self._take("DESCRIPTION"):
            self._index += 1
        self._end()
        return CreateStream(name, tuple(columns), at)

    def _pump(self, at: Position) -> CreatePump:
        name = self._name()
        if self._take("STOPPED") or self._take("STARTED"):
            pass
        if self._take("DESCRIPTION"):
            self._index += 1
        self._expect("AS")
        self._expect("INSERT")
        self._expect("INTO")
        stream = self._name()
        columns = None
        if self._is("(") and not self._is("SELECT", 1):
            columns = self._names()
        query = self._token()
        start = self._tokens[0].start
        end = self._tokens[-1].end + 1
        return CreatePump(
            name,
            stream,
            columns,
            self._text[query.start : end],
            Position(query.line, query.col),
            at,
            self._text[start:end],
        )

    def _alter(self, at: Position) -> AlterPump:
        self._expect("PUMP")
        name = self._name()
        starts = self._take("START")
        if not starts:
            self._expect("STOP")
        self._end()
        return AlterPump(name, starts, at)

    def _names(self) -> tuple[str, ...]:
        self._expect("(")
        found = [self._name()]
        while self._take(","):
            found.append(self._name())
        self._expect(")")
        return tuple(found)

    def _name(self) -> str:
        token = self._token()
        is_word = token.text.isidentifier() and token.token_type != TokenType.STRING
        if token.token_type != TokenType.IDENTIFIER and not is_word:
            self._refuse(f'SQL parse failed. Encountered "{token.text}", expected a name')
        self._index += 1
        if self._is("."):
            self._refuse("Names of a schema are not supported")
        return str(token.text)

    def _token(self) -> Token:
        if self._index >= len(self._tokens):
            self._refuse("SQL parse failed. The statement ends too early")
        return self._tokens[self._index]

    def _word(self) -> str:
        return str(self._tokens[self._index].text) if self._index < len(self._tokens) else "nothing"

    def _is(self, word: str, ahead: int = 0) -> bool:
        place = self._index + ahead
        if place >= len(self._tokens):
            return False
        token = self._tokens[place]
        plain = token.token_type not in (TokenType.IDENTIFIER, TokenType.STRING)
        return plain and token.text == word

    def _take(self, word: str) -> bool:
        if not self._is(word):
            return False
        self._index += 1
        return True

    def _expect(self, word: str) -> None:
        if not self._take(word):
            self._token()
            self._refuse(f'SQL parse failed. Encountered "{self._word()}", expected "{word}"')

    def _end(self) -> None:
        if self._index < len(self._tokens):
            self._refuse(f'SQL parse failed. Encountered "{self._word()}"')

    def _refuse(self, text: str, token: Token | None = None) -> NoReturn:
        if token is None:
            token = self._tokens[min(self._index, len(self._tokens) - 1)]
        raise Refused(text, token.line, token.col)
