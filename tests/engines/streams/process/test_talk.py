"""Frames between the server and an application's process, from one that cannot be trusted."""

import asyncio
import random

import pytest

from millpond.engines.streams.interface import Access, Finished, Logged, Measured
from millpond.engines.streams.launching import Talk
from millpond.engines.streams.options import Options
from millpond.engines.streams.run import EVENTS_MAX, ApplicationRun
from millpond.engines.streams.runtime import protocol
from millpond.kernel.processes import Ended


class Scripted:
    """A process that says these bytes and ends."""

    pid = 1

    def __init__(self, data, ended=None, prints=b""):
        self.stdin = self
        self.stdout, self.stderr = asyncio.StreamReader(), asyncio.StreamReader()
        self.stdout.feed_data(data)
        self.stdout.feed_eof()
        self.stderr.feed_data(prints)
        self.stderr.feed_eof()
        self._ended = ended or Ended(0)
        self.killed = False

    def is_closing(self):
        return True

    async def wait(self):
        return self._ended

    async def kill(self, grace_seconds=0.0):
        self.killed = True
        return self._ended


def run_of(process, tmp_path):
    return ApplicationRun(Talk(process), tmp_path, (), Options(), (), 1 << 30)


async def read(run):
    return [event async for event in run.events()]


async def test_bytes_of_chance_end_a_run_and_nothing_else(tmp_path):
    chance = random.Random(4)
    for _ in range(200):
        whole = protocol.frame(protocol.Beat(1.0, "f")) + protocol.frame(protocol.Ready())
        data = bytearray(whole * 3)
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        run = run_of(Scripted(bytes(data[: chance.randint(1, len(data))])), tmp_path)
        assert isinstance(await run.wait(), Finished)
        assert await read(run) == []


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xff\xff\xff",
        (protocol.FRAME_SIZE_BYTES_MAX + 1).to_bytes(4, "big"),
        b"\0\0\0\2{}",
        b"\0\0\0\0",
        b"\0\0\0\4null",
        b'\0\0\0\x10{"type":"order"}',
        b"\0\0\x10\0" + b"[" * 4096,
        protocol.frame(protocol.Checked("", [], [])),
    ],
)
async def test_what_is_no_message_of_a_process_is_told(tmp_path, data):
    process = Scripted(data)
    run = run_of(process, tmp_path)
    assert (await run.wait()).failure.startswith("The application's process")
    assert process.killed


async def test_half_a_message_is_the_end(tmp_path):
    run = run_of(Scripted(protocol.frame(protocol.Ended())[:-1], Ended(None, 9)), tmp_path)
    assert (await run.wait()).failure == "The process of the application ended: killed by SIGKILL."


async def test_events_that_nobody_reads_take_no_memory_without_bound(tmp_path):
    line = Logged(1, "INFO", "x")
    data = b"".join(
        protocol.frame(protocol.Told([line] * 100, measured=Measured(records_in=number)))
        for number in range(200)
    )
    run = run_of(Scripted(data + protocol.frame(protocol.Ended())), tmp_path)
    assert await run.wait() == Finished()
    first, *lines, last = await read(run)
    assert first.text == f"{200 * 100 - EVENTS_MAX} log lines were dropped: there were too many."
    assert len(lines) == EVENTS_MAX
    assert last == Measured(records_in=199)


async def test_the_last_words_of_a_process_are_in_its_failure(tmp_path):
    process = Scripted(b"", Ended(134), prints=b"one\ntwo\xff\nlast")
    run = run_of(process, tmp_path)
    assert (await run.wait()).failure.endswith("ended: exit code 134.\none\ntwo\ufffd\nlast")


@pytest.mark.parametrize(
    "process",
    [
        (Ended(None, 9, out_of_memory=True), b""),
        (Ended(None, 6), b"terminate called after throwing an instance of 'std::bad_alloc'\n"),
    ],
)
async def test_want_of_memory_is_told_as_such(tmp_path, process):
    ended, prints = process
    assert (await run_of(Scripted(b"", ended, prints), tmp_path).wait()).failure == (
        "It ran out of memory and was ended."
    )


async def test_a_message_is_read_as_it_was_written():
    access = Access("http://here", "eu-central-1", "key", "secret", "token")
    for message in (
        protocol.Renew(access),
        protocol.Stop(True),
        protocol.Check(protocol.ProgramText("flink", "SELECT 'é'", ["/a"], [], {"b": "c"})),
    ):
        assert protocol.decode_to_process(protocol.frame(message)[4:]) == message
    assert "secret" not in repr(protocol.Renew(access))
