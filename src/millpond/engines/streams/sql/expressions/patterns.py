"""LIKE and SIMILAR TO, and Java's regular expressions where they are written in the text."""

from sqlglot import exp

from millpond.engines.streams.interface import Refused
from millpond.engines.streams.sql.typed import Position, Typed
from millpond.engines.streams.sql.types import STRINGS
from millpond.engines.streams.sql.values import filled, made, text_literal
from millpond.engines.streams.types import BOOLEAN

_MARKS = "|*+?{}()[]"


def like(value: Typed, pattern: Typed, escape: str | None, at: Position) -> Typed:
    _require_strings("LIKE", value, pattern, at)
    if escape is None:
        return filled("($0 LIKE $1)", BOOLEAN, value, pattern)
    if len(escape) != 1:
        raise Refused("LIKE: ESCAPE takes one character", at.line, at.column)
    return filled(f"($0 LIKE $1 ESCAPE {text_literal(escape)})", BOOLEAN, value, pattern)


def similar(
    value: Typed, pattern: Typed, node: exp.Expr, escape: str | None, at: Position
) -> Typed:
    _require_strings("SIMILAR TO", value, pattern, at)
    if not isinstance(node, exp.Literal):
        raise Refused("SIMILAR TO takes a literal pattern", at.line, at.column, needs_flink=True)
    expression = text_literal(_regular_expression(node.name, escape))
    return made(f"regexp_full_match({value.sql}, {expression}, 's')", BOOLEAN, [value])


def _regular_expression(pattern: str, escape: str | None) -> str:
    """A pattern of SIMILAR TO as a regular expression."""
    parts: list[str] = []
    in_class = False
    index = 0
    while index < len(pattern):
        letter = pattern[index]
        if escape and letter == escape and index + 1 < len(pattern):
            index += 1
            parts.append(_plain(pattern[index]))
        elif in_class:
            in_class = letter != "]"
            parts.append("\\\\" if letter == "\\" else letter)
        elif letter == "%":
            parts.append(".*")
        elif letter in "_.":
            parts.append(".")
        elif letter in _MARKS:
            in_class = letter == "["
            parts.append(letter)
        else:
            parts.append(_plain(letter))
        index += 1
    return "".join(parts)


def _plain(letter: str) -> str:
    return letter if letter.isalnum() or letter.isspace() or ord(letter) > 127 else "\\" + letter


def _require_strings(word: str, value: Typed, pattern: Typed, at: Position) -> None:
    for one in (value, pattern):
        if one.type.name not in (*STRINGS, "NULL"):
            raise Refused(
                f"Cannot apply '{word}' to arguments of type <{value.type.flink()}> {word}"
                f" <{pattern.type.flink()}>",
                at.line,
                at.column,
            )
