"""What is wrong with a query's text, and where."""


class Malformed(Exception):
    """The text is no query, or asks for what is not implemented. `start` and `end` are characters
    of the text, `end` not included."""

    def __init__(self, message: str, start: int, end: int) -> None:
        super().__init__(message)
        self.message = message
        self.start = start
        self.end = end


def unexpected(text: str, start: int, end: int) -> Malformed:
    """A symbol that cannot stand where it does, as AWS tells it."""
    line = text.count("\n", 0, start) + 1
    place = start - (text.rfind("\n", 0, start) + 1)
    symbol = text[start:end] or "<EOF>"
    return Malformed(
        f"unexpected symbol found {symbol} at line {line} and position {place}", start, end
    )
