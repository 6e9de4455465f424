"""A Millpond of a demo's own."""

import os
import re
import shlex
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

READY_SECONDS_MAX = 30.0


@contextmanager
def millpond(folder: Path) -> Iterator[str]:
    """A Millpond of our own, and the AWS variables that lead to it; its address."""
    data, log = folder / "data", folder / "millpond.log"
    command = [sys.executable, "-m", "millpond"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "up", "--port", "0", "--data", str(data)], stdout=output, stderr=output
        )
    try:
        exports = _wait_for_exports([*command, "env", "--data", str(data)], process, log)
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            del os.environ[name]
        os.environ.update(exports)
        yield exports["AWS_ENDPOINT_URL"]
    finally:
        process.terminate()
        process.wait()


def _wait_for_exports(
    command: list[str], process: subprocess.Popen[bytes], log: Path
) -> dict[str, str]:
    deadline = time.monotonic() + READY_SECONDS_MAX
    while time.monotonic() < deadline and process.poll() is None:
        env = subprocess.run(command, capture_output=True, text=True, check=False)
        found = re.findall(r"^export (\w+)=(.*)$", env.stdout, re.MULTILINE)
        exports = {name: shlex.split(value)[0] for name, value in found}
        if exports:
            with urllib.request.urlopen(f"{exports['AWS_ENDPOINT_URL']}/_millpond/health"):
                return exports
        time.sleep(0.05)
    raise SystemExit(f"Millpond did not start:\n{log.read_text()}")
