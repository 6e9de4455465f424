"""Files of this machine that a sink's rows wait in until their checkpoint is durable.

A sink that commits writes files here, names those that are complete in `prepare`, and moves each to
where it belongs in `commit`, after which it is removed here. So a file that was named and is not
here any more was committed before.
"""

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from millpond.engines.streams.connectors.interface import World
from millpond.kernel.files import Disk


class Staging:
    """The files of a run of one sink, in its world's folder."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._run = secrets.token_hex(8)
        self._count = 0
        self._complete: list[dict[str, Any]] = []

    def make(self) -> None:
        """Make the folder, if there is none."""
        self._world.folder.mkdir(parents=True, exist_ok=True)

    def clear(self) -> None:
        """Remove what is here: it is of runs that are lost, and was not committed."""
        for path in self._world.folder.iterdir():
            path.unlink()

    def new_path(self, kind: str, ending: str = "") -> Path:
        """A file that no run has named before."""
        self._count += 1
        return self._world.folder / f"{kind}-{self._run}-{self._count}{ending}"

    def add(self, path: Path, rows: int, **more: Any) -> None:
        """A file is complete and synced; `more` is what its commit has to know."""
        size = path.stat().st_size
        self._complete.append({"name": path.name, "rows": rows, "size": size, **more})

    def prepare(self) -> Any:
        """What waits to be committed: what an earlier checkpoint named that failed, too."""
        if self._complete:
            Disk().sync_folder(self._world.folder)
        return {"files": list(self._complete)}

    def waiting(self, prepared: Any) -> Iterator[tuple[Path, dict[str, Any]]]:
        """Of the files that were prepared those that are still here."""
        for file in prepared["files"]:
            path = self._world.folder / file["name"]
            if path.exists():
                yield path, file

    def remove(self, path: Path, file: dict[str, Any]) -> None:
        """A file is where it belongs."""
        path.unlink()
        self._world.traffic.records += file["rows"]
        self._world.traffic.bytes += file["size"]

    def forget(self, prepared: Any) -> None:
        """All that was prepared is committed."""
        done = {file["name"] for file in prepared["files"]}
        self._complete = [file for file in self._complete if file["name"] not in done]
