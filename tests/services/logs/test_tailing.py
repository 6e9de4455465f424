"""Live tails: what a session is shown, and when it ends."""

import asyncio

import pytest

from millpond.kernel.errors import ServiceError
from millpond.services.logs.shapes import LiveTailSessionStart, StartLiveTailRequest

ARN = "arn:aws:logs:us-east-1:123456789012:log-group:"


class Session:
    """A live tail that a test asks for its events."""

    def __init__(self, world, stream):
        self._world = world
        self._stream = stream

    async def next(self, seconds=1):
        """The next event, once time has passed."""
        waiting = asyncio.ensure_future(anext(self._stream))
        for _ in range(5):
            await asyncio.sleep(0)
        self._world.clock.advance(seconds)
        return await waiting

    async def messages(self):
        update = await self.next()
        return [event.message for event in update.session_results]

    async def close(self):
        await self._stream.aclose()


@pytest.fixture
async def tail(world):
    opened = []

    async def start(*groups, **more):
        from millpond.services.logs.operations.tailing import start_live_tail

        request = StartLiveTailRequest(
            log_group_identifiers=[ARN + name for name in groups], **more
        )
        answer = await start_live_tail(world.needs, world.call, request)
        session = Session(world, answer.response_stream)
        opened.append(session)
        session.start = await session.next(0)
        return session

    yield start
    for session in opened:
        await session.close()


async def test_a_session_begins_with_what_was_asked_and_shows_each_second(world, tail):
    await world.make("s")
    await world.put((0, "before"))
    session = await tail("/app", log_event_filter_pattern="ERROR")
    assert isinstance(session.start, LiveTailSessionStart)
    assert session.start.request_id == "R"
    assert session.start.log_group_identifiers == [ARN + "/app"]
    assert session.start.log_event_filter_pattern == "ERROR"
    await world.put((-9, "ERROR 1"), (0, "fine"))
    came = world.now
    update = await session.next()
    assert update.session_metadata.sampled is False
    (event,) = update.session_results
    assert (event.log_group_identifier, event.log_stream_name) == ("123456789012:/app", "s")
    assert (event.message, event.timestamp, event.ingestion_time) == ("ERROR 1", came - 9, came)
    assert await session.messages() == []
    await session.close()
    assert world.needs.live.tails == {}


async def test_streams_are_chosen_by_name_or_prefix_and_groups_by_arn(world, tail):
    await world.make("a1", "a2", "b")
    await world.make("x", group="/other")
    named = await tail("/app", log_stream_names=["a1"])
    prefixed = await tail("/app", log_stream_name_prefixes=["a"])
    both = await tail("/app", "/other")
    for stream in ("a1", "a2", "b"):
        await world.put((0, stream), stream=stream)
    await world.put((0, "x"), stream="x", group="/other")
    assert await named.messages() == ["a1"]
    assert await prefixed.messages() == ["a1", "a2"]
    assert await both.messages() == ["a1", "a2", "b", "x"]


async def test_much_is_sampled_to_500_events(world, tail):
    await world.make("s")
    session = await tail("/app")
    await world.put(*((number, f"{number}") for number in range(5000)))
    update = await session.next()
    assert update.session_metadata.sampled is True
    shown = [int(event.message) for event in update.session_results]
    assert len(set(shown)) == 500
    assert shown == sorted(shown)
    assert 1500 < sum(shown) / 500 < 3500
    await world.put(*((number, f"{number}") for number in range(500)))
    update = await session.next()
    assert (update.session_metadata.sampled, len(update.session_results)) == (False, 500)


async def test_a_session_ends_after_three_hours(world, tail):
    await world.make("s")
    session = await tail("/app")
    await session.next(3 * 3600)
    with pytest.raises(ServiceError) as raised:
        await session.next()
    assert raised.value.code == "SessionTimeoutException"
    assert world.needs.live.tails == {}


@pytest.mark.parametrize(
    ("members", "code", "text"),
    [
        ({"logGroupIdentifiers": ["/app"]}, "InvalidParameter", "is not the ARN of a log group"),
        ({"logGroupIdentifiers": [ARN + "/none"]}, "ResourceNotFound", "does not exist"),
        ({"logEventFilterPattern": "a.b"}, "InvalidParameter", "Invalid character"),
        (
            {"logStreamNames": ["a"], "logStreamNamePrefixes": ["a"]},
            "InvalidParameter",
            "cannot be specified together",
        ),
        (
            {"logGroupIdentifiers": [ARN + "/app", ARN + "/b"], "logStreamNames": ["a"]},
            "InvalidParameter",
            "for one log group only",
        ),
    ],
)
async def test_a_session_that_makes_no_sense_is_refused(world, members, code, text):
    await world.make("s")
    with pytest.raises(ServiceError, match=text) as raised:
        await world("StartLiveTail", **({"logGroupIdentifiers": [ARN + "/app"]} | members))
    assert raised.value.code == code + "Exception"


async def test_an_account_has_fifteen_sessions(world, tail):
    await world.make("s")
    for _ in range(15):
        await tail("/app")
    with pytest.raises(ServiceError) as raised:
        await tail("/app")
    assert raised.value.code == "LimitExceededException"
