"""Releases are made once, whole, by one process; without a network it is said what to do."""

import asyncio
import json
import subprocess

import pytest

from millpond.engines.spark.apache import releases as module
from millpond.engines.spark.apache.java import major_of
from millpond.engines.spark.apache.releases import Releases
from millpond.engines.spark.apache.spark import ApacheSpark
from millpond.engines.spark.apache.versions import VERSIONS
from millpond.engines.spark.interface import CannotStart, Order, Size

NOWHERE = "http://127.0.0.1:9"
SPARK_3_5 = VERSIONS[0]


@pytest.fixture
def no_network(monkeypatch):
    for name, value in {
        "PIP_INDEX_URL": f"{NOWHERE}/simple",
        "PIP_FIND_LINKS": "",
        "PIP_RETRIES": "0",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def quick(monkeypatch):
    """Releases whose packages are installed in no time; the names of those that were."""
    installed = []

    async def install(self, python, options, requirements, new):
        installed.append(requirements[0])
        if not options:
            (module._spark_home(new) / "jars").mkdir(parents=True)
        await asyncio.sleep(0.1)

    monkeypatch.setattr(Releases, "_install", install)
    monkeypatch.setattr(module, "find_java", lambda majors, environment: "/java")
    return installed


async def test_a_release_tells_what_is_in_it(version, releases_folder, marker):
    release = await Releases(releases_folder, "", marker).ready(version, print)
    told = json.loads((releases_folder / version.folder_name / "made.json").read_text())
    assert told["spark"] == version.spark
    assert f"org.apache.hadoop:hadoop-aws:{version.hadoop}" in told["jars"]
    assert (release.spark / "jars" / f"hadoop-aws-{version.hadoop}.jar").exists()
    assert (release.spark / "jars" / f"hadoop-client-api-{version.hadoop}.jar").exists()
    assert major_of(release.java) in version.java
    code = "import pyspark, pandas, boto3; print(pyspark.__version__)"
    asked = [release.python, "-I", "-c", code]
    done = await asyncio.to_thread(subprocess.run, asked, capture_output=True, check=True)
    assert done.stdout.decode().strip() == version.spark


async def test_without_a_network_it_is_said_what_failed_and_what_to_do(
    tmp_path, marker, no_network, version
):
    heard = []
    with pytest.raises(CannotStart) as refusal:
        await Releases(tmp_path / "releases", "", marker).ready(version, heard.append)
    text = str(refusal.value)
    assert version.requirements[0] in text
    assert "connect to a network" in text
    assert "PIP_INDEX_URL" in text
    assert heard[0].startswith(f"Making the release of Apache Spark {version.spark}")
    assert [path.name for path in (tmp_path / "releases").iterdir()] == ["owner.lock"]


async def test_jars_that_cannot_be_had_are_told_too(tmp_path, marker, quick):
    with pytest.raises(CannotStart, match=r"hadoop-aws-3\.3\.4\.jar: .*set `maven`"):
        await Releases(tmp_path, NOWHERE, marker).ready(SPARK_3_5, print)
    assert [path.name for path in tmp_path.iterdir()] == ["owner.lock"]


async def test_two_that_want_a_release_make_it_once(tmp_path, marker, quick, monkeypatch):
    monkeypatch.setattr(module, "fetch", lambda artifacts, folder, repository: [])
    heard = []
    makers = [Releases(tmp_path, NOWHERE, marker) for _ in range(3)]
    made = await asyncio.gather(*(one.ready(SPARK_3_5, heard.append) for one in makers))
    assert len(set(made)) == 1
    assert quick == ["pyspark==3.5.9"]
    assert heard.count("Waiting for another process that makes a release.") == 2


async def test_without_pip_nothing_is_installed(tmp_path, marker, monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    releases = Releases(tmp_path / "releases", "", marker)
    spark = ApacheSpark(tmp_path, marker, Size(1, 1 << 30), releases, SPARK_3_5)
    assert spark.installed() is None
    with pytest.raises(CannotStart, match="pip install 'millpond"):
        await spark.start(Order("j-1", tmp_path / "j-1"))


async def test_a_machine_without_java_gets_one_that_runs_spark(
    releases_folder, marker, monkeypatch, version, tmp_path
):
    monkeypatch.setattr(module, "find_java", lambda majors, environment: None)
    release = await Releases(releases_folder, "", marker).ready(version, print)
    assert release.java.name == "java-runtime"
    assert major_of(release.java) == version.java[0]
    program = tmp_path / "p.py"
    program.write_text(
        "from pyspark.sql import SparkSession\n"
        "spark = SparkSession.builder.master('local[1]').getOrCreate()\n"
        "spark.range(9).write.parquet('numbers')\n"
        "rdd = spark.sparkContext.parallelize([1, 2]).map(lambda one: one + 1)\n"
        "print(spark.read.parquet('numbers').count(), rdd.sum())\n"
    )
    environment = {
        "PATH": "/usr/bin:/bin",
        "JAVA_HOME": str(release.java),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_HOME": str(release.spark),
    }
    asked = asyncio.to_thread(
        subprocess.run,
        [release.python, program],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    done = await asked
    assert done.stdout.decode().split() == ["9", "5"], done.stderr.decode()[-3000:]
