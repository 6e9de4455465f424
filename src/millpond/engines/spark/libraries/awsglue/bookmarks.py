"""Job bookmarks: what a run has read, source by source, so that the next one begins after it.

The server gives the state of the last run in `bookmark.json`, in the folder that
`MILLPOND_GLUE_FOLDER` names, and takes the new one from `bookmark-commit.json`, which `commit`
writes. Without that folder, or before `Job.init`, there are no bookmarks.

A source has a state if it has a `transformation_ctx`. That of files is the newest time among those
that were read, and the addresses of all with a time from a little before it on: S3's clock may give
a file that appears later an earlier time. A file is new if it is younger than that window, or in
it and not among the addresses at that time: none is lost, none is read twice, and one that was
written anew is read again. That of a table in a database
is the last values of its keys.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .places import File

FOLDER_VARIABLE = "MILLPOND_GLUE_FOLDER"
WINDOW_SECONDS = 900.0
"""How much older than the newest one a file may be and still have been missed."""
_ENABLED, _PAUSED = "job-bookmark-enable", "job-bookmark-pause"
State = dict[str, Any]


class Bookmarks:
    """Those of one run: `before` are the states that it began with."""

    def __init__(self, folder: Path, given: Mapping[str, Any]) -> None:
        self._folder = folder
        self.option = str(given.get("option") or "")
        self.before: dict[str, State] = dict(given.get("states") or {})
        self.until: dict[str, State] | None = given.get("to")
        """The states after the last run whose input is wanted; None for all that there is."""
        self._after: dict[str, State] = dict(self.before)

    def state(self, ctx: str) -> State | None:
        """What the source has read already; None when bookmarks do not concern it."""
        if not ctx or self.option not in (_ENABLED, _PAUSED):
            return None
        return self.before.get(ctx, {})

    def keep(self, ctx: str, state: State) -> None:
        """What the source will have read once the run is committed."""
        self._after[ctx] = state

    def commit(self) -> None:
        """Write the states, durably; a run that is paused changes none."""
        if self.option != _ENABLED:
            return
        path = self._folder / "bookmark-commit.json"
        fresh = path.with_suffix(".tmp")
        with fresh.open("w", encoding="utf-8") as file:
            json.dump({"states": self._after}, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


_current: Bookmarks | None = None
_was_started = False


def start() -> None:
    """Begin with what the server gives; nothing where it gives nothing."""
    global _current, _was_started  # noqa: PLW0603 - a process is one run of one job
    if _was_started:
        return
    _was_started = True
    folder = os.environ.get(FOLDER_VARIABLE)
    if folder:
        path = Path(folder) / "bookmark.json"
        if path.exists():
            _current = Bookmarks(Path(folder), json.loads(path.read_text("utf-8")))


def started() -> bool:
    return _was_started


def commit() -> None:
    if _current is not None:
        _current.commit()


def current() -> Bookmarks | None:
    return _current


def forget() -> None:
    """As before `Job.init`: for the next job in the same process."""
    global _current, _was_started
    _current, _was_started = None, False


def new_files(ctx: str, files: Sequence[File]) -> tuple[list[File], State | None]:
    """The files that no run has read as they are now; and the state after them, None without a
    bookmark."""
    held = _current.state(ctx) if _current else None
    if held is None or _current is None:
        return list(files), None
    seen: dict[str, float] = held.get("files", {})
    since = float(held.get("since", 0.0))
    new = [one for one in files if one.modified >= since and seen.get(one.uri) != one.modified]
    until = _current.until.get(ctx) if _current.until is not None else None
    if _current.until is not None:
        new = [one for one in new if until is not None and _was_read(one, until)]
    read = {**seen, **{one.uri: one.modified for one in new}}
    begin = max([since, *(modified - WINDOW_SECONDS for modified in read.values())])
    window = {uri: modified for uri, modified in sorted(read.items()) if modified >= begin}
    return new, {"kind": "files", "since": begin, "files": window}


def _was_read(file: File, state: State) -> bool:
    return file.modified < float(state.get("since", 0.0)) or (
        state.get("files", {}).get(file.uri) == file.modified
    )


def keep(ctx: str, state: State | None) -> None:
    if _current is not None and state is not None:
        _current.keep(ctx, state)


def state(ctx: str) -> State | None:
    """What a source has read; None when bookmarks do not concern it."""
    return _current.state(ctx) if _current else None


def limit(ctx: str) -> State | None:
    """Where a source's range of input ends; None when it does not."""
    if _current is None or _current.until is None:
        return None
    return _current.until.get(ctx, {})
