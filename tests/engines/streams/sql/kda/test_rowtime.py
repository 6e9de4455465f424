"""ROWTIME: the time of arrival, which goes on while nothing comes and never back; and what happens
to rows that fail."""

from dataclasses import replace
from datetime import timedelta

from kda_runs import (
    OUTPUT,
    SOURCE,
    START,
    START_MS,
    Running,
    only,
    output,
    planned,
    pumped,
    source,
)

from millpond.engines.streams import plan as plans
from millpond.engines.streams.sql.kda.inputs import QUIET_MS

BY_MINUTE = pumped(
    "minute TIMESTAMP, n INTEGER",
    f"""SELECT STREAM FLOOR(ROWTIME TO MINUTE), COUNT(*) FROM {SOURCE}
    GROUP BY FLOOR(ROWTIME TO MINUTE)""",
)


def at(seconds):
    moment = START + timedelta(seconds=seconds)
    return {"SHARES": 1, "ROWTIME": moment, "APPROXIMATE_ARRIVAL_TIME": moment}


def ms(seconds):
    return START_MS + seconds * 1000


def counted(running):
    return [((row["MINUTE"] - START).total_seconds(), row["N"]) for row in running.rows[OUTPUT]]


def test_the_last_window_of_a_quiet_stream_ends_by_the_clock() -> None:
    running = Running(planned(BY_MINUTE))
    running.step([at(5), at(30)], ms(31), behind_ms=0)
    running.wait(ms(60))
    assert counted(running) == []
    due_ms = running.pipeline.due_ms()
    assert due_ms is not None
    assert ms(60) < due_ms < ms(61)
    running.wait(ms(60) + QUIET_MS)
    assert counted(running) == [(0, 2)]


def test_a_source_that_is_behind_does_not_follow_the_clock() -> None:
    running = Running(planned(BY_MINUTE))
    running.step([at(5)], ms(3600), behind_ms=3_000_000)
    running.wait(ms(3660))
    running.step([at(30), at(61)], ms(3661), behind_ms=2_900_000)
    assert counted(running) == [(0, 2)]


def test_after_a_restart_the_clock_waits_until_the_source_is_read() -> None:
    running = Running(planned(BY_MINUTE))
    running.step([at(5)], ms(6), behind_ms=0)
    running.restart(ms(600))
    running.wait(ms(700))
    assert counted(running) == []
    running.step([at(7), at(64)], ms(701), behind_ms=0)
    assert counted(running) == [(0, 2)]


def test_no_row_is_late() -> None:
    running = Running(planned(BY_MINUTE))
    running.step([at(5)], ms(6), behind_ms=0)
    running.wait(ms(62))
    assert counted(running) == [(0, 1)]
    running.step([at(59), at(63)], ms(63), behind_ms=0)
    running.drain(ms(64))
    assert counted(running) == [(0, 1), (60, 2)]
    assert running.pipeline.counters.late_records_dropped == 0


def test_one_shard_that_is_quiet_holds_no_window_up() -> None:
    running = Running(planned(BY_MINUTE))
    running.step([at(5)], ms(5), behind_ms=0, split="one")
    running.step([at(6)], ms(6), behind_ms=0, split="two")
    running.step([at(61)], ms(61), behind_ms=0, split="one")
    assert counted(running) == [(0, 2)]


def test_a_row_says_when_it_arrived_though_its_time_was_raised() -> None:
    query = f"SELECT STREAM APPROXIMATE_ARRIVAL_TIME, ROWTIME FROM {SOURCE}"
    running = Running(planned(pumped("a TIMESTAMP, r TIMESTAMP", query)))
    running.step([at(5)], ms(5), behind_ms=0)
    running.wait(ms(20))
    running.step([at(8)], ms(21), behind_ms=0)
    _, raised = running.rows[OUTPUT]
    assert raised["A"] == START + timedelta(seconds=8)
    assert raised["R"] == START + timedelta(seconds=20, milliseconds=1 - QUIET_MS)


def test_rows_that_fail_go_to_the_error_stream_and_name_their_pump() -> None:
    sql = f"""
    CREATE OR REPLACE STREAM "SHARES" (n INTEGER);
    CREATE OR REPLACE PUMP "SHARES_PUMP" AS INSERT INTO "SHARES"
      SELECT STREAM 100 / shares FROM {SOURCE};
    CREATE OR REPLACE STREAM "FAILED" (
      t TIMESTAMP, level VARCHAR(8), name VARCHAR(32), message VARCHAR(2000),
      data VARCHAR(2000), pump VARCHAR(64)
    );
    CREATE OR REPLACE PUMP "FAILED_PUMP" AS INSERT INTO "FAILED"
      SELECT STREAM error_time, error_level, error_name, message, data_row, pump_name
      FROM "error_stream";
    """
    plan = planned(sql, (source(), output("SHARES"), output("FAILED")))
    running = Running(plan)
    rows = [at(1) | {"SHARES": shares} for shares in (50, 0, 20)]
    running.step(rows, ms(2), errors=[("no JSON", "{")])
    running.wait(ms(3))
    assert running.rows["SHARES"] == [{"N": 2}, {"N": 5}]
    read, failed = running.rows["FAILED"]
    assert (read["MESSAGE"], read["DATA"], read["LEVEL"]) == ("no JSON", "{", "ERROR")
    assert failed["PUMP"] == "SHARES_PUMP"
    assert "zero" in failed["MESSAGE"].lower()
    assert '"SHARES": 0' in failed["DATA"]


def test_the_source_has_the_time_of_arrival_and_reference_data_stay() -> None:
    query = f"""SELECT STREAM c."Company" FROM {SOURCE}
    JOIN "CompanyName" AS c ON c."Ticker" = ticker_symbol"""
    plan = planned(pumped("company VARCHAR(20)", query))
    read = only(plan, plans.Source)
    assert (read.rowtime, read.quiet_ms) == ("ROWTIME", QUIET_MS)
    assert {each.key for each in read.table.metadata} == {"timestamp"}
    assert dict(read.table.paths)["PRICE"] == "$.price"
    assert only(plan, plans.LookupJoin).refresh_ms == 0


def test_where_an_input_begins_is_no_part_of_what_its_state_belongs_to() -> None:
    """An application that began at TRIM_HORIZON goes on from LAST_STOPPED_POINT."""
    plans_of = []
    for position in ("TRIM_HORIZON", "LATEST"):
        begun = source()
        options = {**begun.options, "source.init.position": position}
        plans_of.append(planned(BY_MINUTE, (replace(begun, options=options), output())))
    first, then = plans_of
    assert [node.id for node in first.nodes()] == [node.id for node in then.nodes()]
    assert only(first, plans.Source).table != only(then, plans.Source).table
