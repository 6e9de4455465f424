"""Programs are planned in a process that reaches nothing."""

import asyncio
import json
import time

import pytest
from stream_programs import sql

from millpond.engines.streams.interface import Program, Refused


async def test_a_program_is_planned_for_people(streams, folder):
    checked = await streams.check(Program("flink", sql("fine"), folder))
    assert (checked.sources, checked.sinks) == (["made_up"], ["given"])
    nodes = json.loads(checked.plan)["nodes"]
    assert nodes[-1]["predecessors"]


async def test_a_wrong_program_is_refused_with_its_place(streams):
    with pytest.raises(Refused) as caught:
        await streams.check(Program("flink", "CREATE TABLE t (a INT) WITH ('connector'='print');\n"
                                             "INSERT INTO t SELECT b FROM t"))  # fmt: skip
    assert (caught.value.line, caught.value.column) == (2, 22)


async def test_checks_are_quick_once_one_was_made(streams, folder):
    plain = Program("flink", sql())
    await streams.check(plain)
    began = time.monotonic()
    await streams.check(plain)
    assert time.monotonic() - began < 0.3


async def test_a_process_that_saw_a_program_s_files_is_not_used_again(streams, folder):
    (folder / "functions.py").write_text(
        "import builtins, os\n"
        "print(getattr(builtins, 'seen', None))\n"
        "assert not hasattr(builtins, 'seen')\n"
        "builtins.seen = True\n"
        "def fine(a: int) -> int: return a\n"
    )
    for _ in range(3):
        await streams.check(Program("flink", sql("fine"), folder))
    await asyncio.gather(*(streams.check(Program("flink", sql("fine"), folder)) for _ in range(3)))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import time\ntime.sleep(100)", "could not be planned within 3 s"),
        ("held = []\nwhile True: held.append(bytearray(1 << 24))", "memory"),
        ("import os\nos._exit(7)", "exit code 7"),
        ("import ctypes\nctypes.string_at(0)", "SIGSEGV"),
        ("raise ValueError('not today')", "not today"),
        ("import socket\nsocket.socket(socket.AF_INET)", "Address family not supported"),
        ("import subprocess\nsubprocess.run(['true'])", "BlockingIOError"),
    ],
)
async def test_files_that_harm_the_check_are_refused(streams, folder, text, reason):
    (folder / "functions.py").write_text(text)
    with pytest.raises(Refused, match=reason):
        await streams.check(Program("flink", sql("fine"), folder))
    assert await streams.check(Program("flink", sql()))


async def test_a_link_in_a_program_s_folder_is_not_followed(streams, data, folder):
    (folder / "functions.py").unlink()
    (folder / "functions.py").symlink_to(data / "root-credentials")
    with pytest.raises(Refused, match="No module named 'functions'"):
        await streams.check(Program("flink", sql("fine"), folder))


async def test_a_catalog_is_not_asked_without_access(streams):
    text = """CREATE CATALOG lake WITH ('type' = 'glue');
              CREATE TABLE o (a INT) WITH ('connector' = 'print');
              INSERT INTO o SELECT a FROM lake.db.t"""
    with pytest.raises(Refused, match="catalog"):
        await streams.check(Program("flink", text))


async def test_no_folders_are_left(streams, data, folder):
    await streams.check(Program("flink", sql("fine"), folder))
    await streams.close()
    assert list((data / "streams" / "checks").iterdir()) == []
