"""Frames of a cluster keep what the names in them meant when they were made."""

import contextlib
import json
import uuid

import pytest

from millpond.engines.spark.runtime.statements import (
    asks_for_rows,
    bare,
    dropped_view,
    for_engine,
    made_view,
    words_of,
)

BEGIN = """
import gc, json, sys
from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession, functions as F
spark = SparkSession.builder.getOrCreate()
shown = {}
def one(value):
    return spark.createDataFrame([(value,)], ["a"])
def rows(frame):
    return sorted(map(list, frame.collect()))
"""
END = "\nprint(json.dumps(shown))\n"


@pytest.fixture
def default_database(lake):
    """The database that a session uses at first, which holds nothing."""
    glue = lake.client("glue")
    with contextlib.suppress(glue.exceptions.AlreadyExistsException):
        glue.create_database(DatabaseInput={"Name": "default"})


async def run(shell, program):
    """What a program gathered in `shown`."""
    code, out, err = await shell.python(BEGIN + program + END)
    assert code == 0, err
    return json.loads(out)


async def test_a_view_registered_again_leaves_earlier_frames_as_they_were(shell):
    shown = await run(
        shell,
        """
one(1).createOrReplaceTempView("v")
frames = {
    "select": spark.sql("SELECT * FROM v"),
    "with a comment": spark.sql("-- of v; or not\\n/* v */ (SELECT v.a FROM v)"),
    "quoted": spark.sql("SELECT * FROM `v`"),
    "table": spark.table("v"),
    "read": spark.read.table("v"),
    "a name within": spark.sql("WITH w AS (SELECT * FROM v) SELECT * FROM w"),
    "a name that hides": spark.sql("WITH v AS (SELECT 9 AS a) SELECT * FROM v"),
    "a subquery": spark.sql("SELECT * FROM (SELECT * FROM v) x WHERE a IN (SELECT a FROM v)"),
    "columns of one name": spark.sql("SELECT x.a, y.a FROM v x JOIN v y ON x.a = y.a"),
    "a parameter": spark.sql("SELECT a + :more FROM v", {"more": 10}),
    "a frame's name": spark.sql("SELECT * FROM {d} JOIN v USING (a)", d=spark.table("v")),
    "derived": spark.sql("SELECT * FROM v").withColumn("b", F.col("a") + 1),
}
spark.sql("SELECT a + 100 AS a FROM v").createOrReplaceTempView("of_a_view")
one(2).createOrReplaceTempView("v")
frames |= {"again": spark.sql("SELECT * FROM v"), "view of a view": spark.table("of_a_view")}
frames["both"] = frames["select"].union(frames["again"])
joined = frames["select"].join(frames["again"], frames["select"].a < frames["again"].a)
pair = spark.table("V").join(spark.table("of_a_view"), F.expr("v.a < of_a_view.a"))
frames["qualified"] = pair.select("v.a", "OF_A_VIEW.a")
frames["joined"] = joined.select(frames["select"].a, frames["again"].a)
spark.catalog.dropTempView("v")
shown = {name: rows(frame) for name, frame in frames.items()}
shown["names"] = frames["columns of one name"].columns
""",
    )
    assert shown == {
        "select": [[1]],
        "with a comment": [[1]],
        "quoted": [[1]],
        "table": [[1]],
        "read": [[1]],
        "a name within": [[1]],
        "a name that hides": [[9]],
        "a subquery": [[1]],
        "columns of one name": [[1, 1]],
        "a parameter": [[11]],
        "a frame's name": [[1]],
        "derived": [[1, 2]],
        "again": [[2]],
        "view of a view": [[101]],
        "both": [[1], [2]],
        "joined": [[1, 2]],
        "qualified": [[2, 101]],
        "names": ["a", "a"],
    }


async def test_other_names_are_bound_as_a_frame_is_made_too(shell, lake, bucket):
    databases = [f"{name}_{uuid.uuid4().hex}" for name in ("one", "two")]
    for database in databases:
        place = f"s3://{bucket}/{database}"
        lake.client("glue").create_database(DatabaseInput={"Name": database, "LocationUri": place})
    shown = await run(
        shell,
        f"""
for value, database in enumerate({databases}):
    spark.sql(f"USE {{database}}")
    one(value).write.saveAsTable("t")
spark.sql("USE {databases[0]}")
query, table = spark.sql("SELECT * FROM t"), spark.table("t")
spark.sql("USE {databases[1]}")
shown["tables"] = [rows(query), rows(table), rows(spark.table("t"))]

one(1).createOrReplaceGlobalTempView("g")
query, table = spark.sql("SELECT * FROM global_temp.g"), spark.table("global_temp.g")
one(2).createOrReplaceGlobalTempView("g")
shown["global"] = [rows(query), rows(table), rows(spark.table("global_temp.g"))]

spark.udf.register("f", lambda x: x + 10, "bigint")
query = spark.sql("SELECT f(a) FROM global_temp.g")
spark.udf.register("f", lambda x: x + 20, "bigint")
shown["function"] = rows(query)
""",
    )
    assert shown == {
        "tables": [[[0]], [[0]], [[1]]],
        "global": [[[1]], [[1]], [[2]]],
        "function": [[12]],
    }


async def test_views_made_by_statements_are_bound_and_found_in_any_case(shell, default_database):
    shown = await run(
        shell,
        """
one(1).createOrReplaceTempView("Orders")
spark.sql("CREATE OR REPLACE TEMPORARY VIEW Sums AS SELECT a + 10 AS a FROM ORDERS")
first = spark.sql("SELECT SUMS.a FROM SUMS")
spark.sql("CREATE OR REPLACE TEMP VIEW sums AS SELECT a + 10 AS a FROM Sums")
shown["first"], shown["second"] = rows(first), rows(spark.table("SUMS"))
shown["exists"] = spark.catalog.tableExists("Orders")
shown["listed"] = sorted(table.name for table in spark.catalog.listTables())
shown["tables"] = rows(spark.sql("SHOW TABLES").select("tableName"))
try:
    one(1).createTempView("ORDERS")
except AnalysisException:
    shown["twice"] = True
spark.sql("DROP VIEW Sums")
shown["dropped"] = [spark.catalog.dropTempView("oRders") for _ in range(2)]
try:
    spark.sql("SELECT * FROM orders")
except AnalysisException as error:
    shown["missing"] = "TABLE_OR_VIEW_NOT_FOUND" in str(error)
shown["kept"] = rows(first)
""",
    )
    assert shown == {
        "first": [[11]],
        "second": [[21]],
        "exists": True,
        "listed": ["orders", "sums"],
        "tables": [["orders"], ["sums"]],
        "twice": True,
        "dropped": [True, False],
        "missing": True,
        "kept": [[11]],
    }


async def test_a_frame_that_is_gone_leaves_nothing_in_the_engine(shell, default_database):
    shown = await run(
        shell,
        """
from pyspark.sql.connect import plan
one(1).createOrReplaceTempView("v")
held = spark.sql("SELECT * FROM v").filter("a = 1")
for _ in range(20):
    spark.sql("SELECT * FROM v")
gc.collect()
last = spark.sql("SELECT * FROM v")
answer = spark.catalog._execute_and_fetch(plan.ListTables())
shown["views"] = sum(name.startswith("__frame_") for name in answer.column(0).to_pylist())
shown["held"] = rows(held)
""",
    )
    assert shown == {"views": 2, "held": [[1]]}


async def test_a_script_of_sql_replaces_a_view_by_what_it_makes_of_it(shell, default_database):
    code, out, err = await shell.run(
        "spark-sql",
        "-e",
        "CREATE TEMPORARY VIEW Steps AS SELECT 1 AS a; CREATE OR REPLACE TEMP VIEW steps AS "
        "SELECT a + 1 AS a FROM Steps; SELECT * FROM STEPS; SHOW TABLES;",
    )
    assert code == 0, err
    assert out.splitlines() == ["2", "\tsteps\ttrue"]


@pytest.mark.parametrize(
    ("statement", "made", "dropped", "asks"),
    [
        ("CREATE OR REPLACE TEMP VIEW V AS SELECT 1", "v", None, False),
        ("create temporary view if not exists `A b` as select 1", "a b", None, False),
        ("CREATE TEMP VIEW Very(a) AS SELECT 1", "very", None, False),
        ("CREATE GLOBAL TEMPORARY VIEW V AS SELECT 1", None, None, False),
        ("CREATE VIEW V AS SELECT 1", None, None, False),
        ("DROP VIEW IF EXISTS V", None, "v", False),
        ("DROP VIEW shop.V", None, None, False),
        ("((SELECT 1))", None, None, True),
        ("WITH a AS (SELECT 1) SELECT 2", None, None, True),
        ("SELECTED", None, None, False),
    ],
)
def test_statements_are_told_apart(statement, made, dropped, asks):
    assert made_view(statement) == made
    assert dropped_view(statement) == dropped
    assert asks_for_rows(statement) is asks


def test_only_the_name_of_a_view_of_the_session_is_changed():
    assert for_engine("CREATE TEMP VIEW `V` AS SELECT 'V' FROM V") == (
        "CREATE TEMP VIEW `v` AS SELECT 'V' FROM V"
    )
    assert for_engine("DROP VIEW Shop.V") == "DROP VIEW Shop.V"


def test_comments_before_a_statement_are_left_out():
    assert bare("-- one\n /* two */ -- three\nSELECT 1 -- four\n") == "SELECT 1 -- four"
    assert bare("/*+ hint */ x") == "/*+ hint */ x"


def test_words_are_those_in_quotes_too():
    assert list(words_of("SELECT `a ``b` FROM c.D")) == ["SELECT", "a `b", "FROM", "c", "D"]
