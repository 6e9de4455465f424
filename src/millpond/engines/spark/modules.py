"""Layers of further Python modules: pip's requirements, installed once for all clusters that ask
for the same.

pip runs confined, with the network, and writes its own folder alone; building a package runs its
code there. Of the machine's files it sees the packages in the platform's own folder that are asked
for, and no others: a requirement may be any user's. A layer is made aside and then renamed: it is
whole or it is not there.
"""

import asyncio
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

from millpond.engines.spark.interface import CannotStart
from millpond.kernel.processes import Command, NotStarted, Sandbox, Stream, start, way_out

INSTALL_SECONDS_MAX = 900.0
_LAST_LINES = 8
_LAST_BYTES = 64 << 10
"""How much of what pip says is kept: packages that are built may say anything."""
_PACKAGES = (".whl", ".zip", ".tar.gz")
_OPTIONS = (
    *("--no-input", "--no-color", "--no-cache-dir", "--progress-bar", "off"),
    *("--disable-pip-version-check", "--no-warn-script-location", "--no-warn-conflicts"),
)


class PythonModules:
    """Keeps layers below `folder`, for a platform whose processes `marker` marks."""

    def __init__(self, data: Path, marker: str, folder: Path) -> None:
        self._data, self._marker, self._folder = data, marker, folder
        self._installing: dict[str, asyncio.Lock] = {}

    async def ready(
        self, python: Path, requirements: Sequence[str], progress: Callable[[str], None]
    ) -> tuple[Path, ...]:
        """The folder of modules that meets the requirements, for this `python`; none without any.

        Raises:
            CannotStart: they cannot be installed; the text has pip's last lines.
        """
        if not requirements:
            return ()
        told = json.dumps([os.fspath(python), *requirements])
        name = hashlib.sha256(told.encode()).hexdigest()[:32]
        layer = self._folder / name
        async with self._installing.setdefault(name, asyncio.Lock()):
            if not await asyncio.to_thread(layer.exists):
                progress(f"Installing {', '.join(requirements)[:1000]}")
                await self._install(layer, python, requirements)
        return (layer,)

    async def _install(self, layer: Path, python: Path, requirements: Sequence[str]) -> None:
        new = layer.with_name(f"{layer.name}.{uuid.uuid4().hex[:8]}.new")
        try:
            for folder in ("modules", "tmp"):
                await asyncio.to_thread((new / folder).mkdir, parents=True)
            await self._run_pip(new, python, requirements)
            await asyncio.to_thread(os.rename, new / "modules", layer)
        except OSError as error:
            raise CannotStart(f"Python modules cannot be installed: {error}") from error
        finally:
            await asyncio.to_thread(shutil.rmtree, new, ignore_errors=True)

    def _local(self, requirements: Sequence[str]) -> tuple[Path, ...]:
        """The packages that are files of the platform."""
        found = tuple(Path(one).resolve() for one in requirements if one.startswith("/"))
        for path in found:
            if not (
                path.name.endswith(_PACKAGES)
                and path.is_file()
                and path.is_relative_to(self._data.resolve())
            ):
                raise CannotStart(f"Python modules cannot be installed: {path} is no package here.")
        return found

    async def _run_pip(self, new: Path, python: Path, requirements: Sequence[str]) -> None:
        tmp = new / "tmp"
        local = await asyncio.to_thread(self._local, requirements)
        command = Command(
            (
                *(os.fspath(python), "-I", "-m", "pip", "install", *_OPTIONS),
                *("--target", os.fspath(new / "modules"), "--", *requirements),
            ),
            env={
                "PATH": "/usr/local/bin:/usr/bin:/bin",
                "HOME": os.fspath(tmp),
                "TMPDIR": os.fspath(tmp),
                "LANG": "C.UTF-8",
                **way_out(),
            },
            folder=tmp,
            marker=self._marker,
            stdout=Stream.PIPE,
            stderr=Stream.OUTPUT,
            sandbox=Sandbox(
                reads=(python.parent.parent, *local),
                writes=(new / "modules", tmp),
                hidden=(self._data,),
                private_tmp=tmp,
                network=True,
            ),
        )
        try:
            process = await start(command)
        except NotStarted as error:
            raise CannotStart(f"Python modules cannot be installed: {error}") from error
        try:
            async with asyncio.timeout(INSTALL_SECONDS_MAX):
                assert process.stdout is not None
                text = await _last_of(process.stdout)
                ended = await process.wait()
        except TimeoutError:
            raise CannotStart(
                f"Python modules were not installed within {INSTALL_SECONDS_MAX:g} s."
            ) from None
        finally:
            await process.kill()
        if not ended.succeeded:
            lines = " / ".join(text.strip().splitlines()[-_LAST_LINES:])
            raise CannotStart(f"Python modules cannot be installed ({ended.describe()}): {lines}")


async def _last_of(stream: asyncio.StreamReader) -> str:
    """The end of what a stream says until it closes."""
    text = b""
    while more := await stream.read(_LAST_BYTES):
        text = (text + more)[-_LAST_BYTES:]
    return text.decode("utf-8", "replace")
