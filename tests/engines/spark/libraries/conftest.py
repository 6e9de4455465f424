"""The library on a Sail server in this process, with files in a folder."""

import importlib
import os
import sys
from pathlib import Path

import pytest

from millpond.engines import spark as engine

LIBRARIES = str(Path(engine.__file__).parent / "libraries")


@pytest.fixture(scope="session")
def session():
    from pysail.spark import SparkConnectServer
    from pyspark.sql import SparkSession

    sys.path.insert(0, LIBRARIES)
    server = SparkConnectServer("127.0.0.1", 0)
    server.start(background=True)
    _, port = server.listening_address
    with pytest.MonkeyPatch.context() as patch:
        # PySpark takes a Python that runs `-c`, as test runners do, for one of its own tests.
        patch.setenv("SPARK_HOME", LIBRARIES)
        importlib.import_module("pyspark.sql.connect.session")
    spark = SparkSession.builder.remote(f"sc://127.0.0.1:{port}").getOrCreate()
    yield spark
    # In this order: PySpark says goodbye as Python ends, and goes on where nobody hears it.
    spark.stop()
    server.stop()
    sys.path.remove(LIBRARIES)


@pytest.fixture
def glue(session):
    from awsglue.context import GlueContext

    session.conf.set("spark.sql.session.timeZone", "UTC")
    return GlueContext(None)


@pytest.fixture
def frame_of(glue):
    """A frame of records, as JSON gives them."""

    def make(tmp_path, *records):
        import json

        folder = tmp_path / f"in-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        lines = [one if isinstance(one, str) else json.dumps(one) for one in records]
        (folder / "a.json").write_text("\n".join(lines) + "\n")
        return glue.create_dynamic_frame.from_options(
            "s3", {"paths": [str(folder)]}, "json", transformation_ctx="in"
        )

    return make


@pytest.fixture
def in_aws(monkeypatch, server):
    """The library calls the server of the tests, as a job does."""
    for name, value in server.variables().items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint)
    monkeypatch.setenv("AWS_REGION", server.region)
    assert os.environ["AWS_ACCESS_KEY_ID"]
    return server


def records_of(frame):
    """A frame's records as plain dictionaries, choices as their values, in some order."""
    from awsglue.values import to_records

    table = frame.toDF().toArrow().combine_chunks()
    batches = table.to_batches()
    schema = frame.schema()
    found = []
    for batch in batches:
        found += [dict(one) for one in to_records(batch, schema)]
    return found


def tree(frame):
    from awsglue.trees import tree_string

    return tree_string(frame.schema()).splitlines()[1:]
