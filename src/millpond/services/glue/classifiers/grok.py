"""Grok patterns: `%{NAME:field:type}` in a regular expression, matched line by line by RE2.

Source: Glue developer guide, "Writing grok custom classifiers".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import re2

from millpond.services.glue.classifiers.grok_patterns import BUILT_IN
from millpond.services.glue.infer.schema import Columns, column_name
from millpond.services.glue.infer.types import BIGINT, BOOLEAN, DOUBLE, FLOAT, INT, STRING, Scalar

DEPTH_MAX = 24
LENGTH_MAX = 64_000
"""How long a pattern may be once its names are replaced."""
NAMES_MAX = 10_000
"""How many names are replaced at the most, those within other names too."""
_MEMORY_BYTES_MAX = 8 << 20
_REFERENCE = re.compile(r"%\{(\w+)(?::([\w@.\[\]-]+))?(?::(\w+))?\}")
_DEFINITION = re.compile(r"(\w+)\s+(\S.*)")
_TYPES = {
    "byte": Scalar("tinyint"),
    "boolean": BOOLEAN,
    "double": DOUBLE,
    "short": Scalar("smallint"),
    "int": INT,
    "long": BIGINT,
    "float": FLOAT,
    "string": STRING,
}


class BadGrok(ValueError):
    """The pattern cannot be used; the text names what is wrong."""


@dataclass(frozen=True, slots=True)
class Grok:
    """A pattern that can match: `columns` are its fields in order."""

    columns: Columns
    regex: "re2._Regexp[str]"

    def matches(self, line: str) -> bool:
        """Whether the pattern is found in the line."""
        return self.regex.search(line) is not None


def compile_grok(pattern: str, custom: str = "") -> Grok:
    """Read a pattern; `custom` has further ones, a name and a pattern on each line.

    Raises:
        BadGrok: a name or type is unknown, or what comes of it is not a regular expression.
    """
    known = {**BUILT_IN, **_definitions(custom)}
    fields: dict[str, Scalar] = {}
    text = _Expansion(known, fields).expand(pattern, 1)
    if not fields:
        raise BadGrok("The grok pattern names no field.")
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    options.max_mem = _MEMORY_BYTES_MAX
    try:
        regex = re2.compile(text, options)
    except re2.error as error:
        raise BadGrok(f"The grok pattern is not a regular expression: {error}") from None
    return Grok(tuple(fields.items()), regex)


def _definitions(custom: str) -> dict[str, str]:
    found = {}
    for line in custom.splitlines():
        if not line.strip():
            continue
        read = _DEFINITION.fullmatch(line.strip())
        if read is None:
            raise BadGrok(f"The custom pattern {line.strip()[:80]!r} is not a name and a pattern.")
        found[read[1]] = read[2]
    return found


class _Expansion:
    """Replaces names; the fields are written down in the order in which they stand."""

    def __init__(self, known: Mapping[str, str], fields: dict[str, Scalar]) -> None:
        self._known, self._fields = known, fields
        self._names = self._length = 0

    def expand(self, text: str, depth: int) -> str:
        """The regular expression.

        Raises:
            BadGrok: a name or type is unknown, or there is too much of it.
        """
        self._length += len(text)
        if depth > DEPTH_MAX:
            raise BadGrok("Patterns refer to one another without end.")
        if self._length > LENGTH_MAX:
            raise BadGrok("The grok pattern is too long.")
        return _REFERENCE.sub(lambda found: self._replace(found, depth), text)

    def _replace(self, found: "re.Match[str]", depth: int) -> str:
        name, field, kind = found[1], found[2], found[3]
        self._names += 1
        if self._names > NAMES_MAX:
            raise BadGrok("The grok pattern is too long.")
        if name not in self._known:
            raise BadGrok(f"The pattern {name} is unknown.")
        if kind is not None and kind not in _TYPES:
            raise BadGrok(f"The type {kind} of {field} is unknown: use {', '.join(_TYPES)}.")
        if field:
            self._fields.setdefault(column_name(field), _TYPES[kind or "string"])
        return f"(?:{self.expand(self._known[name], depth + 1)})"
