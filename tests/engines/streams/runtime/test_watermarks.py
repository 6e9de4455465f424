"""How far event time has come, as splits tell it."""

from hypothesis import given
from hypothesis import strategies as st

from millpond.engines.streams.operators.interface import AFTER_ALL_MS, BEFORE_ALL_MS
from millpond.engines.streams.runtime.watermarks import SourceClock

SPLITS = st.sampled_from("abc")
NEWS = st.one_of(
    st.tuples(st.just("announce"), SPLITS),
    st.tuples(st.just("arrived"), SPLITS, st.integers(0, 100)),
    st.tuples(st.just("end"), SPLITS),
    st.tuples(st.just("time"), st.integers(0, 8)),
)


@given(news=st.lists(NEWS, max_size=40), idle_ms=st.sampled_from([0, 5]))
def test_it_never_falls_and_waits_for_every_split_that_is_active(news, idle_ms):
    clock = SourceClock(idle_ms)
    marks, active = {}, {}
    now_ms, before_ms = 0, BEFORE_ALL_MS
    for each in news:
        match each:
            case ("announce", split):
                clock.announce(split, now_ms)
                marks.setdefault(split, BEFORE_ALL_MS)
                active.setdefault(split, now_ms)
            case ("arrived", split, mark):
                clock.arrived(split, mark, now_ms)
                marks[split] = max(marks.get(split, BEFORE_ALL_MS), mark)
                active[split] = now_ms
            case ("end", split):
                clock.end(split)
                marks.pop(split, None)
                active.pop(split, None)
            case ("time", passed):
                now_ms += passed
        after_ms = clock.advance(now_ms)
        assert after_ms >= before_ms
        awake = [marks[one] for one in marks if not idle_ms or now_ms - active[one] < idle_ms]
        if awake and min(awake) > before_ms:
            assert after_ms == min(awake)
        elif awake:
            assert after_ms in (before_ms, *marks.values()) or each[0] == "end"
        before_ms = after_ms
        saved = SourceClock(idle_ms)
        saved.restore(clock.saved(), now_ms)
        assert saved.watermark_ms == after_ms


def test_a_source_without_event_time_has_a_watermark_at_its_end_alone():
    clock = SourceClock(has_event_time=False)
    clock.arrived("a", 5, 0)
    assert clock.advance(0) == BEFORE_ALL_MS
    clock.finish()
    assert clock.advance(1) == AFTER_ALL_MS


def test_when_all_splits_are_idle_the_highest_counts():
    clock = SourceClock(10)
    clock.arrived("a", 5, 0)
    clock.arrived("b", 9, 0)
    assert (clock.advance(9), clock.is_idle(9), clock.due_ms(9)) == (5, False, 10)
    assert (clock.advance(10), clock.is_idle(10), clock.due_ms(10)) == (9, True, None)


def test_the_last_split_that_ends_leaves_its_watermark():
    clock = SourceClock()
    clock.arrived("a", 5, 0)
    clock.end("a")
    assert clock.advance(0) == 5
    clock.announce("child", 0)
    assert clock.advance(0) == 5
