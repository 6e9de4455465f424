"""Clusters on a real server, with boto3: programs really run, and nothing outlives them."""

import time
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

ORDERS = b"id,category,price\n1,a,1.5\n2,b,2.5\n3,a,3.5\n"
JOB = b"""
import argparse
from pyspark.sql import SparkSession, functions as F

parser = argparse.ArgumentParser()
parser.add_argument("--input")
parser.add_argument("--output")
options = parser.parse_args()
spark = SparkSession.builder.appName("revenue").getOrCreate()
orders = spark.read.csv(options.input, header=True, inferSchema=True)
revenue = orders.groupBy("category").agg(F.sum("price").alias("revenue"))
revenue.write.mode("overwrite").parquet(options.output)
print("revenue", sorted(map(tuple, spark.read.parquet(options.output).collect())))
spark.stop()
"""


def processes_of(data):
    """Command lines of live processes that belong to a data folder."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes()
            if f"MILLPOND_PROCESS={data}/".encode() in environment:
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


def test_a_spark_program_of_s3_runs_and_the_cluster_ends_itself(account):
    account.put(**{"orders/1.csv": ORDERS, "jobs/revenue.py": JOB})
    began = time.monotonic()
    words = ("spark-submit", "--deploy-mode", "cluster", "s3://{bucket}/jobs/revenue.py",
             "--input", "s3://{bucket}/orders/", "--output", "s3://{bucket}/revenue/")  # fmt: skip
    cluster_id = account.run(account.command(*words, action="TERMINATE_CLUSTER"))
    account.until(
        lambda: account.emr.list_steps(ClusterId=cluster_id)["Steps"][0]["Status"]["State"],
        lambda state: state != "PENDING",
    )
    assert time.monotonic() - began < 3
    status, (step,) = account.end_of(cluster_id)
    assert step["Status"]["State"] == "COMPLETED", account.log(cluster_id, step, "stderr")
    assert status["State"] == "TERMINATED"
    assert status["StateChangeReason"]["Code"] == "ALL_STEPS_COMPLETED"
    assert account.log(cluster_id, step) == "revenue [('a', 5.0), ('b', 2.5)]\n"
    assert "exit code 0" in account.log(cluster_id, step, "controller")
    assert not (account.server.data / "clusters" / cluster_id).exists()


def test_steps_fail_with_what_went_wrong_and_others_go_on(account):
    account.put(**{"bad.py": b"print('before')\nraise ValueError('no such season')\n"})
    cluster_id = account.run(
        account.command("spark-submit", "s3://{bucket}/bad.py"),
        account.command("spark-submit", "s3://{bucket}/missing.py"),
        account.command("no-such-program"),
        account.command("bash", "-c", "aws s3 cp - s3://$0/out.txt <<< done", "{bucket}"),
        account.command(
            "spark-sql", "-e", "SELECT sum(price) FROM csv.`s3://{bucket}/none/`",
            action="TERMINATE_CLUSTER",
        ),
        account.command("true"),
    )  # fmt: skip
    status, steps = account.end_of(cluster_id)
    states = [step["Status"]["State"] for step in steps]
    assert states == ["FAILED", "FAILED", "FAILED", "COMPLETED", "FAILED", "CANCELLED"]
    details = [step["Status"].get("FailureDetails", {}) for step in steps]
    assert details[0]["Message"] == "ValueError: no such season"
    assert details[0]["LogFile"].endswith(f"{steps[0]['Id']}/stderr.gz")
    assert f"s3://{account.bucket}/missing.py does not exist" in details[1]["Message"]
    assert details[2]["Message"] == "There is no program no-such-program."
    assert account.log(cluster_id, steps[0]) == "before\n"
    assert account.text("out.txt") == "done\n"
    assert status["State"] == "TERMINATED_WITH_ERRORS"
    assert status["StateChangeReason"]["Code"] == "STEP_FAILURE"


def test_bootstrap_actions_and_configurations_prepare_what_steps_find(account):
    setup = b"#!/bin/bash\nset -e\necho $1 > $HOME/marker\necho bootstrapped\n"
    account.put(**{"setup.sh": setup})
    action = {"Path": f"s3://{account.bucket}/setup.sh", "Args": ["prepared"]}
    cluster_id = account.run(
        account.command("bash", "-c", "cat ~/marker; echo $STAGE"),
        account.command("spark-sql", "-e", "SET spark.sql.shuffle.partitions"),
        BootstrapActions=[{"Name": "setup", "ScriptBootstrapAction": action}],
        Configurations=[
            {
                "Classification": "spark-defaults",
                "Properties": {"spark.sql.shuffle.partitions": "11"},
            },
            {
                "Classification": "spark-env",
                "Configurations": [{"Classification": "export", "Properties": {"STAGE": "test"}}],
            },
        ],
    )
    _, steps = account.end_of(cluster_id)
    assert [step["Status"]["State"] for step in steps] == ["COMPLETED", "COMPLETED"]
    assert account.log(cluster_id, steps[0]) == "prepared\ntest\n"
    assert account.log(cluster_id, steps[1]).split() == ["spark.sql.shuffle.partitions", "11"]
    instance = account.emr.list_instances(ClusterId=cluster_id)["Instances"][0]["Ec2InstanceId"]
    key = f"logs/{cluster_id}/node/{instance}/bootstrap-actions/1/stdout.gz"
    assert account.text(key) == "bootstrapped\n"


def test_a_failing_bootstrap_action_ends_the_cluster(account):
    account.put(**{"setup.sh": b"echo broken >&2; exit 9\n"})
    action = {"Path": f"s3://{account.bucket}/setup.sh"}
    cluster_id = account.run(
        account.command("true"),
        BootstrapActions=[{"Name": "setup", "ScriptBootstrapAction": action}],
    )
    status, (step,) = account.end_of(cluster_id)
    assert step["Status"]["State"] == "CANCELLED"
    assert status["State"] == "TERMINATED_WITH_ERRORS"
    assert status["StateChangeReason"]["Code"] == "BOOTSTRAP_FAILURE"


def test_a_running_step_is_cancelled_and_its_processes_end(account):
    sleep = "echo up; setsid sleep 4711 & sleep 4711"
    cluster_id = account.run(account.command("bash", "-c", sleep), keep_alive=True)

    def sleepers():
        return [line for line in processes_of(account.server.data) if "sleep 4711" in line]

    account.until(sleepers, lambda found: len(found) >= 2)
    (step,) = account.emr.list_steps(ClusterId=cluster_id)["Steps"]
    account.until(
        lambda: account.s3.list_objects_v2(
            Bucket=account.bucket, Prefix=f"logs/{cluster_id}/steps/{step['Id']}/stdout"
        ).get("Contents"),
        bool,
    )
    account.emr.cancel_steps(
        ClusterId=cluster_id,
        StepIds=[step["Id"]],
        StepCancellationOption="TERMINATE_PROCESS",
    )
    account.until(
        lambda: account.emr.describe_step(ClusterId=cluster_id, StepId=step["Id"])["Step"][
            "Status"
        ]["State"],
        lambda state: state == "CANCELLED",
    )
    assert sleepers() == []
    account.until(lambda: account.status(cluster_id)["State"], lambda s: s == "WAITING")
    account.emr.terminate_job_flows(JobFlowIds=[cluster_id])
    status, _ = account.end_of(cluster_id)
    assert status["StateChangeReason"]["Code"] == "USER_REQUEST"
    assert not [line for line in processes_of(account.server.data) if cluster_id in line]


def test_programs_have_the_role_s_permissions_and_lose_them_with_the_cluster(account):
    show = "aws sts get-caller-identity --query Arn --output text; echo $AWS_ACCESS_KEY_ID"
    show += " $AWS_SECRET_ACCESS_KEY $AWS_SESSION_TOKEN; aws emr terminate-clusters --cluster-ids j"
    cluster_id = account.run(account.command("bash", "-c", show))
    _, (step,) = account.end_of(cluster_id)
    arn, keys = account.log(cluster_id, step).splitlines()
    assert ":assumed-role/EMR_EC2_DefaultRole/i-" in arn
    assert "AccessDenied" in account.log(cluster_id, step, "stderr")
    key, secret, token = keys.split()
    s3 = account.server.client(
        "s3",
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
    )
    with pytest.raises(ClientError) as refusal:
        s3.list_buckets()
    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 403)


def test_awswrangler_makes_a_cluster_of_fleets_and_submits_to_it(account, monkeypatch):
    import awswrangler as wr

    for name, value in account.server.variables().items():
        monkeypatch.setenv(name, value)
    account.put(**{"orders/1.csv": ORDERS, "jobs/revenue.py": JOB})
    cluster_id = wr.emr.create_cluster(
        subnet_id="subnet-1",
        emr_release="emr-spark-8.0.0",
        emr_ec2_role="EMR_EC2_DefaultRole",
        emr_role="EMR_DefaultRole",
        applications=["Spark"],
        logging_s3_path=f"s3://{account.bucket}/logs/",
        instance_num_on_demand_core=1,
        instance_num_spot_task=1,
        keep_cluster_alive_when_no_steps=True,
        termination_protected=False,
    )
    job = (
        f"spark-submit s3://{account.bucket}/jobs/revenue.py --input s3://{account.bucket}/orders/"
    )
    step_id = wr.emr.submit_step(cluster_id, f"{job} --output s3://{account.bucket}/revenue/")
    account.until(
        lambda: wr.emr.get_step_state(cluster_id, step_id),
        lambda state: state not in ("PENDING", "RUNNING"),
    )
    assert wr.emr.get_step_state(cluster_id, step_id) == "COMPLETED"
    fleets = account.emr.list_instance_fleets(ClusterId=cluster_id)["InstanceFleets"]
    assert [one["ProvisionedSpotCapacity"] for one in fleets] == [0, 0, 1]
    wr.emr.terminate_cluster(cluster_id)
    assert account.end_of(cluster_id)[0]["State"] == "TERMINATED"


def test_a_killed_server_takes_its_clusters_up_again(fresh_server, account_of):
    account = account_of(fresh_server)
    account.put(**{"orders/1.csv": ORDERS, "jobs/revenue.py": JOB})
    sleep = account.command("bash", "-c", "setsid sleep 4712 & sleep 4712")
    job = account.command("spark-submit", "s3://{bucket}/jobs/revenue.py",
                          "--input", "s3://{bucket}/orders/",
                          "--output", "s3://{bucket}/revenue/")  # fmt: skip
    cluster_id = account.run(sleep, job)
    ending = account.run(keep_alive=True)
    account.until(
        lambda: [line for line in processes_of(fresh_server.data) if "sleep 4712" in line],
        lambda found: len(found) >= 2,
    )
    account.until(lambda: account.status(ending)["State"], lambda state: state == "WAITING")
    fresh_server.kill()
    account.until(lambda: processes_of(fresh_server.data), lambda left: left == [], seconds=10)
    fresh_server.start()
    account.emr.terminate_job_flows(JobFlowIds=[ending])
    _, (slept, ran) = account.end_of(cluster_id)
    assert slept["Status"]["State"] == "FAILED"
    assert "restarted" in slept["Status"]["FailureDetails"]["Reason"]
    assert ran["Status"]["State"] == "COMPLETED", account.log(cluster_id, ran, "stderr")
    assert account.end_of(ending)[0]["State"] == "TERMINATED"
    assert fresh_server.stop() == 0
    assert processes_of(fresh_server.data) == []
    fresh_server.start()
