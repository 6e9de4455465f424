"""What an application takes of the machine that no limit of its process counts.

The process limit counts private memory; pages that are shared (anonymous shared mappings, and files
in memory that are mapped) are seen here alone. Nothing bounds a folder but looking at it.
"""

import contextlib
import os
from pathlib import Path

_COUNTED = ("RssAnon:", "RssShmem:")


def memory_bytes(pid: int) -> int:
    """Memory that a process holds and that no file on disk backs; 0 for one that has ended."""
    with contextlib.suppress(OSError):
        lines = Path(f"/proc/{pid}/status").read_text("ascii", errors="replace").splitlines()
        return sum(int(line.split()[1]) << 10 for line in lines if line.startswith(_COUNTED))
    return 0


def folder_bytes(folder: Path, most: int) -> int:
    """What lies in a folder, on disk; links are not followed. It looks no further once it has
    found more than `most`. Blocks."""
    found = 0
    waiting = [str(folder)]
    while waiting and found <= most:
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    found += entry.stat(follow_symlinks=False).st_blocks * 512
    return found
