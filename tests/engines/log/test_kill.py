"""The process is killed, again and again, while it appends and moves journals into segments."""

import subprocess
import sys
from pathlib import Path

from millpond.engines.log.embedded import EmbeddedLog
from millpond.kernel.clock import SystemClock

PROGRAM = Path(__file__).with_name("writer_program.py")
LINES = 1_500


async def test_whenever_it_is_killed_all_acknowledged_entries_are_there_once(tmp_path):
    folder = tmp_path / "log"
    acknowledged = {}
    for turn in range(4):
        with subprocess.Popen(  # noqa: ASYNC220
            [sys.executable, str(PROGRAM), str(folder)], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            for _ in range(LINES + 37 * turn):
                _note(acknowledged, process.stdout.readline())
            process.kill()
            for line in process.stdout:
                if line.endswith("\n"):
                    _note(acknowledged, line)
        log = EmbeddedLog.open(folder, SystemClock())
        for name, last in acknowledged.items():
            end = log.bounds(name).end
            assert last < end <= last + 2
            read = await log.read(name, 0, entries_max=10**6, size_bytes_max=10**9)
            numbers = [int(entry.value.rstrip(b"\0")) for entry in read.entries]
            assert numbers == list(range(end))
        await log.close()
    assert len(acknowledged) == 6


def _note(acknowledged, line):
    name, position, number = line.split()
    assert position == number
    acknowledged[name.encode()] = int(number)
