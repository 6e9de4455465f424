"""The small values everything else is built from."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.kernel.arn import Arn, parse_arn
from millpond.kernel.body import BytesBody, FileBody, StreamBody, gather
from millpond.kernel.clock import ManualClock
from millpond.kernel.ids import SeededIds, SystemIds
from millpond.kernel.pages import BadToken, Pages
from millpond.kernel.tasks import TASK_PREFIX, Task, read_task, schedule

PAGES = Pages(b"a secret of the data folder")


@given(st.text(), st.text())
def test_a_token_continues_the_question_it_was_given_for(question, position):
    assert PAGES.open(question, PAGES.seal(question, position)) == position


def test_a_token_is_refused_for_another_question():
    with pytest.raises(BadToken, match="another request"):
        PAGES.open("GetTables/b", PAGES.seal("GetTables/a", "t"))


@pytest.mark.parametrize("token", ["", "é", "AAAA", "AAAAAAAAAAAAAAAAAAAAAAAA", "%%%"])
def test_a_made_up_token_is_refused(token):
    with pytest.raises(BadToken):
        PAGES.open("q", token)


def test_a_changed_token_is_refused():
    token = PAGES.seal("q", "position")
    changed = token[:-3] + ("A" if token[-3] != "A" else "B") + token[-2:]
    with pytest.raises(BadToken):
        PAGES.open("q", changed)


def test_a_token_sealed_with_another_secret_is_refused():
    with pytest.raises(BadToken):
        PAGES.open("q", Pages(b"another secret").seal("q", "p"))


@given(st.text(), st.text(), st.text().filter(lambda text: "\x00" not in text))
def test_a_task_reads_back_as_it_was_written(account, region, subject):
    task = Task(
        "glue", "crawl", subject, 17, account.replace("\x00", ""), region.replace("\x00", "")
    )
    written = {}

    class Writes:
        def put(self, key, value):
            written[key] = value

    schedule(Writes(), task)
    ((key, value),) = written.items()
    assert key.startswith(TASK_PREFIX)
    assert read_task(key, value) == task


def test_an_arn_reads_back_as_it_was_written():
    text = "arn:aws:s3:::bucket/key:with:colons"
    assert parse_arn(text) == Arn("aws", "s3", "", "", "bucket/key:with:colons")
    assert str(parse_arn(text)) == text


@pytest.mark.parametrize(
    "text", ["", "arn", "arn:aws:s3", "urn:aws:s3:::x", "arn:aws:s3:::", "arn::s3:::x"]
)
def test_what_is_not_an_arn_is_not_taken_for_one(text):
    assert parse_arn(text) is None


async def test_a_manual_clock_wakes_sleepers_when_their_time_has_come():
    clock = ManualClock(now_ms=1000)
    early = asyncio.ensure_future(clock.sleep(5))
    late = asyncio.ensure_future(clock.sleep(6))
    await asyncio.sleep(0)
    clock.advance(5)
    await early
    assert clock.now_ms() == 6000
    assert not late.done()
    clock.advance(1)
    await late


def test_seeded_ids_repeat_and_system_ids_do_not():
    assert SeededIds(3).uuid() == SeededIds(3).uuid()
    assert SystemIds().hex(16) != SystemIds().hex(16)
    assert len(SystemIds().alphanumeric(13)) == 13


async def test_a_file_body_gives_its_range_alone(tmp_path):
    path = tmp_path / "blob"
    path.write_bytes(bytes(range(256)) * 10_000)
    assert await gather(FileBody(path, 10, 5), 5) == bytes(range(10, 15))
    assert len(await gather(FileBody(path, 0, 2_560_000), 1 << 22)) == 2_560_000


async def test_gathering_stops_at_the_limit():
    assert await gather(BytesBody(b"12345"), 5) == b"12345"
    with pytest.raises(ValueError, match="longer than 4 bytes"):
        await gather(BytesBody(b"12345"), 4)


async def test_a_stream_body_is_what_its_source_produces():
    async def chunks():
        yield b"a"
        yield b"bc"

    assert await gather(StreamBody(chunks()), 10) == b"abc"
