"""The regular expressions of filter patterns: `%…%`.

AWS takes a small language: letters, digits, a few symbols, anchors, quantifiers, classes in
brackets, alternatives; no groups. What passes is matched by RE2, in time linear in the message.
"""

import re
from collections.abc import Callable

import re2

from millpond.services.logs.patterns.interface import InvalidPattern

_ALLOWED = re.compile(
    r"(?:[A-Za-z0-9 :_#=@/;,\-^$?\[\]{}|*+.]|\\[^A-Za-z0-9]|\\[dDsSwW]|\\x[0-9A-Fa-f]{2})*"
)
_MEMORY_BYTES_MAX = 1 << 20


def compile_regex(source: str) -> Callable[[bytes], bool]:
    """A function that tells whether a UTF-8 text has a match somewhere.

    Raises:
        InvalidPattern: the expression uses what AWS does not take, or cannot be read.
    """
    if not source or not source.isascii() or not _ALLOWED.fullmatch(source):
        raise InvalidPattern(f"Invalid regular expression: {source}")
    options = re2.Options()
    options.never_capture = True
    options.log_errors = False
    options.max_mem = _MEMORY_BYTES_MAX
    try:
        search = re2.compile(source.encode(), options).search
    except re2.error:
        raise InvalidPattern(f"Invalid regular expression: {source}") from None
    return lambda text: search(text) is not None
