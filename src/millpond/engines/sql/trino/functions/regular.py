"""Regular expression functions. Patterns are RE2's: look-around and back-references are refused
when the query runs; the rest of Java's syntax that is written differently is rewritten here.

Source: trino.io/docs/current/functions/regexp.html.
"""

import re
from collections.abc import Callable

from millpond.engines.sql.trino.functions.registry import constant_of, invalid_argument, scalar
from millpond.engines.sql.trino.scope import Typed
from millpond.engines.sql.trino.types import quote_text


def pattern_of(argument: Typed) -> str:
    """A pattern for RE2: named groups are `(?P<name>…)` there."""
    if isinstance(argument.value, str):
        return quote_text(re.sub(r"\(\?<(?=[A-Za-z])", "(?P<", argument.value))
    return argument.sql


def _with_pattern(template: str) -> Callable[..., str]:
    def emit(text: Typed, pattern: Typed, *rest: Typed) -> str:
        return template.format(text.sql, pattern_of(pattern), *(one.sql for one in rest))

    return emit


def _extract(template: str) -> Callable[..., str]:
    """With a group: its number must be a literal, and one that the pattern has."""

    def emit(text: Typed, pattern: Typed, group: Typed) -> str:
        number = constant_of(group, "A group number")
        if isinstance(pattern.value, str):
            try:
                groups = re.compile(pattern.value.replace("(?<", "(?P<")).groups
            except re.error:
                groups = number
            if number > groups:
                raise invalid_argument(f"Pattern has {groups} groups. Cannot access group {number}")
        return template.format(text.sql, pattern_of(pattern), number)

    return emit


def _replacement(argument: Typed, pattern: Typed) -> str:
    """`$1`, `${name}` and `\\$` as RE2's rewrite strings have them."""
    text = constant_of(argument, "A replacement")
    names = re.findall(r"\(\?P?<([A-Za-z]\w*)>", pattern.value) if pattern.is_constant else []
    out: list[str] = []
    at = 0
    while at < len(text):
        group = re.match(r"\$(?:(\d)|\{([A-Za-z]\w*)\})", text[at:])
        if group:
            if group[2] and group[2] not in names:
                raise invalid_argument(
                    f"Illegal replacement sequence: unknown group {{{group[2]}}}"
                )
            number = group[1] or str(_group_number(pattern.value, group[2]))
            out.append("\\" + number)
            at += group.end()
        elif text[at] == "$":
            raise invalid_argument("Illegal replacement sequence: Illegal group reference")
        elif text[at] == "\\" and at + 1 < len(text):
            out.append("\\\\" if text[at + 1] == "\\" else text[at + 1])
            at += 2
        else:
            out.append(text[at])
            at += 1
    return quote_text("".join(out))


def _group_number(pattern: str, name: str) -> int:
    return re.compile(pattern.replace("(?<", "(?P<")).groupindex[name]


def _replace(text: Typed, pattern: Typed, replacement: Typed) -> str:
    rewrite = _replacement(replacement, pattern)
    return f"regexp_replace({text.sql}, {pattern_of(pattern)}, {rewrite}, 'g')"


scalar("regexp_like", "(varchar, varchar) -> boolean", _with_pattern("regexp_matches({0}, {1})"))
scalar("regexp_extract", "(varchar, varchar) -> =0",
       _with_pattern("t_regexp_extract({0}, {1}, 0)"))  # fmt: skip
scalar("regexp_extract", "(varchar, varchar, bigint) -> =0",
       _extract("t_regexp_extract({0}, {1}, {2})"))  # fmt: skip
scalar("regexp_extract_all", "(varchar, varchar) -> array(=0)",
       _with_pattern("regexp_extract_all({0}, {1})"))  # fmt: skip
scalar("regexp_extract_all", "(varchar, varchar, bigint) -> array(=0)",
       _extract("regexp_extract_all({0}, {1}, {2})"))  # fmt: skip
scalar("regexp_count", "(varchar, varchar) -> bigint",
       _with_pattern("CAST(len(regexp_extract_all({0}, {1})) AS BIGINT)"))  # fmt: skip
scalar("regexp_position", "(varchar, varchar) -> integer",
       _with_pattern("CAST(t_regexp_position({0}, {1}) AS INTEGER)"))  # fmt: skip
scalar("regexp_replace", "(varchar, varchar) -> varchar",
       _with_pattern("regexp_replace({0}, {1}, '', 'g')"))  # fmt: skip
scalar("regexp_replace", "(varchar, varchar, varchar) -> varchar", _replace)
scalar("regexp_split", "(varchar, varchar) -> array(varchar)",
       _with_pattern("string_split_regex({0}, {1})"))  # fmt: skip
