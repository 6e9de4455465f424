"""Taking a worker's files out of its reach.

A worker is not trusted: what it names may be a link, or lie behind one. Each file is moved, step by
step without following links, into a folder that the worker cannot write, and must be a plain file.
"""

import os
import stat
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from millpond.engines.sql.interface import QueryLost

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def claim(folder: Path, names: Sequence[str], kept: Path) -> list[Path]:
    """Move the named files (relative to `folder`) into `kept`; where they are now.

    Raises:
        QueryLost: one is no plain file below `folder`.
    """
    moved = []
    for number, name in enumerate(names):
        target = kept / f"{number}"
        try:
            _move(folder, PurePosixPath(name), target)
            is_plain = stat.S_ISREG(target.lstat().st_mode)
        except (OSError, ValueError) as error:
            raise QueryLost(f"The answer's file {name!r} cannot be taken: {error}") from error
        if not is_plain:
            target.unlink()
            raise QueryLost(f"The answer's file {name!r} is no plain file.")
        moved.append(target)
    return moved


def _move(folder: Path, name: PurePosixPath, target: Path) -> None:
    if name.is_absolute() or not name.parts or ".." in name.parts:
        raise ValueError("It is not below its folder.")
    held = os.open(folder, _FOLDER)
    try:
        for part in name.parts[:-1]:
            inner = os.open(part, _FOLDER, dir_fd=held)
            os.close(held)
            held = inner
        os.rename(name.parts[-1], target, src_dir_fd=held)
    finally:
        os.close(held)
