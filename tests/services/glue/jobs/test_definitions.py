"""Definitions of jobs: AWS's defaults and rules, and who finds them."""

import pytest

from tests.services.glue.jobs.conftest import ROLE

ETL = {"Name": "glueetl", "ScriptLocation": "s3://scripts/job.py"}
SHELL = {"Name": "pythonshell", "ScriptLocation": "s3://scripts/job.py", "PythonVersion": "3.9"}


async def test_a_job_has_the_defaults_of_aws(bench):
    await bench.make()
    job = await bench.job()
    assert {name: value for name, value in job.items() if not name.endswith("On")} == {
        "Name": "job",
        "JobMode": "SCRIPT",
        "Role": ROLE,
        "ExecutionProperty": {"MaxConcurrentRuns": 1},
        "Command": ETL | {"PythonVersion": "3"},
        "MaxRetries": 0,
        "AllocatedCapacity": 10,
        "Timeout": 480,
        "MaxCapacity": 10.0,
        "WorkerType": "G.1X",
        "NumberOfWorkers": 10,
        "GlueVersion": "5.1",
        "ExecutionClass": "STANDARD",
    }


@pytest.mark.parametrize(
    ("version", "minutes", "python"),
    [("1.0", 2880, "2"), ("2.0", 2880, "3"), ("4.0", 2880, "3"), ("5.0", 480, "3")],
)
async def test_the_version_of_glue_decides_some(bench, version, minutes, python):
    await bench.make(GlueVersion=version)
    job = await bench.job()
    assert (job["Timeout"], job["Command"]["PythonVersion"]) == (minutes, python)
    assert ("WorkerType" in job) == (version != "1.0")


async def test_a_streaming_job_has_no_timeout(bench):
    await bench.make(Command={"Name": "gluestreaming"})
    assert "Timeout" not in await bench.job()


@pytest.mark.parametrize(
    ("more", "capacity"),
    [
        ({"WorkerType": "G.2X", "NumberOfWorkers": 4}, 8.0),
        ({"WorkerType": "R.1X", "NumberOfWorkers": 2}, 2.0),
        ({"WorkerType": "G.025X", "NumberOfWorkers": 4, "GlueVersion": "3.0"}, 1.0),
        ({"MaxCapacity": 4.0}, 4.0),
        ({"AllocatedCapacity": 6}, 6.0),
        ({"Command": SHELL}, 0.0625),
        ({"Command": SHELL, "MaxCapacity": 1.0}, 1.0),
    ],
)
async def test_capacity_is_told_in_processing_units(bench, more, capacity):
    await bench.make(**more)
    assert (await bench.job())["MaxCapacity"] == capacity


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"Command": {"Name": "glueray"}}, "glueray is not supported: there is no Ray here"),
        ({"Command": {"Name": "gluesomething"}}, "Command name gluesomething"),
        ({"Command": {"ScriptLocation": "/tmp/x.py"}}, "ScriptLocation /tmp/x.py is not"),
        ({"GlueVersion": "7.0"}, "Glue version 7.0 is not supported"),
        ({"MaxCapacity": 2.0, "AllocatedCapacity": 2}, "only Allocated Capacity or Max"),
        (
            {"MaxCapacity": 2.0, "WorkerType": "G.1X", "NumberOfWorkers": 2},
            "Please do not set Max Capacity if using Worker Type and Number of Workers.",
        ),
        ({"WorkerType": "G.1X"}, "Please set both Worker Type and Number of Workers."),
        ({"WorkerType": "Z.2X", "NumberOfWorkers": 2}, "Z.2X is not supported"),
        ({"WorkerType": "G.1X", "NumberOfWorkers": 1}, "must be at least 2"),
        (
            {"WorkerType": "G.4X", "NumberOfWorkers": 2, "GlueVersion": "2.0"},
            "Worker Type G.4X is not supported for Glue Version 2.0",
        ),
        ({"MaxCapacity": 2.5}, "whole number from 2 to 100"),
        ({"Command": SHELL, "MaxCapacity": 2.0}, "either 0.0625 or 1"),
        (
            {"Command": SHELL, "WorkerType": "G.1X", "NumberOfWorkers": 2},
            "Worker Type is not supported for Job Command pythonshell",
        ),
        ({"MaxRetries": 11}, "MaxRetries must be from 0 to 10"),
        ({"ExecutionProperty": {"MaxConcurrentRuns": 0}}, "MaxConcurrentRuns must be from 1"),
        ({"Timeout": 10081}, "more than 7 days"),
        ({"SecurityConfiguration": "kms"}, "SecurityConfiguration is not implemented"),
        ({"ExecutionClass": "FLEX", "GlueVersion": "2.0"}, "Execution Class FLEX"),
        (
            {"ExecutionClass": "FLEX", "WorkerType": "G.8X", "NumberOfWorkers": 2},
            "Worker Types G.1X and G.2X",
        ),
    ],
)
async def test_what_does_not_fit_is_refused(bench, refusal, more, words):
    told = await refusal(bench.make(**more))
    assert told.code == "InvalidInputException"
    assert words in told.message


async def test_a_job_is_created_once(bench, refusal):
    await bench.make(Description="one")
    await bench.make(Description="one")
    told = await refusal(bench.make(Description="two"))
    assert told.code == "IdempotentParameterMismatchException"
    assert told.message == "Job with name: job already submitted with different configuration"


async def test_an_update_puts_back_what_it_does_not_name(bench, refusal):
    await bench.make(
        Description="one", MaxRetries=3, Timeout=5, WorkerType="G.2X", NumberOfWorkers=2
    )
    await bench.glue("UpdateJob", JobName="job", JobUpdate={"Role": "other", "Command": ETL})
    job = await bench.job()
    assert (job["Role"], job["MaxRetries"], job["Timeout"]) == ("other", 0, 480)
    assert (job["WorkerType"], job["NumberOfWorkers"]) == ("G.1X", 10)
    assert "Description" not in job
    told = await refusal(bench.glue("UpdateJob", JobName="job", JobUpdate={"Role": "r"}))
    assert "Command name should not be null" in told.message
    told = await refusal(
        bench.glue("UpdateJob", JobName="none", JobUpdate={"Role": "r", "Command": ETL})
    )
    assert told.code == "EntityNotFoundException"


async def test_jobs_are_listed_by_tag_in_pages_and_in_batches(bench):
    for name, tags in (("a", {"team": "x"}), ("b", {}), ("c", {"team": "x", "env": "y"})):
        await bench.make(name=name, Tags=tags)
    assert (await bench.glue("ListJobs", Tags={"team": "x"}))["JobNames"] == ["a", "c"]
    first = await bench.glue("GetJobs", MaxResults=2)
    second = await bench.glue("GetJobs", MaxResults=2, NextToken=first["NextToken"])
    assert [job["Name"] for job in first["Jobs"] + second["Jobs"]] == ["a", "b", "c"]
    found = await bench.glue("BatchGetJobs", JobNames=["c", "none", "a"])
    assert [job["Name"] for job in found["Jobs"]] == ["c", "a"]
    assert found["JobsNotFound"] == ["none"]


async def test_jobs_have_tags(bench):
    await bench.make(Tags={"team": "x"})
    arn = "arn:aws:glue:us-east-1:123456789012:job/job"
    await bench.glue("TagResource", ResourceArn=arn, TagsToAdd={"env": "y"})
    assert (await bench.glue("GetTags", ResourceArn=arn))["Tags"] == {"team": "x", "env": "y"}
    await bench.glue("DeleteJob", JobName="job")
    await bench.make()
    assert (await bench.glue("GetTags", ResourceArn=arn))["Tags"] == {}


async def test_a_job_that_is_not_there_is_deleted_without_a_word(bench, refusal):
    assert await bench.glue("DeleteJob", JobName="none") == {"JobName": "none"}
    told = await refusal(bench.job("none"))
    assert told.code == "EntityNotFoundException"


async def test_the_token_of_a_repository_is_not_kept(bench):
    details = {"Provider": "GITHUB", "Repository": "etl", "AuthToken": "secret"}
    await bench.make(SourceControlDetails=details)
    assert (await bench.job())["SourceControlDetails"] == {
        "Provider": "GITHUB",
        "Repository": "etl",
    }


async def test_a_start_may_ask_for_other_workers(bench):
    await bench.make("print x", WorkerType="G.1X", NumberOfWorkers=2, MaxRetries=0)
    run = await bench.do(WorkerType="G.2X", NumberOfWorkers=3, Timeout=7)
    assert (run["WorkerType"], run["NumberOfWorkers"]) == ("G.2X", 3)
    assert (run["MaxCapacity"], run["Timeout"]) == (6.0, 7)


NODES = {
    "node-1": {
        "S3CsvSource": {
            "Name": "orders",
            "Paths": ["s3://lake/orders/"],
            "Separator": "comma",
            "QuoteChar": "quote",
            "WithHeader": True,
        }
    },
    "node-2": {
        "S3GlueParquetTarget": {
            "Name": "out",
            "Inputs": ["node-1"],
            "Path": "s3://lake/out/",
            "Compression": "snappy",
        }
    },
}


async def test_the_script_of_a_visual_job_is_made_and_put_where_it_runs(bench, refusal):
    await bench.make("old", CodeGenConfigurationNodes=NODES, JobMode="VISUAL")
    text = await bench.text("job.py")
    assert "s3://lake/orders/" in text
    compile(text, "job.py", "exec")
    assert (await bench.job())["CodeGenConfigurationNodes"] == NODES
    broken = {"node-2": NODES["node-2"]}
    update = {"Role": ROLE, "Command": ETL, "CodeGenConfigurationNodes": broken}
    told = await refusal(bench.glue("UpdateJob", JobName="job", JobUpdate=update))
    assert told.code == "InvalidInputException"
    assert "out" in told.message or "node-2" in told.message
    elsewhere = {"Name": "glueetl", "ScriptLocation": "s3://no-bucket/x.py"}
    update = {"Role": ROLE, "Command": elsewhere, "CodeGenConfigurationNodes": NODES}
    told = await refusal(bench.glue("UpdateJob", JobName="job", JobUpdate=update))
    assert "cannot be put to s3://no-bucket/x.py" in told.message


async def test_the_calls_of_airflows_operator_are_answered(bench, refusal):
    """GlueJobHook: look, create, look and update, run, ask with predecessors, read the logs."""
    told = await refusal(bench.job("airflow"))
    assert told.code == "EntityNotFoundException"
    await bench.put("airflow.py", "print done")
    config = {
        "Name": "airflow",
        "Description": "AWS Glue Job with Airflow",
        "LogUri": "s3://scripts/logs/glue-logs/airflow",
        "Role": ROLE,
        "ExecutionProperty": {"MaxConcurrentRuns": 3},
        "Command": {"Name": "glueetl", "ScriptLocation": "s3://scripts/airflow.py"},
        "MaxRetries": 0,
        "MaxCapacity": 6.0,
        "GlueVersion": "4.0",
    }
    await bench.glue("CreateJob", **config)
    job = await bench.job("airflow")
    same = {name for name, value in config.items() if job[name] == value}
    assert config.keys() - same == {"Command"}
    update = {name: value for name, value in config.items() if name != "Name"}
    await bench.glue("UpdateJob", JobName="airflow", JobUpdate=update)
    run = await bench.do("airflow", Arguments={"--x": "1"})
    assert run["JobRunState"] == "SUCCEEDED"
    found = await bench.running.of(
        "logs",
        "FilterLogEvents",
        logGroupName=f"{run['LogGroupName']}/output",
        logStreamNames=[run["Id"]],
    )
    assert [event["message"] for event in found["events"]] == ["done"]
