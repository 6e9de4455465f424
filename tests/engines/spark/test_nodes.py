"""Nodes come, go and are lost; applications go on."""

import asyncio
import zipfile

import pytest

from millpond.engines.spark.interface import CannotStart, Node, Order, Size, scaled

GIB = 1 << 30
SIZE = Size(1, GIB)
WAITING = """
import sys, time
from pathlib import Path
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
home = Path.home()
attempts = home / "attempts"
attempts.write_text(attempts.read_text() + "x" if attempts.exists() else "x")
total = spark.range(1000).selectExpr("sum(id)").first()[0]
while not (home / "go-on").exists():
    time.sleep(0.01)
print(total + spark.range(1000).count(), "after", len(attempts.read_text()), "attempts")
"""


@pytest.fixture
def order(data, lake):
    return Order("j-1", data / "clusters" / "j-1", lake.access, nodes=(Node("i-1", SIZE),))


@pytest.fixture
async def shell(spark, order, shell_of):
    cluster = await spark.start(order)
    yield shell_of(cluster, order.folder)
    await cluster.stop()


class Waiting:
    """A program that counts its attempts, and works until it is told to go on."""

    def __init__(self, shell):
        self.shell = shell
        self.home = shell.folder / "home"

    async def start(self, *words):
        (self.home / "program.py").write_text(WAITING)
        words = (*words, str(self.home / "program.py"))
        self.run = await self.shell.start(*words)
        self.out, self.err = self.shell.out, self.shell.err
        return self

    async def attempted(self, times):
        attempts = self.home / "attempts"
        async with asyncio.timeout(60):
            while not attempts.exists() or len(attempts.read_text()) < times:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def end(self):
        (self.home / "go-on").touch()
        finished = await self.run.wait()
        return finished.exit_code, self.out.read_text().strip()


async def test_a_lost_node_s_application_begins_again_on_another(shell):
    program = await Waiting(shell).start("spark-submit")
    await program.attempted(1)
    await shell.cluster.add_node(Node("i-2", SIZE))
    await shell.cluster.lose_node("i-1")
    await program.attempted(2)
    assert shell.cluster.load().nodes == {"i-2": 1}
    assert await program.end() == (0, "500500 after 2 attempts")
    assert "Attempt 1 of 2 was lost with its node." in program.err.read_text()


async def test_an_application_waits_where_no_node_is_left_and_goes_on_with_the_next(shell):
    program = await Waiting(shell).start("spark-submit")
    await program.attempted(1)
    await shell.cluster.lose_node("i-1")
    async with asyncio.timeout(10):
        while shell.cluster.load().applications_waiting == 0:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await shell.cluster.add_node(Node("i-2", SIZE))
    assert await program.end() == (0, "500500 after 2 attempts")


async def test_an_application_is_attempted_as_often_as_was_asked(shell):
    words = ("spark-submit", "--conf", "spark.yarn.maxAppAttempts=1")
    program = await Waiting(shell).start(*words)
    await program.attempted(1)
    await shell.cluster.add_node(Node("i-2", SIZE))
    await shell.cluster.lose_node("i-1")
    finished = await program.run.wait()
    assert finished.exit_code is None
    assert (program.home / "attempts").read_text() == "x"


async def test_a_node_that_is_taken_away_finishes_its_work_first(shell):
    program = await Waiting(shell).start("spark-submit")
    await program.attempted(1)
    removing = asyncio.create_task(shell.cluster.remove_node("i-1", 60))
    await shell.cluster.add_node(Node("i-2", SIZE))
    assert shell.cluster.load().nodes == {"i-2": 0}
    assert not removing.done()
    assert await program.end() == (0, "500500 after 1 attempts")
    await removing


async def test_a_grace_that_is_over_costs_an_attempt(shell):
    program = await Waiting(shell).start("spark-submit")
    await program.attempted(1)
    await shell.cluster.add_node(Node("i-2", SIZE))
    await shell.cluster.remove_node("i-1", 0.01)
    assert await program.end() == (0, "500500 after 2 attempts")


async def test_a_command_line_of_the_master_is_not_run_twice(shell):
    home = shell.folder / "home"
    run = await shell.start("bash", "-c", f"echo x >> {home}/count; sleep 0.2; echo done")
    await shell.cluster.lose_node("i-1")
    assert (await run.wait()).exit_code == 0
    assert (home / "count").read_text() == "x\n"


async def test_an_application_without_a_node_can_be_ended(shell):
    await shell.cluster.lose_node("i-1")
    run = await shell.start("spark-submit", "nothing.py")
    finished = await run.end(0)
    assert finished.ended_by_us
    assert shell.cluster.load().applications_waiting == 0


async def test_applications_begin_on_the_node_that_has_fewest(shell):
    await shell.cluster.add_node(Node("i-2", SIZE))
    runs = [await shell.start("sleep", "60") for _ in range(3)]
    load = shell.cluster.load()
    assert load.nodes == {"i-1": 1, "i-2": 1}
    assert (load.cores, load.cores_used, load.cores_wanted) == (2, 2, 1)
    assert (load.memory_bytes, load.memory_bytes_used) == (2 * GIB, 2 * GIB)
    assert (load.applications_running, load.applications_waiting) == (3, 0)
    await asyncio.gather(*(run.end(0) for run in runs))
    assert shell.cluster.load().cores_used == 0


async def test_python_modules_are_installed_once_and_imported_by_programs_and_functions(
    spark, data, lake, shell_of
):
    wheel = make_wheel(data, "pond_depth", "1.0", "def depth(n):\n    return n + 40\n")
    told = []
    for name in ("j-1", "j-2"):
        order = Order(
            name,
            data / "clusters" / name,
            lake.access,
            python_modules=(str(wheel),),
            programs=("Glue",),
            progress=told.append,
        )
        cluster = await spark.start(order)
        code, out, err = await shell_of(cluster, order.folder).python(
            "import pond_depth\n"
            "from pyspark.sql import SparkSession\n"
            "from pyspark.sql.functions import udf\n"
            "import awsglue\n"
            "spark = SparkSession.builder.getOrCreate()\n"
            "deep = udf(pond_depth.depth, 'long')\n"
            "print(spark.range(1, 3).select(deep('id')).collect()[1][0])\n"
        )
        await cluster.stop()
        assert (code, out) == (0, "42\n"), err
    assert told == [f"Installing {wheel}"]


async def test_modules_that_cannot_be_had_are_named(spark, data, lake, tmp_path):
    order = Order(
        "j-1", data / "clusters" / "j-1", python_modules=(str(tmp_path / "missing-1.0.whl"),)
    )
    with pytest.raises(CannotStart, match=r"missing-1\.0"):
        await spark.start(order)


async def test_programs_that_sail_does_not_have_are_refused_by_name(spark, data):
    with pytest.raises(CannotStart, match=r"Hive, Trino: not there on Sail"):
        await spark.start(Order("j-1", data / "clusters" / "j-1", programs=("Trino", "Hive")))


def test_machines_share_what_there_is_and_get_no_more_than_they_are():
    m5 = Size(4, 16 * GIB)
    assert scaled(m5, Size(8, 32 * GIB), Size(2, 8 * GIB)) == Size(1, 4 * GIB)
    assert scaled(m5, m5, Size(64, 256 * GIB)) == m5
    assert scaled(m5, Size(400, 1600 * GIB), Size(2, 8 * GIB)) == Size(1, 512 << 20)


def make_wheel(folder, name, version, text):
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{name}.py", text)
        wheel.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    return path
