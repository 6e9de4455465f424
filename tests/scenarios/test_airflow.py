"""A DAG of Airflow's Amazon provider runs on EMR, EMR Serverless, Glue and Athena, unchanged.

Airflow has an environment of its own: `make airflow`.
"""

import io
import json
import os
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest

FOLDER = Path(__file__).parent / "airflow"
PYTHON = Path(__file__).parents[2] / "build" / "airflow" / "bin" / "python"
RUN_SECONDS_MAX = 240
ORDERS = [
    ("north", 3, 2.5), ("north", -1, 2.5), ("south", 1, 10.0), ("south", 4, 0.25), ("east", 2, 7.0),
]  # fmt: skip
EXPECTED = {("north", 1, 7.5), ("south", 2, 11.0), ("east", 1, 14.0)}

pytestmark = pytest.mark.skipif(
    not PYTHON.exists(), reason="Airflow is not installed here: make airflow"
)


@pytest.fixture
def outcome(server, tmp_path):
    s3 = server.client("s3")
    s3.create_bucket(Bucket="pipeline")
    server.client("glue").create_database(DatabaseInput={"Name": "pipeline"})
    lines = ["region,quantity,price", *(f"{r},{q},{p}" for r, q, p in ORDERS)]
    s3.put_object(Bucket="pipeline", Key="orders/one.csv", Body="\n".join(lines))
    for script in ("clean.py", "sum.py"):
        s3.upload_file(str(FOLDER / script), "pipeline", f"code/{script}")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(FOLDER),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
        "AIRFLOW_CONN_AWS_DEFAULT": json.dumps(
            {
                "conn_type": "aws",
                "login": server.access_key_id,
                "password": server.secret_access_key,
                "extra": {"endpoint_url": server.endpoint, "region_name": server.region},
            }
        ),
        "PIPELINE_BUCKET": "pipeline",
    }
    migrate = [str(PYTHON), "-m", "airflow", "db", "migrate"]
    subprocess.run(migrate, env=environment, check=True, capture_output=True, timeout=120)
    return subprocess.run(
        [str(PYTHON), str(FOLDER / "pipeline.py")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS_MAX,
        check=False,
    )


def rows(server, prefix):
    s3 = server.client("s3")
    listed = s3.list_objects_v2(Bucket="pipeline", Prefix=prefix)["Contents"]
    found = set()
    for entry in listed:
        if entry["Key"].endswith(".parquet"):
            body = s3.get_object(Bucket="pipeline", Key=entry["Key"])["Body"].read()
            found |= {
                (row["region"], row["orders"], row["revenue"])
                for row in pq.read_table(io.BytesIO(body)).to_pylist()
            }
    return found


def test_a_dag_of_the_amazon_provider_runs_unchanged(server, outcome):
    assert outcome.returncode == 0, outcome.stderr[-4000:] + outcome.stdout[-8000:]
    told = json.loads(outcome.stdout.strip().splitlines()[-1])
    assert told["state"] == "success", outcome.stdout[-8000:]
    assert set(told["tasks"].values()) == {"success"}
    assert "4 orders are left" in outcome.stdout + outcome.stderr
    assert rows(server, "by-emr/") == EXPECTED
    assert rows(server, "by-serverless/") == EXPECTED
    athena = server.client("athena")
    newest = athena.list_query_executions(MaxResults=1)["QueryExecutionIds"][0]
    answer = athena.get_query_results(QueryExecutionId=newest)["ResultSet"]["Rows"]
    assert answer[1]["Data"] == [{"VarCharValue": "4"}]
