"""Regular expressions: Java's as RE2 has them. What RE2 cannot do in linear time is refused."""

import re

import re2

from millpond.services.logs.insights.language.malformed import Malformed

_NAMED = re.compile(r"\(\?<(?=[A-Za-z])")
_REFUSED = (
    (re.compile(r"(?<!\\)(?:\\\\)*\(\?<?[=!]"), "look-around"),
    (re.compile(r"(?<!\\)(?:\\\\)*\(\?>"), "atomic groups"),
    (re.compile(r"(?<!\\)(?:\\\\)*\\(?:[1-9]|k<)"), "back-references"),
    (re.compile(r"(?<!\\)(?:\\\\)*(?:[*+?]|\})\+"), "possessive quantifiers"),
)
_QUIET = re2.Options()
_QUIET.log_errors = False


def check_regex(pattern: str, start: int, end: int) -> tuple[str, tuple[str, ...]]:
    """A regular expression as RE2 has it, and the names of its groups.

    Raises:
        Malformed: it is none, or one that takes more than linear time.
    """
    for refused, name in _REFUSED:
        if refused.search(pattern):
            raise Malformed(f"Regular expressions with {name} are not implemented.", start, end)
    written = _NAMED.sub("(?P<", pattern)
    try:
        compiled = re2.compile(written, _QUIET)
    except re2.error as error:
        raise Malformed(f"Invalid regular expression: {_told(error)}", start, end) from None
    groups = sorted(compiled.groupindex.items(), key=lambda item: item[1])
    return written, tuple(name for name, _ in groups)


def group_number(pattern: str, name: str) -> int:
    """The number of a named group of a regular expression that was checked."""
    return int(re2.compile(pattern, _QUIET).groupindex[name])


def _told(error: Exception) -> str:
    text = error.args[0] if error.args else ""
    return text.decode(errors="replace") if isinstance(text, bytes) else str(text)


def glob_regex(glob: str) -> str:
    """The regular expression of a pattern with `*`: each is a group of as few characters as may be,
    and one at the end takes all that is left."""
    pieces = glob.split("*")
    parts = [re.escape(pieces[0])]
    for place, piece in enumerate(pieces[1:], 2):
        is_rest = place == len(pieces) and not piece
        if is_rest:
            parts.append("(.*)")
        else:
            parts.append(f"([^{re.escape(piece)}]*)" if len(piece) == 1 else "(.*?)")
        parts.append(re.escape(piece))
    begins = "^" if glob.startswith("*") else ""
    return f"(?s){begins}{''.join(parts)}"
