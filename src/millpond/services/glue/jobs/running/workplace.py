"""The files of a run: what is fetched from S3 for it, what it is given, and what it leaves.

In the folder of a run:

    cluster     the engine's
    work        where the script begins, and may write; in it `.glue`, with the bookmark and what
                else passes between script and platform
    logs        what the script prints, out of its reach

A script could put a link where the platform reads; what it leaves is read without following any.
"""

import asyncio
import hashlib
import json
import os
import shutil
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from millpond.kernel.call import Call
from millpond.kernel.errors import ServiceError
from millpond.services.glue.jobs import bookmarks
from millpond.services.glue.jobs.running import in_job
from millpond.services.glue.needs import Needs

EXCHANGE = ".glue"
ERROR_LENGTH_MAX = 4000
FOLDER_VARIABLE = "MILLPOND_GLUE_FOLDER"
_STATUS = {"NoSuchKey": 404, "NoSuchBucket": 404, "AccessDenied": 403}


class CannotFetch(Exception):
    """A file in S3 cannot be had; the text is what a job fails with."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """The local copies of what a run's arguments name."""

    script: Path
    py_files: tuple[Path, ...] = ()
    jars: tuple[Path, ...] = ()
    modules: tuple[str, ...] = ()


class Workplace:
    def __init__(self, folder: Path, run_id: str) -> None:
        self.folder = folder / "runs" / run_id
        self.cluster = self.folder / "cluster"
        self.work = self.folder / "work"
        self.exchange = self.work / EXCHANGE
        self.stdout = self.folder / "logs" / "stdout"
        self.stderr = self.folder / "logs" / "stderr"
        self._wheels = folder / "wheels"

    def make(self) -> None:
        """Make the folders anew: nothing is left of an earlier beginning."""
        shutil.rmtree(self.folder, ignore_errors=True)
        for folder in (self.exchange, self.stdout.parent):
            folder.mkdir(parents=True)
        self.stdout.touch()
        self.stderr.touch()

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    async def fetch_script(self, needs: Needs, call: Call, location: str) -> Path:
        """The script, beside what it may import from its own folder.

        Raises:
            CannotFetch: it is not there.
        """
        return await fetch(needs, call, location, self.work)

    async def fetch_python(self, needs: Needs, call: Call, *locations: str) -> tuple[Path, ...]:
        """Python files and archives."""
        return await self._fetch_each(needs, call, self.exchange / "python", locations)

    async def fetch_jars(self, needs: Needs, call: Call, *locations: str) -> tuple[Path, ...]:
        return await self._fetch_each(needs, call, self.exchange / "jars", locations)

    async def fetch_files(self, needs: Needs, call: Call, *locations: str) -> None:
        """Files that the script finds where it begins."""
        await self._fetch_each(needs, call, self.work, locations)

    async def _fetch_each(
        self, needs: Needs, call: Call, folder: Path, locations: Iterable[str]
    ) -> tuple[Path, ...]:
        return tuple([await fetch(needs, call, each, folder) for each in locations])

    async def fetch_modules(
        self, needs: Needs, call: Call, modules: Iterable[str]
    ) -> tuple[str, ...]:
        """Requirements of pip. Wheels in S3 are kept by what is in them, so that runs which ask
        for the same ones share one environment."""
        found = []
        for module in modules:
            if not module.startswith("s3://"):
                found.append(module)
                continue
            draft = await fetch(needs, call, module, self.exchange / "wheels")
            found.append(os.fspath(await asyncio.to_thread(self._keep_wheel, draft)))
        return tuple(found)

    def _keep_wheel(self, draft: Path) -> Path:
        with draft.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        kept = self._wheels / digest / draft.name
        if not kept.exists():
            kept.parent.mkdir(parents=True, exist_ok=True)
            draft.replace(kept)
        return kept.absolute()

    def give(self, bookmark: Mapping[str, Any], fetched: Fetched, *, has_spark: bool) -> Path:
        """Write what the script is told; the program that runs it. Without Spark, that one sees
        to it that the Python files are found."""
        paths = [] if has_spark else [_importable(path) for path in fetched.py_files]
        script = os.fspath(fetched.script.absolute())
        launch = {"script": script, "paths": paths, "has_spark": has_spark}
        (self.exchange / "bookmark.json").write_text(json.dumps(bookmark), "utf-8")
        (self.exchange / "launch.json").write_text(json.dumps(launch), "utf-8")
        program = self.exchange / "run.py"
        shutil.copyfile(in_job.__file__, program)
        return program.absolute()

    def read_commit(self) -> str | None:
        """The states that the run committed, as JSON; None when it did not."""
        data = self._read("bookmark-commit.json")
        return None if data is None else bookmarks.read_commit(data)

    def read_failure(self) -> str | None:
        """How the script failed, as it was told."""
        data = self._read("failure.json")
        try:
            told = json.loads(data or b"{}").get("error")
        except (ValueError, AttributeError, RecursionError):
            return None
        if not isinstance(told, str):
            return None
        return told[:ERROR_LENGTH_MAX].encode("utf-8", "replace").decode()

    def _read(self, name: str) -> bytes | None:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            folder = os.open(self.work, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                inside = os.open(EXCHANGE, flags | os.O_DIRECTORY, dir_fd=folder)
            finally:
                os.close(folder)
            try:
                descriptor = os.open(name, flags, dir_fd=inside)
            finally:
                os.close(inside)
        except OSError:
            return None
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode) or found.st_size > bookmarks.SIZE_BYTES_MAX:
                return None
            return file.read(bookmarks.SIZE_BYTES_MAX)


async def fetch(needs: Needs, call: Call, location: str, folder: Path) -> Path:
    """A local copy of an object, under its own name in `folder`.

    Raises:
        CannotFetch: it is not there, or may not be read.
    """
    bucket, _, key = location.partition("://")[2].partition("/")
    path = folder / (key.rpartition("/")[2] or "file")
    try:
        answer = await needs.call_aws(call, "s3", "GetObject", Bucket=bucket, Key=key)
    except ServiceError as error:
        status = _STATUS.get(error.code, error.status)
        raise CannotFetch(
            f"LAUNCH ERROR | Error downloading from S3 for bucket: {bucket}, key: {key}. "
            f"{error.message} (Service: Amazon S3; Status Code: {status}; "
            f"Error Code: {error.code})"
        ) from None
    try:
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        with path.open("wb") as file:
            async for chunk in answer["Body"]:
                await asyncio.to_thread(file.write, chunk)
    except OSError as error:
        raise CannotFetch(f"LAUNCH ERROR | {location} cannot be kept: {error.strerror}") from error
    return path


def _importable(path: Path) -> str:
    is_archive = path.suffix in (".zip", ".egg", ".whl")
    return os.fspath((path if is_archive else path.parent).absolute())
