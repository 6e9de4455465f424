"""The system's errors in the platform's words."""

import errno

from millpond.kernel.errors import Damaged, EngineError, Full, Unavailable

_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def write_trouble(error: OSError) -> EngineError:
    """What a failed write or sync means; the blob it was for is gone."""
    if error.errno in _NO_SPACE:
        return Full(f"There is no space left for objects; nothing was stored: {error}.")
    return Unavailable(f"The object could not be stored; nothing remains: {error}.")


def read_trouble(error: OSError, blob_id: str) -> EngineError:
    """What a failed read means."""
    if isinstance(error, FileNotFoundError):
        return Damaged(f"The blob {blob_id} is missing.")
    return Unavailable(f"The blob {blob_id} cannot be read: {error}.")
