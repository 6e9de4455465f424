"""Filter patterns: the language in which CloudWatch Logs is told which events are meant.

`compile_pattern(text)` reads a pattern once and gives an object that looks at messages. A pattern
is one of three kinds, told by how it begins: `{` JSON selectors, `[` columns between spaces, and
otherwise terms. Every match takes time linear in the message. Pure.

Source: CloudWatch Logs user guide, "Filter pattern syntax".
"""

from millpond.services.logs.patterns.columns import read_columns
from millpond.services.logs.patterns.documents import read_documents
from millpond.services.logs.patterns.interface import InvalidPattern, Pattern, Value
from millpond.services.logs.patterns.terms import read_terms

REGEXES_MAX = 2
"""Regular expressions in one pattern."""

__all__ = ["REGEXES_MAX", "InvalidPattern", "Pattern", "Value", "compile_pattern"]


def compile_pattern(text: str) -> Pattern:
    """What a pattern means; an empty one means every event.

    Raises:
        InvalidPattern: it cannot be read.
    """
    stripped = text.strip()
    pattern: Pattern
    if stripped.startswith("{"):
        pattern = read_documents(stripped)
    elif stripped.startswith("["):
        pattern = read_columns(stripped)
    else:
        pattern = read_terms(stripped)
    if pattern.regexes > REGEXES_MAX:
        raise InvalidPattern(f"A filter pattern has at most {REGEXES_MAX} regular expressions.")
    return pattern
