"""Windows by the clock, by a time zone's clock, and windows that are given again."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from memory_state import MemoryState
from test_aggregate_window import ALIGNED, BOUNDS, TYPES, series
from window_aggregates import AGGREGATES, NAMES, WHOLE, finished
from window_histories import COLUMNS, COMPUTE, ROWS, counted, history, ran, whole

from millpond.engines.streams.interface import Refused
from millpond.engines.streams.operators.aggregate_window import AggregateWindowOperator
from millpond.engines.streams.operators.assign_windows import AssignWindowsOperator
from millpond.engines.streams.operators.interface import (
    AFTER_ALL_MS,
    BEFORE_ALL_MS,
    Counters,
    Step,
    Tools,
)
from millpond.engines.streams.operators.per_window import PerWindowOperator
from millpond.engines.streams.plan import (
    KIND,
    Aggregate,
    AggregateWindow,
    AssignWindows,
    PerWindow,
    Source,
    Table,
    Window,
)
from millpond.engines.streams.types import (
    BIGINT,
    STRING,
    TIMESTAMP,
    TIMESTAMP_LTZ,
    Column,
    DataType,
    schema_of,
)

EPOCH = datetime(1970, 1, 1)
COUNT = (Aggregate("rows", "COUNT", (), BIGINT),)


def aggregate(window, below=ROWS, bounds=BOUNDS, aggregates=COUNT, keys=(), **more):
    columns = (
        *(Column(key, TYPES[key]) for key in keys),
        *(Column(each.name, each.type) for each in aggregates),
        *bounds,
        *((Column(KIND, DataType("TINYINT")),) if more.get("upsert_keys") is not None else ()),
    )
    return AggregateWindow(columns, below, window, keys, aggregates, **more)


def tools(**settings):
    return Tools(COMPUTE, MemoryState(), Counters(), settings.get("settings", {}))


@pytest.mark.parametrize("restart", [0, 3])
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("window", ALIGNED, ids=lambda w: f"{w.kind}-{w.size_ms}-{w.slide_ms}")
def test_windows_are_given_again_while_late_rows_are_allowed(window, seed, restart):
    lateness, keys = 2500, ("key",)
    steps = list(history(seed))
    node = aggregate(
        window,
        aggregates=AGGREGATES,
        keys=keys,
        lateness_ms=lateness,
        upsert_keys=("key", "window_start", "window_end"),
    )
    done = ran(lambda tools: AggregateWindowOperator(node, tools), steps, restart=restart)
    held, again = {}, 0
    for row in done.given:
        key = (row["key"], row["window_start"], row["window_end"])
        again += key in held
        held[key] = row
    con = whole(steps)
    con.execute(f"CREATE TABLE windows AS {series(window)}")
    con.execute(
        "CREATE TABLE pairs AS SELECT input.*, s, e, before IS NOT NULL AND "
        f"before >= e - 1 + {lateness} AS late FROM input JOIN windows ON s <= t AND t < e"
    )
    found = con.sql(
        f"SELECT key, {', '.join(WHOLE)}, s, e FROM pairs WHERE NOT late GROUP BY key, s, e"
    )
    given = [
        (row["key"], *(row[name] for name in NAMES), *map(millis, key[1:]))
        for key, row in held.items()
    ]
    assert counted(given) == counted(finished(found.to_arrow_table().to_pylist(), keys))
    late = con.sql("""
        SELECT (SELECT count(*) FROM (SELECT n FROM pairs GROUP BY n HAVING bool_and(late)))
            + (SELECT count(*) FROM input WHERE t IS NULL)
    """).fetchall()[0][0]
    assert done.late == late
    assert again > 0
    assert done.state.row_count() == 0


def millis(moment):
    return (moment - EPOCH) // timedelta(milliseconds=1)


def test_lateness_of_sessions_is_refused():
    node = aggregate(Window("session", "ts", 10), lateness_ms=5, upsert_keys=())
    with pytest.raises(Refused, match="session"):
        AggregateWindowOperator(node, tools())


def many(count):
    return pa.Table.from_pylist([{"n": at} for at in range(count)], schema_of(COLUMNS))


def by_clock(operator, arrivals, restart=lambda operator: operator):
    """Steps when rows come (time, count) and when the operator asks for them."""
    given, arrivals = [], sorted(arrivals)
    while arrivals or operator.due_ms() is not None:
        due = operator.due_ms()
        rows = many(0)
        if arrivals and (due is None or arrivals[0][0] <= due):
            now, count = arrivals.pop(0)
            rows = many(count)
        else:
            now = due
        answer = operator.step([Step(rows, BEFORE_ALL_MS)], now)
        given += [(now, row) for row in answer.rows.to_pylist()]
        operator = restart(operator)
    return given


CLOCK = [
    (Window("tumble", "ts", 100, processing=True), [(200, 5, 100, 200), (400, 1, 300, 400)]),
    (
        Window("hop", "ts", 200, 100, processing=True),
        [(200, 5, 0, 200), (300, 5, 100, 300), (400, 1, 200, 400), (500, 1, 300, 500)],
    ),
    (
        Window("cumulate", "ts", 200, 100, processing=True),
        [(200, 5, 0, 200), (400, 1, 200, 400)],
    ),
    (Window("session", "ts", 60, processing=True), [(245, 5, 110, 245), (360, 1, 300, 360)]),
    (Window("stagger", "ts", 60, processing=True), [(170, 3, 110, 170), (245, 2, 185, 245)]),
]


@pytest.mark.parametrize(("window", "wanted"), CLOCK, ids=lambda each: getattr(each, "kind", ""))
def test_windows_by_the_clock_are_given_when_it_says_so(window, wanted):
    state = [MemoryState()]
    node = aggregate(window)

    def made(before):
        state[0] = state[0].restored()
        return AggregateWindowOperator(node, Tools(COMPUTE, state[0], Counters()))

    arrivals = [(110, 1), (130, 2), (185, 2), (300, 1)]
    given = [
        (now, row["rows"], millis(row["window_start"]), millis(row["window_end"]))
        for now, row in by_clock(made(None), arrivals, made)
    ]
    if window.kind == "stagger":
        wanted = [*wanted, (360, 1, 300, 360)]
    assert given == wanted


def test_what_gathers_by_window_follows_the_clock_of_its_windows():
    part = AssignWindows((*COLUMNS, *BOUNDS), ROWS, Window("tumble", "ts", 100, processing=True))
    sql = 'SELECT count(*) AS rows, "window_end" FROM i0 GROUP BY "window_end"'
    columns = (Column("rows", BIGINT), Column("window_end", TIMESTAMP))
    node = PerWindow(columns, (part,), sql, ("window_start",), ("window_end",))
    first, then = AssignWindowsOperator(part, tools()), PerWindowOperator(node, tools())

    class Both:
        due_ms = first.due_ms

        def step(self, inputs, now_ms):
            return then.step([first.step(inputs, now_ms)], now_ms)

    given = by_clock(Both(), [(110, 1), (130, 2), (200, 2), (210, 1)])
    assert [(now, row["rows"], millis(row["window_end"])) for now, row in given] == [
        (200, 3, 200),
        (300, 3, 300),
    ]


def test_windows_by_the_clock_give_what_they_have_when_nothing_more_comes():
    operator = AggregateWindowOperator(
        aggregate(Window("tumble", "ts", 100, processing=True)), tools()
    )
    assert operator.step([Step(many(3), BEFORE_ALL_MS)], 110).rows.num_rows == 0
    answer = operator.step([Step(many(0), AFTER_ALL_MS)], 120)
    assert answer.rows.column("rows").to_pylist() == [3]


LOCAL = (Column("word", STRING), Column("at", TIMESTAMP_LTZ))
LOCAL_BOUNDS = (*BOUNDS[:2], Column("window_time", TIMESTAMP_LTZ))


def test_days_of_a_time_zone_are_as_long_as_they_are():
    zone = ZoneInfo("Europe/Berlin")
    below = Source(LOCAL, Table("local", LOCAL), rowtime="at")
    day = Window("tumble", "at", 86_400_000)
    made = Tools(COMPUTE, MemoryState(), Counters(), {"table.local-time-zone": "Europe/Berlin"})
    operator = AggregateWindowOperator(aggregate(day, below, LOCAL_BOUNDS), made)
    hours = [datetime(2026, 3, 28, tzinfo=UTC) + timedelta(hours=n) for n in range(96)]
    rows = pa.table({"word": ["x"] * 96, "at": hours}, schema=schema_of(LOCAL))
    sunday_ends = datetime(2026, 3, 30, tzinfo=zone)
    mark = int(sunday_ends.timestamp() * 1000) - 1
    assert [row["rows"] for row in operator.step([Step(rows, mark - 1)], 0).rows.to_pylist()] == [
        23
    ]
    empty = rows.slice(0, 0)
    (sunday,) = operator.step([Step(empty, mark)], 0).rows.to_pylist()
    assert sunday["rows"] == 23
    assert sunday["window_start"] == datetime(2026, 3, 29)
    assert sunday["window_end"] == datetime(2026, 3, 30)
    assert sunday["window_time"] == sunday_ends - timedelta(milliseconds=1)
    rest = operator.step([Step(empty, AFTER_ALL_MS)], 0).rows.to_pylist()
    assert [row["rows"] for row in rest] == [24, 24, 2]
