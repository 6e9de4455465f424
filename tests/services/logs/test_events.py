"""Putting and reading events."""

import asyncio
import random

import pytest

from millpond.kernel.errors import Damaged, ServiceError, Unavailable

HOUR_MS = 3600 * 1000
DAY_MS = 24 * HOUR_MS


async def refused(world, *events):
    with pytest.raises(ServiceError) as raised:
        await world.put(*events)
    assert raised.value.code == "InvalidParameterException"
    return raised.value.message


async def test_events_are_told_with_both_their_times(world):
    await world.make("s")
    answer = await world.put((-1000, "one"), (-1000, "two ✓"))
    assert answer == {"nextSequenceToken": f"{2:056d}"}
    assert (await world.get())["events"] == [
        {"timestamp": world.now - 1000, "message": text, "ingestionTime": world.now}
        for text in ("one", "two ✓")
    ]


async def test_events_too_old_expired_or_too_new_are_left_out_and_told(world):
    await world.make("s")
    old, new = (-14 * DAY_MS - 1, "old"), (2 * HOUR_MS + 1, "new")
    answer = await world.put(old, (0, "a"), new, new)
    assert answer["rejectedLogEventsInfo"] == {
        "tooOldLogEventEndIndex": 1,
        "tooNewLogEventStartIndex": 2,
    }
    await world("PutRetentionPolicy", logGroupName="/app", retentionInDays=3)
    answer = await world.put(old, (-3 * DAY_MS - 1, "expired"), (1, "b"))
    assert answer["rejectedLogEventsInfo"] == {
        "tooOldLogEventEndIndex": 1,
        "expiredLogEventEndIndex": 2,
    }
    answer = await world.put(old)
    assert answer["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 1}
    assert await world.messages() == ["a", "b"]


async def test_a_batch_is_in_order_of_one_day_and_of_a_mebibyte(world):
    await world.make("s")
    assert "in chronological order" in await refused(world, (1, "a"), (0, "b"))
    assert "more than 24 hours" in await refused(world, (-DAY_MS - 1, "a"), (0, "b"))
    half = "x" * (2**19 - 26)
    assert await refused(world, (0, half), (0, half + "x")) == (
        "Upload too large: 1048577 bytes exceeds limit of 1048576"
    )
    assert await refused(world, (0, "é" * 2**19)) == (
        "Log event too large: 1048602 bytes exceeds limit of 1048576"
    )
    with pytest.raises(ServiceError, match="less than or equal to 10000"):
        await world.put(*[(0, "m")] * 10_001)
    assert await world.messages() == []
    await world.put((0, half), (0, half))
    await world.put(*[(0, "m")] * 10_000)


async def test_sequence_tokens_are_ignored_and_entities_told_to_be(world):
    await world.make("s")
    answer = await world(
        "PutLogEvents",
        logGroupName="/app",
        logStreamName="s",
        logEvents=[{"timestamp": world.now, "message": "m"}],
        sequenceToken="made up",
        entity={"keyAttributes": {"Type": "Service", "Name": "pay"}},
    )
    assert answer["rejectedEntityInfo"] == {"errorType": "UnsupportedLogGroupType"}
    assert await world.messages() == ["m"]


async def fill(world, seed, batches=30, streams=("s",)):
    """Overlapping batches in no order; events as (time, stream, number)."""
    chance = random.Random(seed)
    events = []
    for _ in range(batches):
        stream = chance.choice(streams)
        start = -chance.randrange(200)
        offsets = sorted(start + chance.randrange(60) for _ in range(chance.randrange(1, 90)))
        batch = [(offset, f"{stream}{len(events) + n}") for n, offset in enumerate(offsets)]
        await world.put(*batch, stream=stream)
        events += [
            (world.now + offset, stream, len(events) + n) for n, offset in enumerate(offsets)
        ]
    return sorted(events)


def texts(events):
    return [f"{stream}{number}" for _, stream, number in events]


@pytest.mark.parametrize("seed", range(4))
async def test_overlapping_batches_are_read_in_order_forward_and_backward(world, seed):
    await world.make("s")
    events = await fill(world, seed)
    everything = texts(events)
    assert await world.messages(startFromHead=True) == everything
    assert await world.messages() == everything
    assert await world.messages(limit=7) == everything[-7:]
    start, end = world.now - 150, world.now - 40
    inside = texts([event for event in events if start <= event[0] < end])
    assert await world.messages(startTime=start, endTime=end) == inside
    assert await world.messages(startTime=start, endTime=end, startFromHead=True) == inside
    for head in (True, False):
        found = []
        page = await world.get(limit=50, startFromHead=head, startTime=start)
        while page["events"]:
            some = [event["message"] for event in page["events"]]
            found = found + some if head else some + found
            token = page["nextForwardToken" if head else "nextBackwardToken"]
            page = await world.get(limit=50, startTime=start, nextToken=token)
        assert found == texts([event for event in events if event[0] >= start])


@pytest.mark.parametrize("seed", range(4))
async def test_streams_are_read_together_in_order_page_by_page(world, seed):
    streams = ("a", "b", "ab", "c")
    await world.make(*streams, "silent")
    events = await fill(world, seed, 40, streams)
    everything = texts(events)
    for limit in (17, 10_000):
        assert await world.filtered(limit=limit) == everything
        assert await world.filtered(limit=limit, startFromHead=False) == everything[::-1]
    start, end = world.now - 150, world.now - 40
    inside = texts([event for event in events if start <= event[0] <= end])
    assert await world.filtered(limit=17, startTime=start, endTime=end) == inside
    some = texts([event for event in events if event[1] in ("a", "ab")])
    assert await world.filtered(limit=17, logStreamNamePrefix="a") == some
    some = texts([event for event in events if event[1] in ("a", "c")])
    assert await world.filtered(limit=17, logStreamNames=["c", "a", "a", "silent"]) == some


async def test_tokens_stay_the_same_at_both_ends_until_there_is_more(world):
    await world.make("s")
    page = await world.get()
    assert page["events"] == []
    again = await world.get(nextToken=page["nextForwardToken"])
    assert again["nextForwardToken"] == page["nextForwardToken"]
    await world.put((-5, "a"), (0, "b"))
    page = await world.get(nextToken=page["nextForwardToken"])
    assert [event["message"] for event in page["events"]] == ["a", "b"]
    forward, backward = page["nextForwardToken"], page["nextBackwardToken"]
    end = await world.get(nextToken=forward)
    assert (end["events"], end["nextForwardToken"]) == ([], forward)
    back = await world.get(nextToken=end["nextBackwardToken"])
    assert [event["message"] for event in back["events"]] == ["a", "b"]
    begin = await world.get(nextToken=backward)
    assert (begin["events"], begin["nextBackwardToken"]) == ([], backward)
    await world.put((0, "c"))
    more = await world.get(nextToken=forward)
    assert [event["message"] for event in more["events"]] == ["c"]


@pytest.mark.parametrize("token", ["x/y", "f/made up", "f", "b/"])
async def test_a_token_that_was_never_given_is_refused(world, token):
    await world.make("s")
    with pytest.raises(ServiceError, match="The specified nextToken is invalid"):
        await world.get(nextToken=token)


async def test_a_page_holds_a_mebibyte(world):
    await world.make("s")
    for number in range(3):
        await world.put((number, f"{number}" * 600_000))
    page = await world.get(startFromHead=True)
    assert [event["message"][0] for event in page["events"]] == ["0"]
    page = await world("FilterLogEvents", logGroupName="/app")
    assert [event["message"][0] for event in page["events"]] == ["0"]
    assert [message[0] for message in await world.filtered()] == ["0", "1", "2"]


async def test_filtered_events_have_ids_that_grow_with_time(world):
    await world.make("a", "b")
    await world.put((-2, "1"), (0, "3"), stream="a")
    await world.put((-1, "2"), stream="b")
    page = await world("FilterLogEvents", logGroupName="/app", interleaved=True)
    ids = [event["eventId"] for event in page["events"]]
    assert ids == sorted(set(ids))
    assert {len(one) for one in ids} == {56}
    assert page["searchedLogStreams"] == []
    assert [event["logStreamName"] for event in page["events"]] == ["a", "b", "a"]


@pytest.mark.parametrize(
    ("members", "text"),
    [
        ({"filterPattern": "a.b"}, "Invalid character\\(s\\) in term 'a.b'"),
        ({"logStreamNames": ["s"], "logStreamNamePrefix": "s"}, "cannot be specified together"),
        ({"logStreamNames": ["t"]}, "The specified log stream does not exist."),
        ({"logGroupIdentifier": "/app"}, "Exactly one of logGroupName and logGroupIdentifier"),
        ({"startTime": 2, "endTime": 1}, "startTime must not be later"),
        ({"startFromHead": False, "startTime": 0}, "on or after Jan 1, 2024"),
        ({"logGroupName": "/none"}, "The specified log group does not exist."),
    ],
)
async def test_a_filter_that_cannot_be_answered_is_refused(world, members, text):
    await world.make("s")
    with pytest.raises(ServiceError, match=text):
        await world("FilterLogEvents", **({"logGroupName": "/app"} | members))


async def test_writers_of_one_stream_lose_nothing(world):
    await world.make("s")
    await asyncio.gather(*(world.put((0, f"{number:02d}")) for number in range(12)))
    assert sorted(await world.messages()) == [f"{number:02d}" for number in range(12)]
    (group,) = (await world("DescribeLogGroups"))["logGroups"]
    assert group["storedBytes"] == 12 * 28


@pytest.mark.parametrize("made_again", [False, True])
async def test_events_put_while_their_stream_is_deleted_leave_nothing(world, made_again):
    await world.make("s")
    original = world.log.append
    stream = {"logGroupName": "/app", "logStreamName": "s"}
    logs = []

    async def append(batches):
        await world("DeleteLogStream", **stream)
        await world.work()
        if made_again:
            await world("CreateLogStream", **stream)
        logs.extend(batch.log for batch in batches)
        return await original(batches)

    world.log.append = append
    with pytest.raises(ServiceError, match="The specified log stream does not exist"):
        await world.put((0, "late"))
    world.log.append = original
    assert await world.filtered() == []
    assert world.log.bounds(logs[0]).end == 1
    await world.work()
    assert world.log.bounds(logs[0]).end == 0
    await world("DeleteLogGroup", logGroupName="/app")
    await world.work()
    assert await world.count() == 0


async def test_events_whose_call_was_cut_off_are_never_seen(world, monkeypatch):
    await world.make("s")
    await world.put((0, "before"))

    async def cut_off(*_):
        raise Unavailable("The power is gone.")

    with monkeypatch.context() as patched:
        patched.setattr("millpond.services.logs.operations.putting.transact", cut_off)
        with pytest.raises(ServiceError):
            await world.put((0, "cut off"))
    await world.put((0, "after"))
    assert await world.messages() == await world.filtered() == ["before", "after"]


async def test_damaged_events_are_passed_over(world):
    await world.make("s")
    await world.put(*((number, f"{number}") for number in range(200)))
    original = world.log.read
    bad = range(70, 75)

    async def read(log, position, *, entries_max, size_bytes_max):
        if position in bad:
            raise Damaged("Bad bytes.")
        entries_max = min(entries_max, bad[0] - position if position < bad[0] else entries_max)
        return await original(log, position, entries_max=entries_max, size_bytes_max=size_bytes_max)

    async def next_readable(log, position):
        return bad[-1] + 1 if position in bad else position

    world.log.read, world.log.next_readable = read, next_readable
    whole = [f"{number}" for number in range(200) if number not in bad]
    assert await world.messages() == await world.filtered() == whole
    assert await world.messages(startTime=world.now + 72) == whole[70:]


@pytest.mark.parametrize("seed", range(2))
async def test_a_pattern_chooses_events_page_by_page_in_either_direction(world, seed):
    streams = ("a", "b", "c")
    await world.make(*streams)
    events = await fill(world, seed, 60, streams)
    wanted = [text for text in texts(events) if "7" in text]
    for limit in (11, 10_000):
        asked = {"limit": limit, "filterPattern": "7"}
        assert await world.filtered(**asked) == wanted
        assert await world.filtered(**asked, startFromHead=False) == wanted[::-1]
    assert await world.filtered(filterPattern="nothing") == []


async def test_a_search_that_takes_long_answers_with_a_token_to_go_on(world, monkeypatch):
    await world.make("s")
    for number in range(3):
        await world.put(*((number, f"{number}") for _ in range(2000)))
    await world.put((3, "wanted"))
    monkeypatch.setattr("millpond.services.logs.operations.filtering.SEARCH_MS_MAX", 0)
    pages, token = [], {}
    while not pages or token:
        page = await world("FilterLogEvents", logGroupName="/app", filterPattern="wanted", **token)
        pages.append([event["message"] for event in page["events"]])
        token = {"nextToken": page["nextToken"]} if "nextToken" in page else {}
    assert [message for messages in pages for message in messages] == ["wanted"]
    assert len(pages) >= 6
