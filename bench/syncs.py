"""What a server syncs while it acknowledges: strace counts the calls."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

SYNCS = ("fsync", "fdatasync", "msync", "sync_file_range")


def counted(process: subprocess.Popen[bytes], work: Callable[[], None]) -> int | None:
    """How often `process` and its threads synced while `work` ran; None without strace."""
    if shutil.which("strace") is None:
        return None
    with tempfile.NamedTemporaryFile(prefix="syncs-") as file:
        command = ["strace", "-f", "-qq", "-e", f"trace={','.join(SYNCS)}", "-o", file.name]
        tracer = subprocess.Popen([*command, "-p", str(process.pid)], stderr=subprocess.DEVNULL)
        try:
            time.sleep(1)
            work()
        finally:
            tracer.terminate()
            tracer.wait()
        lines = Path(file.name).read_text(errors="replace").splitlines()
    return sum(any(f"{name}(" in line for name in SYNCS) for line in lines)
