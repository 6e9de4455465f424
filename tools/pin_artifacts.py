"""Write the SHA-256 of each artifact into the lists of what Apache Spark's releases bring.

    python tools/pin_artifacts.py REPOSITORY-URL LIST…

Add a line `group:artifact:version` to a list, run this, commit the list: an artifact that has a
digest already is left alone.
"""

import hashlib
import sys
import urllib.request
from pathlib import Path

from millpond.engines.spark.apache.maven import Artifact


def main() -> None:
    root, *lists = sys.argv[1:]
    for name in lists:
        path = Path(name)
        path.write_text("".join(_pin(line, root) for line in path.read_text().splitlines()))


def _pin(line: str, root: str) -> str:
    words = line.partition("#")[0].split()
    if len(words) != 1:
        return f"{line}\n"
    group, artifact, version, *more = words[0].split(":")
    url = f"{root.rstrip('/')}/{Artifact(group, artifact, version, '', *more).path}"
    with urllib.request.urlopen(url) as answer:
        return f"{words[0]} {hashlib.file_digest(answer, 'sha256').hexdigest()}\n"


if __name__ == "__main__":
    main()
