"""OVER windows on random histories, equal to what DuckDB says of all rows at once."""

import math
import random
from decimal import ROUND_HALF_UP, Decimal, localcontext

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from memory_state import MemoryState

from millpond.engines.streams.interface import Refused
from millpond.engines.streams.operators import frames, keyed_rows, over
from millpond.engines.streams.operators.fingerprints import Fingerprints
from millpond.engines.streams.operators.interface import (
    AFTER_ALL_MS,
    BEFORE_ALL_MS,
    Counters,
    Step,
    Tools,
)
from millpond.engines.streams.operators.over import OverOperator
from millpond.engines.streams.plan import Aggregate, Frame, Over, Source, Table
from millpond.engines.streams.runtime.compute import DuckCompute
from millpond.engines.streams.runtime.packs import Packs
from millpond.engines.streams.runtime.state import Store
from millpond.engines.streams.types import (
    BIGINT,
    BOOLEAN,
    DOUBLE,
    INT,
    STRING,
    TIMESTAMP,
    Column,
    DataType,
    quoted,
    schema_of,
)
from millpond.kernel.files import Disk

BEGIN_MS = 1_700_000_000_000
SMALLINT = DataType("SMALLINT")
FLOAT = DataType("FLOAT")
DATE = DataType("DATE")
MONEY = DataType("DECIMAL", (10, 2))
LONG = DataType("DECIMAL", (17, 4))
VAST = DataType("DECIMAL", (30, 5))
COLUMNS = (
    Column("n", BIGINT),
    Column("ts", TIMESTAMP),
    Column("k1", INT),
    Column("k2", STRING),
    Column("b", BIGINT),
    Column("i", SMALLINT),
    Column("f", DOUBLE),
    Column("e", FLOAT),
    Column("m", MONEY),
    Column("l", LONG),
    Column("v", VAST),
    Column("s", STRING),
    Column("d", DATE),
    Column("flag", BOOLEAN),
)
TYPES = {column.name: column.type for column in COLUMNS}


def a(function, argument=None, kind=BIGINT, **more):
    arguments = () if argument is None else (argument,)
    parts = [function, argument or "", *(f"{key}{value}" for key, value in more.items())]
    return Aggregate("_".join(parts), function, arguments, kind, **more)


def decimal(digits, scale):
    return DataType("DECIMAL", (digits, scale))


AGGREGATES = (
    a("COUNT"),
    a("COUNT", condition="flag"),
    a("COUNT", "s"),
    a("COUNT", "b", condition="flag"),
    a("SUM", "b", BIGINT),
    a("SUM", "i", SMALLINT),
    a("SUM", "f", DOUBLE),
    a("SUM", "e", FLOAT),
    a("SUM", "m", decimal(38, 2)),
    a("SUM", "l", decimal(38, 4)),
    a("SUM", "v", decimal(38, 5)),
    a("SUM", "m", decimal(38, 2), condition="flag"),
    a("AVG", "b", BIGINT),
    a("AVG", "i", SMALLINT),
    a("AVG", "f", DOUBLE),
    a("AVG", "m", decimal(38, 6)),
    a("AVG", "l", decimal(38, 6)),
    a("AVG", "v", decimal(38, 6)),
    *(
        a(function, name, TYPES[name])
        for function in ("MIN", "MAX", "FIRST_VALUE", "LAST_VALUE")
        for name in ("b", "i", "f", "e", "m", "l", "v", "s", "d", "ts", "flag")
    ),
    a("COUNT", "s", distinct=True),
    a("COUNT", "i", distinct=True, condition="flag"),
    a("SUM", "i", SMALLINT, distinct=True),
    a("SUM", "m", decimal(38, 2), distinct=True),
    a("SUM", "v", decimal(38, 5), distinct=True),
    a("AVG", "m", decimal(38, 6), distinct=True),
    a("AVG", "i", SMALLINT, distinct=True),
    a("STDDEV_POP", "f", DOUBLE),
    a("STDDEV_SAMP", "m", decimal(38, 6)),
    a("VAR_POP", "f", DOUBLE, condition="flag"),
    a("VAR_SAMP", "f", DOUBLE),
    a("VAR_POP", "v", DOUBLE),
)
ORDERED = (
    a("LAG", "b", BIGINT),
    a("LAG", "m", MONEY, options=("3",)),
    a("LAG", "l", LONG),
    a("LAG", "ts", TIMESTAMP),
    a("LAG", "s", STRING, options=("2", "'none'")),
    a("ROW_NUMBER"),
    a("RANK"),
    a("DENSE_RANK"),
)
EVENT_FRAMES = {
    "range": Frame(range_ms=20_000),
    "no range": Frame(range_ms=0),
    "rows": Frame(rows=4, is_rows=True),
    "no rows": Frame(rows=0, is_rows=True),
    "all by range": Frame(),
    "all rows": Frame(is_rows=True),
}


@pytest.fixture(scope="module")
def compute():
    made = DuckCompute()
    yield made
    made.close()


def history(seed, count=400, keys=5, gaps=True):
    """Rows in the order of arrival, late and early ones among them."""
    chance = random.Random(seed)

    def maybe(value):
        return None if gaps and chance.random() < 0.15 else value

    rows = []
    for number in range(count):
        moment = number * 250 - chance.choice([0, 0, 500, 3000, chance.randrange(20_000)])
        rows.append(
            {
                "n": number,
                "ts": (BEGIN_MS + moment // 500 * 500) * 1000,
                "k1": maybe(chance.randrange(keys)),
                "k2": maybe(chance.choice(["", "a", "ab"])) if chance.random() < 0.2 else "a",
                "b": maybe(chance.randrange(-(1 << 40), 1 << 40)),
                "i": maybe(chance.randrange(-30, 31)),
                "f": maybe(chance.choice([chance.uniform(-5, 5), 1e6 + chance.random()])),
                "e": maybe(chance.randrange(-100, 100) / 4),
                "m": maybe(Decimal(chance.randrange(-99_999, 99_999)).scaleb(-2)),
                "l": maybe(Decimal(chance.randrange(-(10**17) + 1, 10**17)).scaleb(-4)),
                "v": maybe(Decimal(chance.randrange(-(10**29), 10**29)).scaleb(-5)),
                "s": maybe(chance.choice(["x", "y", "ÿz", "\U0001f41f", ""])),
                "d": maybe(chance.randrange(-9, 30_000)),
                "flag": maybe(chance.random() < 0.6),
            }
        )
    return table(rows)


def table(rows):
    return pa.Table.from_arrays(
        [pa.array([row[each.name] for row in rows], each.type.arrow()) for each in COLUMNS],
        schema=schema_of(COLUMNS),
    )


def over_node(frame, functions, processing=False, keys=("k1", "k2")):
    below = Source(COLUMNS, Table("t", COLUMNS), rowtime="ts")
    added = tuple(Column(each.name, each.type) for each in functions)
    return Over(
        COLUMNS + added, below, keys, "ts", frame, functions, processing=processing, rowtime="ts"
    )


def run(node, rows, compute, seed, delay_ms=5_000, settings=None, restarts=True):
    """What the operator gives, step by step, and the counted late rows; the rows that came in time
    with the time of their step."""
    chance = random.Random(seed)
    state, counters = MemoryState(), Counters()
    operator = OverOperator(node, Tools(compute, state, counters, settings or {}))
    at, now, watermark, newest = 0, BEGIN_MS, BEFORE_ALL_MS, BEFORE_ALL_MS
    given, in_time, sizes = [], [], []
    while at < rows.num_rows:
        size = chance.choice([0, 1, 3, 20, 60])
        step = rows.slice(at, size)
        at += size
        moments = [value // 1000 for value in step["ts"].cast(pa.int64()).to_pylist()]
        in_time += [
            (number, now)
            for number, moment in zip(step["n"].to_pylist(), moments, strict=True)
            if moment > watermark or node.processing
        ]
        newest = max([newest, *moments])
        watermark = max(watermark, newest - delay_ms) if chance.random() < 0.8 else watermark
        answer = operator.step([Step(step, watermark)], now)
        assert answer.watermark_ms == watermark
        given.append(answer.rows)
        sizes.append(state.row_count())
        now += chance.choice([0, 100, 4_000])
        if restarts and chance.random() < 0.15:
            state = state.restored()
            operator = OverOperator(node, Tools(compute, state, counters, settings or {}))
    given.append(operator.step([Step(rows.slice(0, 0), AFTER_ALL_MS)], now).rows)
    for answer in given:
        assert answer.schema.equals(schema_of(node.columns))
    return pa.concat_tables(given), in_time, counters, sizes


def expected(node, rows, in_time, ttl_ms=None):
    """One query over all rows: each with all those in its frame."""
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    con.register("came", pa.table(list(zip(*in_time, strict=True)), names=["number", "now_ms"]))
    con.register("given", rows)
    keys = ", ".join(node.keys) or "1"
    time = "now_ms" if node.processing else "epoch_ms(ts)"
    ties = "n" if node.processing else f"{time}, n"
    con.execute(
        f"CREATE TABLE h AS SELECT *, {time} AS t, "
        f"row_number() OVER (PARTITION BY {keys} ORDER BY {ties}) AS place "
        "FROM given JOIN came ON n = number"
    )
    frame = node.frame
    pairs = " AND ".join(f"a.{key} IS NOT DISTINCT FROM b.{key}" for key in node.keys) or "true"
    if frame.is_rows or node.processing:
        pairs += " AND b.place <= a.place"
    else:
        pairs += " AND b.t <= a.t"
    if frame.rows is not None:
        pairs += f" AND b.place >= a.place - {frame.rows}"
    if frame.range_ms is not None:
        pairs += f" AND b.t >= a.t - {frame.range_ms}"
    framed = [each for each in node.functions if each.function not in (*over.NUMBERINGS, "LAG")]
    chosen = "".join(f", {_sql(each)} AS {quoted(each.name)}" for each in framed)
    answers = con.execute(
        f"SELECT a.n AS number{chosen} FROM h a JOIN h b ON {pairs} GROUP BY a.n ORDER BY a.n"
    ).to_arrow_table()
    values = {"n": answers["number"].to_pylist()}
    for each in framed:
        values[each.name] = [_finished(each, value) for value in answers[each.name].to_pylist()]
    ordered = [each for each in node.functions if each not in framed]
    if ordered:
        window = f"OVER (PARTITION BY {keys} ORDER BY {ties})"
        peers = window if node.processing else f"OVER (PARTITION BY {keys} ORDER BY {time})"
        chosen = "".join(
            f", {_ordered(each, window, peers)} AS {quoted(each.name)}" for each in ordered
        )
        answers = con.execute(f"SELECT n{chosen} FROM h ORDER BY n").to_arrow_table()
        for each in ordered:
            values[each.name] = answers[each.name].to_pylist()
    return values


def _sql(function):
    condition = f" FILTER (WHERE b.{function.condition})" if function.condition else ""
    if not function.arguments:
        return "count(*)" + condition
    argument = f"b.{function.arguments[0]}"
    kind = TYPES[function.arguments[0]]
    distinct = "DISTINCT " if function.distinct else ""
    match function.function:
        case "COUNT":
            return f"count({distinct}{argument}){condition}"
        case "SUM":
            return f"sum({distinct}{argument}){condition}"
        case "AVG" if kind.name in ("DOUBLE", "FLOAT"):
            return f"avg({argument}){condition}"
        case "AVG":
            return f"[sum({distinct}{argument}){condition}, count({distinct}{argument}){condition}]"
        case "FIRST_VALUE":
            return f"arg_min({argument}, b.place){condition}"
        case "LAST_VALUE":
            return f"arg_max({argument}, b.place){condition}"
        case "MIN" | "MAX":
            return f"{function.function}({argument}){condition}"
    return f"{function.function}(CAST({argument} AS DOUBLE)){condition}"


def _ordered(function, window, peers):
    if function.function == "ROW_NUMBER":
        return f"row_number() {window}"
    if function.function in ("RANK", "DENSE_RANK"):
        return f"{function.function}() {peers}"
    return f"lag({', '.join(function.arguments + function.options)}) {window}"


def _finished(function, value):
    if function.function == "AVG" and isinstance(value, list):
        total, count = value
        if not count:
            return None
        if function.type.name != "DECIMAL":
            return int(Decimal(int(total)) / Decimal(int(count)))
        unit = Decimal(1).scaleb(-function.type.parameters[1])
        with localcontext(prec=80):
            return (Decimal(total) / int(count)).quantize(unit, ROUND_HALF_UP)
    is_deviation = function.function.startswith(("VAR", "STD"))
    if value is not None and is_deviation and function.type.name == "DECIMAL":
        return float(value)
    return value


def same(found, wanted):
    if isinstance(wanted, float) and found is not None:
        return math.isclose(float(found), wanted, rel_tol=1e-6, abs_tol=2e-6)
    return found == wanted


def compare(found, wanted, functions):
    assert sorted(found["n"].to_pylist()) == wanted["n"]
    found = found.sort_by("n")
    for each in functions:
        differing = [
            (number, one, other)
            for number, one, other in zip(
                wanted["n"], found[each.name].to_pylist(), wanted[each.name], strict=True
            )
            if not same(one, other)
        ]
        assert not differing, (each.name, differing[:5])


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("frame", EVENT_FRAMES)
def test_every_function_over_every_frame_of_event_time_is_as_over_all_rows_at_once(
    frame, seed, compute, monkeypatch
):
    monkeypatch.setattr(keyed_rows, "RUN_ROWS_MAX", 64)
    functions = AGGREGATES + ORDERED
    rows = history(seed, gaps=seed > 0)
    node = over_node(EVENT_FRAMES[frame], functions)
    found, in_time, counters, _ = run(node, rows, compute, seed)
    assert 0 < counters.late_records_dropped == rows.num_rows - len(in_time)
    compare(found, expected(node, rows, in_time), functions)
    assert found["ts"].to_pylist() == sorted(found["ts"].to_pylist())


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("frame", ["range", "rows", "all by range"])
def test_by_processing_time_a_row_sees_those_that_came_before_it(frame, seed, compute):
    functions = AGGREGATES + ORDERED
    rows = history(seed)
    node = over_node(EVENT_FRAMES[frame], functions, processing=True)
    found, in_time, counters, _ = run(node, rows, compute, seed)
    assert counters.late_records_dropped == 0
    assert found["n"].to_pylist() == list(range(rows.num_rows))
    compare(found, expected(node, rows, in_time), functions)


@pytest.mark.parametrize("frame", EVENT_FRAMES)
def test_keys_whose_hashes_meet_are_told_apart(frame, compute, monkeypatch):
    real = over.fingerprints

    def colliding(columns, count, seed):
        hashes, checks = real(columns, count, seed)
        return Fingerprints(hashes & np.uint64(1), checks)

    monkeypatch.setattr(over, "fingerprints", colliding)
    functions = AGGREGATES + ORDERED
    rows = history(7)
    node = over_node(EVENT_FRAMES[frame], functions)
    found, in_time, _, _ = run(node, rows, compute, 7)
    compare(found, expected(node, rows, in_time), functions)


@pytest.mark.parametrize("frame", EVENT_FRAMES)
def test_long_frames_are_folded_from_blocks(frame, compute, monkeypatch):
    monkeypatch.setattr(frames, "_BLOCK", 4)
    monkeypatch.setattr(frames, "_LONG", 16)
    functions = AGGREGATES
    rows = history(8, count=300, keys=1)
    node = over_node(EVENT_FRAMES[frame], functions, keys=())
    if EVENT_FRAMES[frame].rows:
        node = over_node(Frame(rows=90, is_rows=True), functions, keys=())
    found, in_time, _, _ = run(node, rows, compute, 8)
    compare(found, expected(node, rows, in_time), functions)


def test_what_no_frame_needs_any_more_is_forgotten(compute, monkeypatch):
    monkeypatch.setattr(keyed_rows, "RUN_ROWS_MAX", 64)
    rows = history(3, count=3000)
    for frame, most in (("range", 600), ("rows", 500), ("all rows", 400)):
        node = over_node(EVENT_FRAMES[frame], (a("SUM", "b"),))
        _, _, _, sizes = run(node, rows, compute, 3)
        assert max(sizes) < most, frame


def test_state_on_disk_answers_as_state_in_memory_does(compute, tmp_path):
    functions = AGGREGATES + ORDERED
    rows = history(9)
    for frame in ("range", "rows", "all by range"):
        node = over_node(EVENT_FRAMES[frame], functions)
        answers = []
        for memory_bytes in (1 << 30, 20_000):
            folder = tmp_path / f"{frame}{memory_bytes}"
            folder.mkdir()
            store = Store(Packs(folder, Disk()), memory_bytes)
            operator = OverOperator(node, Tools(compute, store.state("over"), Counters()))
            given = []
            for at in range(0, 400, 40):
                step = Step(rows.slice(at, 40), BEGIN_MS + at * 250 - 5_000)
                given.append(operator.step([step], BEGIN_MS).rows)
                store.settle()
            answers.append(pa.concat_tables(given))
        assert store.spilled_bytes > 20_000
        one, other = (answer.sort_by("n") for answer in answers)
        differing = {
            name: [
                (x, y)
                for x, y in zip(one[name].to_pylist(), other[name].to_pylist(), strict=True)
                if not same(x, y)
            ]
            for name in one.column_names
        }
        assert not {name: pairs for name, pairs in differing.items() if pairs}


def test_a_key_without_rows_for_the_time_to_live_begins_anew(compute):
    node = over_node(Frame(is_rows=True), (a("COUNT"), a("LAG", "n")), keys=())
    tools = Tools(compute, MemoryState(), Counters(), {"table.exec.state.ttl": "10 s"})
    operator = OverOperator(node, tools)
    answers = []
    for number, now in enumerate((0, 9_000, 18_000, 29_000)):
        row = (
            history(1)
            .slice(number, 1)
            .set_column(1, "ts", pa.array([number * 1_000_000], TIMESTAMP.arrow()))
        )
        answer = operator.step([Step(row, number * 1000)], BEGIN_MS + now).rows
        answers.append((answer["COUNT_"][0].as_py(), answer["LAG_n"][0].as_py()))
    assert answers == [(1, None), (2, 0), (3, 1), (1, None)]


def test_a_sum_of_integers_wraps_around_and_a_decimal_that_is_too_long_is_null(compute):
    functions = (a("SUM", "i", SMALLINT), a("SUM", "b", BIGINT), a("SUM", "v", decimal(38, 5)))
    base = history(1, count=2, gaps=False).to_pylist()
    for row in base:
        row |= {"ts": BEGIN_MS * 1000, "k1": 1, "k2": "a", "i": 30_000, "b": (1 << 63) - 1}
        row["d"] = 0
    rows = table(base)
    for frame in EVENT_FRAMES.values():
        if frame.rows == 0:
            continue
        operator = OverOperator(
            over_node(frame, functions), Tools(compute, MemoryState(), Counters())
        )
        answer = operator.step([Step(rows, AFTER_ALL_MS)], 0).rows
        assert answer["SUM_i"].to_pylist()[-1] == 60_000 - 65_536
        assert answer["SUM_b"].to_pylist()[-1] == -2


def test_floats_of_one_row_leave_nothing_in_the_next_frame(compute):
    base = history(1, count=3, gaps=False).to_pylist()
    for number, row in enumerate(base):
        row |= {"ts": (BEGIN_MS + number * 10_000) * 1000, "k1": 1, "k2": "a", "d": 0}
        row["f"] = [1e20, 1.0, 0.25][number]
    node = over_node(Frame(range_ms=10_000), (a("SUM", "f", DOUBLE),))
    operator = OverOperator(node, Tools(compute, MemoryState(), Counters()))
    given = []
    for number in range(3):
        step = Step(table(base[number : number + 1]), BEGIN_MS + number * 10_000)
        given += operator.step([step], 0).rows["SUM_f"].to_pylist()
    assert given[2] == 1.25


def test_a_function_that_over_cannot_compute_is_refused_by_name(compute):
    tools = Tools(compute, MemoryState(), Counters())
    for function, text in (
        (a("LISTAGG", "s", STRING), "LISTAGG"),
        (a("STDDEV_POP", "f", DOUBLE, distinct=True), "STDDEV_POP"),
    ):
        with pytest.raises(Refused, match=text):
            OverOperator(over_node(Frame(), (function,)), tools)
