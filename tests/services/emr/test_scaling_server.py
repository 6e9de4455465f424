"""Real nodes of real clusters: they come and go under a bursty load, and are lost, and no step
fails."""

from concurrent.futures import ThreadPoolExecutor

CORE = {"InstanceRole": "CORE", "InstanceType": "m5.xlarge", "InstanceCount": 1}
SPOT = CORE | {"Market": "SPOT"}
JOB = b"""
import sys, time
from pyspark.sql import SparkSession, functions as F

spark = SparkSession.builder.getOrCreate()
total = spark.range(1000).agg(F.sum("id")).collect()[0][0]
time.sleep(float(sys.argv[1]))
again = spark.range(1000).repartition(4).groupBy(F.col("id") % 7).count().agg(F.sum("count"))
print(total, again.collect()[0][0])
"""


def steps_of(account, cluster_id):
    return account.emr.list_steps(ClusterId=cluster_id)["Steps"][::-1]


def states_of(account, cluster_id):
    return [step["Status"]["State"] for step in steps_of(account, cluster_id)]


def running(account, cluster_id):
    listed = account.emr.list_instance_groups(ClusterId=cluster_id)["InstanceGroups"]
    return listed[1]["RunningInstanceCount"]


def submit(account, seconds):
    return account.command("spark-submit", f"s3://{account.bucket}/job.py", str(seconds))


def test_a_cluster_grows_and_shrinks_under_a_bursty_load_and_no_step_fails(account):
    account.put(**{"job.py": JOB})
    limits = {"UnitType": "Instances", "MinimumCapacityUnits": 1, "MaximumCapacityUnits": 3}
    cluster_id = account.run(
        groups=[CORE],
        keep_alive=True,
        StepConcurrencyLevel=3,
        ManagedScalingPolicy={"ComputeLimits": limits},
    )
    account.until(lambda: account.status(cluster_id)["State"], lambda state: state == "WAITING")
    assert running(account, cluster_id) == 1
    burst = [submit(account, 2) for _ in range(6)]
    account.emr.add_job_flow_steps(JobFlowId=cluster_id, Steps=burst)
    account.until(lambda: running(account, cluster_id), lambda count: count == 3)
    account.until(
        lambda: states_of(account, cluster_id), lambda states: states == ["COMPLETED"] * 6
    )
    account.until(lambda: running(account, cluster_id), lambda count: count == 1)
    gone = account.emr.list_instances(ClusterId=cluster_id, InstanceStates=["TERMINATED"])
    assert len(gone["Instances"]) == 2
    account.emr.add_job_flow_steps(JobFlowId=cluster_id, Steps=[submit(account, 0)])
    account.until(lambda: states_of(account, cluster_id), lambda s: s == ["COMPLETED"] * 7)
    account.emr.terminate_job_flows(JobFlowIds=[cluster_id])
    account.end_of(cluster_id)
    figures = account.server.client("cloudwatch").list_metrics(
        Namespace="AWS/ElasticMapReduce",
        Dimensions=[{"Name": "JobFlowId", "Value": cluster_id}],
    )["Metrics"]
    assert {"AppsRunning", "CoreNodesRunning"} <= {one["MetricName"] for one in figures}
    outputs = ThreadPoolExecutor(4).map(
        lambda step: account.log(cluster_id, step), steps_of(account, cluster_id)
    )
    assert set(outputs) == {"499500 1000\n"}
    logs = f"logs/{cluster_id}/node/{gone['Instances'][0]['Ec2InstanceId']}/applications/spark/"
    found = account.s3.list_objects_v2(Bucket=account.bucket, Prefix=logs)
    assert found["KeyCount"] == 1


def test_a_step_outlives_the_spot_instance_that_it_runs_on(account):
    account.put(**{"job.py": JOB})
    cluster_id = account.run(submit(account, 3), groups=[SPOT], keep_alive=True)
    (step,) = steps_of(account, cluster_id)
    account.until(lambda: states_of(account, cluster_id), lambda states: states == ["RUNNING"])
    (before,) = account.emr.list_instances(ClusterId=cluster_id, InstanceGroupTypes=["CORE"])[
        "Instances"
    ]
    order = {"Key": "millpond:spot-interruption", "Value": f"{before['Ec2InstanceId']} notice=0"}
    account.emr.add_tags(ResourceId=cluster_id, Tags=[order])
    account.until(
        lambda: account.emr.list_instances(ClusterId=cluster_id, InstanceGroupTypes=["CORE"])[
            "Instances"
        ],
        lambda found: [one["Status"]["State"] for one in found] == ["TERMINATED", "RUNNING"],
    )
    account.until(lambda: states_of(account, cluster_id), lambda states: states == ["COMPLETED"])
    account.emr.terminate_job_flows(JobFlowIds=[cluster_id])
    account.end_of(cluster_id)
    assert account.log(cluster_id, step).endswith("499500 1000\n")


def test_a_killed_server_finds_its_groups_as_they_were_scaled(fresh_server, account_of):
    account = account_of(fresh_server)
    account.put(**{"job.py": JOB})
    cluster_id = account.run(groups=[CORE], keep_alive=True)
    account.until(lambda: account.status(cluster_id)["State"], lambda state: state == "WAITING")
    group_id = account.emr.list_instance_groups(ClusterId=cluster_id)["InstanceGroups"][1]["Id"]
    change = {"InstanceGroupId": group_id, "InstanceCount": 2}
    account.emr.modify_instance_groups(ClusterId=cluster_id, InstanceGroups=[change])
    account.until(lambda: running(account, cluster_id), lambda count: count == 2)
    names = {
        one["Ec2InstanceId"]
        for one in account.emr.list_instances(ClusterId=cluster_id)["Instances"]
    }
    fresh_server.restart(kill=True)
    account.emr.add_job_flow_steps(JobFlowId=cluster_id, Steps=[submit(account, 0)])
    account.until(lambda: states_of(account, cluster_id), lambda states: states == ["COMPLETED"])
    listed = account.emr.list_instances(ClusterId=cluster_id)["Instances"]
    assert {one["Ec2InstanceId"] for one in listed} == names
    assert {one["Status"]["State"] for one in listed} == {"RUNNING"}
    account.emr.terminate_job_flows(JobFlowIds=[cluster_id])
    account.end_of(cluster_id)
