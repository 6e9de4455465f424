"""A query's text, word by word.

Words are asked for one after the other, since a slash begins a regular expression where a pattern
is expected and divides elsewhere.
"""

import re
from dataclasses import dataclass

from millpond.services.logs.insights.language.malformed import Malformed, unexpected

_BLANK = re.compile(r"(?:\s|#[^\n]*)*")
_NAME = re.compile(r"[A-Za-z_@$][\w@$]*(?:\.(?:[\w@$]+|`[^`]*`))*")
_QUOTED_NAME = re.compile(r"`([^`]+)`(?:\.(?:[\w@$]+|`[^`]*`))*")
_PERIOD = re.compile(r"(\d+)([A-Za-z]+)\b")
_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\.\d+")
_SYMBOL = re.compile(r"!=|<>|<=|>=|=~|==|[|,()\[\]*+\-/%^<>=.]")
_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"|\'((?:[^\'\\]|\\.)*)\'', re.DOTALL)
_REGEX = re.compile(r"/((?:[^/\\\n]|\\.)*)/")
_ESCAPED = re.compile(r"""\\(["'\\])""")
_LOOSE_MEMBER = re.compile(r"[\w@$]+|`([^`]+)`")


@dataclass(frozen=True, slots=True)
class Word:
    """`kind` is name, quoted (a name in backticks), text, number, period, symbol or end."""

    kind: str
    text: str
    start: int
    end: int


class Scanner:
    """Looks one word ahead."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._at = 0
        self._ahead: Word | None = None
        self.last_end = 0

    def peek(self) -> Word:
        """The next word, which stays.

        Raises:
            Malformed: there is no such word in the language.
        """
        if self._ahead is None:
            self._ahead = self._read()
        return self._ahead

    def next(self) -> Word:
        word = self.peek()
        self._ahead = None
        self._at = self.last_end = word.end
        return word

    def take(self, *symbols: str) -> Word | None:
        """The next word if it is one of some symbols."""
        word = self.peek()
        return self.next() if word.kind == "symbol" and word.text in symbols else None

    def take_word(self, *names: str) -> Word | None:
        """The next word if it is one of some words of the language, in any case."""
        word = self.peek()
        return self.next() if word.kind == "name" and word.text.lower() in names else None

    def expect(self, symbol: str) -> Word:
        return self.take(symbol) or self.fail()

    def expect_word(self, name: str) -> Word:
        return self.take_word(name) or self.fail()

    def fail(self) -> Word:
        """Refuse the next word."""
        word = self.peek()
        raise unexpected(self.text, word.start, word.end)

    def regex(self) -> Word | None:
        """The regular expression that comes next, without its slashes; None: none does."""
        word = self.peek()
        if word.kind != "symbol" or word.text != "/":
            return None
        found = _REGEX.match(self.text, word.start)
        if found is None:
            raise Malformed("The regular expression has no end.", word.start, len(self.text))
        self._ahead = None
        self._at = self.last_end = found.end()
        return Word("regex", found[1].replace("\\/", "/"), found.start(), found.end())

    def member(self) -> str:
        """The name after a dot."""
        found = _LOOSE_MEMBER.match(self.text, self.last_end)
        if found is None:
            self.fail()
        assert found is not None
        self._ahead = None
        self._at = self.last_end = found.end()
        return found[1] or found[0]

    def _read(self) -> Word:
        blank = _BLANK.match(self.text, self._at)
        assert blank is not None
        at = blank.end()
        if at == len(self.text):
            return Word("end", "", at, at)
        for kind, pattern in (
            ("quoted", _QUOTED_NAME),
            ("name", _NAME),
            ("period", _PERIOD),
            ("number", _NUMBER),
            ("symbol", _SYMBOL),
        ):
            found = pattern.match(self.text, at)
            if found is not None:
                return Word(kind, found[0], at, found.end())
        text = _TEXT.match(self.text, at)
        if text is not None:
            inner = text[1] if text[1] is not None else text[2]
            return Word("text", _ESCAPED.sub(r"\1", inner), at, text.end())
        raise unexpected(self.text, at, at + 1)
