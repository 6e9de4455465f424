"""Arguments of jobs: how properties are written, and whose count."""

import pytest

from millpond.engines.spark.interface import Size
from millpond.services.glue.errors import InvalidInput
from millpond.services.glue.jobs.arguments import merge, read_conf, read_settings
from millpond.services.glue.jobs.capacity import Allotment, nodes_for
from millpond.services.glue.shapes import JobCommand, JobUpdate

ETL = JobUpdate(command=JobCommand(name="glueetl"))


@pytest.mark.parametrize(
    ("text", "properties"),
    [
        ("", {}),
        ("spark.a=1", {"spark.a": "1"}),
        ("spark.a=1 --conf spark.b=two words", {"spark.a": "1", "spark.b": "two words"}),
        ("spark.a=x=y --conf spark.b='q'", {"spark.a": "x=y", "spark.b": "q"}),
        ("--conf spark.a=1", {"spark.a": "1"}),
        ("spark.a=--conf-like", {"spark.a": "--conf-like"}),
    ],
)
def test_properties_are_read_in_glues_own_way(text, properties):
    assert read_conf(text) == properties


def test_what_may_not_be_overridden_is_not():
    definition = JobUpdate(
        default_arguments={"--a": "job", "--b": "job"}, non_overridable_arguments={"--b": "fixed"}
    )
    given = {"--a": "run", "--b": "run", "--c": "run"}
    assert merge(definition, given) == {"--a": "run", "--b": "fixed", "--c": "run"}


def test_variables_of_the_customer_are_set():
    settings = read_settings(ETL, {"--customer-driver-env-vars": 'CUSTOMER_A=1,CUSTOMER_B="x,y z"'})
    assert settings.environment == {"CUSTOMER_A": "1", "CUSTOMER_B": "x,y z"}
    with pytest.raises(InvalidInput, match="PATH does not begin with CUSTOMER_"):
        read_settings(ETL, {"--customer-driver-env-vars": "PATH=/x"})


def test_what_changes_no_result_is_taken():
    settings = read_settings(
        ETL,
        {
            "--enable-glue-datacatalog": "true",
            "--enable-spark-ui": "true",
            "--spark-event-logs-path": "s3://b/logs/",
            "--enable-auto-scaling": "true",
            "--user-jars-first": "true",
            "--enable-job-insights": "true",
            "--python-modules-installer-option": "--upgrade",
        },
    )
    assert settings.runtime == "sail"
    assert settings.properties == {}


@pytest.mark.parametrize("module", ["/etc/shop.whl", "../shop.whl", "file:///etc/x.whl", "-r x"])
def test_modules_are_no_files_of_this_machine(module):
    with pytest.raises(InvalidInput, match="neither a package nor a file in S3"):
        read_settings(ETL, {"--additional-python-modules": module})


@pytest.mark.parametrize(
    ("workers", "cores", "count"), [(2, 8, 1), (3, 8, 2), (10, 8, 8), (10, 2, 2)]
)
def test_there_are_no_more_nodes_than_cores(workers, cores, count):
    allotment = Allotment(dpus=workers, worker_type="G.1X", number_of_workers=workers)
    nodes = nodes_for(allotment, Size(cores, 64 << 30), one_node=False)
    assert len(nodes) == count
    assert sum(node.size.cores for node in nodes) <= cores
    assert len({node.name for node in nodes}) == count
