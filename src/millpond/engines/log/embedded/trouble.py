"""The system's errors in the platform's words."""

import errno

from millpond.kernel.errors import EngineError, Full, Unavailable

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def is_no_space(error: OSError) -> bool:
    return error.errno in _NO_SPACE


def refusal_of(error: OSError) -> EngineError:
    """What to say when `error` kept something from being written at all."""
    if is_no_space(error):
        return Full(f"There is no space left for logs; nothing was written: {error}.")
    return Unavailable(f"The log cannot be written: {error}.")
