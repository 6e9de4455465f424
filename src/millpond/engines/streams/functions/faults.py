"""What to tell of a Python function that raised: its error and the user's part of the trace."""

import traceback
from types import TracebackType

_LENGTH_MAX = 4000
_OURS = ("/millpond/engines/streams/", "/importlib/", "<frozen importlib")
_COMPILED = (".pxi", ".pyx")


class FunctionFault(Exception):
    """A function cannot be had; the text says why."""


def own_traceback(error: BaseException) -> str:
    """`ValueError: …` and, below it, where it came from, without the platform's own frames."""
    told = "".join(traceback.format_exception_only(error)).strip()[: _LENGTH_MAX // 2]
    frames = traceback.extract_tb(_beyond_ours(error.__traceback__))
    lines = traceback.format_list([one for one in frames if not one.filename.endswith(_COMPILED)])
    return f"{told}\n{''.join(lines).rstrip()}"[:_LENGTH_MAX].rstrip()


def _beyond_ours(place: TracebackType | None) -> TracebackType | None:
    """The part of a traceback below the platform's own frames and the import of a module."""
    at = place
    while at is not None and any(part in at.tb_frame.f_code.co_filename for part in _OURS):
        at = at.tb_next
    return at
