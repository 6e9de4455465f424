"""What the examples' drivers share: queries in Athena, a Spark step on a cluster of its own, and
waiting for a state. Plain boto3."""

import time
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import boto3

Row = dict[str, Any]
Tell = Callable[[str], None]


def run_query(sql: str, results: str) -> list[Row]:
    """Run a statement in Athena, which leaves its answer in the folder `results`; its rows, with
    numbers as numbers."""
    athena = boto3.client("athena")
    query_id = athena.start_query_execution(
        QueryString=sql, ResultConfiguration={"OutputLocation": results}
    )["QueryExecutionId"]
    query = wait(
        lambda: athena.get_query_execution(QueryExecutionId=query_id)["QueryExecution"],
        state=lambda found: found["Status"]["State"],
        ends=("SUCCEEDED", "FAILED", "CANCELLED"),
    )
    if query["Status"]["State"] != "SUCCEEDED":
        raise RuntimeError(f"Query {query_id}: {query['Status'].get('StateChangeReason')}")
    pages = athena.get_paginator("get_query_results").paginate(QueryExecutionId=query_id)
    return list(_rows(pages)) if query["StatementType"] == "DML" else []


def _rows(pages: Iterable[Row]) -> Iterable[Row]:
    read = {"bigint": int, "integer": int, "decimal": Decimal, "double": float}
    is_header = True
    for page in pages:
        columns = page["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
        for row in page["ResultSet"]["Rows"]:
            if not is_header:
                texts = [cell.get("VarCharValue") for cell in row["Data"]]
                yield {
                    column["Name"]: read.get(column["Type"], str)(text)
                    for column, text in zip(columns, texts, strict=True)
                }
            is_header = False


def wait(
    ask: Callable[[], Row],
    state: Callable[[Row], str],
    ends: tuple[str, ...],
    tell: Tell = lambda line: None,
) -> Row:
    """Ask until the state is one of `ends`; the last answer."""
    while True:
        answer = ask()
        tell(state(answer))
        if state(answer) in ends:
            return answer
        time.sleep(0.25)


def run_step(cluster: str, step: str, arguments: list[str], logs: str, tell: Tell) -> str:
    """Run `spark-submit` with these arguments on a cluster that ends itself after this one step;
    the cluster's id. Its logs are in the bucket `logs`, under `emr/<id>/`.

    Raises:
        RuntimeError: the step failed.
    """
    emr = boto3.client("emr")
    cluster_id: str = emr.run_job_flow(
        Name=cluster,
        ReleaseLabel=emr.list_release_labels()["ReleaseLabels"][0],
        Applications=[{"Name": "Spark"}],
        LogUri=f"s3://{logs}/emr/",
        ServiceRole="EMR_DefaultRole",
        JobFlowRole="EMR_EC2_DefaultRole",
        Instances={
            "InstanceGroups": [
                {"InstanceRole": "MASTER", "InstanceType": "m5.xlarge", "InstanceCount": 1}
            ],
            "KeepJobFlowAliveWhenNoSteps": False,
        },
        Steps=[
            {
                "Name": step,
                "ActionOnFailure": "TERMINATE_CLUSTER",
                "HadoopJarStep": {
                    "Jar": "command-runner.jar",
                    "Args": ["spark-submit", *arguments],
                },
            }
        ],
    )["JobFlowId"]
    ended = wait(
        lambda: emr.describe_cluster(ClusterId=cluster_id)["Cluster"],
        state=lambda found: str(found["Status"]["State"]),
        ends=("TERMINATED", "TERMINATED_WITH_ERRORS"),
        tell=tell,
    )
    if ended["Status"]["State"] != "TERMINATED":
        reason = ended["Status"]["StateChangeReason"]
        raise RuntimeError(f"Cluster {cluster_id}: {reason}; logs in s3://{logs}/emr/{cluster_id}/")
    return cluster_id
