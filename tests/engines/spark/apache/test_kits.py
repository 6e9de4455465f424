"""Hadoop and Hive on clusters: real jobs and queries, on S3 and the catalog of a server."""

import asyncio
import uuid

import pytest
import pytest_asyncio

from millpond.engines.spark.apache.releases import Releases
from millpond.engines.spark.apache.spark import ApacheSpark
from millpond.engines.spark.apache.versions import VERSIONS
from millpond.engines.spark.interface import Node, Order, Size
from millpond.kernel.processes import MARKER_NAME, _marked

pytestmark = pytest.mark.asyncio(loop_scope="module")

ON_THREE, ON_FOUR = (
    pytest.mark.parametrize("shell", [version], indirect=True, ids=[version.name])
    for version in VERSIONS
)
"""For what need not be held on every version."""
QUICK_JAVA = "-XX:TieredStopAtLevel=1"
"""Short programs end before Java's second compiler has paid off."""
MAPPER = """#!/usr/bin/env python3
import sys
for line in sys.stdin:
    for word in line.split():
        print(f"{word}\\t1")
"""
REDUCER = """#!/usr/bin/env python3
import sys
from itertools import groupby
pairs = (line.rstrip("\\n").split("\\t") for line in sys.stdin)
for word, found in groupby(pairs, key=lambda pair: pair[0]):
    print(f"{word}\\t{sum(int(count) for _, count in found)}")
"""
SCRIPT = """
set hive.exec.dynamic.partition.mode=nonstrict;
use LAKE;
create external table words (word string, n int)
  row format delimited fields terminated by '\\t' location 's3://LAKE/words/';
create table tens stored as orc as select word, n * 10 as n from words where n > ${hivevar:low};
create external table parts (n int) partitioned by (word string)
  stored as parquet location 's3://LAKE/parts/';
insert overwrite table parts partition (word)
  select sum(t.n) over (order by t.word), w.word from words w join tens t on w.word = t.word;
show partitions parts;
select word, n from parts where word <> 'be';
"""


@pytest_asyncio.fixture(
    scope="module", loop_scope="module", params=VERSIONS, ids=lambda version: version.name
)
async def shell(request, tmp_path_factory, lake, shell_of, releases_folder):
    data, marker = tmp_path_factory.mktemp("data"), f"test-{uuid.uuid4().hex}"
    spark = ApacheSpark(
        data, marker, Size(2, 3 << 30), Releases(releases_folder, "", marker), request.param
    )
    folder = data / "clusters" / "j-1"
    order = Order(
        "j-1",
        folder,
        lake.access,
        properties={"spark.hadoop.mapreduce.job.reduces": "1"},
        environment={"HADOOP_CLIENT_OPTS": QUICK_JAVA},
        nodes=(Node("n-1", Size(2, 2 << 30)),),
        programs=("Hive", "Trino") if request.param is VERSIONS[1] else ("Hive",),
    )
    assert spark.installed().programs == {
        "Hadoop": request.param.hadoop,
        "Hive": "3.1.3",
        "Trino": "476",
    }
    cluster = await spark.start(order)
    shell = shell_of(cluster, folder)
    shell.version = request.param
    yield shell
    await cluster.stop()
    await _ended(marker)


async def _ended(marker):
    async with asyncio.timeout(20):
        while _marked(f"{MARKER_NAME}={marker}".encode()):  # noqa: ASYNC110 - processes tell nobody
            await asyncio.sleep(0.05)


@pytest.fixture
def database(lake):
    """A bucket with words, and a database of the same name that keeps its tables there."""
    name = f"lake{uuid.uuid4().hex[:12]}"
    lake.client("s3").create_bucket(Bucket=name)
    place = f"s3://{name}/tables"
    lake.client("glue").create_database(DatabaseInput={"Name": name, "LocationUri": place})
    lake.put(name, **{"in/a.txt": b"to be or\n", "in/b.txt": b"not to be\n"})
    return name


def objects(lake, bucket, prefix):
    """What lies below a prefix, but for marks of folders and of success."""
    s3 = lake.client("s3")
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", ())
    return {
        one["Key"].removeprefix(prefix): s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read()
        for one in listed
        if not one["Key"].endswith(("/", "_SUCCESS", "_$folder$"))
    }


async def test_streaming_counts_words_with_programs_in_python(shell, lake, database):
    lake.put(database, **{"code/map.py": MAPPER.encode(), "code/reduce.py": REDUCER.encode()})
    root = f"s3://{database}"
    code, _, err = await shell.run(
        *("hadoop-streaming", "-files", f"{root}/code/map.py,{root}/code/reduce.py"),
        *("-mapper", "map.py", "-reducer", "reduce.py"),
        *("-input", f"{root}/in", "-output", f"{root}/out"),
    )
    assert code == 0, err[-3000:]
    assert "completed successfully" in err
    assert objects(lake, database, "out/") == {"part-00000": b"be\t2\nnot\t1\nor\t1\nto\t2\n"}


@ON_THREE
async def test_a_jar_runs_on_the_cores_of_the_cluster(shell, lake, database):
    code, _, err = await shell.run(
        *("hadoop", "jar", "/usr/lib/hadoop-mapreduce/hadoop-mapreduce-examples.jar"),
        *("wordcount", f"s3://{database}/in", f"s3n://{database}/out"),
    )
    assert code == 0, err[-3000:]
    assert objects(lake, database, "out/") == {"part-r-00000": b"be\t2\nnot\t1\nor\t1\nto\t2\n"}
    code, out, err = await shell.run("hadoop", "jar", f"s3://{database}/missing.jar", "Main")
    assert (code, out) == (1, "")
    assert f"File s3://{database}/missing.jar does not exist" in err


@ON_THREE
async def test_files_are_listed_in_s3_and_hdfs_is_refused(shell, database):
    code, out, err = await shell.run("hadoop", "fs", "-ls", f"s3://{database}/in")
    assert code == 0, err
    assert [line.split()[-1] for line in out.splitlines()[1:]] == [
        f"s3://{database}/in/a.txt",
        f"s3://{database}/in/b.txt",
    ]
    for words in (("hdfs", "dfs", "-ls", "hdfs:///"), ("s3-dist-cp", "--src", "hdfs:///x")):
        more = ("--dest", "file:///tmp/x") if words[0] == "s3-dist-cp" else ()
        code, _, err = await shell.run(*words, *more)
        assert code == 1
        assert "there is no HDFS on this cluster" in err
    code, _, err = await shell.run("hdfs", "namenode")
    assert code == 1
    assert "namenode is not there" in err


@ON_THREE
async def test_s3_dist_cp_copies_chooses_and_concatenates(shell, lake, database):
    root = f"s3://{database}"

    async def copy(*words):
        code, _, err = await shell.run("s3-dist-cp", *words)
        return code, err

    assert (await copy("--src", f"{root}/in", "--dest", f"{root}/chosen/",
                       "--srcPattern", r".*/b\.txt"))[0] == 0  # fmt: skip
    assert objects(lake, database, "chosen/") == {"b.txt": b"not to be\n"}
    assert (await copy(f"--src={root}/in", f"--dest={root}/one", "--groupBy=.*/.*(txt)",
                       "--outputCodec=none", "--deleteOnSuccess"))[0] == 0  # fmt: skip
    assert objects(lake, database, "one/") == {"txt": b"to be or\nnot to be\n"}
    assert objects(lake, database, "in/") == {}
    code, err = await copy("--src", f"{root}/one", "--dest", f"{root}/x", "--numberFiles")
    assert code == 2
    assert "unrecognized arguments: --numberFiles" in err
    code, err = await copy("--src", f"{root}/nothing", "--dest", f"{root}/x")
    assert code == 1
    assert f"nothing to copy from {root}/nothing" in err


@ON_THREE
async def test_hive_runs_a_script_on_tables_of_the_catalog(shell, lake, database):
    words = b"be\t2\nnot\t1\nor\t1\nto\t2\n"
    lake.put(
        database,
        **{"words/w.tsv": words, "q.hql": SCRIPT.replace("LAKE", database).encode()},
    )
    code, out, err = await shell.run(
        *("hive-script", "--run-hive-script", "--args"),
        *("-f", f"s3://{database}/q.hql", "-d", "low=0"),
    )
    assert code == 0, err[-3000:]
    assert out.splitlines() == [
        *("word=be", "word=not", "word=or", "word=to"),
        *("not\t30", "or\t40", "to\t60"),
    ]
    glue = lake.client("glue")
    tables = {one["Name"]: one for one in glue.get_tables(DatabaseName=database)["TableList"]}
    assert tables.keys() == {"parts", "tens", "words"}
    assert tables["tens"]["StorageDescriptor"]["Location"] == f"s3://{database}/tables/tens"
    listed = glue.get_partitions(DatabaseName=database, TableName="parts")["Partitions"]
    assert sorted(one["Values"] for one in listed) == [["be"], ["not"], ["or"], ["to"]]


@ON_FOUR
async def test_hive_writes_orc_and_tells_what_is_wrong(shell, database):
    code, out, err = await shell.run(
        *("hive", "--hiveconf", "hive.cli.print.header=true", "-e"),
        f"use {database}; create table t stored as orc as select 1 as a, 'x' as b;"
        "select a, b from t; select nothing from t",
    )
    assert code != 0
    assert out.splitlines()[-2:] == ["a\tb", "1\tx"]
    assert "Invalid table alias or column reference 'nothing'" in err


@ON_FOUR
async def test_trino_reads_and_writes_tables_of_the_catalog(shell, lake, database):
    lake.put(database, **{"words/w.csv": b"be,2\nnot,1\n"})
    queries = (
        f"create table hive.{database}.raw (word varchar, n varchar)"
        f" with (format = 'CSV', external_location = 's3://{database}/words/')",
        f"create table hive.{database}.more with (format = 'PARQUET', partitioned_by = array['w'])"
        f" as select cast(n as integer) * 10 as n, word as w from hive.{database}.raw",
        f"select w, n from hive.{database}.more order by w",
        "select count(*) from tpch.tiny.nation",
    )
    code, out, err = await shell.run(
        *("trino-cli", "--server", "localhost:8889", "--execute", "; ".join(queries))
    )
    assert code == 0, err[-3000:]
    assert [line for line in out.splitlines() if line[:1] == '"'] == [
        *('"be","20"', '"not","10"', '"25"'),
    ]
    listed = lake.client("glue").get_partitions(DatabaseName=database, TableName="more")
    assert sorted(one["Values"] for one in listed["Partitions"]) == [["be"], ["not"]]
    code, _, err = await shell.run("trino-cli", "--execute", "select nothing from tpch.tiny.nation")
    assert code == 1
    assert "Column 'nothing' cannot be resolved" in err
