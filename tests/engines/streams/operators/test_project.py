"""Projections: what is copied, what is computed, and what fails."""

import pyarrow as pa
import pytest
from memory_state import MemoryState

from millpond.engines.streams.operators.interface import Counters, Step, Tools
from millpond.engines.streams.operators.project import ProjectOperator
from millpond.engines.streams.plan import Project, Source, Table
from millpond.engines.streams.runtime.compute import DuckCompute
from millpond.engines.streams.types import BIGINT, BOOLEAN, INT, STRING, Column, schema_of

GIVEN = (
    Column("n", BIGINT),
    Column('a "name"', STRING),
    Column("text", STRING),
    Column("is_so", BOOLEAN),
)
ROWS = pa.table(
    [[1, 2, 3, 4], ["a", None, "c", "d"], ["10", "20", "x", "40"], [True, None, False, True]],
    schema=schema_of(GIVEN),
)


@pytest.fixture(scope="module")
def compute():
    made = DuckCompute()
    yield made
    made.close()


class Counting:
    """A compute that remembers which columns each statement was given."""

    def __init__(self, compute):
        self.compute, self.given = compute, []

    def run(self, sql, **tables):
        self.given.append(tables["i"].column_names)
        return self.compute.run(sql, **tables)


def project(compute, columns, expressions, condition=None):
    node = Project(columns, Source(GIVEN, Table("t", GIVEN)), expressions, condition=condition)
    return ProjectOperator(node, Tools(compute, MemoryState(), Counters(), {}))


def answer(operator, rows=ROWS):
    return operator.step([Step(rows, 0)], 0).rows


NAME = '"a ""name"""'
CHOSEN = (Column("name", STRING), Column("n", BIGINT))


def test_columns_that_are_given_as_they_are_are_not_copied(compute):
    counting = Counting(compute)
    rows = answer(project(counting, CHOSEN, (NAME, '"n"')))
    assert rows.to_pydict() == {"name": ["a", None, "c", "d"], "n": [1, 2, 3, 4]}
    assert rows.column("n").chunk(0).buffers() == ROWS.column("n").chunk(0).buffers()
    assert counting.given == []


def test_only_what_an_expression_names_is_given_to_duckdb(compute):
    counting = Counting(compute)
    columns = (*CHOSEN, Column("double", BIGINT))
    rows = answer(project(counting, columns, (NAME, '"n"', '"n" * 2')))
    assert rows.column("double").to_pylist() == [2, 4, 6, 8]
    assert rows.column("name").to_pylist() == ["a", None, "c", "d"]
    assert counting.given == [["n"]]


def test_a_column_of_another_type_is_cast(compute):
    rows = answer(project(compute, (Column("n", INT), Column("text", STRING)), ('"n"', '"text"')))
    assert rows.schema.field("n").type == pa.int32()
    assert rows.column("n").to_pylist() == [1, 2, 3, 4]


def test_a_constant_beside_copied_columns_is_as_long_as_they_are(compute):
    rows = answer(project(compute, (*CHOSEN, Column("one", INT)), (NAME, '"n"', "1")))
    assert rows.column("one").to_pylist() == [1, 1, 1, 1]


def test_rows_are_chosen_by_a_column_that_is_null(compute):
    assert answer(project(compute, CHOSEN, (NAME, '"n"'), '"is_so"')).to_pydict() == {
        "name": ["a", "d"],
        "n": [1, 4],
    }


def test_rows_are_chosen_by_a_condition_that_is_null(compute):
    operator = project(compute, CHOSEN, (NAME, '"n"'), f"({NAME} <> 'a')")
    assert answer(operator).column("n").to_pylist() == [3, 4]


def test_rows_are_chosen_before_they_are_computed(compute):
    operator = project(compute, (Column("v", INT),), ('CAST("text" AS INTEGER)',), '"n" <> 3')
    assert answer(operator).column("v").to_pylist() == [10, 20, 40]
    assert operator.take_failed() == []


@pytest.mark.parametrize(
    ("columns", "expressions", "condition"),
    [
        ((Column("n", BIGINT), Column("v", INT)), ('"n"', 'CAST("text" AS INTEGER)'), None),
        ((Column("n", BIGINT),), ('"n"',), 'CAST("text" AS INTEGER) > 0'),
    ],
)
def test_a_row_that_fails_is_set_aside_whole_and_others_keep_their_order(
    compute, columns, expressions, condition
):
    operator = project(compute, columns, expressions, condition)
    assert answer(operator).column("n").to_pylist() == [1, 2, 4]
    (failed,) = operator.take_failed()
    assert "'x'" in failed.reason
    assert '"text": "x"' in failed.row
