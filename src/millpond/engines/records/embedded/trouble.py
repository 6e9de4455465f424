"""LMDB's errors in the platform's words."""

import errno

import lmdb

from millpond.kernel.errors import Damaged, EngineError, Unavailable

_SHORT_WRITE = -30772
_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, _SHORT_WRITE})
_DAMAGED = (lmdb.CorruptedError, lmdb.PageNotFoundError, lmdb.InvalidError)


def read_trouble(error: lmdb.Error) -> EngineError:
    """What a failed read means."""
    if isinstance(error, _DAMAGED):
        return Damaged(f"The records are damaged: {error}.")
    if isinstance(error, lmdb.ReadersFullError):
        return Unavailable("Too many transactions are open; try again when some have ended.")
    return Unavailable(f"The records cannot be read: {error}.")


def is_no_space(error: lmdb.Error) -> bool:
    """Whether a commit failed for want of space.

    LMDB writes new pages, syncs them, and only then the page that makes them count; without space
    it stops before that page, and the records are as they were. A write that the system cut short
    is how LMDB reports the last bytes of a disk.
    """
    return (
        isinstance(error, lmdb.MapFullError | lmdb.DiskError)
        or getattr(error, "code", 0) in _NO_SPACE
    )


def no_space(error: lmdb.Error) -> str:
    """What to say of it."""
    return f"There is no space left for records; nothing was written: {error}."
