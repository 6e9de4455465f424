"""trino-cli: Trino's command line, on this cluster's server.

Source: "Command line interface" (Trino); EMR release guide, "Trino" (its port is 8889 there).
"""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

_PORT_ON_EMR = ":8889"


def main() -> NoReturn:
    conf = Path(os.environ["SPARK_CONF_DIR"])
    told = json.loads((conf / "trino" / "client.json").read_text("utf-8"))
    left = _at_the_cluster(sys.argv[2:], told["server"])
    command = [
        *(told["java"], "--enable-native-access=ALL-UNNAMED", "-XX:TieredStopAtLevel=1"),
        *("-XX:+UseSerialGC", f"-Djava.io.tmpdir={os.environ['TMPDIR']}"),
        f"-Duser.home={os.environ['HOME']}",
        *("-Dorg.jline.terminal.dumb=true", "-jar", told["jar"], *left),
    ]
    os.execv(told["java"], command)  # noqa: S606 - this is what it is for


def _at_the_cluster(words: Sequence[str], server: str) -> list[str]:
    """The command line with the cluster's server, if it names none or the one of EMR."""
    asked = " ".join(words).partition("--server")[2].lstrip("= ").partition(" ")[0].rstrip("/")
    if asked and not asked.endswith(_PORT_ON_EMR):
        return list(words)
    left = list(words)
    if "--server" in left:
        at = left.index("--server")
        del left[at : at + 2]
    return [f"--server={server}", *(one for one in left if not one.startswith("--server="))]


if __name__ == "__main__":
    main()
