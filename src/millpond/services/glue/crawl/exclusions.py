"""Exclude patterns of a crawler's target.

`*` and `?` stay within one folder, `**` crosses folders; `[a-c]`, `[!a]` and `{one,two}` choose;
a backslash takes the next character as it is. A pattern is matched against the key as it goes on
after the include path.

Source: Glue developer guide, "Include and exclude patterns".
"""

from collections.abc import Callable, Sequence

from millpond.services.glue.pattern import (
    ANY,
    BadPattern,
    Characters,
    Choice,
    Node,
    Repeat,
    Series,
    compile_pattern,
    literal,
)

_WITHIN_FOLDER = Characters((("/", "/"),), negated=True)


def compile_exclusions(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Tells whether a key, relative to the include path, is left out.

    Raises:
        BadPattern: a pattern cannot be read.
    """
    if not patterns:
        return lambda _: False
    return compile_pattern(Choice(tuple(parse_glob(pattern) for pattern in patterns)))


def parse_glob(pattern: str) -> Node:
    """A glob as a node of `pattern`.

    Raises:
        BadPattern: a bracket or brace does not end, or braces stand in braces.
    """
    parts: list[Node] = []
    position = 0
    while position < len(pattern):
        if pattern[position] == "{":
            end = pattern.find("}", position)
            if end < 0 or "{" in pattern[position + 1 : end]:
                raise BadPattern(f"The brace in {pattern!r} does not end, or stands in another.")
            choices = pattern[position + 1 : end].split(",")
            parts.append(Choice(tuple(parse_glob(choice) for choice in choices)))
            position = end + 1
        else:
            part, position = _parse_one(pattern, position)
            parts.append(part)
    return Series(tuple(parts))


def _parse_one(pattern: str, position: int) -> tuple[Node, int]:
    """The node at `position`, and where the next begins."""
    character = pattern[position]
    position += 1
    if character == "*":
        end = position
        while pattern.startswith("*", end):
            end += 1
        return Repeat(_WITHIN_FOLDER if end == position else ANY, 0, None), end
    if character == "?":
        return _WITHIN_FOLDER, position
    if character == "[":
        end = pattern.find("]", position + 1)
        if end < 0:
            raise BadPattern(f"The bracket in {pattern!r} does not end.")
        return _parse_bracket(pattern[position:end]), end + 1
    if character == "\\" and position < len(pattern):
        return literal(pattern[position]), position + 1
    return literal(character), position


def _parse_bracket(text: str) -> Characters:
    negated = text.startswith("!")
    ranges: list[tuple[str, str]] = [("/", "/")] if negated else []
    position = int(negated)
    while position < len(text):
        low = high = text[position]
        if text[position + 1 : position + 2] == "-" and position + 2 < len(text):
            high = text[position + 2]
            position += 2
        position += 1
        if low > high:
            raise BadPattern(f"The range {low}-{high} goes backwards.")
        ranges.append((low, high))
    return Characters(tuple(ranges), negated)
