"""run-script: fetch a script and become it, as EMR's script-runner.jar and bootstrap actions do.

A script without a `#!` line is run by bash.
"""

import os
import sys
from pathlib import Path

from millpond.engines.spark.runtime.files import FileMissing, fetch


def main() -> None:
    if len(sys.argv) < 2:
        sys.exit("run-script: Error: Missing script")
    try:
        script = fetch(sys.argv[1], Path.cwd() / ".scripts")
    except FileMissing as error:
        sys.exit(f"run-script: Error: {error}")
    words = [str(script.absolute()), *sys.argv[2:]]
    with script.open("rb") as file:
        has_interpreter = file.read(2) in (b"#!", b"\x7fE")
    if has_interpreter:
        script.chmod(script.stat().st_mode | 0o700)
    else:
        words.insert(0, "bash")
    try:
        os.execvp(words[0], words)  # noqa: S606 - this is what it is for
    except OSError as error:
        sys.exit(f"run-script: Error: {sys.argv[1]} cannot be run: {error.strerror}")


if __name__ == "__main__":
    main()
