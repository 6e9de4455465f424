"""Reads the text of a pattern from left to right."""

from millpond.services.logs.patterns.interface import InvalidPattern


class Scanner:
    """A place in a pattern's text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0

    def skip_spaces(self) -> None:
        while self.position < len(self.text) and self.text[self.position].isspace():
            self.position += 1

    @property
    def at_end(self) -> bool:
        self.skip_spaces()
        return self.position >= len(self.text)

    def sees(self, what: str) -> bool:
        """Whether `what` comes next, after spaces."""
        self.skip_spaces()
        return self.text.startswith(what, self.position)

    def take(self, what: str) -> bool:
        """Pass over `what` if it comes next."""
        found = self.sees(what)
        if found:
            self.position += len(what)
        return found

    def expect(self, what: str) -> None:
        if not self.take(what):
            raise self.invalid()

    def take_word(self, word: str) -> bool:
        """Pass over a word, if it comes next and ends there."""
        self.skip_spaces()
        end = self.position + len(word)
        if self.text[self.position : end].upper() != word:
            return False
        if end < len(self.text) and (self.text[end].isalnum() or self.text[end] == "_"):
            return False
        self.position = end
        return True

    def take_until(self, stops: str) -> str:
        """What comes up to a space or one of some characters, or the end."""
        start = self.position
        while self.position < len(self.text):
            character = self.text[self.position]
            if character in stops or character.isspace():
                break
            self.position += 1
        return self.text[start : self.position]

    def take_enclosed(self, mark: str, *, keep_escapes: bool = False) -> str:
        """What stands between two marks, the first of which comes next; a backslash lets a mark or
        a backslash stand for itself. Other escapes stay as they are; with `keep_escapes`, all."""
        self.position += 1
        parts: list[str] = []
        while self.position < len(self.text):
            character = self.text[self.position]
            if character == mark:
                self.position += 1
                return "".join(parts)
            following = self.text[self.position + 1 : self.position + 2]
            if character == "\\" and following:
                unescaped = following in (mark, "\\") and not keep_escapes
                parts.append(following if unescaped else character + following)
                self.position += 2
            else:
                parts.append(character)
                self.position += 1
        raise self.invalid()

    def invalid(self) -> InvalidPattern:
        return InvalidPattern("Invalid filter pattern")
