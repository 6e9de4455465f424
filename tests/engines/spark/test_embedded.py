"""Sail as a cluster's engine: what programs find on it, and what holds them."""

import json
import os
import textwrap

import pytest

from millpond.engines.spark.embedded import Bounds, SailSpark
from millpond.engines.spark.interface import CannotStart, Order
from millpond.kernel import processes

ORDERS = b"id,category,price,day\n1,a,1.5,2024-01-01\n2,b,2.5,2024-02-01\n3,a,3.5,2025-01-03\n"


async def test_a_program_reads_csv_and_writes_partitioned_parquet(shell, lake, bucket):
    lake.put(bucket, **{"orders/1.csv": ORDERS})
    program = textwrap.dedent("""
        import sys
        from pyspark.sql import SparkSession, functions as F
        spark = (SparkSession.builder.appName("revenue").master("yarn").enableHiveSupport()
                 .config("spark.executor.memory", "2g").getOrCreate())
        spark.sparkContext.setLogLevel("WARN")
        orders = spark.read.csv(sys.argv[1], header=True, inferSchema=True)
        revenue = orders.groupBy("category").agg(F.sum("price").alias("revenue"))
        for _ in range(2):
            revenue.write.mode("overwrite").partitionBy("category").parquet(sys.argv[2])
        print(spark.read.parquet(sys.argv[2]).orderBy("category").collect())
        print(spark.conf.get("spark.app.name"))
    """)
    code, out, err = await shell.python(program, f"s3://{bucket}/orders/", f"s3a://{bucket}/out/")
    assert code == 0, err
    assert "Row(revenue=5.0, category='a'), Row(revenue=2.5, category='b')" in out
    assert out.splitlines()[-1] == "revenue"
    listed = lake.client("s3").list_objects_v2(Bucket=bucket, Prefix="out/")["Contents"]
    assert sorted(o["Key"].split("/")[1] for o in listed) == ["category=a", "category=b"]


async def test_properties_come_from_the_cluster_then_the_command_then_the_program(shell):
    program = shell.folder / "home" / "program.py"
    program.write_text(
        "import sys\n"
        "from pyspark.sql import SparkSession\n"
        "s = SparkSession.builder.config('spark.mine', 'program').getOrCreate()\n"
        "print([s.conf.get(name) for name in sys.argv[1:]])\n"
    )
    names = ("spark.sql.shuffle.partitions", "spark.custom", "spark.mine")
    code, out, err = await shell.run(
        "spark-submit", "--deploy-mode", "cluster", "--master", "yarn", "--name", "named",
        "--conf", "spark.given=by the command", "--conf", "spark.custom=changed",
        "--conf=spark.mine=command", "--executor-memory", "1g",
        str(program), *names, "spark.given", "spark.app.name",
    )  # fmt: skip
    assert code == 0, err
    assert out.strip() == "['3', 'changed', 'program', 'by the command', 'named']"
    code, out, err = await shell.run("python3", str(program), *names)
    assert code == 0, err
    assert out.strip() == "['3', 'a default', 'program']"


async def test_a_program_has_its_credentials_and_no_other_secret(shell, lake, data, monkeypatch):
    monkeypatch.setenv("A_SECRET_OF_THE_SERVER", "s3cr3t")
    program = textwrap.dedent(f"""
        import json, os
        def read(path):
            try:
                return open(path).read()
            except OSError as error:
                return type(error).__name__
        print(json.dumps({{"environment": dict(os.environ),
                           "secret": read({str(data / "root-credentials")!r})}}))
    """)
    code, out, _ = await shell.python(program)
    found = json.loads(out)
    assert code == 0
    assert found["secret"] in ("PermissionError", "FileNotFoundError")
    environment = found["environment"]
    assert environment["AWS_ACCESS_KEY_ID"] == lake.access.access_key_id
    assert environment["AWS_REGION"] == lake.access.region
    assert environment["AWS_ENDPOINT_URL"] == lake.access.endpoint
    assert environment["FROM_SPARK_ENV"] == "yes"
    assert "A_SECRET_OF_THE_SERVER" not in environment


async def test_a_program_cannot_put_links_where_the_platform_opens_files(shell):
    names = ("logs", "conf", "tmp", "home", "new", "logs/new", "conf/new")
    before = {name: (shell.folder / name).exists() for name in names}
    program = f"""
import os
folder = {str(shell.folder)!r}
for name in {names!r}:
    for attempt in (
        lambda: os.rename(f"{{folder}}/{{name}}", f"{{folder}}/{{name}}-gone"),
        lambda: os.symlink("/etc/passwd", f"{{folder}}/{{name}}"),
    ):
        try:
            attempt()
        except OSError:
            pass
"""
    code, _, err = await shell.python(program)
    assert code == 0, err
    assert {name: (shell.folder / name).exists() for name in names} == before
    assert not [path for path in shell.folder.glob("*") if path.is_symlink()]


async def test_files_and_modules_come_from_s3(shell, lake, bucket):
    lake.put(
        bucket,
        **{
            "a b/job.py": b"import helper, sys\n"
            b"from pyspark.sql import SparkSession\n"
            b"from pyspark.sql import functions as F\n"
            b"s = SparkSession.builder.getOrCreate()\n"
            b"double = F.udf(lambda v: helper.double(v), 'bigint')\n"
            b"print(s.range(3).select(double('id').alias('d')).collect())\n"
            b"print(open('settings.txt').read(), sys.argv[1:])\n",
            "lib/helper.py": b"def double(value):\n    return 2 * value\n",
            "settings.txt": b"settled",
        },
    )
    code, out, err = await shell.run(
        "spark-submit", "--py-files", f"s3://{bucket}/lib/helper.py",
        "--files", f"s3://{bucket}/settings.txt", f"s3://{bucket}/a b/job.py", "--day", "é 1",
    )  # fmt: skip
    assert code == 0, err
    assert out.splitlines() == ["[Row(d=0), Row(d=2), Row(d=4)]", "settled ['--day', 'é 1']"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["s3://{bucket}/missing.py"], "File s3://{bucket}/missing.py does not exist"),
        (["missing.py"], "File missing.py does not exist"),
        (["--class", "org.example.Main", "s3://b/app.jar"], "--class: JARs need Apache Spark"),
        (["s3://b/app.jar"], "JARs need Apache Spark"),
        (["--packages", "a:b:1", "x.py"], "--packages: JARs need Apache Spark"),
        (["--conf", "spark.jars=x.jar", "x.py"], "spark.jars: not supported"),
        (["--wrong", "x.py"], "Unrecognized option: --wrong"),
        (["--conf", "novalue", "x.py"], "Spark config without '=': novalue"),
        ([], "Missing application resource"),
    ],
)
async def test_what_cannot_be_submitted_is_refused_by_name(shell, bucket, words, message):
    code, _, err = await shell.run("spark-submit", *(w.format(bucket=bucket) for w in words))
    assert code == 1
    assert message.format(bucket=bucket) in err


async def test_a_failing_program_fails_with_its_traceback(shell):
    code, out, err = await shell.python("print('before')\nraise SystemExit(3)\n")
    assert (code, out) == (3, "before\n")
    code, _, err = await shell.python("import pyspark\npyspark.SparkContext\n")
    assert code == 1
    assert "pyspark.SparkContext is not supported" in err
    code, _, err = await shell.python(
        "from pyspark.sql import SparkSession\n"
        "SparkSession.builder.getOrCreate().sparkContext.parallelize([1])\n"
    )
    assert code == 1
    assert "sparkContext.parallelize is not supported" in err


async def test_spark_sql_runs_scripts_and_prints_rows(shell, lake, bucket):
    script = (
        b"-- totals; of all\n"
        b"CREATE OR REPLACE TEMP VIEW t AS"
        b" SELECT * FROM VALUES (1, 'a;b'), (2, NULL) AS v(id, n);\n"
        b"SELECT id, n, array(id, 2), map('k', id), named_struct('x', 1, 'y', 'z'), true,"
        b" DATE '2024-02-29', CAST(1.50 AS DECIMAL(5,2)) FROM t WHERE id <= ${top} ORDER BY id;"
    )
    lake.put(bucket, **{"q.sql": script})
    code, out, err = await shell.run("spark-sql", "-f", f"s3://{bucket}/q.sql", "-d", "top=9")
    assert code == 0, err
    assert out.splitlines() == [
        '1\ta;b\t[1,2]\t{"k":1}\t{"x":1,"y":"z"}\ttrue\t2024-02-29\t1.50',
        '2\tNULL\t[2,2]\t{"k":2}\t{"x":1,"y":"z"}\ttrue\t2024-02-29\t1.50',
    ]
    code, out, err = await shell.run("spark-sql", "-e", "SELECT 1; SELECT nothing; SELECT 2")
    assert (code, out) == (1, "1\n")
    assert "Error in query" in err


BACKEND = """
import zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None):
    with zipfile.ZipFile(folder + "/thing-1-py3-none-any.whl", "w") as file:
        file.write("thing.py")
        for name, text in (
            ("METADATA", "Metadata-Version: 2.1\\nName: thing\\nVersion: 1\\n"),
            ("WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"),
            ("RECORD", ""),
        ):
            file.writestr("thing-1.dist-info/" + name, text)
    return "thing-1-py3-none-any.whl"
"""


async def test_the_shell_has_pip_and_a_sudo_that_changes_nothing(shell):
    package = shell.folder / "home" / "thing"
    package.mkdir()
    (package / "thing.py").write_text("VALUE = 'installed'\n")
    (package / "pyproject.toml").write_text(
        "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n"
    )
    (package / "backend.py").write_text(BACKEND)
    code, out, err = await shell.run(
        "bash", "-c",
        "sudo -E pip3 install --quiet --no-index --no-build-isolation ~/thing && id -un >/dev/null"
        " && echo made > /tmp/file && cat /tmp/file",
    )  # fmt: skip
    assert code == 0, err
    assert out == "made\n"
    program = (
        "import thing\nfrom pyspark.sql import SparkSession, functions as F\n"
        "def name(_):\n    import thing\n    return thing.VALUE\n"
        "s = SparkSession.builder.getOrCreate()\n"
        "print(thing.__file__, s.range(1).select(F.udf(name)('id')).first()[0])\n"
    )
    code, out, err = await shell.python(program)
    assert code == 0, err
    assert out.startswith(str(shell.folder / "env")) and out.endswith("installed\n")


async def test_the_aws_cli_uses_the_cluster_s_credentials(shell, bucket):
    code, out, err = await shell.run(
        "bash", "-c", f"echo hello > f && aws s3 cp --quiet f s3://{bucket}/f && aws s3 ls {bucket}"
    )
    assert code == 0, err
    assert out.split()[-1] == "f"


async def test_two_programs_run_side_by_side_and_one_is_ended(shell):
    sleeper = await shell.start(
        "bash", "-c", "trap 'echo interrupted; exit 4' INT; echo up; while :; do sleep 0.02; done"
    )
    out = shell.out
    code, _, _ = await shell.run("true")
    assert code == 0
    while out.read_text() != "up\n":
        await shell.run("true")
    sleeper.interrupt()
    finished = await sleeper.wait()
    assert (finished.exit_code, finished.ended_by_us) == (4, False)
    sleeper = await shell.start("sleep", "60")
    finished = await sleeper.end(grace_seconds=0)
    assert (finished.exit_code, finished.description) == (None, "killed by SIGKILL")
    assert finished.ended_by_us


async def test_a_missing_program_is_named(shell):
    with pytest.raises(CannotStart, match="no program hadoop"):
        await shell.run("hadoop", "fs", "-ls")


async def test_an_engine_that_died_starts_again_for_the_next_program(shell):
    count = (
        "from pyspark.sql import SparkSession\n"
        "print(SparkSession.builder.getOrCreate().range(4).count())\n"
    )
    os.kill(shell.cluster.node("local").engine.pid, 9)
    await shell.cluster.node("local").engine.wait()
    assert not shell.cluster.is_running
    assert (await shell.python(count))[:2] == (0, "4\n")
    assert shell.cluster.is_running


async def test_a_big_aggregation_stays_within_the_cluster_s_memory(data, marker, tmp_path):
    spark = SailSpark(data, marker, Bounds(memory_bytes=256 << 20, threads=2))
    folder = data / "clusters" / "j-2"
    cluster = await spark.start(Order("j-2", folder))
    program = (
        "from pyspark.sql import SparkSession, functions as F\n"
        "s = SparkSession.builder.getOrCreate()\n"
        "t = s.range(4_000_000).select(F.concat(F.lit('customer-'), 'id').alias('k'))\n"
        "print(t.groupBy('k').count().count())\n"
    )
    from tests.engines.spark.conftest import Shell

    try:
        code, out, err = await Shell(cluster, folder).python(program)
        assert (code, out) == (0, "4000000\n"), err
        status = (
            processes.Path("/proc") / str(cluster.node("local").engine.pid) / "status"
        ).read_text()
        peak_kib = int(status.partition("VmHWM:")[2].split()[0])
        assert peak_kib < 1 << 20
    finally:
        await cluster.stop()


async def test_an_engine_that_does_not_come_up_says_why(data, marker):
    spark = SailSpark(data, marker, Bounds(memory_bytes=-(1400 << 20), threads=2))
    with pytest.raises(CannotStart, match="j-3"):
        await spark.start(Order("j-3", data / "clusters" / "j-3"))
