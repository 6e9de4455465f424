"""Releases on Apache Spark: their applications, what steps and configurations can be on them."""

import pytest

APACHE = {"ReleaseLabel": "emr-8.0.0"}
SPARK = [{"Name": "Spark"}]
HADOOP = [{"Name": "hadoop"}, {"Name": "Spark"}, {"Name": "Hive"}]


def configuration(name, properties=None, **export):
    inner = [{"Classification": "export", "Properties": export}] if export else []
    return {"Classification": name, "Properties": properties or {}, "Configurations": inner}


def jar(path, *words, **more):
    return {"Name": "jar", "ActionOnFailure": "CONTINUE",
            "HadoopJarStep": {"Jar": path, "Args": list(words)} | more}  # fmt: skip


async def ended(bench, *steps, applications=HADOOP, **more):
    """The steps of a cluster that has ended."""
    cluster_id = await bench.run(*steps, Applications=applications, **APACHE | more)
    await bench.until_cluster(cluster_id, "TERMINATED")
    return await bench.steps(cluster_id)


def reasons(steps):
    return [step["Status"]["FailureDetails"]["Reason"] for step in steps]


async def test_a_release_is_told_with_all_that_it_has(bench):
    answer = await bench.aws("DescribeReleaseLabel", ReleaseLabel="emr-8.0.0")
    assert answer["Applications"] == [
        {"Name": "Spark", "Version": "4.2.0"},
        {"Name": "Apache Spark", "Version": "4.2.0"},
        {"Name": "Hadoop", "Version": "3.4.2"},
        {"Name": "Hive", "Version": "4.1.0"},
    ]


async def test_a_cluster_runs_on_the_runtime_of_its_release(bench, refusal):
    await ended(bench, "true")
    (order,) = bench.apache.orders
    assert order.programs == ("Hadoop", "Hive")
    assert order.with_engine and not bench.spark.orders
    told = await refusal(bench.run(ReleaseLabel="emr-7.12.0"))
    assert "emr-7.12.0. There is emr-spark-8.0.0 with" in told.message
    assert "; emr-8.0.0 with Spark 4.2.0, Apache Spark 4.2.0, Hadoop" in told.message
    told = await refusal(bench.run(Applications=[{"Name": "Flink"}], **APACHE))
    assert told.message.startswith("Application Flink is not available in release emr-8.0.0. There")


async def test_a_release_that_is_being_made_is_told_of(bench):
    bench.apache.let_start.clear()
    cluster_id = await bench.run("true", **APACHE)

    async def reason():
        return (await bench.cluster(cluster_id))["Status"]["StateChangeReason"]["Message"]

    await bench.until(reason, "Making the release")
    assert await bench.state(cluster_id) == "STARTING"
    bench.apache.let_start.set()
    await bench.until_cluster(cluster_id, "TERMINATED")
    assert await bench.step_states(cluster_id) == ["COMPLETED"]


async def test_a_cluster_can_be_ended_while_its_release_is_made(bench):
    bench.apache.let_start.clear()
    cluster_id = await bench.run("true", **APACHE)
    await bench.until(lambda: _orders(bench), 1)
    await bench.aws("TerminateJobFlows", JobFlowIds=[cluster_id])
    await bench.until_cluster(cluster_id, "TERMINATED")
    assert not bench.apache.ran


async def _orders(bench):
    return len(bench.apache.orders)


async def test_jars_run_on_hadoop(bench):
    properties = [{"Key": "mapreduce.job.queuename", "Value": "two words"}]
    await ended(
        bench,
        jar("s3://b/wordcount.jar", "in", "out", MainClass="org.example.Main"),
        jar("s3://b/tool.jar", Properties=properties),
        jar("command-runner.jar", "spark-submit", "--class", "Main", "s3://b/app.jar", "1"),
        jar("command-runner.jar", "hadoop-streaming", "-files", "s3://b/map.py", "-input", "x"),
        jar("command-runner.jar", "hadoop", "fs", "-ls", "/"),
    )
    assert bench.apache.ran == [
        ("hadoop", "jar", "s3://b/wordcount.jar", "org.example.Main", "in", "out"),
        ("hadoop", "jar", "s3://b/tool.jar"),
        ("spark-submit", "--class", "Main", "s3://b/app.jar", "1"),
        ("hadoop-streaming", "-files", "s3://b/map.py", "-input", "x"),
        ("hadoop", "fs", "-ls", "/"),
    ]
    assert bench.apache.environments[:2] == [
        {},
        {"HADOOP_CLIENT_OPTS": "'-Dmapreduce.job.queuename=two words'"},
    ]


async def test_hive_scripts_run_by_hive(bench):
    words = ["--run-hive-script", "--hive-versions", "latest", "--args", "-f", "s3://b/q.sql"]
    steps = await ended(
        bench,
        jar("command-runner.jar", "hive-script", *words, "-d", "A=1"),
        jar("command-runner.jar", "hive-script", "--install-hive"),
        jar("command-runner.jar", "hive-script", "--run-hive-script"),
    )
    assert bench.apache.ran == [("hive", "-f", "s3://b/q.sql", "-d", "A=1")]
    assert reasons(steps[1:]) == [
        "hive-script was given no --run-hive-script.", "hive-script was given no --args."
    ]  # fmt: skip


async def test_what_the_cluster_was_started_without_does_not_run(bench):
    steps = await ended(
        bench,
        jar("s3://b/wordcount.jar"),
        jar("command-runner.jar", "hive", "-e", "SELECT 1"),
        jar("command-runner.jar", "pig", "x.pig"),
        jar("command-runner.jar", "s3-dist-cp", "--src", "a"),
        applications=SPARK,
    )
    assert reasons(steps) == [
        "s3://b/wordcount.jar cannot run: the cluster was started without the application Hadoop.",
        "hive cannot run: the cluster was started without the application Hive.",
        "pig cannot run: the cluster was started without the application Pig.",
        "s3-dist-cp cannot run: the cluster was started without the application Hadoop.",
    ]
    assert not bench.apache.ran


async def test_settings_of_hadoop_and_hive_reach_spark(bench):
    await ended(
        bench,
        "true",
        Configurations=[
            configuration("core-site", {"io.file.buffer.size": "65536"}),
            configuration("hive-site", {"hive.exec.dynamic.partition.mode": "nonstrict"}),
            configuration("emrfs-site", {"fs.s3.maxConnections": "50"}),
            configuration("spark-defaults", {"spark.jars.packages": "org.example:x:1"}),
            configuration("hadoop-env", STAGE="test"),
            configuration("yarn-site", {"yarn.nodemanager.vmem-check-enabled": "false"}),
        ],
    )
    (order,) = bench.apache.orders
    assert order.properties == {
        "spark.hadoop.io.file.buffer.size": "65536",
        "spark.hadoop.hive.exec.dynamic.partition.mode": "nonstrict",
        "spark.hadoop.fs.s3a.connection.maximum": "50",
        "spark.jars.packages": "org.example:x:1",
    }
    assert order.environment == {"STAGE": "test"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (configuration("flink-conf", {"a": "b"}), "'flink-conf' is not supported"),
        (configuration("core-site", {"fs.s3a.endpoint": "x"}), "fs.s3a.endpoint is not supported"),
        (configuration("core-site", {"a b": "x"}), "'a b' is not a property"),
        (configuration("core-site", {"a": "x\ny"}), "the value of a has several lines"),
        (configuration("emrfs-site", {"fs.s3.cse.enabled": "true"}), "fs.s3.cse.enabled is not"),
        (configuration("hive-site", {"hive.metastore.uris": "x"}), "is the Glue Data Catalog"),
        (configuration("hadoop-env", **{"a-b": "x"}), "'a-b' is not the name of a variable"),
    ],
)
async def test_settings_that_would_not_hold_are_refused(bench, refusal, given, message):
    told = await refusal(bench.run(Configurations=[given], **APACHE))
    assert (told.code, message in told.message) == ("ValidationException", True), told


async def test_what_usual_clients_set_for_python_and_the_catalog_changes_nothing(bench):
    usual = [
        configuration("spark-env", PYSPARK_PYTHON="/usr/bin/python3", STAGE="test"),
        configuration("spark-defaults", {"spark.pyspark.python": "python3", "spark.x": "1"}),
        configuration("presto-connector-hive", {"hive.metastore.glue.datacatalog.enabled": "true"}),
    ]
    cluster_id = await bench.run("state-pusher-script", Configurations=usual)
    await bench.until_cluster(cluster_id, "TERMINATED")
    (order,) = bench.spark.orders
    assert (order.properties, order.environment) == ({"spark.x": "1"}, {"STAGE": "test"})
    assert await bench.step_states(cluster_id) == ["COMPLETED"]
