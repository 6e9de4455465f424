"""Random histories: one client against a sorted dict, and several clients against each other."""

import asyncio
import itertools
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from millpond.engines.records.interface import KEY_SIZE_BYTES_MAX, end_of
from millpond.kernel.errors import Conflict

EXAMPLES = settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
PREFIX_SIZE_BYTES = 9

stems = st.sampled_from([b"", b"a", b"k" * 200, b"k" * 510, b"k" * 1500, b"k" * 1880])
tails = st.one_of(
    st.binary(max_size=3),
    st.text("ab/\x00ÿ", max_size=4).map(lambda text: text.encode("latin-1")),
)
keys = st.builds(lambda stem, tail: stem + tail, stems, tails).filter(
    lambda key: len(key) <= KEY_SIZE_BYTES_MAX - PREFIX_SIZE_BYTES
)
values = st.one_of(st.binary(max_size=8), st.sampled_from([1_000, 5_000, 70_000]).map(bytes))
steps = st.one_of(
    st.tuples(st.just("put"), keys, values),
    st.tuples(st.just("delete"), keys),
    st.tuples(st.just("get"), keys),
    st.tuples(st.just("scan"), keys, keys, st.booleans(), st.integers(0, 8)),
)
blocks = st.lists(st.tuples(st.lists(steps, max_size=8), st.booleans()), max_size=8)


class Undone(Exception):
    """Makes a transaction come to nothing."""


@EXAMPLES
@given(blocks=blocks, restarts=st.booleans())
def test_one_client_finds_what_a_sorted_dict_would_hold(bench, blocks, restarts):
    bench.run(_compare_with_dict(bench, blocks, restarts))


async def _compare_with_dict(bench: Any, blocks: Any, restarts: bool) -> None:
    prefix = bench.fresh_prefix()
    committed: dict[bytes, bytes] = {}
    for block, keeps in blocks:
        model = dict(committed)
        try:
            async with bench.store.records.transaction() as transaction:
                for step in block:
                    await _step(transaction, model, prefix, step)
                if not keeps:
                    raise Undone
            committed = model
        except Undone:
            pass
    if restarts:
        await bench.store.restart()
    async with bench.store.records.transaction() as transaction:
        found = [entry async for entry in transaction.scan(prefix, end_of(prefix))]
    assert found == sorted((prefix + key, value) for key, value in committed.items())


async def _step(transaction: Any, model: dict[bytes, bytes], prefix: bytes, step: Any) -> None:
    match step:
        case ("put", key, value):
            transaction.put(prefix + key, value)
            model[key] = value
        case ("delete", key):
            transaction.delete(prefix + key)
            model.pop(key, None)
        case ("get", key):
            assert await transaction.get(prefix + key) == model.get(key)
        case ("scan", start, end, reverse, limit):
            scan = transaction.scan(prefix + start, prefix + end, reverse=reverse)
            found = []
            async for entry in scan:
                found.append(entry)
                if len(found) == limit:
                    break
            inside = sorted((key, model[key]) for key in model if start <= key < end)
            expected = inside[::-1] if reverse else inside
            if limit:
                expected = expected[:limit]
            assert found == [(prefix + key, value) for key, value in expected]


@dataclass
class Event:
    """A transaction that ended: what it saw, what it wrote, and between which moments."""

    began: int
    ended: int
    seen: list[tuple[str, Any, Any]] = field(default_factory=list)
    written: dict[bytes, bytes | None] = field(default_factory=dict)


actions = st.one_of(
    st.tuples(st.just("get"), st.sampled_from([b"x", b"y", b"z"])),
    st.tuples(st.just("put"), st.sampled_from([b"x", b"y", b"z"])),
    st.tuples(st.just("delete"), st.sampled_from([b"x", b"y", b"z"])),
    st.tuples(st.just("scan"), st.integers(0, 3), st.booleans()),
    st.tuples(st.just("wait"), st.integers(1, 4)),
)
scripts = st.lists(
    st.lists(st.lists(actions, min_size=1, max_size=4), min_size=1, max_size=2),
    min_size=2,
    max_size=3,
)


@settings(EXAMPLES, max_examples=400)
@given(scripts=scripts)
def test_what_several_clients_saw_and_left_fits_one_order_of_their_transactions(bench, scripts):
    bench.run(_find_an_order(bench, scripts))


async def _find_an_order(bench: Any, scripts: Any) -> None:
    prefix = bench.fresh_prefix()
    moments = itertools.count()
    names = itertools.count()
    events: list[Event] = []

    async def run_client(script: Any) -> None:
        for block in script:
            event = Event(began=next(moments), ended=-1)
            try:
                async with bench.store.records.transaction() as transaction:
                    for action in block:
                        await _act(transaction, prefix, action, event, b"%d" % next(names))
            except Conflict:
                assert event.written, "A transaction that only read conflicted."
                continue
            event.ended = next(moments)
            events.append(event)

    await asyncio.gather(*(run_client(script) for script in scripts))
    async with bench.store.records.transaction() as transaction:
        last = Event(began=next(moments), ended=next(moments))
        await _act(transaction, prefix, ("scan", 0, False), last, b"")
    events.append(last)
    assert _has_order(events, {}), f"No order explains {events}."


async def _act(transaction: Any, prefix: bytes, action: Any, event: Event, value: bytes) -> None:
    match action:
        case ("get", key):
            event.seen.append(("get", key, await transaction.get(prefix + key)))
        case ("put", key):
            transaction.put(prefix + key, value)
            event.written[key] = value
            event.seen.append(("put", key, value))
        case ("delete", key):
            transaction.delete(prefix + key)
            event.written[key] = None
            event.seen.append(("put", key, None))
        case ("scan", limit, reverse):
            found = []
            async for key, stored in transaction.scan(prefix, end_of(prefix), reverse=reverse):
                found.append((key[len(prefix) :], stored))
                if len(found) == limit:
                    break
            event.seen.append(("scan", (limit, reverse), found))
        case ("wait", turns):
            for _ in range(turns):
                await asyncio.sleep(0)


def _has_order(events: list[Event], state: dict[bytes, bytes]) -> bool:
    """Whether the events can be put in an order, one after the other and each between its
    moments, in which every one saw what the ones before had left."""
    if not events:
        return True
    first_end = min(event.ended for event in events)
    for event in events:
        if event.began < first_end and (after := _replay(event, state)) is not None:
            rest = [other for other in events if other is not event]
            if _has_order(rest, after):
                return True
    return False


def _replay(event: Event, state: dict[bytes, bytes]) -> dict[bytes, bytes] | None:
    """The state after `event`; None when it would have seen something else."""
    after = dict(state)
    for kind, subject, seen in event.seen:
        if kind == "put":
            if seen is None:
                after.pop(subject, None)
            else:
                after[subject] = seen
        elif kind == "get":
            if after.get(subject) != seen:
                return None
        else:
            limit, reverse = subject
            expected = sorted(after.items(), reverse=reverse)
            if (expected[:limit] if limit else expected) != seen:
                return None
    return after
