"""The retail job as a visual Glue job: the graph in `visual_job.json` becomes a script, and runs.

    eval "$(millpond env)"
    python -m examples.retail.driver --orders orders   # the crawler's table, and the EMR job's
    python -m examples.retail.visual

It fills the table `visual_revenue`, and says whether it is the same as the EMR job's.
"""

import json
from contextlib import suppress
from pathlib import Path

import boto3

from examples.aws import Row, Tell, run_query, wait
from examples.retail.driver import DATABASE, LAKE, RESULTS, ROLE

JOB = "retail-visual-revenue"
NODES = Path(__file__).with_name("visual_job.json")
SCRIPT = f"s3://{LAKE}/jobs/visual_revenue.py"

REVENUE = """
SELECT year, season, category, region, revenue, units, orders
FROM {database}.{table}
ORDER BY year, season, category, region
"""


def create_job() -> str:
    """Make the job, or make it anew; the script that the service made of its graph."""
    glue = boto3.client("glue")
    command = {"Name": "glueetl", "ScriptLocation": SCRIPT, "PythonVersion": "3"}
    with suppress(glue.exceptions.EntityNotFoundException):
        glue.delete_job(JobName=JOB)
    glue.create_job(
        Name=JOB,
        Role=ROLE,
        Command=command,
        GlueVersion="5.0",
        WorkerType="G.1X",
        NumberOfWorkers=2,
        CodeGenConfigurationNodes=json.loads(NODES.read_text()),
    )
    body = boto3.client("s3").get_object(Bucket=LAKE, Key="jobs/visual_revenue.py")["Body"]
    return str(body.read().decode())


def run_job(tell: Tell) -> Row:
    """Run the job on an empty target; the finished run."""
    glue = boto3.client("glue")
    boto3.resource("s3").Bucket(LAKE).objects.filter(Prefix="visual-revenue/").delete()
    with suppress(glue.exceptions.EntityNotFoundException):
        glue.delete_table(DatabaseName=DATABASE, Name="visual_revenue")
    run_id = glue.start_job_run(JobName=JOB)["JobRunId"]
    run = wait(
        lambda: glue.get_job_run(JobName=JOB, RunId=run_id)["JobRun"],
        state=lambda found: found["JobRunState"],
        ends=("SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT", "ERROR"),
        tell=tell,
    )
    if run["JobRunState"] != "SUCCEEDED":
        raise RuntimeError(f"The run ended {run['JobRunState']}: {run.get('ErrorMessage')}")
    return run


def revenue(table: str) -> list[Row]:
    """The rows of a table of revenue, in order."""
    return run_query(REVENUE.format(database=DATABASE, table=table), RESULTS)


def main() -> None:
    print(create_job())
    run_job(tell=print)
    rows = revenue("visual_revenue")
    same = rows == revenue("revenue")
    print(f"{len(rows)} rows; {'the same as' if same else 'NOT the same as'} the EMR job's.")
    raise SystemExit(0 if same else 1)


if __name__ == "__main__":
    main()
