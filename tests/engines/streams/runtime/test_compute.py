"""DuckDB as operators use it: plans made once, rows that fail, Python functions."""

import warnings

import duckdb
import pyarrow as pa
import pytest

from millpond.engines.streams.functions.interface import Function
from millpond.engines.streams.operators.interface import RowFault
from millpond.engines.streams.plan import NO_ARGUMENTS, PythonFunction
from millpond.engines.streams.runtime.compute import DuckCompute
from millpond.engines.streams.types import BIGINT

CALLS = []


def doubled(arguments, rows):
    CALLS.append(rows)
    return pa.array([None if one is None else one * 2 for one in arguments[0].to_pylist()])


def seven(arguments, rows):
    assert len(arguments) == 0
    return pa.array([7] * rows)


def raising(arguments, rows):
    if 2 in arguments[0].to_pylist():
        raise ValueError("two is no good")
    return arguments[0]


def eating(arguments, rows):
    raise MemoryError


@pytest.fixture
def compute():
    CALLS.clear()
    functions = [
        Function("doubled", BIGINT, doubled),
        Function("Sure", BIGINT, doubled, is_deterministic=True),
        Function("upper", BIGINT, seven),
        Function("raising", BIGINT, raising),
        Function("eating", BIGINT, eating),
    ]
    compute = DuckCompute(functions=functions)
    yield compute
    compute.close()


def called(name):
    return PythonFunction(name, "", "").called


ROWS = pa.table({"a": [1, None, 3]})


def test_a_statement_runs_again_and_again_over_other_rows(compute):
    for first in range(5):
        rows = pa.table({"a": list(range(first, first + 3)), "unused": ["x"] * 3})
        answer = compute.run('SELECT "a" + 1 AS b FROM i WHERE "a" > 0', i=rows)
        assert answer.column("b").to_pylist() == [a + 1 for a in range(first, first + 3) if a > 0]
    assert compute.run('SELECT "a" + 1 AS b FROM i WHERE "a" > 0', i=rows.slice(0, 0)).num_rows == 0


def test_one_name_stands_for_tables_of_other_types(compute):
    sql = 'SELECT "a" FROM i'
    for _ in range(3):
        assert compute.run(sql, i=pa.table({"a": ["x"]})).to_pydict() == {"a": ["x"]}
        assert compute.run(sql, i=pa.table({"a": [1.5]})).to_pydict() == {"a": [1.5]}
        both = compute.run("SELECT * FROM i, r", i=ROWS, r=pa.table({"b": [1]}))
        assert both.num_rows == 3


def test_more_statements_than_are_kept_all_answer(compute):
    for _ in range(3):
        for number in range(80):
            assert compute.run(f"SELECT {number} AS n FROM i", i=ROWS)["n"][0].as_py() == number


def test_more_kinds_of_tables_than_are_kept_all_answer(compute):
    for number in range(300):
        table = pa.table({f"c{number}": [number]})
        assert compute.run("SELECT * FROM i", i=table).to_pydict() == {f"c{number}": [number]}
    assert compute.run("SELECT * FROM i", i=ROWS).num_rows == 3


def test_rows_are_not_held_after_the_call(compute):
    before = pa.total_allocated_bytes()
    for _ in range(3):
        compute.run("SELECT count(*) FROM i", i=pa.table({"a": pa.array(range(1_000_000))}))
    assert pa.total_allocated_bytes() - before < 1 << 20


def test_crumbs_of_rows_are_computed_together(compute):
    crumbs = pa.concat_tables([ROWS] * 100)
    compute.run(f'SELECT {called("doubled")}("a") FROM i', i=crumbs)
    assert CALLS == [300]


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ('CAST("t" AS INTEGER)', "Could not convert string 'x' to INT32"),
        ('"a" // 0', "Division by zero"),
        ('9223372036854775807 + "a"', "Overflow in addition of INT64"),
        ('CAST("t" AS DATE)', 'invalid date field format: "x"'),
        ("error('as said')", "as said"),
    ],
)
def test_what_data_cannot_be_computed_is_the_fault_of_a_row(compute, sql, reason):
    rows = pa.table({"a": [1], "t": ["x"]})
    for _ in range(3):
        with pytest.raises(RowFault) as caught:
            compute.run(f"SELECT {sql} FROM i", i=rows)
        assert str(caught.value).startswith(reason)
        assert "\n" not in str(caught.value)
    assert compute.run("SELECT 1 AS one", i=rows).num_rows == 1


def test_a_wrong_statement_is_no_fault_of_a_row(compute):
    with pytest.raises(duckdb.BinderException):
        compute.run('SELECT "nothing" FROM i', i=ROWS)


def test_a_function_is_called_with_nulls_and_for_each_row(compute):
    answer = compute.run(f'SELECT {called("DOUBLED")}("a") AS b FROM i', i=ROWS)
    assert answer.to_pydict() == {"b": [2, None, 6]}
    assert answer.schema.field("b").type == pa.int64()


def test_a_function_goes_before_a_built_in_one_of_its_name(compute):
    sql = f"SELECT {called('upper')}({NO_ARGUMENTS}) AS u, upper('x') AS builtin FROM i"
    assert compute.run(sql, i=ROWS).to_pydict() == {"u": [7] * 3, "builtin": ["X"] * 3}


def test_only_a_deterministic_function_is_computed_once_for_all(compute):
    compute.run(f"SELECT {called('sure')}(5) + {called('sure')}(5) FROM i", i=ROWS)
    assert set(CALLS) == {1}
    CALLS.clear()
    compute.run(f"SELECT {called('doubled')}(5) FROM i", i=ROWS)
    assert CALLS == [3]


def test_what_a_function_raises_is_the_fault_of_a_row(compute):
    assert compute.run(f'SELECT {called("raising")}("a") AS b FROM i', i=ROWS).num_rows == 3
    with pytest.raises(RowFault) as caught:
        compute.run(f'SELECT {called("raising")}("a") FROM i', i=pa.table({"a": [1, 2]}))
    assert str(caught.value).startswith("The function raising raised ValueError: two is no good")
    assert 'raise ValueError("two is no good")' in str(caught.value)
    assert compute.calling == ""


def test_want_of_memory_is_no_fault_of_a_row(compute):
    with pytest.raises(MemoryError, match="The function eating ran out of memory"):
        compute.run(f'SELECT {called("eating")}("a") FROM i', i=ROWS)


def test_a_sort_beyond_memory_spills_where_it_may_and_fails_where_not(tmp_path):
    rows = pa.table({"a": pa.array(range(3_000_000)), "t": pa.array(["some text"] * 3_000_000)})
    sql = 'SELECT max(a) FROM (SELECT * FROM i ORDER BY hash("a"), t LIMIT 2900000)'
    spilling = DuckCompute(48 << 20, 1, tmp_path)
    assert spilling.run(sql, i=rows).num_rows == 1
    with pytest.raises(MemoryError):
        DuckCompute(48 << 20, 1, None).run(sql, i=rows)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/hostname')",
        "COPY (SELECT 1) TO 'here.csv'",
        "ATTACH 'other.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET memory_limit = '10GB'",
    ],
)
def test_statements_reach_nothing_but_their_tables(compute, sql):
    with pytest.raises((duckdb.Error, RowFault)):
        compute.run(sql)


def test_variables_of_python_are_no_tables(compute):
    hidden = ROWS
    with pytest.raises(duckdb.CatalogException):
        compute.run("SELECT * FROM hidden")
    assert hidden is ROWS


def test_times_are_in_utc_and_nulls_are_the_least(compute):
    sql = "SELECT TIMESTAMPTZ '2026-01-01 00:00:00' AS t, a FROM i ORDER BY a"
    answer = compute.run(sql, i=ROWS)
    assert answer.schema.field("t").type == pa.timestamp("us", "UTC")
    assert answer["a"].to_pylist() == [None, 1, 3]
    assert compute.run("SELECT a FROM i ORDER BY a DESC", i=ROWS)["a"].to_pylist() == [3, 1, None]


def test_computing_tells_no_warnings(compute):
    with warnings.catch_warnings(record=True) as told:
        DuckCompute().run("SELECT 1 AS a")
    assert told == []
