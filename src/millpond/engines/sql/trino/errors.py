"""What a user's statement can be refused for, with Trino's error names and texts."""

from collections.abc import Callable

Position = tuple[int, int] | Callable[[], tuple[int, int] | None]
"""A line and a column, from 1; or how to find them, which is done when an error is made."""


class StatementError(Exception):
    """A statement that is wrong, or that asks for what is not there.

    `name` is Trino's error name (`SYNTAX_ERROR`, `TABLE_NOT_FOUND`, `DIVISION_BY_ZERO`, …); the
    text of the exception is `NAME: line 1:8: message`, as Athena shows it.

    Source: io.trino.spi.StandardErrorCode.
    """

    def __init__(self, name: str, message: str, position: Position | None = None) -> None:
        place = position() if callable(position) else position
        where = "" if place is None else f"line {place[0]}:{place[1]}: "
        super().__init__(f"{name}: {where}{message}")
        self.name = name
        self.message = where + message


def not_supported(what: str, position: Position | None = None) -> StatementError:
    """A part of Trino's language that is not translated."""
    return StatementError("NOT_SUPPORTED", f"{what} is not supported", position)
