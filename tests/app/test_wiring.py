"""Every service is there and lent what it calls, and an idle platform loads no engine."""

import importlib
import subprocess
import sys

import pytest

from tests.house.documents import ROOT

SERVICES = sorted(
    path.name
    for path in (ROOT / "src/millpond/services").iterdir()
    if (path / "shapes.py").exists()
)


def rooms(service: str, room: str):
    return importlib.import_module(f"millpond.services.{service}.{room}")


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_answers(service, server):
    """An operation of each is routed, authenticated and run."""
    asked = {
        "athena": ("list_work_groups", "WorkGroups"),
        "cloudwatch": ("list_metrics", "Metrics"),
        "dynamodb": ("list_tables", "TableNames"),
        "emr": ("list_clusters", "Clusters"),
        "emrserverless": ("list_applications", "applications"),
        "firehose": ("list_delivery_streams", "DeliveryStreamNames"),
        "glue": ("get_databases", "DatabaseList"),
        "kinesis": ("list_streams", "StreamNames"),
        "kinesisanalytics": ("list_applications", "ApplicationSummaries"),
        "kinesisanalyticsv2": ("list_applications", "ApplicationSummaries"),
        "logs": ("describe_log_groups", "logGroups"),
        "s3": ("list_buckets", "Buckets"),
        "sts": ("get_caller_identity", "Arn"),
    }
    operation, member = asked[service]
    client = server.client({"emrserverless": "emr-serverless"}.get(service, service))
    assert member in getattr(client, operation)()


@pytest.mark.parametrize("service", SERVICES)
def test_what_a_service_calls_is_there_to_be_called(service):
    for callee, operation in rooms(service, "needs").CALLS:
        assert operation in rooms(callee, "operations").OPERATIONS, f"{callee} {operation}"


@pytest.mark.parametrize("service", SERVICES)
def test_every_operation_of_a_service_is_in_its_shapes(service):
    offered = rooms(service, "operations").OPERATIONS
    assert set(offered) == set(rooms(service, "shapes").MODEL.operations)


def test_the_platform_loads_no_engine_before_it_is_used():
    heavy = {"duckdb", "pyarrow", "pysail", "pyspark", "pandas", "numpy", "boto3", "botocore"}
    heavy |= {"aiohttp", "pyiceberg", "cramjam", "jq"}
    program = f"import sys, millpond.app.lifecycle\nprint(sorted({heavy!r} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert loaded.stdout == "[]\n", loaded.stderr
