"""What to tell of a Python function that raised: its error and the user's part of the trace."""

import traceback

_LENGTH_MAX = 4000
_NOT_THEIRS = ("/millpond/engines/streams/", "/importlib/", "<frozen importlib", ".pxi", ".pyx")


class FunctionFault(Exception):
    """A function cannot be had; the text says why."""


def own_traceback(error: BaseException) -> str:
    """`ValueError: …` and, below it, where it came from, without the platform's own frames."""
    told = "".join(traceback.format_exception_only(error)).strip()[: _LENGTH_MAX // 2]
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [one for one in frames if not any(part in one.filename for part in _NOT_THEIRS)]
    return f"{told}\n{''.join(traceback.format_list(theirs))}"[:_LENGTH_MAX].rstrip()
