"""What a cluster does on every runtime: programs, their ends, S3 and the catalog, nodes."""

import asyncio
import json
import uuid

import pytest
import pytest_asyncio

from millpond.engines.spark.interface import CannotStart, Node, Size

pytestmark = pytest.mark.asyncio(loop_scope="module")

TELLING = """
import json, os, sys
from pyspark.sql import SparkSession, functions as F
from pyspark.sql.functions import pandas_udf
spark = (SparkSession.builder.appName("telling").master("yarn").enableHiveSupport()
         .config("spark.executor.memory", "18g").config("spark.mine", "program").getOrCreate())
lake, place = sys.argv[1:]
told = {"environment": os.environ.get("FROM_SPARK_ENV"), "place": place}
told["properties"] = [spark.conf.get(name) for name in (
    "spark.sql.shuffle.partitions", "spark.custom", "spark.mine", "spark.given", "spark.app.name")]
orders = spark.sql(f"SELECT * FROM {lake}.orders")
told["orders"] = [list(row) for row in orders.orderBy("id").collect()]
told["pruned"] = spark.table(f"{lake}.orders").where("day = 2").count()
for _ in range(2):
    orders.write.mode("overwrite").partitionBy("category").parquet(f"s3://{lake}/{place}")
read = spark.read.parquet(f"s3a://{lake}/{place}")
told["revenue"] = [list(row) for row in
                   read.groupBy("category").agg(F.sum("price")).orderBy("category").collect()]
told["files"] = read.where("category = 'b'").count()
orders.select("id", "price").write.mode("overwrite").csv(f"s3a://{lake}/{place}-csv", header=True)
told["csv"] = [list(row) for row in
               spark.read.csv(f"s3://{lake}/{place}-csv", header=True).orderBy("id").collect()]
try:
    spark.read.parquet(f"s3://{lake}/nothing")
    told["missing"] = "was read"
except Exception as error:
    told["missing"] = type(error).__name__

@pandas_udf("long")
def answer(ids):
    import fortytwo
    return ids * 0 + fortytwo.ANSWER

told["module"] = spark.range(3).select(answer("id")).distinct().first()[0]
print(json.dumps(told))
"""
COUNTING = """
import sys
from pathlib import Path
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
home, found = Path.home(), set()
while not (home / "go-on").exists():
    rows = (spark.range(0, 100_000, 1, 4).selectExpr("id % 3 AS k", "id")
            .groupBy("k").sum("id").orderBy("k").collect())
    found.add(tuple(row[1] for row in rows))
    with (home / "rounds").open("a") as rounds:
        rounds.write("x")
print(found)
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def told(shell, lake):
    """What a program says of its cluster."""
    code, out, err = await shell.run(
        "spark-submit", "--deploy-mode", "cluster", "--master", "yarn", "--name", "named",
        "--conf", "spark.given=by the command", "--conf", "spark.custom=changed",
        "--conf=spark.mine=command", "--executor-memory", "18g", "--executor-cores", "5",
        shell.program(TELLING), lake, uuid.uuid4().hex,
    )  # fmt: skip
    assert code == 0, err[-3000:]
    return json.loads(out.splitlines()[-1])


async def test_properties_come_from_the_cluster_then_the_command_then_the_program(told):
    given, custom, mine, conf, name = told["properties"]
    assert (given, custom, mine, conf) == ("3", "changed", "program", "by the command")
    assert name == "telling"
    assert told["environment"] == "yes"


async def test_a_table_of_the_catalog_is_read_by_its_name(told):
    assert told["orders"] == [[1, "a", 1.5, 1], [2, "b", 2.5, 1], [3, "a", 3.5, 2]]
    assert told["pruned"] == 1


async def test_what_is_written_to_s3_replaces_what_was_there_and_is_read_back(told, server, lake):
    assert told["revenue"] == [["a", 5.0], ["b", 2.5]]
    assert told["files"] == 1
    assert told["csv"] == [["1", "1.5"], ["2", "2.5"], ["3", "3.5"]]
    listed = server.client("s3").list_objects_v2(Bucket=lake, Prefix=f"{told['place']}/")
    names = [one["Key"].split("/")[1:] for one in listed["Contents"]]
    kept = [name for name in names if name[-1].endswith(".parquet")]
    assert {name[0] for name in kept} == {"category=a", "category=b"}
    assert all(name[-1] in ("", "_SUCCESS") for name in names if name not in kept)


async def test_a_path_that_is_not_there_is_an_error(told):
    assert told["missing"] == "AnalysisException"


async def test_functions_import_the_modules_that_the_cluster_was_ordered_with(told):
    assert told["module"] == 42


async def test_a_program_that_fails_ends_with_its_exit_code(shell):
    code, _, err = await shell.run("spark-submit", shell.program("import sys; sys.exit(7)"))
    assert code == 7, err
    code, out, err = await shell.run("spark-submit", shell.program("raise ValueError('no day')"))
    assert code == 1
    assert "ValueError: no day" in out + err


async def test_a_program_in_s3_that_is_not_there_fails_by_its_name(shell, lake):
    code, _, err = await shell.run("spark-submit", f"s3://{lake}/programs/gone.py")
    assert code == 1
    assert "gone.py" in err


async def test_an_application_is_ended(shell):
    run = await shell.start(
        "python3", "-c", "import time; print('begun', flush=True); time.sleep(99)"
    )
    await _until(lambda: "begun" in shell.out.read_text())
    finished = await run.end(5)
    assert finished.ended_by_us
    assert finished.exit_code is None


async def test_a_program_that_is_missing_is_not_started(shell):
    with pytest.raises(CannotStart, match="no-such-program"):
        await shell.start("no-such-program")


async def test_nodes_come_go_and_are_lost_while_an_application_works(shell):
    cluster, rounds = shell.cluster, shell.home / "rounds"

    def count():
        return len(rounds.read_text()) if rounds.exists() else 0

    async def more():
        before = count()
        await _until(lambda: count() > before)

    run = await shell.start("spark-submit", shell.program(COUNTING))
    await more()
    await _until(lambda: cluster.load().cores_used > 0)
    load = cluster.load()
    assert load.applications_running == 1
    assert load.nodes.keys() == {"n-1", "n-2"}
    assert load.cores == 2
    await cluster.add_node(Node("n-3", Size(1, 1 << 30)))
    await cluster.remove_node("n-1", 2.0)
    assert cluster.load().nodes.keys() == {"n-2", "n-3"}
    await more()
    await cluster.lose_node("n-2")
    await more()
    await cluster.lose_node("n-3")
    await cluster.add_node(Node("n-4", Size(1, 1 << 30)))
    await more()
    (shell.home / "go-on").touch()
    finished = await run.wait()
    assert finished.exit_code == 0, shell.err.read_text()[-3000:]
    sums = tuple(sum(range(rest, 100_000, 3)) for rest in range(3))
    assert shell.out.read_text().strip() == str({sums})
    await _until(lambda: cluster.load().cores_used == 0)


async def _until(holds):
    async with asyncio.timeout(90):
        while not holds():  # noqa: ASYNC110 - a cluster tells nobody when its load changes
            await asyncio.sleep(0.05)
