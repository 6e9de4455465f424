"""A program's output becomes log events: every line once, whatever fails on the way."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from millpond.kernel.clock import SystemClock
from millpond.kernel.log_files import (
    BATCH_SIZE_BYTES_MAX,
    EVENT_OVERHEAD_BYTES,
    EVENTS_MAX,
    LINE_SIZE_BYTES_MAX,
    copy_lines,
)


class HastyClock(SystemClock):
    """Waits for others, not for time."""

    async def sleep(self, seconds):
        await asyncio.sleep(0.001)


class Shelf:
    """Takes events, but for the calls whose numbers (from 1) are to fail."""

    def __init__(self, failing=()):
        self.calls, self.failing, self.batches = 0, failing, []

    async def put(self, events):
        self.calls += 1
        if self.calls in self.failing:
            return False
        self.batches.append(list(events))
        return True

    @property
    def texts(self):
        return [text.decode() for batch in self.batches for _, text in batch]


async def copied(path, shelf):
    ended = asyncio.Event()
    ended.set()
    return await copy_lines(path, shelf.put, HastyClock(), ended)


async def test_each_line_is_an_event_and_one_without_an_end_waits_for_the_end_of_the_file(tmp_path):
    path, shelf, ended = tmp_path / "stdout", Shelf(), asyncio.Event()
    copying = asyncio.create_task(copy_lines(path, shelf.put, HastyClock(), ended))
    await asyncio.sleep(0)
    path.write_text("one\ntwo\n\nthr")
    while len(shelf.texts) < 2:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    assert shelf.texts == ["one", "two"]
    with path.open("a") as file:
        file.write("ee\nfour")
    ended.set()
    assert await copying
    assert shelf.texts == ["one", "two", "three", "four"]


async def test_what_could_not_be_put_is_put_later_and_once(tmp_path):
    path, shelf = tmp_path / "stdout", Shelf(failing=(1, 2, 4))
    path.write_text("".join(f"line {n}\n" for n in range(EVENTS_MAX + 10)))
    assert await copied(path, shelf)
    assert shelf.texts == [f"line {n}" for n in range(EVENTS_MAX + 10)]
    assert shelf.calls == 5


async def test_a_log_that_takes_nothing_is_given_up_once_the_file_has_ended(tmp_path, monkeypatch):
    monkeypatch.setattr("millpond.kernel.log_files.GIVE_UP_SECONDS", 0.01)
    path, shelf = tmp_path / "stdout", Shelf(failing=range(1, 10_000))
    path.write_text("lost\n")
    assert not await copied(path, shelf)


async def test_a_program_without_output_has_no_events(tmp_path):
    shelf = Shelf()
    assert await copied(tmp_path / "never-made", shelf)
    assert shelf.batches == []


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "é", "\U0001f41f", "\x00\xff"]),
            st.integers(0, 2 * LINE_SIZE_BYTES_MAX),
        ),
        max_size=6,
    )
)
def test_no_text_is_lost_and_no_call_is_too_large(tmp_path_factory, parts):
    path, shelf = tmp_path_factory.mktemp("log") / "stdout", Shelf()
    path.write_bytes(b"\n".join((letter * count).encode() for letter, count in parts))
    assert asyncio.run(copied(path, shelf))
    assert "".join(shelf.texts) == "".join(letter * count for letter, count in parts)
    for batch in shelf.batches:
        assert sum(len(text) + EVENT_OVERHEAD_BYTES for _, text in batch) <= BATCH_SIZE_BYTES_MAX
