"""What of a checkpoint belongs to a program that has been changed."""

import pytest
from scripted_runs import COLUMNS, SOURCE, TABLE, sink_of

from millpond.engines.streams import plan as plans
from millpond.engines.streams.interface import CannotStart
from millpond.engines.streams.runtime.restoring import matched, sink_folders
from millpond.engines.streams.types import BIGINT, Column

DOUBLED = plans.Project((Column("n", BIGINT),), SOURCE, ('"value" * 2',))
TRIPLED = plans.Project((Column("n", BIGINT),), SOURCE, ('"value" * 3',))
COUNTED = plans.GroupAggregate(COLUMNS[:1], SOURCE, ("key",), ())


def body_of(node, *, prepared="files", state=None):
    sink = sink_of(node)
    return {
        "states": {node.id: state or {"small": {}, "buckets": []}},
        "pipeline": {"now_ms": 1, "waiting": [], "clocks": {SOURCE.id: {"watermark_ms": 5}}},
        "sources": {
            SOURCE.id: {"table": "clicks", "positions": {"a": 3}, "finished": False},
        },
        "sinks": {sink.id: {"table": "out", "prepared": prepared}},
    }


def test_the_same_program_takes_everything():
    body = body_of(DOUBLED)
    sink = sink_of(DOUBLED)
    restored = matched(body, plans.Plan((sink,)), allow_non_restored_state=False)
    assert restored.positions == {SOURCE.id: {"a": 3}}
    assert restored.committed == {sink.id: "files"}
    assert restored.pipeline == body["pipeline"]


def test_a_sink_and_a_source_that_were_changed_are_known_by_their_tables():
    source = plans.Source(COLUMNS, TABLE)
    sink = sink_of(plans.Project((Column("n", BIGINT),), source, ('"value"',)))
    restored = matched(body_of(DOUBLED), plans.Plan((sink,)), allow_non_restored_state=False)
    assert restored.positions == {source.id: {"a": 3}}
    assert restored.committed == {sink.id: "files"}
    assert restored.pipeline["clocks"] == {source.id: {"watermark_ms": 5}}


def test_two_sinks_of_a_table_are_not_taken_for_one_another():
    body = body_of(DOUBLED)
    first, second = sink_of(TRIPLED), sink_of(COUNTED)
    plan = plans.Plan((first, second))
    with pytest.raises(CannotStart, match="what out has to commit"):
        matched(body, plan, allow_non_restored_state=False)
    assert matched(body, plan, allow_non_restored_state=True).committed == {}


def test_state_that_nothing_takes_is_left_out_only_where_that_is_allowed():
    state = {"small": {"n": 1}, "buckets": []}
    body = body_of(COUNTED, state=state)
    plan = plans.Plan((sink_of(DOUBLED),))
    with pytest.raises(CannotStart, match="allow non-restored state"):
        matched(body, plan, allow_non_restored_state=False)
    assert matched(body, plan, allow_non_restored_state=True).states == {}
    kept = matched(body, plans.Plan((sink_of(COUNTED),)), allow_non_restored_state=False)
    assert kept.states == {COUNTED.id: state}


def test_a_source_that_is_gone_takes_its_positions_along_only_where_that_is_allowed():
    other = plans.Source(COLUMNS, plans.Table("other", COLUMNS))
    plan = plans.Plan((sink_of(other),))
    with pytest.raises(CannotStart, match="the positions in clicks"):
        matched(body_of(DOUBLED), plan, allow_non_restored_state=False)


def test_a_sink_that_was_changed_finds_its_files_unless_its_table_has_two():
    before, after, other = (sink_of(node) for node in (DOUBLED, TRIPLED, COUNTED))
    folder = sink_folders(plans.Plan((before,)))[before.id]
    assert sink_folders(plans.Plan((after,))) == {after.id: folder}
    assert sink_folders(plans.Plan((after, other))) == {after.id: after.id, other.id: other.id}
