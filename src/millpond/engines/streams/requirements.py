"""What a program's `requirements.txt` asks for beyond what is installed here.

Where the platform's own packages meet every line, nothing is done. Otherwise pip installs what is
missing into a folder of its own: an environment that sees the platform's packages, so that those
are not installed again. It is kept by what the file says and what is installed here, and used by
all programs that say the same. pip runs confined, in the program's folder, with the network; it
writes its own folder alone. Building a package runs its code there.

`apache-flink` is met by the stand-in for it (see `functions.flink.modules`).
"""

import asyncio
import hashlib
import importlib.metadata
import os
import re
import shutil
import sys
import sysconfig
import uuid
from collections.abc import Callable
from pathlib import Path

from millpond.engines.streams.interface import CannotStart
from millpond.engines.streams.launching import Place, confined, make_folders
from millpond.engines.streams.options import Options
from millpond.kernel.processes import Command, NotStarted, Stream, start, way_out

FILE_NAME = "requirements.txt"
_FILE_SIZE_BYTES_MAX = 1 << 20
_STAND_INS = frozenset({"apache-flink", "apache-flink-libraries"})
_LAST_LINES = 12
_LINE_LENGTH_MAX = 65_536


class Requirements:
    """Keeps what was installed below `folder`."""

    def __init__(self, data: Path, marker: str, folder: Path, options: Options) -> None:
        self._data = data
        self._marker = marker
        self._folder = folder
        self._options = options
        self._installing: dict[str, asyncio.Lock] = {}

    async def ready(self, program: Path | None, tell: Callable[[str], None]) -> list[Path]:
        """The folders of modules that a program needs besides its own; none or one. `tell` hears
        how the installation goes.

        Raises:
            CannotStart: they cannot be installed; the text says why.
        """
        if program is None:
            return []
        missing = await asyncio.to_thread(_missing_of, program)
        if not missing:
            return []
        digest = await asyncio.to_thread(_digest, missing, program)
        folder = self._folder / digest
        async with self._installing.setdefault(digest, asyncio.Lock()):
            if not await asyncio.to_thread(folder.exists):
                tell(f"Installing {FILE_NAME}: {', '.join(missing)[:1000]}")
                await self._install(folder, missing, program, tell)
        return [_packages(folder)]

    async def _install(
        self, folder: Path, lines: list[str], program: Path, tell: Callable[[str], None]
    ) -> None:
        new = folder.with_name(f"{folder.name}.{uuid.uuid4().hex[:8]}.new")
        try:
            await asyncio.to_thread(_make_environment, new, lines)
            await self._run_pip(new, program, tell)
            await asyncio.to_thread(os.rename, new / "env", folder)
        except OSError as error:
            raise CannotStart(f"{FILE_NAME} cannot be installed: {error}") from error
        finally:
            await asyncio.to_thread(shutil.rmtree, new, ignore_errors=True)

    async def _run_pip(self, new: Path, program: Path, tell: Callable[[str], None]) -> None:
        place = Place(
            data=self._data,
            marker=self._marker,
            own=new,
            reads=(new / FILE_NAME, program),
            writes=(new / "env",),
        )
        arguments = (
            *("-m", "pip", "install", "--requirement", str(new / FILE_NAME)),
            *("--no-input", "--no-color", "--no-cache-dir", "--progress-bar", "off"),
            *("--disable-pip-version-check", "--no-warn-script-location"),
        )
        try:
            process = await start(
                Command(
                    (str(new / "env" / "bin" / "python3"), "-I", *arguments),
                    env={
                        "PATH": "/usr/local/bin:/usr/bin:/bin",
                        "HOME": str(place.tmp),
                        "TMPDIR": str(place.tmp),
                        "LANG": "C.UTF-8",
                        **way_out(),
                    },
                    folder=program,
                    marker=self._marker,
                    stdout=Stream.PIPE,
                    stderr=Stream.OUTPUT,
                    sandbox=confined(place, network=True, alone=False),
                )
            )
        except NotStarted as error:
            raise CannotStart(f"{FILE_NAME} cannot be installed: {error}") from error
        told: list[str] = []
        try:
            async with asyncio.timeout(self._options.install_seconds):
                assert process.stdout is not None
                while line := await _line(process.stdout):
                    told.append(line)
                    tell(f"pip: {line}")
                ended = await process.wait()
        except TimeoutError:
            raise CannotStart(
                f"{FILE_NAME} was not installed within {self._options.install_seconds:g} s."
            ) from None
        finally:
            await process.kill()
        if not ended.succeeded:
            raise CannotStart(
                f"{FILE_NAME} cannot be installed ({ended.describe()}):\n"
                + "\n".join(told[-_LAST_LINES:])
            )


def _missing_of(program: Path) -> list[str]:
    return _missing(_lines(program))


def _lines(program: Path) -> list[str]:
    """The file's lines, without comments; none where there is no file."""
    try:
        with (program / FILE_NAME).open("rb") as file:
            text = file.read(_FILE_SIZE_BYTES_MAX + 1)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise CannotStart(f"{FILE_NAME} cannot be read: {error}") from error
    if len(text) > _FILE_SIZE_BYTES_MAX:
        raise CannotStart(f"{FILE_NAME} has more than {_FILE_SIZE_BYTES_MAX} bytes.")
    joined = re.sub(r"\\\r?\n", " ", text.decode("utf-8-sig", errors="replace"))
    lines = (re.sub(r"(^|\s)#.*$", "", line).strip() for line in joined.splitlines())
    return [line for line in lines if line]


def _missing(lines: list[str]) -> list[str]:
    """The lines that are not met by what is installed here; options and addresses are kept where
    any is left."""
    if not lines:
        return []
    # A copy of `packaging` that is there wherever pip is.
    from pip._vendor.packaging.requirements import (  # noqa: PLC0415
        InvalidRequirement,
        Requirement,
    )

    left, options = [], []
    for line in lines:
        if line.startswith("-"):
            options.append(line)
            continue
        try:
            wanted = Requirement(re.sub(r"\s--hash=\S+", "", line))
        except InvalidRequirement:
            left.append(line)
            continue
        if _name(wanted.name) in _STAND_INS or (wanted.marker and not wanted.marker.evaluate()):
            continue
        if (
            wanted.url
            or wanted.extras
            or not wanted.specifier.contains(_installed(wanted.name) or "", prereleases=True)
        ):
            left.append(line)
    if any(option.startswith(("-r", "--requirement", "-e", "--editable")) for option in options):
        return [*options, *left]
    return [*options, *left] if left else []


def _installed(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _name(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _digest(lines: list[str], program: Path) -> str:
    """Of what is asked for, of what it is installed beside, and of the program's own packages."""
    here = sorted(
        f"{one.name}=={one.version}" for one in importlib.metadata.distributions() if one.name
    )
    digest = hashlib.sha256("\n".join([sys.version, *here, "", *lines]).encode())
    for path in sorted(program.rglob("*")):
        if path.suffix in (".whl", ".gz", ".zip") and path.is_file():
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:32]


def _make_environment(new: Path, lines: list[str]) -> None:
    import venv  # noqa: PLC0415 - few programs need one

    make_folders(new / "tmp")
    (new / FILE_NAME).write_text("\n".join(lines) + "\n", "utf-8")
    venv.EnvBuilder(with_pip=False, symlinks=True).create(new / "env")
    seen = dict.fromkeys(map(sysconfig.get_path, ("purelib", "platlib")))
    (_packages(new / "env") / "platform.pth").write_text("\n".join(seen) + "\n", "utf-8")


def _packages(environment: Path) -> Path:
    return Path(sysconfig.get_path("purelib", "venv", vars={"base": str(environment)}))


async def _line(reader: asyncio.StreamReader) -> str:
    """The next line that says something; empty at the end."""
    while True:
        try:
            data = await reader.readuntil(b"\n")
        except asyncio.LimitOverrunError as error:
            data = await reader.readexactly(min(error.consumed, _LINE_LENGTH_MAX))
        except asyncio.IncompleteReadError as error:
            return error.partial.decode(errors="replace").strip()
        if text := data.decode(errors="replace").strip():
            return text
