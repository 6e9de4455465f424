"""Steps on EMR clusters, timed as EMR tells them; plain boto3."""

import gzip
import os
import time
from collections.abc import Callable
from typing import Any

import boto3

from bench.load import Target

_FAILED = ("FAILED", "CANCELLED", "TERMINATED_WITH_ERRORS")


def call_at(target: Target) -> None:
    """Have boto3 call a server under test."""
    os.environ |= {
        "AWS_ENDPOINT_URL": target.endpoint,
        "AWS_ACCESS_KEY_ID": target.access_key_id,
        "AWS_SECRET_ACCESS_KEY": target.secret_access_key,
        "AWS_DEFAULT_REGION": "us-east-1",
    }


def start_cluster(label: str, instance_type: str, bucket: str) -> str:
    """A cluster of one node that waits for steps; its id. Its logs are below `logs/`."""
    emr = boto3.client("emr")
    cluster: str = emr.run_job_flow(
        Name=label,
        ReleaseLabel=label,
        Applications=[{"Name": "Spark"}],
        LogUri=f"s3://{bucket}/logs/",
        ServiceRole="EMR_DefaultRole",
        JobFlowRole="EMR_EC2_DefaultRole",
        Instances={
            "MasterInstanceType": instance_type,
            "InstanceCount": 1,
            "KeepJobFlowAliveWhenNoSteps": True,
        },
    )["JobFlowId"]
    _wait(lambda: emr.describe_cluster(ClusterId=cluster)["Cluster"]["Status"], "WAITING")
    return cluster


def run_step(cluster: str, bucket: str, program: str, arguments: list[str]) -> tuple[float, str]:
    """Run a program of the bucket; the seconds that it took, and what it printed.

    Raises:
        RuntimeError: it failed.
    """
    emr = boto3.client("emr")
    step = {
        "Name": program,
        "ActionOnFailure": "CONTINUE",
        "HadoopJarStep": {
            "Jar": "command-runner.jar",
            "Args": ["spark-submit", f"s3://{bucket}/{program}", *arguments],
        },
    }
    step_id = emr.add_job_flow_steps(JobFlowId=cluster, Steps=[step])["StepIds"][0]
    status = _wait(
        lambda: emr.describe_step(ClusterId=cluster, StepId=step_id)["Step"]["Status"], "COMPLETED"
    )
    times = status["Timeline"]
    key = f"logs/{cluster}/steps/{step_id}/stdout.gz"
    printed = boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    seconds = (times["EndDateTime"] - times["StartDateTime"]).total_seconds()
    return seconds, gzip.decompress(printed).decode()


def end_cluster(cluster: str) -> None:
    emr = boto3.client("emr")
    emr.terminate_job_flows(JobFlowIds=[cluster])
    _wait(lambda: emr.describe_cluster(ClusterId=cluster)["Cluster"]["Status"], "TERMINATED")


def _wait(ask: Callable[[], Any], wanted: str) -> Any:
    while (status := ask())["State"] != wanted:
        if status["State"] in _FAILED:
            raise RuntimeError(str(status))
        time.sleep(0.25)
    return status
