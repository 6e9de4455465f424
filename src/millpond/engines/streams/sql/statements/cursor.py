"""Reading tokens one after another, and saying what was expected where."""

from collections.abc import Callable, Sequence
from typing import NoReturn, TypeVar

from millpond.engines.streams.interface import Refused
from millpond.engines.streams.sql.statements.lexer import Text, Token
from millpond.engines.streams.sql.statements.model import Fragment
from millpond.engines.streams.sql.typed import Position

T = TypeVar("T")


class Cursor:
    """A place among the tokens of one statement."""

    def __init__(self, text: Text, tokens: Sequence[Token]):
        self._text = text
        self._tokens = tokens
        self._next = 0

    @property
    def done(self) -> bool:
        return self._next >= len(self._tokens)

    @property
    def at(self) -> Position:
        """Where the next token is; after the last one, its end."""
        if self.done:
            return self._text.position(self._tokens[-1].end if self._tokens else 0)
        return self._text.position(self._tokens[self._next].start)

    def peek(self, ahead: int = 0) -> Token | None:
        place = self._next + ahead
        return self._tokens[place] if place < len(self._tokens) else None

    def take(self) -> Token:
        token = self.peek()
        if token is None:
            self.refuse("The statement ends too early.")
        self._next += 1
        return token

    def at_words(self, *words: str) -> bool:
        tokens = self._tokens[self._next : self._next + len(words)]
        return len(tokens) == len(words) and all(
            token.kind == "word" and token.value == word
            for token, word in zip(tokens, words, strict=True)
        )

    def accept(self, *words: str) -> bool:
        """Whether these words come next; then they are taken."""
        if not self.at_words(*words):
            return False
        self._next += len(words)
        return True

    def expect(self, *words: str) -> None:
        for word in words:
            if not self.accept(word):
                self.unexpected(word)

    def accept_symbol(self, symbol: str) -> bool:
        token = self.peek()
        if token is None or not token.is_symbol(symbol):
            return False
        self._next += 1
        return True

    def expect_symbol(self, symbol: str) -> None:
        if not self.accept_symbol(symbol):
            self.unexpected(f"'{symbol}'")

    def identifier(self) -> str:
        token = self.peek()
        if token is None or token.kind not in ("word", "name"):
            self.unexpected("an identifier")
        self._next += 1
        return token.text if token.kind == "word" else token.value

    def name(self) -> tuple[str, ...]:
        """A name, perhaps of several parts."""
        parts = [self.identifier()]
        while self.accept_symbol("."):
            parts.append(self.identifier())
        return tuple(parts)

    def string(self) -> str:
        token = self.peek()
        if token is None or token.kind != "string":
            self.unexpected("a string literal")
        self._next += 1
        return token.value

    def listed(self, read: Callable[[], T]) -> list[T]:
        """`( … , … )`"""
        self.expect_symbol("(")
        found = [read()]
        while self.accept_symbol(","):
            found.append(read())
        self.expect_symbol(")")
        return found

    def until(self, *ends: str, stops: Sequence[str] = (), brackets: str = "()[]") -> Fragment:
        """The text up to a symbol of `ends` or a word of `stops` outside of brackets, or all."""
        depth = 0
        first = self._next
        while (token := self.peek()) is not None:
            if depth == 0 and self._next > first and token.kind == "word" and token.value in stops:
                break
            if token.kind == "symbol":
                if depth == 0 and token.text in ends:
                    break
                place = brackets.find(token.text)
                if place >= 0:
                    depth += -1 if place % 2 else 1
            self._next += 1
        if self._next == first:
            self.unexpected("an expression")
        return self._slice(first, self._next)

    def rest(self) -> Fragment:
        """All that is left."""
        if self.done:
            self.unexpected("a query")
        first = self._next
        self._next = len(self._tokens)
        return self._slice(first, self._next)

    def _slice(self, first: int, end: int) -> Fragment:
        start = self._tokens[first].start
        return Fragment(
            self._text.text[start : self._tokens[end - 1].end], self._text.position(start)
        )

    def expect_end(self) -> None:
        if not self.done:
            self.unexpected("the end of the statement")

    def unexpected(self, expected: str) -> NoReturn:
        token = self.peek()
        found = f'"{token.text}"' if token else "the end of the statement"
        self.refuse(f"Expected {expected}, found {found}.")

    def refuse(
        self, text: str, *, at: Position | None = None, needs_flink: bool = False
    ) -> NoReturn:
        at = at or self.at
        raise Refused(text, at.line, at.column, needs_flink=needs_flink)
