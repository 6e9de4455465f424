"""Job runs on a real server: PySpark on Sail, RDDs on Apache Spark, real clients, kill -9."""

import contextlib
import gzip
import json
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.conftest import Server

SAIL, APACHE = "emr-spark-8.0.0", "emr-7.12.0"
ROLE = "arn:aws:iam::000000000000:role/jobs"
ENDED = ("SUCCESS", "FAILED", "CANCELLED")
ORDERS = "region,amount\nnorth,10\nsouth,5\nnorth,2\n"
JOB = """\
import sys
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
print("reading", sys.argv[1], spark.conf.get("spark.sql.shuffle.partitions"), flush=True)
orders = spark.read.csv(sys.argv[1], header=True, inferSchema=True)
orders.groupBy("region").sum("amount").write.mode("overwrite").parquet(sys.argv[2])
"""
BROKEN = "raise ValueError('the third order has no amount')\n"
SLEEP = "import subprocess\nprint('asleep', flush=True)\nsubprocess.run(['sleep', '{}'])\n"
WHO = """\
import os, boto3
print(boto3.client("sts").get_caller_identity()["Arn"])
print(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"],
      os.environ["AWS_SESSION_TOKEN"])
try:
    boto3.client("emr-serverless").list_applications()
except Exception as error:
    print(error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"])
"""
COUNT = """\
import sys, time
import boto3
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
print("session", flush=True)
bucket = sys.argv[1].split("/")[2]
while not boto3.client("s3").list_objects_v2(Bucket=bucket, Prefix="go").get("Contents"):
    time.sleep(0.1)
words = spark.sparkContext.textFile(sys.argv[1]).flatMap(str.split)
print(sorted(words.map(lambda word: (word, 1)).reduceByKey(lambda a, b: a + b).collect()))
"""
APACHE_SECONDS = 300
"""A release that is not made yet is made first."""
WARM = {
    "DRIVER": {"workerCount": 1, "workerConfiguration": {"cpu": "4 vCPU", "memory": "16 GB"}},
    "EXECUTOR": {"workerCount": 3, "workerConfiguration": {"cpu": "4 vCPU", "memory": "16 GB"}},
}


class Account:
    """A bucket of its own, and short words for what tests do."""

    def __init__(self, server: Server, bucket: str) -> None:
        self.server, self.bucket = server, bucket
        self.emr, self.s3 = server.client("emr-serverless"), server.client("s3")
        self.s3.create_bucket(Bucket=bucket)

    def put(self, **texts: str) -> None:
        for key, text in texts.items():
            name = key.replace("__", "/").replace("_py", ".py").replace("_csv", ".csv")
            self.s3.put_object(Bucket=self.bucket, Key=name, Body=text.encode())

    def url(self, key: str) -> str:
        return f"s3://{self.bucket}/{key}"

    def make(self, **more: Any) -> str:
        request = {"name": "tests", "releaseLabel": SAIL, "type": "SPARK"} | more
        app = str(self.emr.create_application(**request)["applicationId"])
        self.until(lambda: self.application(app)["state"], lambda state: state == "CREATED")
        return app

    def start(self, app: str, script: str, *arguments: str, **more: Any) -> str:
        request = {
            "applicationId": app,
            "executionRoleArn": ROLE,
            "jobDriver": {
                "sparkSubmit": {
                    "entryPoint": self.url(script),
                    "entryPointArguments": list(arguments),
                }
            },
            "configurationOverrides": {
                "monitoringConfiguration": {
                    "s3MonitoringConfiguration": {"logUri": self.url("logs/")}
                }
            },
        } | more
        return str(self.emr.start_job_run(**request)["jobRunId"])

    def application(self, app: str) -> dict[str, Any]:
        return self.emr.get_application(applicationId=app)["application"]

    def job_run(self, app: str, run_id: str) -> dict[str, Any]:
        return self.emr.get_job_run(applicationId=app, jobRunId=run_id)["jobRun"]

    def end_of(self, app: str, run_id: str, seconds: float = 30) -> dict[str, Any]:
        return self.until(
            lambda: self.job_run(app, run_id), lambda run: run["state"] in ENDED, seconds
        )

    def log(self, app: str, run_id: str, name: str = "stdout") -> str:
        key = f"logs/applications/{app}/jobs/{run_id}/SPARK_DRIVER/{name}.gz"
        with contextlib.suppress(self.s3.exceptions.NoSuchKey):
            body = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
            return gzip.decompress(body).decode()
        return ""

    def until(
        self, look: Callable[[], Any], is_so: Callable[[Any], bool], seconds: float = 30
    ) -> Any:
        end = time.monotonic() + seconds
        while not is_so(found := look()):
            assert time.monotonic() < end, f"It did not happen: {found}"
            time.sleep(0.05)
        return found


@pytest.fixture(scope="module")
def account(server: Server) -> Iterator[Account]:
    account = Account(server, "serverless")
    account.put(
        orders__1_csv=ORDERS, job_py=JOB, broken_py=BROKEN, sleep_py=SLEEP.format(4713), who_py=WHO
    )
    yield account


@pytest.fixture(scope="module")
def app(account: Account) -> str:
    return account.make()


def processes(word: str) -> list[str]:
    listed = subprocess.run(["ps", "-ewwo", "args"], capture_output=True, text=True, check=True)
    return [line for line in listed.stdout.splitlines() if word in line and "ps -eww" not in line]


def test_a_pyspark_job_reads_and_writes_s3(account: Account, app: str) -> None:
    driver = {
        "sparkSubmit": {
            "entryPoint": account.url("job.py"),
            "entryPointArguments": [account.url("orders/"), account.url("sums/")],
            "sparkSubmitParameters": "--conf spark.sql.shuffle.partitions=3 --num-executors 2",
        }
    }
    run_id = account.start(app, "job.py", jobDriver=driver)
    ended = account.end_of(app, run_id)
    assert ended["state"] == "SUCCESS", account.log(app, run_id, "stderr")
    assert account.log(app, run_id) == f"reading {account.url('orders/')} 3\n"
    keys = account.s3.list_objects_v2(Bucket=account.bucket, Prefix="sums/")["Contents"]
    assert any(entry["Key"].endswith(".parquet") for entry in keys)
    assert ended["totalResourceUtilization"]["vCPUHour"] > 0
    assert account.application(app)["state"] == "STARTED"
    url = account.emr.get_dashboard_for_job_run(applicationId=app, jobRunId=run_id)["url"]
    with urllib.request.urlopen(url) as page:
        assert page.headers["content-type"].startswith("text/plain")
        assert page.headers["content-encoding"] == "gzip"
        assert gzip.decompress(page.read()).startswith(b"reading s3://")


def test_a_failing_script_fails_its_run_with_its_last_words(account: Account, app: str) -> None:
    run_id = account.start(app, "broken.py")
    ended = account.end_of(app, run_id)
    assert ended["state"] == "FAILED"
    assert "ExitCode: 1." in ended["stateDetails"]
    assert ended["stateDetails"].endswith("ValueError: the third order has no amount")
    assert "Traceback" in account.log(app, run_id, "stderr")
    url = account.emr.get_dashboard_for_job_run(applicationId=app, jobRunId=run_id)["url"]
    assert "/SPARK_DRIVER/stderr.gz?" in url


def test_a_run_is_cancelled_with_all_that_it_started(account: Account, app: str) -> None:
    run_id = account.start(app, "sleep.py")
    account.until(lambda: processes("sleep 4713"), bool)
    account.emr.cancel_job_run(applicationId=app, jobRunId=run_id)
    ended = account.end_of(app, run_id)
    assert (ended["state"], ended["stateDetails"]) == ("CANCELLED", "JobRun was cancelled by user")
    assert processes("sleep 4713") == []


def test_a_run_on_pre_initialised_workers_has_its_role_and_loses_it(account: Account) -> None:
    app = account.make(initialCapacity=WARM)
    account.emr.start_application(applicationId=app)
    account.until(lambda: account.application(app)["state"], lambda state: state == "STARTED")
    assert processes(f"serverless/{app}/warm-"), "No worker waits."
    run_id = account.start(app, "who.py")
    assert account.end_of(app, run_id)["state"] == "SUCCESS", account.log(app, run_id, "stderr")
    arn, keys, refused = account.log(app, run_id).splitlines()
    assert refused == "AccessDeniedException 403"
    assert arn.endswith(f":assumed-role/jobs/{run_id}")
    key, secret, token = keys.split()
    s3 = account.server.client(
        "s3", aws_access_key_id=key, aws_secret_access_key=secret, aws_session_token=token
    )
    with pytest.raises(ClientError):
        s3.list_buckets()
    sums = account.start(app, "job.py", account.url("orders/"), account.url("warm-sums/"))
    ended = account.end_of(app, sums)
    assert ended["state"] == "SUCCESS", account.log(app, sums, "stderr")
    account.emr.stop_application(applicationId=app)
    account.until(lambda: account.application(app)["state"], lambda state: state == "STOPPED")
    assert not processes(f"serverless/{app}/")


def test_words_are_counted_by_an_rdd_on_apache_spark(account: Account) -> None:
    account.put(count_py=COUNT, words__a="b a b\nb\n")
    app = account.make(releaseLabel=APACHE)
    run_id = account.start(app, "count.py", account.url("words/"))
    account.until(
        lambda: account.job_run(app, run_id), lambda run: run["state"] == "RUNNING", APACHE_SECONDS
    )
    account.until(
        lambda: (
            "session" in account.log(app, run_id) or account.job_run(app, run_id)["state"] in ENDED
        ),
        bool,
        APACHE_SECONDS,
    )
    url = account.emr.get_dashboard_for_job_run(applicationId=app, jobRunId=run_id)["url"]
    with urllib.request.urlopen(url) as page:
        assert b"Spark Jobs" in page.read()
    account.put(go="on")
    ended = account.end_of(app, run_id, APACHE_SECONDS)
    assert ended["state"] == "SUCCESS", account.log(app, run_id, "stderr")
    assert account.log(app, run_id) == "session\n[('a', 1), ('b', 3)]\n"
    url = account.emr.get_dashboard_for_job_run(applicationId=app, jobRunId=run_id)["url"]
    assert "/SPARK_DRIVER/stdout.gz?" in url


def test_errors_are_rest_json_s(account: Account, app: str) -> None:
    with pytest.raises(account.emr.exceptions.ResourceNotFoundException) as missing:
        account.emr.get_application(applicationId="00none")
    assert missing.value.response["Error"]["Message"] == "Application 00none does not exist"
    assert missing.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    with pytest.raises(
        account.emr.exceptions.ValidationException, match=r"does not exist\. There is"
    ):
        account.make(releaseLabel="emr-7.1.0")
    stranger = account.server.client("emr-serverless", aws_secret_access_key="not-the-secret")
    with pytest.raises(ClientError) as forged:
        stranger.get_application(applicationId=app)
    assert forged.value.response["Error"]["Code"] == "InvalidSignatureException"
    assert forged.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    with pytest.raises(ClientError, match="does not implement emrserverless ListSessions"):
        account.emr.list_sessions(applicationId=app)
    account.emr.create_application(releaseLabel=SAIL, type="SPARK", clientToken="same")
    with pytest.raises(account.emr.exceptions.ConflictException) as conflict:
        account.emr.create_application(releaseLabel=SAIL, type="HIVE", clientToken="same")
    assert conflict.value.response["ResponseMetadata"]["HTTPStatusCode"] == 409


def test_the_aws_cli_runs_a_hive_job(account: Account) -> None:
    query = (
        "SELECT region, sum(amount) FROM VALUES ('north', 10), ('south', 5) AS t(region, amount)"
    )
    query += " WHERE region = '${hivevar:of}' GROUP BY region"

    def aws(*words: str) -> Any:
        done = subprocess.run(
            ["aws", "emr-serverless", *words, "--endpoint-url", account.server.endpoint],
            env=account.server.environment(),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    made = aws("create-application", "--type", "HIVE", "--name", "cli", "--release-label", SAIL)
    app, arn = made["applicationId"], made["arn"]
    aws("tag-resource", "--resource-arn", arn, "--tags", "team=data")
    assert aws("list-tags-for-resource", "--resource-arn", arn) == {"tags": {"team": "data"}}
    aws("update-application", "--application-id", app, "--auto-stop-configuration", "enabled=false")
    driver = {"hive": {"query": query, "parameters": "--hivevar of=north"}}
    logging = {"s3MonitoringConfiguration": {"logUri": account.url("logs/")}}
    started = aws(
        *("start-job-run", "--application-id", app, "--execution-role-arn", ROLE),
        *("--job-driver", json.dumps(driver)),
        *("--configuration-overrides", json.dumps({"monitoringConfiguration": logging})),
    )
    ended = account.end_of(app, started["jobRunId"])
    key = f"logs/applications/{app}/jobs/{started['jobRunId']}/HIVE_DRIVER/stdout.gz"
    body = account.s3.get_object(Bucket=account.bucket, Key=key)["Body"].read()
    assert ended["state"] == "SUCCESS"
    assert gzip.decompress(body) == b"north\t10\n"
    listed = aws("list-job-runs", "--application-id", app, "--states", "SUCCESS", "FAILED")
    assert [run["id"] for run in listed["jobRuns"]] == [started["jobRunId"]]


def test_awswrangler_makes_an_application_and_waits_for_a_job(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    wr = pytest.importorskip("awswrangler")
    for name, value in account.server.environment().items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", account.server.endpoint)
    session = boto3.Session(region_name=account.server.region)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", session)
    app = wr.emr_serverless.create_application(
        name="wrangler", release_label=SAIL, boto3_session=session
    )
    job = {
        "entryPoint": account.url("job.py"),
        "entryPointArguments": [account.url("orders/"), account.url("wrangled/")],
    }
    run_id = wr.emr_serverless.run_job(
        app, ROLE, job, wait=False, name="sums", boto3_session=session
    )
    answer = wr.emr_serverless.wait_job(app, run_id, emr_serverless_job_wait_polling_delay=0.1)
    assert answer["jobRun"]["state"] == "SUCCESS"
    broken = {"entryPoint": account.url("broken.py")}
    with pytest.raises(wr.exceptions.EMRServerlessJobError, match="no amount"):
        wr.emr_serverless.run_job(app, ROLE, broken, emr_serverless_job_wait_polling_delay=0.1)


def test_a_killed_server_leaves_no_orphan_and_runs_nothing_twice(fresh_server: Server) -> None:
    account = Account(fresh_server, "killed")
    account.put(sleep_py=SLEEP.format(4714), job_py=JOB, orders__1_csv=ORDERS)
    app = account.make(initialCapacity=WARM, schedulerConfiguration={"maxConcurrentRuns": 1})
    sleeping = account.start(app, "sleep.py")
    waiting = account.start(app, "job.py", account.url("orders/"), account.url("sums/"))
    account.until(lambda: processes("sleep 4714"), bool)
    account.until(lambda: account.job_run(app, waiting)["state"], lambda one: one == "QUEUED")
    fresh_server.kill()
    account.until(lambda: processes("sleep 4714"), lambda left: left == [], seconds=10)
    account.until(lambda: processes(f"serverless/{app}/"), lambda left: left == [], seconds=10)
    fresh_server.start()
    slept = account.end_of(app, sleeping)
    assert slept["state"] == "FAILED"
    assert "restarted" in slept["stateDetails"]
    assert account.log(app, sleeping) == "asleep\n"
    ended = account.end_of(app, waiting)
    assert ended["state"] == "SUCCESS", account.log(app, waiting, "stderr")
    assert account.application(app)["state"] == "STARTED"
    account.until(lambda: processes(f"serverless/{app}/warm-"), bool)
    assert fresh_server.stop() == 0
    assert processes(f"serverless/{app}/") == []
    fresh_server.start()
