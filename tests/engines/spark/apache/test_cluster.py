"""What only Apache Spark does: JARs, RDDs, a catalog that is written, nodes lost in a shuffle."""

import asyncio
import json
import shutil
import subprocess
import uuid
import zipfile
from pathlib import Path

import pytest
import pytest_asyncio

from millpond.engines.spark.apache.releases import Releases
from millpond.engines.spark.apache.spark import ApacheSpark
from millpond.engines.spark.apache.versions import VERSIONS
from millpond.engines.spark.interface import CannotStart, Node, Order, Size
from millpond.kernel.processes import MARKER_NAME, _marked

pytestmark = pytest.mark.asyncio(loop_scope="module")

RELEASES = Path(__file__).resolve().parents[4] / "build" / "releases"
NODE = Size(1, 1 << 30)
QUICK_JAVA = "-XX:TieredStopAtLevel=1"
"""Short programs end before Java's second compiler has paid off."""
ALONE = ("--master", "local[2]", "--conf", "spark.ui.enabled=false")
"""Without executors, for what is no matter of theirs."""
WORDS = "to be or not to be\nthat is the question\n"
CATALOG = """
import json, sys
from pyspark.sql import SparkSession
lake = sys.argv[1]
spark = SparkSession.builder.enableHiveSupport().getOrCreate()
spark.conf.set("hive.exec.dynamic.partition.mode", "nonstrict")
told = {}

def ask(query):
    return [list(row) for row in spark.sql(query.replace("LAKE", lake)).collect()]

def refusal(query):
    try:
        return ask(query)
    except Exception as error:
        return str(error)

orders = spark.createDataFrame([(1, "a", 1.5), (2, "b", 2.5), (3, "a", 3.5)],
                               "id bigint, category string, price double")
orders.write.saveAsTable(f"{lake}.orders")
orders.write.mode("overwrite").saveAsTable(f"{lake}.orders")
told["saved"] = ask("SELECT count(*), sum(price) FROM LAKE.orders")
ask("CREATE TABLE LAKE.days (id bigint, price double) PARTITIONED BY (day int, note string) "
    "STORED AS PARQUET")
ask("INSERT INTO LAKE.days PARTITION (day = 1, note = 'a/b') VALUES (1, 1.0)")
ask("INSERT OVERWRITE TABLE LAKE.days PARTITION (day, note) "
    "SELECT id, price, CAST(id AS int) + 1, category FROM LAKE.orders")
told["partitions"] = ask("SHOW PARTITIONS LAKE.days")
told["pruned"] = ask("SELECT id, note FROM LAKE.days WHERE day >= 2 AND note LIKE 'a%' ORDER BY id")
ask("ALTER TABLE LAKE.days DROP PARTITION (day = 2)")
told["left"] = ask("SELECT count(*) FROM LAKE.days")
ask("CREATE EXTERNAL TABLE LAKE.found (id bigint) PARTITIONED BY (day string) STORED AS ORC "
    "LOCATION 's3://LAKE/found/'")
spark.range(3).write.orc(f"s3://{lake}/found/day=2024-01-01")
told["unknown"] = ask("SELECT count(*) FROM LAKE.found")
ask("MSCK REPAIR TABLE LAKE.found")
told["repaired"] = ask("SELECT count(*) FROM LAKE.found WHERE day = '2024-01-01'")
ask("CREATE VIEW LAKE.view AS SELECT category, sum(price) AS revenue FROM LAKE.orders GROUP BY 1")
told["view"] = ask("SELECT * FROM LAKE.view ORDER BY 1")
told["tables"] = sorted(row[1] for row in ask("SHOW TABLES IN LAKE"))
ask("ALTER TABLE LAKE.found ADD COLUMNS (more string)")
told["columns"] = spark.table(f"{lake}.found").columns
told["renamed"] = refusal("ALTER TABLE LAKE.found RENAME TO LAKE.other")
told["full"] = refusal("DROP DATABASE LAKE RESTRICT")
told["gone"] = refusal("SELECT * FROM LAKE.no_such_table")
ask("DROP TABLE LAKE.orders")
ask("DROP TABLE LAKE.found")
print(json.dumps(told))
"""
SHUFFLE = """
import os, time
from operator import add
from pathlib import Path
from pyspark.sql import SparkSession
context = SparkSession.builder.getOrCreate().sparkContext
home = Path.home()

def slow(number):
    (home / f"began-{number}").touch()
    time.sleep(0.5)
    assert os.environ["AWS_OF_ITS_OWN"] == "yes"
    return (number % 5, number)

pairs = context.parallelize(range(12), 12).map(slow)
print(sorted(pairs.reduceByKey(add, 4).collect()))
"""


@pytest_asyncio.fixture(
    scope="module", loop_scope="module", params=VERSIONS, ids=lambda version: version.name
)
async def shell(request, tmp_path_factory, lake, shell_of):
    data, marker = tmp_path_factory.mktemp("data"), f"test-{uuid.uuid4().hex}"
    releases = Releases(RELEASES, "", marker)
    spark = ApacheSpark(data, marker, Size(2, 3 << 30), releases, request.param)
    order = Order(
        "j-1",
        data / "clusters" / "j-1",
        lake.access,
        properties={
            "spark.sql.shuffle.partitions": "2",
            "spark.driver.extraJavaOptions": QUICK_JAVA,
            "spark.executor.extraJavaOptions": QUICK_JAVA,
        },
        nodes=(Node("n-1", NODE), Node("n-2", NODE)),
    )
    cluster = await spark.start(order)
    shell = shell_of(cluster, order.folder)
    shell.version = request.param
    yield shell
    await cluster.stop()
    await _until(lambda: not _marked(f"{MARKER_NAME}={marker}".encode()))


@pytest.fixture
def database(lake):
    """A bucket, and a database of the same name that keeps its tables there."""
    name = f"lake{uuid.uuid4().hex[:12]}"
    lake.client("s3").create_bucket(Bucket=name)
    lake.client("glue").create_database(
        DatabaseInput={"Name": name, "LocationUri": f"s3://{name}/tables"}
    )
    return name


async def test_the_catalog_is_written_as_hives_metastore(shell, lake, database):
    program = shell.folder / "home" / "catalog.py"
    program.write_text(CATALOG)
    code, out, err = await shell.run("spark-submit", *ALONE, str(program), database)
    assert code == 0, out[-3000:] + err[-1000:]
    told = json.loads(out.splitlines()[-1])
    assert told["saved"] == [[3, 7.5]]
    assert told["partitions"] == [
        ["day=1/note=a%2Fb"],
        ["day=2/note=a"],
        ["day=3/note=b"],
        ["day=4/note=a"],
    ]
    assert told["pruned"] == [[1, "a"], [3, "a"]]
    assert told["left"] == [[3]]
    assert (told["unknown"], told["repaired"]) == ([[0]], [[3]])
    assert told["view"] == [["a", 5.0], ["b", 2.5]]
    assert told["tables"] == ["days", "found", "orders", "view"]
    assert told["columns"] == ["id", "more", "day"]
    assert "rename is not supported" in told["renamed"]
    assert "TABLE_OR_VIEW_NOT_FOUND" in told["gone"]
    assert "not empty" in told["full"] or "SCHEMA_NOT_EMPTY" in told["full"]
    glue, s3 = lake.client("glue"), lake.client("s3")
    tables = {one["Name"]: one for one in glue.get_tables(DatabaseName=database)["TableList"]}
    assert tables.keys() == {"days", "view"}
    assert tables["days"]["PartitionKeys"] == [
        {"Name": "day", "Type": "int"},
        {"Name": "note", "Type": "string"},
    ]
    assert tables["days"]["StorageDescriptor"]["Location"] == f"s3://{database}/tables/days"
    left = [one["Key"] for one in s3.list_objects_v2(Bucket=database)["Contents"]]
    assert any(key.startswith("found/") for key in left), "what is external stays"
    assert not any(key.startswith("tables/orders/part") for key in left), "what is managed goes"
    listed = glue.get_partitions(DatabaseName=database, TableName="days")["Partitions"]
    assert sorted(one["Values"] for one in listed) == [["1", "a/b"], ["3", "b"], ["4", "a"]]


@pytest.mark.skipif(
    shutil.which("javac") is None, reason="a JAR is compiled, and there is no javac"
)
async def test_a_jar_counts_words_with_rdds(shell, lake, database, tmp_path):
    jars = shell.cluster.release.spark / "jars" / "*"
    source = Path(__file__).parent / "WordCount.java"
    compile_java = ["javac", "-nowarn", "--release", "11", "-cp", jars, "-d", tmp_path, source]
    await asyncio.to_thread(subprocess.run, compile_java, check=True)
    with zipfile.ZipFile(tmp_path / "words.jar", "w") as jar:
        for path in tmp_path.glob("*.class"):
            jar.write(path, path.name)
    s3 = lake.client("s3")
    s3.upload_file(str(tmp_path / "words.jar"), database, "programs/words.jar")
    s3.put_object(Bucket=database, Key="in/words.txt", Body=WORDS.encode())
    code, out, err = await shell.run(
        "spark-submit", "--master", "yarn", "--deploy-mode", "client", "--class", "WordCount",
        f"s3://{database}/programs/words.jar", f"s3://{database}/in", f"s3n://{database}/out",
    )  # fmt: skip
    assert code == 0, err[-3000:]
    assert out.strip() == "2"
    found = s3.get_object(Bucket=database, Key="out/part-00000")["Body"].read().decode()
    counts = dict(line.split("\t") for line in found.splitlines())
    assert counts == {word: str(WORDS.split().count(word)) for word in WORDS.split()}


async def test_spark_sql_runs_a_script_of_s3(shell, lake, database):
    script = "SET x=2;\nSELECT ${x} + 40;\nSELECT 'a;b' AS c;\n"
    lake.put(database, **{"q.sql": script.encode()})
    code, out, err = await shell.run("spark-sql", *ALONE, "-f", f"s3://{database}/q.sql")
    assert code == 0, err[-3000:]
    assert [line for line in out.splitlines() if line] == ["x\t2", "42", "a;b"]


async def test_a_node_that_is_lost_in_a_shuffle_loses_nothing(shell):
    program, home = shell.folder / "home" / "shuffle.py", shell.folder / "home"
    program.write_text(SHUFFLE)
    cluster = shell.cluster
    run = await shell.start("spark-submit", str(program), AWS_OF_ITS_OWN="yes")
    await _until(lambda: len(list(home.glob("began-*"))) >= 5)
    await _until(lambda: cluster.load().cores_wanted > 0)
    assert cluster.load().cores_used == 2
    await cluster.lose_node("n-2")
    await cluster.add_node(Node("n-3", NODE))
    assert (await run.wait()).exit_code == 0, shell.err.read_text()[-3000:]
    sums = [(rest, sum(range(rest, 12, 5))) for rest in range(5)]
    assert shell.out.read_text().strip() == str(sums)


async def test_a_cluster_goes_on_after_its_master_died(shell):
    await shell.cluster.master.kill()
    code, out, err = await shell.run("spark-submit", "--version")
    assert code == 0, err
    assert shell.version.spark in out + err
    assert shell.cluster.is_running
    assert shell.cluster.load().nodes.keys() == {"n-1", "n-3"}


async def test_programs_that_are_not_there_are_refused_by_their_names(tmp_path, lake):
    spark = ApacheSpark(
        tmp_path, "test", Size(1, 1 << 30), Releases(RELEASES, "", "test"), VERSIONS[0]
    )
    with pytest.raises(CannotStart, match=r"HBase: not there on Apache Spark 3\.5"):
        await spark.start(Order("j-1", tmp_path / "j-1", programs=("HBase",)))


async def _until(holds):
    async with asyncio.timeout(90):
        while not holds():  # noqa: ASYNC110 - a cluster tells nobody when its load changes
            await asyncio.sleep(0.05)
