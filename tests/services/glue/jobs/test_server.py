"""Jobs on a real server, with boto3: scripts really run, and nothing outlives them."""

import json
import time
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from tests.services.glue.jobs.account import ENDED, Account

REVENUE = b"""
import sys
from pyspark.sql import SparkSession, functions as F
from pyspark.sql.functions import udf
import rates

spark = SparkSession.builder.getOrCreate()
words = dict(zip(sys.argv[1::2], sys.argv[2::2]))
orders = spark.read.csv(words["--input"], header=True, inferSchema=True)
double = udf(lambda price: rates.double(price), "double")
revenue = orders.groupBy("category").agg(F.sum(double("price")).alias("revenue"))
revenue.write.mode("overwrite").parquet(words["--output"])
print("revenue", sorted(map(tuple, spark.read.parquet(words["--output"]).collect())))
"""
RATES = b"def double(price):\n    return 2.0 * price\n"
ORDERS = b"id,category,price\n1,a,1.5\n2,b,2.5\n3,a,3.5\n"


@pytest.fixture
def account(server):
    return Account(server)


def test_a_spark_job_runs_with_its_files_and_functions(account):
    orders = account.put("in/orders.csv", ORDERS)
    name = account.make(
        REVENUE,
        GlueVersion="4.0",
        WorkerType="G.1X",
        NumberOfWorkers=2,
        DefaultArguments={"--extra-py-files": account.put("rates.py", RATES)},
    )
    run = account.do(name, input=orders, output=f"s3://{account.bucket}/out/")
    assert run["JobRunState"] == "SUCCEEDED", run
    assert account.lines(run) == ["revenue [('a', 10.0), ('b', 5.0)]"]
    assert run["GlueVersion"] == "4.0"


def test_an_error_is_told_as_glue_tells_it(account):
    name = account.make(
        b"from pyspark.sql import SparkSession\n"
        b"spark = SparkSession.builder.getOrCreate()\n"
        b"spark.sql('SELECT nothing FROM nowhere').show()\n"
    )
    run = account.do(name)
    assert run["JobRunState"] == "FAILED"
    assert run["ErrorMessage"].startswith("AnalysisException: ")
    lines = account.lines(run, "error")
    assert lines[0] == "Traceback (most recent call last):"
    assert f"{name}.py" in lines[1]


def wheel(name, source):
    """A wheel of one module, as pip takes it."""
    packed = BytesIO()
    about = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(f"{name}.py", source)
        archive.writestr(
            f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
        )
        archive.writestr(
            f"{about}/WHEEL",
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        archive.writestr(f"{about}/RECORD", "")
    return packed.getvalue()


SHELL = b"""
import json, os, sys
import boto3
import greetings

print(greetings.HELLO, dict(zip(sys.argv[1::2], sys.argv[2::2]))["--who"])
boto3.client("s3").put_object(Bucket=sys.argv[sys.argv.index("--bucket") + 1], Key="made", Body=b"")
print(sorted(name for name in os.listdir(".") if not name.startswith(".")))
sys.exit(3)
"""


def test_a_python_shell_has_modules_and_files_and_its_role(account):
    module = account.put("greetings-1.0-py3-none-any.whl", wheel("greetings", "HELLO = 'hello'\n"))
    table = account.put("data/table.json", b"[]")
    name = account.make(SHELL, "pythonshell", MaxCapacity=1.0)
    given = {"additional_python_modules": module, "extra_files": table}
    run = account.do(name, who="world", bucket=account.bucket, **given)
    assert account.lines(run)[:2] == ["hello world", f"['{name}.py', 'table.json']"]
    assert (run["JobRunState"], run["ErrorMessage"]) == ("FAILED", "SystemExit: 3")
    assert account.s3.head_object(Bucket=account.bucket, Key="made")["ContentLength"] == 0


def test_what_a_script_started_ends_when_it_is_stopped(account, tmp_path):
    name = account.make(
        b"import os, subprocess, time\n"
        b"child = subprocess.Popen(['sleep', '600'])\n"
        b"print(os.getpid(), child.pid, flush=True)\n"
        b"time.sleep(600)\n",
        "pythonshell",
    )
    run_id = account.glue.start_job_run(JobName=name)["JobRunId"]
    run = account.until(name, run_id, "RUNNING")
    pids = _when_said(account, run)
    assert all(_runs(pid, run_id) for pid in pids)
    account.glue.batch_stop_job_run(JobName=name, JobRunIds=[run_id])
    assert account.until(name, run_id, *ENDED)["JobRunState"] == "STOPPED"
    assert not any(_runs(pid, run_id) for pid in pids)


COMMITS = b"""
import json, os, sys, time
folder = os.environ["MILLPOND_GLUE_FOLDER"]
with open(folder + "/bookmark-commit.json", "w") as file:
    json.dump({"states": {"orders": {"n": 1}}}, file)
print(os.getpid(), flush=True)
time.sleep(600)
"""


def test_a_run_that_dies_with_the_server_has_failed_and_is_tried_again_if_asked(fresh_server):
    account = Account(fresh_server)
    enabled = {"--job-bookmark-option": "job-bookmark-enable"}
    once = account.make(COMMITS, "pythonshell", DefaultArguments=enabled)
    twice = account.make(COMMITS, "pythonshell", MaxRetries=1)
    runs = {name: account.glue.start_job_run(JobName=name)["JobRunId"] for name in (once, twice)}
    for name, run_id in runs.items():
        run = account.until(name, run_id, "RUNNING")
        _when_said(account, run)
    fresh_server.restart(kill=True)
    for name, run_id in runs.items():
        run = account.until(name, run_id, *ENDED)
        assert run["JobRunState"] == "FAILED"
        assert run["ErrorMessage"] == "The platform was restarted while the job ran."
    assert len(account.glue.get_job_runs(JobName=once)["JobRuns"]) == 1
    entry = account.glue.get_job_bookmark(JobName=once)["JobBookmarkEntry"]
    assert json.loads(entry["JobBookmark"]) == {"orders": {"n": 1}}
    again = f"{runs[twice]}_attempt_1"
    account.until(twice, again, "RUNNING")
    account.glue.batch_stop_job_run(JobName=twice, JobRunIds=[again])
    account.until(twice, again, "STOPPED")
    folder = fresh_server.data / "jobs" / "runs"
    deadline = time.monotonic() + 10
    while list(folder.glob("*")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert not _left_of(folder)


def _when_said(account, run):
    """The process ids that a script prints as its first line."""
    deadline = time.monotonic() + 30
    while True:
        try:
            lines = account.lines(run)
        except account.logs.exceptions.ResourceNotFoundException:
            lines = []
        if lines:
            return [int(word) for word in lines[0].split()]
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _runs(pid, run_id):
    try:
        words = Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return False
    return run_id in words or words.split("\0")[:2] == ["sleep", "600"]


def _left_of(folder):
    """Processes whose command line names the folder."""
    found = []
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(folder) in each.read_text():
                found.append(each.parent.name)
        except OSError:
            continue
    return found


GLUE_SCRIPT = b"""
import sys
from awsglue.transforms import *
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
from awsglue.context import GlueContext
from awsglue.job import Job

args = getResolvedOptions(sys.argv, ["JOB_NAME", "source"])
sc = SparkContext.getOrCreate()
sc.setLogLevel("WARN")
glueContext = GlueContext(sc)
job = Job(glueContext)
job.init(args["JOB_NAME"], args)
orders = glueContext.create_dynamic_frame.from_options(
    "s3", {"paths": [args["source"]]}, "json", transformation_ctx="orders"
)
print("ids", sorted(row["id"] for row in orders.toDF().collect()) if orders.count() else [])
if "--late" in sys.argv:
    raise ValueError("late")
job.commit()
"""


def test_a_rerun_after_a_failure_neither_loses_nor_repeats(account):
    enabled = {"--job-bookmark-option": "job-bookmark-enable"}
    name = account.make(GLUE_SCRIPT, DefaultArguments=enabled)
    source = f"s3://{account.bucket}/orders/"
    account.put("orders/1.json", b'{"id": 1}\n{"id": 2}\n')
    assert account.lines(account.do(name, source=source)) == ["ids [1, 2]"]
    account.put("orders/2.json", b'{"id": 3}\n')
    failed = account.do(name, source=source, late="1")
    assert (failed["JobRunState"], failed["ErrorMessage"]) == ("FAILED", "ValueError: late")
    assert account.lines(failed) == ["ids [3]"]
    assert account.lines(account.do(name, source=source)) == ["ids [3]"]
    assert account.lines(account.do(name, source=source)) == ["ids []"]
