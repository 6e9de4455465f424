"""kill -9 in the middle of a workflow: what runs is failed or done again as its job says, nothing
runs twice unasked, nothing is left behind, and the workflow goes on to its end."""

import pytest

from tests.scenarios.test_crash import processes_of
from tests.scenarios.waiting import until

ROLE = "arn:aws:iam::000000000000:role/jobs"
MARK = """
import sys
import time

import boto3
from awsglue.utils import getResolvedOptions

args = getResolvedOptions(sys.argv, ["JOB_NAME"])
s3 = boto3.client("s3")
s3.put_object(Bucket="flow", Key=f"began/{args['JOB_NAME']}/{args['JOB_RUN_ID']}", Body=b"")
while True:
    held = s3.list_objects_v2(Bucket="flow", Prefix=f"held/{args['JOB_NAME']}")["KeyCount"]
    if not held:
        break
    time.sleep(0.05)
s3.put_object(Bucket="flow", Key=f"ended/{args['JOB_NAME']}/{args['JOB_RUN_ID']}", Body=b"")
"""
SHELL = MARK.replace("from awsglue.utils import getResolvedOptions\n", "").replace(
    'args = getResolvedOptions(sys.argv, ["JOB_NAME"])',
    'args = {"JOB_NAME": "tidy", "JOB_RUN_ID": "1"}',
)


@pytest.fixture
def flow(fresh_server):
    """extract → (clean, careless) → report, tidy: `clean` may be tried again, `careless` may not;
    `report` follows the first's success, `tidy` the other's failure."""
    s3, glue = fresh_server.client("s3"), fresh_server.client("glue")
    s3.create_bucket(Bucket="flow")
    s3.put_object(Bucket="flow", Key="mark.py", Body=MARK)
    s3.put_object(Bucket="flow", Key="shell.py", Body=SHELL)
    for name, retries in (("extract", 0), ("clean", 1), ("careless", 0), ("report", 0)):
        glue.create_job(
            Name=name,
            Role=ROLE,
            GlueVersion="5.0",
            Command={"Name": "glueetl", "ScriptLocation": "s3://flow/mark.py"},
            MaxRetries=retries,
        )
    glue.create_job(
        Name="tidy",
        Role=ROLE,
        Command={
            "Name": "pythonshell",
            "ScriptLocation": "s3://flow/shell.py",
            "PythonVersion": "3.9",
        },
    )
    glue.create_workflow(Name="nightly")
    glue.create_trigger(
        Name="begin", Type="ON_DEMAND", WorkflowName="nightly", Actions=[{"JobName": "extract"}]
    )
    for job, state, *following in (
        ("extract", "SUCCEEDED", "clean", "careless"),
        ("clean", "SUCCEEDED", "report"),
        ("careless", "FAILED", "tidy"),
    ):
        glue.create_trigger(
            Name=f"after-{job}",
            Type="CONDITIONAL",
            WorkflowName="nightly",
            StartOnCreation=True,
            Predicate={
                "Conditions": [{"LogicalOperator": "EQUALS", "JobName": job, "State": state}]
            },
            Actions=[{"JobName": name} for name in following],
        )
    return fresh_server


def marks(server, kind):
    """Which runs of which jobs left a mark, as {job: number of runs}."""
    s3 = server.client("s3")
    found: dict[str, int] = {}
    for entry in s3.list_objects_v2(Bucket="flow", Prefix=f"{kind}/").get("Contents", ()):
        job = entry["Key"].split("/")[1]
        found[job] = found.get(job, 0) + 1
    return found


def test_a_workflow_survives_a_kill(flow):
    server, s3 = flow, flow.client("s3")
    for job in ("clean", "careless"):
        s3.put_object(Bucket="flow", Key=f"held/{job}", Body=b"")
    run_id = server.client("glue").start_workflow_run(Name="nightly")["RunId"]
    until(lambda: marks(server, "began"), lambda began: began.keys() >= {"clean", "careless"})
    server.kill()
    until(lambda: processes_of(server.data), lambda left: left == [], 10)
    server.start()
    for job in ("clean", "careless"):
        server.client("s3").delete_object(Bucket="flow", Key=f"held/{job}")
    glue = server.client("glue")

    run = until(
        lambda: glue.get_workflow_run(Name="nightly", RunId=run_id)["Run"],
        lambda run: run["Status"] != "RUNNING",
    )
    assert run["Status"] == "COMPLETED"
    counts = run["Statistics"]
    assert (counts["TotalActions"], counts["SucceededActions"], counts["FailedActions"]) == (
        5,
        4,
        1,
    )
    assert marks(server, "began") == {
        "extract": 1,
        "clean": 2,
        "careless": 1,
        "report": 1,
        "tidy": 1,
    }
    assert marks(server, "ended") == {"extract": 1, "clean": 1, "report": 1, "tidy": 1}
    clean = glue.get_job_runs(JobName="clean")["JobRuns"]
    assert [each["JobRunState"] for each in clean] == ["SUCCEEDED", "FAILED"]
    assert "restarted" in clean[1]["ErrorMessage"]
    assert server.stop() == 0
    assert processes_of(server.data) == []
