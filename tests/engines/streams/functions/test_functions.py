"""Python functions: what their files say of them, and values on both sides of a call."""

import datetime
import subprocess
import sys
from decimal import Decimal

import pyarrow as pa
import pytest

from millpond.engines.streams.functions.faults import FunctionFault
from millpond.engines.streams.functions.flink.types import DataTypes
from millpond.engines.streams.functions.flink.udf import ScalarFunction, udf
from millpond.engines.streams.functions.loading import add_folders, declared, function_type, load
from millpond.engines.streams.functions.values import arrow_values, python_values
from millpond.engines.streams.plan import PythonFunction
from millpond.engines.streams.runtime.compute import DuckCompute

MODULE = """
from typing import Optional
from pyflink.common import Row
from pyflink.table import DataTypes, ScalarFunction
from pyflink.table.udf import udf

HAPPENED = []

@udf(result_type=DataTypes.BIGINT())
def doubled(a):
    return None if a is None else a * 2

@udf(result_type="DECIMAL(10, 2)", deterministic=False)
def price(a): return a

@udf(input_types=[DataTypes.BIGINT(), DataTypes.BIGINT()], result_type=DataTypes.BIGINT(),
     func_type="pandas")
def added(a, b):
    assert type(a).__name__ == "Series"
    return a + b

@udf(result_type=DataTypes.BIGINT(), func_type="arrow")
def counted(a):
    import pyarrow as pa
    return pa.array(range(len(a)))

@udf(result_type=DataTypes.BIGINT(), func_type="pandas")
def short(a): return a[:1]

class Greeting(ScalarFunction):
    def open(self, function_context):
        HAPPENED.append("open")
        self.word = function_context.get_job_parameter("greeting", "hi")

    def eval(self, name: str) -> str:
        return f"{self.word} {name}"

    def close(self):
        HAPPENED.append("close")

    def is_deterministic(self):
        return False

greeting = udf(Greeting(), result_type=DataTypes.STRING())

def plain(a: Optional[int]) -> list[float]:
    return [float(a)]

def untold(a): return a

TAGS = DataTypes.MAP(DataTypes.STRING(), DataTypes.INT())

@udf(result_type=DataTypes.ROW([DataTypes.FIELD("n", DataTypes.INT()),
                                DataTypes.FIELD("tags", TAGS)]))
def row(r): return Row(r.n + 1, {**r.tags, "more": r["n"]})

@udf(result_type=DataTypes.BIGINT())
def wrong_result(a): return "text"

@udf(result_type=DataTypes.BIGINT())
def nothing(): return 5

VALUE = 5
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("program")
    (folder / "udfs_of_test.py").write_text(MODULE)
    (folder / "broken_of_test.py").write_text("import os\nos.no_such_thing\n")
    (folder / "leaving_of_test.py").write_text("raise SystemExit(3)\n")
    (folder / "flink_of_test.py").write_text("from pyflink.table import TableEnvironment\n")
    (folder / "aggregate_of_test.py").write_text("from pyflink.table.udf import udaf\n")
    (folder / "stream_of_test.py").write_text("import pyflink.datastream\n")
    path = list(sys.path)
    add_folders(folder)
    yield folder
    sys.path[:] = path


def named(attribute, module="udfs_of_test"):
    return PythonFunction(attribute, module, attribute)


def run(sql, rows, *attributes, settings=None):
    functions = load([named(attribute) for attribute in attributes], settings or {})
    try:
        return DuckCompute(functions=functions).run(sql, i=rows)
    finally:
        functions.close()


@pytest.mark.parametrize(
    ("attribute", "kind", "is_deterministic"),
    [
        ("doubled", "BIGINT", True),
        ("price", "DECIMAL(10, 2)", False),
        ("Greeting", "STRING", False),
        ("greeting", "STRING", False),
        ("plain", "ARRAY<DOUBLE>", False),
        ("row", "ROW<`n` INT, `tags` MAP<STRING, INT>>", True),
    ],
)
def test_a_function_says_its_type(folder, attribute, kind, is_deterministic):
    assert function_type(named(attribute)).flink() == kind
    assert declared(named(attribute)).is_deterministic == is_deterministic


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (named("untold"), "The result type of udfs_of_test.untold is not known"),
        (named("missing"), "The module udfs_of_test has no missing."),
        (named("VALUE"), "udfs_of_test.VALUE is no function: int."),
        (named("f", "no_such_module"), "ModuleNotFoundError: No module named 'no_such_module'"),
        (named("f", "broken_of_test"), "line 2, in <module>\n    os.no_such_thing"),
        (named("f", "leaving_of_test"), "SystemExit: 3"),
        (named("f", "flink_of_test"), "pyflink.table.TableEnvironment needs the Flink engine"),
        (named("f", "aggregate_of_test"), "pyflink.table.udf.udaf needs the Flink engine"),
        (named("f", "stream_of_test"), "pyflink.datastream needs the Flink engine"),
    ],
)
def test_what_is_no_function_is_told_with_its_place(folder, function, reason):
    with pytest.raises(FunctionFault) as caught:
        declared(function)
    assert reason in str(caught.value)
    assert "millpond/engines" not in str(caught.value)


def test_functions_of_each_kind_compute(folder):
    rows = pa.table({"a": [1, None, 3]})
    sql = """SELECT "doubled$"(a) AS d, "added$"(a, 1) AS s, "counted$"(a) AS n,
                    "nothing$"(struct_pack("$none" := true)) AS five FROM i"""
    answer = run(sql, rows, "doubled", "added", "counted", "nothing")
    assert answer.to_pydict() == {
        "d": [2, None, 6], "s": [2, None, 4], "n": [0, 1, 2], "five": [5, 5, 5],
    }  # fmt: skip


def test_a_function_is_opened_and_closed_once(folder):
    import udfs_of_test

    udfs_of_test.HAPPENED.clear()
    settings = {"pipeline.global-job-parameters": "greeting:'hello',other:x"}
    answer = run(
        """SELECT "greeting$"(n) AS a FROM i UNION ALL SELECT "greeting$"(n) FROM i""",
        pa.table({"n": ["you"]}),
        "greeting",
        settings=settings,
    )
    assert answer["a"].to_pylist() == ["hello you", "hello you"]
    assert udfs_of_test.HAPPENED == ["open", "close"]


def test_rows_and_maps_come_and_go_as_flink_has_them(folder):
    sql = """SELECT "row$"({n: 4, tags: MAP {'k': 1}}) AS r FROM i"""
    answer = run(sql, pa.table({"a": [1]}), "row")
    assert answer["r"].to_pylist() == [{"n": 5, "tags": [("k", 1), ("more", 4)]}]


@pytest.mark.parametrize(
    ("attribute", "reason"),
    [
        ("wrong_result", "its result is no BIGINT"),
        ("short", "The function gave 1 values for 3 rows."),
    ],
)
def test_a_result_that_does_not_fit_is_a_fault(folder, attribute, reason):
    with pytest.raises(Exception, match=reason):
        run(f'SELECT "{attribute}$"(a) FROM i', pa.table({"a": [1, 2, 3]}), attribute)


T = datetime.datetime(2026, 1, 2, 3, 4, 5, 678)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (DataTypes.BOOLEAN(), [True, None]),
        (DataTypes.INT(), [1, None]),
        (DataTypes.DOUBLE(), [1.5, None]),
        (DataTypes.STRING(), ["é", None]),
        (DataTypes.BYTES(), [b"\0x", None]),
        (DataTypes.DECIMAL(10, 2), [Decimal("1.25"), None]),
        (DataTypes.DATE(), [T.date(), None]),
        (DataTypes.TIME(), [T.time(), None]),
        (DataTypes.TIMESTAMP(), [T, None, datetime.datetime(1, 1, 1)]),
        (DataTypes.TIMESTAMP_LTZ(3), [T.replace(tzinfo=datetime.UTC), None]),
        (DataTypes.ARRAY(DataTypes.ARRAY(DataTypes.INT())), [[[1], None, []], None]),
        (DataTypes.MAP(DataTypes.STRING(), DataTypes.DATE()), [{"a": T.date(), "b": None}, None]),
    ],
)
def test_values_survive_both_ways(kind, values):
    column = arrow_values(values, kind.declared)
    assert column.type == kind.declared.arrow()
    assert python_values(column) == values


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: udf(lambda a: a, result_type=5), TypeError),
        (lambda: udf(lambda a: a), TypeError),
        (lambda: udf(5, result_type=DataTypes.INT()), TypeError),
        (lambda: udf(lambda a: a, result_type=DataTypes.INT(), func_type="table"), ValueError),
        (lambda: ScalarFunction(), TypeError),
        (lambda: udf(lambda a: a, result_type=DataTypes.INT())(1), NotImplementedError),
    ],
)
def test_declarations_that_flink_refuses_are_refused(make, error):
    with pytest.raises(error):
        make()


def test_functions_load_without_pandas_unless_they_ask_for_it(folder):
    program = (
        f"import sys; sys.path.append({str(folder)!r})\n"
        "from millpond.engines.streams.functions.loading import add_folders, load\n"
        "from millpond.engines.streams.plan import PythonFunction\n"
        "add_folders()\n"
        "load([PythonFunction('d', 'udfs_of_test', 'doubled')], {})\n"
        "assert not {'pandas', 'sqlglot', 'duckdb'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
