"""Asks a database something in a confined process, never in the server's own."""

import asyncio
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from millpond.kernel.processes import Command, Limits, NotStarted, Sandbox, Stream, start
from millpond.services.glue.needs import Needs

ANSWER_SECONDS_MAX = 30.0
ANSWER_BYTES_MAX = 32 << 20
MEMORY_BYTES_MAX = 1 << 30
_SOURCES = Path(__file__).resolve().parents[4]


class NoAnswer(Exception):
    """There is none; the text says why, in words for whoever asked."""


async def ask(
    needs: Needs, module: str, question: dict[str, Any], seconds_max: float = ANSWER_SECONDS_MAX
) -> dict[str, Any]:
    """What a module says when it is run: it reads a question as JSON, and writes its answer.

    Raises:
        NoAnswer: it ended without one, took too long, said too much, or answered an `error`.
    """
    folder = (needs.folder / "trials" / needs.ids.uuid()).absolute()
    await asyncio.to_thread(folder.mkdir, parents=True)
    try:
        return await _ask_in(needs, module, question, seconds_max, folder)
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


async def _ask_in(
    needs: Needs, module: str, question: dict[str, Any], seconds_max: float, folder: Path
) -> dict[str, Any]:
    command = Command(
        (sys.executable, "-P", "-m", module),
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
        raise NoAnswer(str(error)) from None
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        async with asyncio.timeout(seconds_max):
            process.stdin.write(json.dumps(question).encode())
            process.stdin.close()
            text = await _read(process.stdout)
            ended = await process.wait()
    except TimeoutError:
        raise NoAnswer(f"There was no answer within {seconds_max:g} seconds.") from None
    except OSError as error:
        raise NoAnswer(str(error)) from None
    finally:
        await process.kill()
    try:
        answer: dict[str, Any] = await asyncio.to_thread(json.loads, text)
    except ValueError:
        raise NoAnswer(f"The process ended with {ended.describe()}.") from None
    if "error" in answer:
        raise NoAnswer(str(answer["error"]))
    return answer


async def _read(stream: asyncio.StreamReader) -> bytes:
    text = bytearray()
    while chunk := await stream.read(1 << 20):
        text += chunk
        if len(text) > ANSWER_BYTES_MAX:
            raise NoAnswer(f"The answer is longer than {ANSWER_BYTES_MAX >> 20} MiB.")
    return bytes(text)
