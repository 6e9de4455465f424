"""Python expressions as small trees, and their layout in lines that fit.

What is made here looks as the formatters Black and Ruff leave it: on one line if that fits, else
what is between the brackets on a line of its own, else one part on each line. Every text that
comes from a user becomes a literal by `value`, whatever is in it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

LINE_LENGTH = 88
INDENT = "    "


@dataclass(frozen=True, slots=True)
class Source:
    """Python text on one line, that never breaks."""

    text: str


@dataclass(frozen=True, slots=True)
class Bracketed:
    """Parts between brackets: a call, a list, a tuple, a set, a dictionary.

    `parts` are what stands before the part (`frame=`, `"path": `) and the part.
    """

    opening: str
    parts: tuple[tuple[str, "Expression"], ...]
    closing: str


@dataclass(frozen=True, slots=True)
class Condition:
    """A test of a row: `lambda row: (part and part)`."""

    operator: str
    parts: tuple[str, ...]


Expression = Source | Bracketed | Condition


def literal(text: str) -> str:
    """The text as a Python literal, in double quotes unless those would need more escapes."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    plain = [each if each in "\"'" else repr(each)[1:-1] for each in text]
    return quote + "".join(f"\\{each}" if each == quote else each for each in plain) + quote


def value(given: object) -> Expression:
    """A plain value, or a collection of them, as the expression that makes it."""
    if isinstance(given, (Source, Bracketed, Condition)):
        return given
    if isinstance(given, str):
        return Source(literal(given))
    if isinstance(given, Mapping):
        parts = tuple((f"{literal(name)}: ", value(part)) for name, part in given.items())
        return Bracketed("{", parts, "}")
    if isinstance(given, frozenset):
        ordered = sorted(given, key=lambda part: (isinstance(part, str), part))
        return Bracketed("{", tuple(("", value(part)) for part in ordered), "}")
    if isinstance(given, tuple):
        return Bracketed("(", tuple(("", value(part)) for part in given), ")")
    if isinstance(given, Sequence):
        return Bracketed("[", tuple(("", value(part)) for part in given), "]")
    return Source(repr(given))


def call(function: str, *positional: object, **named: object) -> Bracketed:
    """A call; arguments become expressions by `value`."""
    parts = [("", value(part)) for part in positional]
    parts += [(f"{name}=", value(part)) for name, part in named.items()]
    return Bracketed(f"{function}(", tuple(parts), ")")


def laid_out(before: str, expression: Expression, after: str = "", depth: int = 0) -> str:
    """`before`, the expression and `after`, broken where they do not fit."""
    flat = before + on_one_line(expression) + after
    indent = INDENT * depth
    if isinstance(expression, Source) or len(indent + flat) <= LINE_LENGTH:
        return flat
    inner = INDENT * (depth + 1)
    if isinstance(expression, Condition):
        return _broken_condition(before, expression, after, depth)
    opening, closing = before + expression.opening, f"{indent}{expression.closing}{after}"
    if not expression.parts:
        return flat
    single = ", ".join(prefix + on_one_line(part) for prefix, part in expression.parts)
    called = expression.closing == ")" and expression.opening != "("
    if called and len(inner + single) <= LINE_LENGTH:
        return f"{opening}\n{inner}{single}\n{closing}"
    lines = [inner + laid_out(prefix, part, ",", depth + 1) for prefix, part in expression.parts]
    return "\n".join([opening, *lines, closing])


def _broken_condition(before: str, condition: Condition, after: str, depth: int) -> str:
    inner = INDENT * (depth + 1)
    joined = f" {condition.operator} ".join(condition.parts)
    if len(inner + joined) <= LINE_LENGTH:
        body = inner + joined
    else:
        first, *rest = condition.parts
        body = "\n".join([inner + first, *(f"{inner}{condition.operator} {r}" for r in rest)])
    return f"{before}lambda row: (\n{body}\n{INDENT * depth}){after}"


def on_one_line(expression: Expression) -> str:
    """The expression, however long it is."""
    if isinstance(expression, Source):
        return expression.text
    if isinstance(expression, Condition):
        return "lambda row: " + f" {expression.operator} ".join(expression.parts)
    if expression.opening == "{" and not expression.parts:
        return "{}"
    parts = ", ".join(prefix + on_one_line(part) for prefix, part in expression.parts)
    lone = expression.opening == "(" and len(expression.parts) == 1
    return f"{expression.opening}{parts}{',' if lone else ''}{expression.closing}"
