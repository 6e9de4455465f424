"""Whether a database can be entered: asked in a confined process, never in the server's own."""

import asyncio
import json
import os
import shutil
import sys
from dataclasses import asdict
from pathlib import Path

from millpond.kernel.processes import Command, Limits, NotStarted, Sandbox, Stream, start
from millpond.services.glue.connections.model import Target
from millpond.services.glue.needs import Needs

TRIAL_SECONDS_MAX = 30.0
MEMORY_BYTES_MAX = 1 << 30
_SOURCES = Path(__file__).resolve().parents[4]
_MODULE = "millpond.services.glue.connections.trial"


async def try_target(needs: Needs, target: Target) -> str | None:
    """Why the database cannot be entered; None when it can."""
    folder = needs.folder / "trials" / needs.ids.uuid()
    await asyncio.to_thread(folder.mkdir, parents=True)
    try:
        return await _try_in(needs, target, folder.absolute())
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


async def _try_in(needs: Needs, target: Target, folder: Path) -> str | None:
    command = Command(
        (sys.executable, "-P", "-m", _MODULE),
        env={
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": os.fspath(folder),
            "TMPDIR": os.fspath(folder),
            "LANG": "C.UTF-8",
            "PYTHONPATH": os.fspath(_SOURCES),
        },
        folder=folder,
        marker=needs.marker,
        stdin=Stream.PIPE,
        stdout=Stream.PIPE,
        stderr=Stream.NOTHING,
        limits=Limits(memory_bytes=MEMORY_BYTES_MAX),
        sandbox=Sandbox(
            reads=(_SOURCES,),
            writes=(folder,),
            hidden=(needs.folder.absolute().parent,),
            network=True,
        ),
    )
    try:
        process = await start(command)
    except NotStarted as error:
        return str(error)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        async with asyncio.timeout(TRIAL_SECONDS_MAX):
            process.stdin.write(json.dumps(asdict(target)).encode())
            process.stdin.close()
            answer = await process.stdout.read()
            ended = await process.wait()
    except TimeoutError:
        return f"There was no answer within {TRIAL_SECONDS_MAX:g} seconds."
    except OSError as error:
        return str(error)
    finally:
        await process.kill()
    try:
        told = json.loads(answer).get("error")
    except ValueError:
        return f"The test ended with {ended.describe()}."
    return None if told is None else str(told)
