"""Command lines and properties of programs, made to fit the cluster."""

import json

from hypothesis import given
from hypothesis import strategies as st

from millpond.engines.spark.apache import properties
from millpond.engines.spark.apache.programs.fitting import fit
from millpond.engines.spark.apache.programs.options import read_command_line
from millpond.engines.spark.apache.variables import (
    MASTER_VARIABLE,
    OWN_VARIABLE,
    PAGE_VARIABLE,
    SHARE_VARIABLE,
)

MASTER = "spark://127.0.0.1:7077"


def in_a_cluster(monkeypatch, cores=2, memory_bytes=2 << 30):
    told = {"cores": cores, "memory_bytes": memory_bytes, "driver_memory_bytes": 3 << 30}
    monkeypatch.setenv(MASTER_VARIABLE, MASTER)
    monkeypatch.setenv(SHARE_VARIABLE, json.dumps(told))
    monkeypatch.setenv(PAGE_VARIABLE, "4040")
    monkeypatch.setenv(OWN_VARIABLE, "AWS_SESSION_TOKEN")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")


def test_a_master_of_yarn_is_the_clusters(monkeypatch):
    in_a_cluster(monkeypatch)
    for asked in ("yarn", "yarn-cluster", "YARN-client"):
        fitted = fit({"spark.master": asked, "spark.submit.deployMode": "cluster"})
        assert fitted["spark.master"] == MASTER
        assert "spark.submit.deployMode" not in fitted
    assert fit({})["spark.master"] == MASTER
    assert fit({"spark.master": "local[2]"})["spark.master"] == "local[2]"


def test_executors_fit_a_node(monkeypatch):
    in_a_cluster(monkeypatch, cores=2, memory_bytes=2 << 30)
    fitted = fit(
        {
            "spark.executor.memory": "18g",
            "spark.executor.cores": "5",
            "spark.task.cpus": "4",
            "spark.driver.memory": "1t",
        }
    )
    assert fitted["spark.executor.memory"] == f"{properties.heap_mib(2 << 30)}m"
    assert fitted["spark.executor.cores"] == "2"
    assert fitted["spark.task.cpus"] == "2"
    assert fitted["spark.driver.memory"] == f"{properties.heap_mib(3 << 30)}m"
    smaller = {"spark.executor.memory": "600m", "spark.executor.cores": "1"}
    assert fit(smaller).items() >= smaller.items()


def test_executors_have_the_credentials_of_their_application(monkeypatch):
    in_a_cluster(monkeypatch)
    assert fit({})["spark.executorEnv.AWS_SESSION_TOKEN"] == "token"
    assert fit({})["spark.ui.port"] == "4040"


def test_a_command_line_is_read_up_to_its_program():
    line = read_command_line(
        ["--master", "yarn", "--deploy-mode=cluster", "--verbose", "--class", "a.B", "--conf",
         "spark.x=1=2", "--jars", "a.jar,b.jar", "--properties-file", "f", "app.jar", "--conf", "x"]
    )  # fmt: skip
    assert line.properties == {
        "spark.master": "yarn",
        "spark.submit.deployMode": "cluster",
        "spark.x": "1=2",
    }
    assert line.options == ["--verbose", "--class", "a.B", "--jars", "a.jar,b.jar"]
    assert line.properties_file == "f"
    assert line.rest == ["app.jar", "--conf", "x"]


def test_statements_of_spark_sql_are_options():
    line = read_command_line(["-e", "select 1 = 1", "--database", "shop", "-S"])
    assert line.options == ["-e", "select 1 = 1", "--database", "shop", "-S"]
    assert line.rest == []


names = st.from_regex(r"spark\.[a-zA-Z.]{1,20}", fullmatch=True)


@given(st.dictionaries(names, st.text(st.characters(exclude_categories=("C", "Z"))), max_size=5))
def test_properties_are_read_as_they_were_written(found):
    assert properties.from_text(properties.as_text(found)) == found


def test_files_of_properties_may_be_javas():
    text = "# why\n! not\nspark.a 1\nspark.b=2 3\nspark.c : x\\ty\n\nspark.d\n"
    assert properties.from_text(text) == {
        "spark.a": "1",
        "spark.b": "2 3",
        "spark.c": "x\ty",
        "spark.d": "",
    }
