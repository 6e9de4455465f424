"""Java's patterns of dates and times (DateTimeFormatter) as DuckDB's."""

import re
from dataclasses import dataclass

from millpond.engines.streams.sql.functions.calls import Call
from millpond.engines.streams.sql.values import text_literal

_LETTERS = {
    "yyyy": "%Y", "uuuu": "%Y", "yy": "%y", "uu": "%y", "MMMM": "%B", "MMM": "%b", "MM": "%m",
    "M": "%-m", "dd": "%d", "d": "%-d", "HH": "%H", "H": "%-H", "hh": "%I", "h": "%-I",
    "mm": "%M", "m": "%-M", "ss": "%S", "s": "%-S", "SSS": "%g", "SSSSSS": "%f", "EEEE": "%A",
    "EEE": "%a", "EE": "%a", "E": "%a", "a": "%p", "DDD": "%j", "D": "%-j",
}  # fmt: skip
_PARTS = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern as DuckDB writes it."""

    text: str

    def formatted(self, sql: str) -> str:
        """The timestamp `sql` as text."""
        return f"strftime({sql}, {text_literal(self.text)})"

    def parsed(self, sql: str) -> str:
        """The text `sql` as a timestamp; NULL where it does not fit."""
        return f"try_strptime({sql}, {text_literal(self.text)})"


def to_strftime(pattern: str, call: Call) -> Pattern:
    """The pattern.

    Raises:
        Refused: a letter means something that DuckDB's patterns cannot say.
    """
    parts: list[str] = []
    end = 0
    for match in _PARTS.finditer(pattern):
        if match.start() != end:
            break
        end = match.end()
        if match[1] is not None:
            parts.append((match[1].replace("''", "'") or "'").replace("%", "%%"))
        elif match[2] is not None:
            if match[0] not in _LETTERS:
                raise call.refused(
                    f"'{match[0]}' in the pattern '{pattern}' is not supported", needs_flink=True
                )
            parts.append(_LETTERS[match[0]])
        else:
            parts.append(match[0].replace("%", "%%"))
    if end != len(pattern):
        raise call.refused(f"the pattern '{pattern}' cannot be read")
    return Pattern("".join(parts))
