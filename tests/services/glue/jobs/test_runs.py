"""Runs of jobs: their states, their attempts, and that none is left or run twice."""

import asyncio

import pytest


async def test_a_run_succeeds_and_says_what_it_took(bench):
    await bench.make("print hello", "print world")
    run = await bench.do(Arguments={"--day": "monday"})
    assert run["JobRunState"] == "SUCCEEDED"
    assert run["Id"].startswith("jr_")
    assert run["Attempt"] == 0
    assert run["Arguments"] == {"--day": "monday"}
    assert run["LogGroupName"] == "/aws-glue/jobs"
    assert (run["WorkerType"], run["NumberOfWorkers"], run["MaxCapacity"]) == ("G.1X", 10, 10.0)
    assert run["StartedOn"] <= run["CompletedOn"]
    assert run["DPUSeconds"] == run["ExecutionTime"] * 10
    assert run["PredecessorRuns"] == []
    assert "ErrorMessage" not in run
    assert await bench.lines("/aws-glue/jobs/output", run["Id"]) == ["hello", "world"]
    assert await bench.lines("/aws-glue/jobs/error", run["Id"]) == ["Starting"]


async def test_nothing_is_left_of_a_run(bench):
    await bench.make("print hello")
    await bench.do()
    await bench.until_tidy()
    assert bench.issuer.issued == [("jobs", "GlueJobRunnerSession")]


async def test_a_script_gets_the_arguments_that_glue_passes(bench):
    await bench.make(
        DefaultArguments={"--day": "sunday", "--TempDir": "s3://scripts/tmp/"},
        NonOverridableArguments={"--zone": "eu"},
    )
    run = await bench.do(Arguments={"--day": "monday", "--zone": "us"})
    words = bench.spark.ran[0].arguments
    assert words[:3] == ("spark-submit", "--name", "job")
    job_id = words[words.index("--JOB_ID") + 1]
    assert dict(zip(words[4::2], words[5::2], strict=True)) == {
        "--day": "monday",
        "--TempDir": "s3://scripts/tmp/",
        "--zone": "eu",
        "--JOB_NAME": "job",
        "--JOB_ID": job_id,
        "--JOB_RUN_ID": run["Id"],
        "--job-bookmark-option": "job-bookmark-disable",
        "--scriptLocation": "s3://scripts/job.py",
    }
    assert bench.spark.ran[0].environment["GLUE_VERSION"] == "5.1"


async def test_a_cluster_has_the_workers_scaled_to_the_machine(bench):
    await bench.make(WorkerType="G.2X", NumberOfWorkers=5)
    await bench.do()
    await bench.do(Arguments={"--millpond-runtime": "spark-3.5", "--conf": "spark.a=1"})
    (sail,), (apache,) = bench.spark.orders, bench.apache.orders
    assert [node.size.cores for node in sail.nodes] == [2]
    assert [node.size.cores for node in apache.nodes] == [1, 1]
    assert sum(node.size.memory_bytes for node in apache.nodes) == 4 << 30
    assert apache.properties == {"spark.yarn.maxAppAttempts": "1", "spark.a": "1"}
    assert sail.programs == ("Glue",)


async def test_a_script_that_fails_tells_its_error(bench):
    await bench.make("fail ValueError: broken")
    run = await bench.do()
    assert (run["JobRunState"], run["ErrorMessage"]) == ("FAILED", "ValueError: broken")


async def test_an_end_without_words_tells_its_code(bench):
    await bench.make("exit 7")
    assert (await bench.do())["ErrorMessage"] == "Command failed with exit code 7"


async def test_a_missing_script_fails_the_run(bench):
    await bench.make(Command={"ScriptLocation": "s3://scripts/elsewhere/none.py"})
    run = await bench.do()
    assert run["JobRunState"] == "FAILED"
    assert run["ErrorMessage"].startswith(
        "LAUNCH ERROR | Error downloading from S3 for bucket: scripts, key: elsewhere/none.py."
    )
    assert run["ExecutionTime"] == 0


async def test_an_engine_that_does_not_start_fails_the_run(bench):
    bench.spark.failing_starts = ["There is no memory."]
    await bench.make()
    run = await bench.do()
    assert (run["JobRunState"], run["ErrorMessage"]) == ("FAILED", "There is no memory.")


async def test_a_missing_connection_fails_the_run(bench):
    await bench.make(Connections={"Connections": ["shop"]})
    assert (await bench.do())["ErrorMessage"] == "Connection shop not found."


async def test_a_failed_run_is_tried_again_as_often_as_its_job_says(bench):
    await bench.make("fail ValueError: broken", MaxRetries=2)
    first = await bench.do(Arguments={"--x": "1"})
    base = first["Id"]
    last = await bench.ended(f"{base}_attempt_2")
    assert (last["Attempt"], last["PreviousRunId"]) == (2, f"{base}_attempt_1")
    assert last["Arguments"] == {"--x": "1"}
    runs = await bench.runs()
    assert [run["Id"] for run in runs] == [base, f"{base}_attempt_1", f"{base}_attempt_2"]
    assert {run["JobRunState"] for run in runs} == {"FAILED"}
    assert len(bench.spark.ran) == 3


async def test_a_run_that_has_ended_can_be_done_again(bench, refusal):
    await bench.make("fail ValueError: broken")
    first = await bench.do(Arguments={"--x": "1"})
    await bench.put("job.py", "print better")
    again = await bench.do(JobRunId=first["Id"])
    assert again["Id"] == f"{first['Id']}_attempt_1"
    assert (again["JobRunState"], again["PreviousRunId"]) == ("SUCCEEDED", first["Id"])
    assert again["Arguments"] == {"--x": "1"}
    third = await bench.do(JobRunId=first["Id"])
    assert (third["Id"], third["Attempt"]) == (f"{first['Id']}_attempt_2", 2)
    told = await refusal(bench.start(JobRunId="jr_none"))
    assert told.code == "EntityNotFoundException"


async def test_no_more_runs_at_once_than_the_job_allows(bench, refusal):
    await bench.make("hang")
    run_id = await bench.start()
    told = await refusal(bench.start())
    assert told.code == "ConcurrentRunsExceededException"
    assert told.message == "Concurrent runs exceeded for job"
    await bench.glue("BatchStopJobRun", JobName="job", JobRunIds=[run_id])
    await bench.ended(run_id)
    await bench.until(await bench.start(), "RUNNING")


async def test_runs_wait_for_their_turn_if_they_may(bench):
    await bench.make("hang", JobRunQueuingEnabled=True)
    first, second, third = [await bench.start() for _ in range(3)]
    await bench.until(first, "RUNNING")
    waiting = await bench.run(second)
    assert waiting["JobRunState"] == "WAITING"
    assert "MaxConcurrentRuns" in waiting["StateDetail"]
    await bench.glue("BatchStopJobRun", JobName="job", JobRunIds=[first])
    await bench.until(second, "RUNNING")
    assert (await bench.run(third))["JobRunState"] == "WAITING"
    await bench.glue("BatchStopJobRun", JobName="job", JobRunIds=[third])
    assert (await bench.run(third))["JobRunState"] == "STOPPED"


async def test_a_retry_comes_before_those_who_wait(bench):
    await bench.make("fail no", JobRunQueuingEnabled=True, MaxRetries=1)
    first, second = await bench.start(), await bench.start()
    await bench.ended(f"{second}_attempt_1")
    by_time = sorted(await bench.runs(), key=lambda run: run["CompletedOn"])
    names = [run["Id"] for run in by_time]
    assert names == [first, f"{first}_attempt_1", second, f"{second}_attempt_1"]


async def test_a_run_is_stopped(bench):
    await bench.make("print begun", "hang", MaxRetries=3)
    run_id = await bench.start()
    await bench.until(run_id, "RUNNING")
    answer = await bench.glue("BatchStopJobRun", JobName="job", JobRunIds=[run_id, "jr_none"])
    assert answer["SuccessfulSubmissions"] == [{"JobName": "job", "JobRunId": run_id}]
    (error,) = answer["Errors"]
    assert error["JobRunId"] == "jr_none"
    assert error["ErrorDetail"]["ErrorCode"] == "EntityNotFoundException"
    run = await bench.ended(run_id)
    assert run["JobRunState"] == "STOPPED"
    assert len(await bench.runs()) == 1
    assert await bench.lines("/aws-glue/jobs/output", run_id) == ["begun"]
    answer = await bench.glue("BatchStopJobRun", JobName="job", JobRunIds=[run_id])
    assert answer["Errors"][0]["ErrorDetail"]["ErrorCode"] == "InvalidInputException"


async def test_a_run_is_stopped_before_its_script_begins(bench):
    bench.spark.gate = asyncio.Event()
    await bench.make("print hello")
    run_id = await bench.start()

    async def ordered():
        return bench.spark.orders

    await bench.running.until(ordered)
    await bench.glue("BatchStopJobRun", JobName="job", JobRunIds=[run_id])
    assert (await bench.ended(run_id))["JobRunState"] == "STOPPED"
    assert bench.spark.ran == []


async def test_a_run_that_takes_too_long_times_out_and_is_not_tried_again(bench):
    await bench.make("hang", Timeout=3, MaxRetries=1)
    run_id = await bench.start()
    await bench.until(run_id, "RUNNING")
    bench.clock.advance(179)
    await asyncio.sleep(0.05)
    assert (await bench.run(run_id))["JobRunState"] == "RUNNING"
    bench.clock.advance(2)
    run = await bench.ended(run_id)
    assert run["JobRunState"] == "TIMEOUT"
    assert run["ExecutionTime"] >= 180
    assert len(await bench.runs()) == 1


async def test_a_run_that_ran_when_the_platform_ended_has_failed_and_is_not_run_again(bench):
    await bench.make("hang")
    run_id = await bench.start()
    await bench.until(run_id, "RUNNING")
    await bench.restart()
    run = await bench.ended(run_id)
    assert run["JobRunState"] == "FAILED"
    assert run["ErrorMessage"] == "The platform was restarted while the job ran."
    assert len(bench.spark.ran) == 1
    await bench.until_tidy()


async def test_an_interrupted_run_is_tried_again_if_its_job_says_so(bench):
    await bench.make("hang", MaxRetries=1)
    run_id = await bench.start()
    await bench.until(run_id, "RUNNING")
    await bench.put("job.py", "print done")
    await bench.restart()
    again = await bench.ended(f"{run_id}_attempt_1")
    assert again["JobRunState"] == "SUCCEEDED"
    assert (await bench.run(run_id))["JobRunState"] == "FAILED"


async def test_a_run_that_had_not_begun_begins_after_a_restart(bench):
    bench.spark.gate = asyncio.Event()
    await bench.make("print hello")
    run_id = await bench.start()

    async def ordered():
        return bench.spark.orders

    await bench.running.until(ordered)
    await bench.running.stop(5)
    bench.spark.gate = None
    await bench.running.start()
    assert (await bench.ended(run_id))["JobRunState"] == "SUCCEEDED"
    assert len(bench.spark.ran) == 1


async def test_runs_of_a_deleted_job_end(bench, refusal):
    await bench.make("hang", JobRunQueuingEnabled=True, MaxRetries=5)
    run_id = await bench.start()
    await bench.start()
    await bench.until(run_id, "RUNNING")
    await bench.glue("DeleteJob", JobName="job")
    await bench.until_tidy()
    told = await refusal(bench.run(run_id))
    assert told.code == "EntityNotFoundException"

    async def is_swept():
        async with bench.running.records.transaction() as transaction:
            found = [key async for key, _ in transaction.scan(b"glue", b"gluf")]
        return not found

    await bench.running.until(is_swept)
    await bench.make("print anew")
    assert len(await bench.runs()) == 0


async def test_a_job_may_change_while_it_runs(bench):
    await bench.make("hang")
    run_id = await bench.start()
    await bench.until(run_id, "RUNNING")
    command = {"Name": "glueetl", "ScriptLocation": "s3://scripts/other.py"}
    await bench.glue(
        "UpdateJob", JobName="job", JobUpdate={"Role": "r", "Command": command, "Timeout": 5}
    )
    assert (await bench.run(run_id))["Timeout"] == 480
    assert (await bench.job())["Timeout"] == 5


async def test_runs_come_in_pages_the_newest_first(bench):
    await bench.make("print x")
    ids = [(await bench.do())["Id"] for _ in range(5)]
    first = await bench.glue("GetJobRuns", JobName="job", MaxResults=2)
    second = await bench.glue(
        "GetJobRuns", JobName="job", MaxResults=2, NextToken=first["NextToken"]
    )
    found = [run["Id"] for run in first["JobRuns"] + second["JobRuns"]]
    assert found == ids[::-1][:4]


async def test_a_python_shell_runs_python_without_an_engine(bench):
    await bench.make("print hello", Command={"Name": "pythonshell", "PythonVersion": "3.9"})
    run = await bench.do()
    assert run["LogGroupName"] == "/aws-glue/python-jobs"
    assert (run["MaxCapacity"], run.get("WorkerType")) == (0.0625, None)
    assert await bench.lines("/aws-glue/python-jobs/output", run["Id"]) == ["hello"]
    assert bench.spark.ran[0].arguments[0] == "python3"
    assert not bench.spark.orders[0].with_engine
    assert bench.spark.orders[0].nodes == ()


async def test_continuous_logs_have_a_group_and_a_stream_of_their_own(bench):
    await bench.make()
    run = await bench.do(Arguments={"--enable-continuous-cloudwatch-log": "true"})
    assert await bench.lines("/aws-glue/jobs/logs-v2", f"{run['Id']}-driver") == ["Starting"]
    await bench.do(
        Arguments={
            "--enable-continuous-cloudwatch-log": "true",
            "--continuous-log-logGroup": "/mine",
            "--continuous-log-logStreamPrefix": "custom",
        }
    )
    assert await bench.lines("/mine", "custom-driver") == ["Starting"]


async def test_python_files_and_others_are_brought(bench):
    await bench.put("lib/helper.py", "X = 1")
    await bench.put("data/rates.csv", "a,b")
    await bench.make("hang")
    await bench.start(
        Arguments={
            "--extra-py-files": "s3://scripts/lib/helper.py",
            "--extra-files": "s3://scripts/data/rates.csv",
            "--additional-python-modules": "tabulate==0.9.0,wheel",
        }
    )

    async def runs():
        return bench.spark.ran

    (application,) = await bench.running.until(runs)
    assert (application.folder / "rates.csv").read_text() == "a,b"
    brought = application.arguments[application.arguments.index("--py-files") + 1]
    assert brought.endswith("/.glue/python/helper.py")
    assert bench.spark.orders[0].python_modules == ("tabulate==0.9.0", "wheel")


async def test_wheels_in_s3_are_kept_once(bench):
    await bench.put("wheels/shop-1.0-py3-none-any.whl", "not really")
    await bench.make()
    wanted = {"--additional-python-modules": "s3://scripts/wheels/shop-1.0-py3-none-any.whl"}
    await bench.do(Arguments=wanted)
    await bench.do(Arguments=wanted)
    (first,), (second,) = (order.python_modules for order in bench.spark.orders)
    assert first == second
    assert first.endswith("/shop-1.0-py3-none-any.whl")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"--extra-jars": "s3://scripts/x.jar"}, "--extra-jars needs Apache Spark"),
        ({"--datalake-formats": "hudi"}, "--datalake-formats hudi is not supported"),
        ({"--millpond-runtime": "flink"}, "--millpond-runtime is one of"),
        ({"--millpond-runtime": "spark-4"}, "--millpond-runtime spark-4 cannot be had here"),
        ({"--job-language": "scala"}, "--job-language is not supported"),
        ({"--class": "Main"}, "--class is not supported"),
        ({"--x": "a\0b"}, "An argument holds a NUL"),
        ({"--job-bookmark-option": "on"}, "--job-bookmark-option is one of"),
        ({"--conf": "spark.sql.x"}, "--conf spark.sql.x is not a property"),
        ({"--extra-py-files": "/etc/passwd"}, "--extra-py-files: /etc/passwd is not a location"),
        (
            {"--python-modules-installer-option": "--target=x"},
            "--python-modules-installer-option is not supported",
        ),
    ],
)
async def test_what_cannot_be_done_is_refused_by_name(bench, refusal, arguments, words):
    await bench.make()
    told = await refusal(bench.start(Arguments=arguments))
    assert told.code == "InvalidInputException"
    assert words in told.message


async def test_elapsed_time_is_measured_if_it_is_wanted(bench):
    await bench.make(DefaultArguments={"--enable-metrics": ""})
    run = await bench.do()
    measured = [metric for metric, _ in bench.running.meter.drain() if metric.namespace == "Glue"]
    assert {metric.name for metric in measured} == {"glue.driver.aggregate.elapsedTime"}
    assert {dict(metric.dimensions)["JobRunId"] for metric in measured} == {run["Id"], "ALL"}


@pytest.mark.parametrize("name", ["..", ".glue", "n" * 300])
async def test_a_script_whose_name_is_no_files_name_fails_its_run(bench, name):
    await bench.put(f"odd/{name}", "print x")
    await bench.make(Command={"ScriptLocation": f"s3://scripts/odd/{name}"})
    assert "cannot be kept" in (await bench.do())["ErrorMessage"]


async def test_apache_spark_writes_its_events_where_they_are_wanted(bench):
    await bench.make()
    wanted = {
        "--enable-spark-ui": "true",
        "--spark-event-logs-path": "s3://scripts/events",
        "--user-jars-first": "true",
    }
    await bench.do(Arguments=wanted)
    await bench.do(Arguments=wanted | {"--millpond-runtime": "spark-3.5"})
    (sail,), (apache,) = bench.spark.orders, bench.apache.orders
    assert "spark.eventLog.dir" not in sail.properties
    assert apache.properties["spark.eventLog.enabled"] == "true"
    assert apache.properties["spark.eventLog.dir"] == "s3://scripts/events/"
    assert apache.properties["spark.driver.userClassPathFirst"] == "true"
    assert await bench.text("events/") == ""


async def test_runs_of_many_jobs_take_turns_on_the_machine(bench):
    names = ["a", "b", "c", "d", "e"]
    for name in names:
        await bench.make("hang", name=name)
    runs = {name: await bench.start(name) for name in names}

    async def three_run():
        return len(bench.spark.alive) == 3

    await bench.running.until(three_run)
    states = {name: await bench.run(run_id, name) for name, run_id in runs.items()}
    waiting = [name for name in names if states[name]["JobRunState"] == "STARTING"]
    assert len(waiting) == 2
    assert "this machine runs no more at once" in states[waiting[0]]["StateDetail"]
    await bench.make("print x", name="shell", Command={"Name": "pythonshell"})
    assert (await bench.do("shell"))["JobRunState"] == "SUCCEEDED"
    await bench.glue("BatchStopJobRun", JobName=waiting[0], JobRunIds=[runs[waiting[0]]])
    assert (await bench.ended(runs[waiting[0]], waiting[0]))["JobRunState"] == "STOPPED"
    first = next(name for name in names if name not in waiting)
    await bench.glue("BatchStopJobRun", JobName=first, JobRunIds=[runs[first]])
    await bench.until(runs[waiting[1]], "RUNNING", name=waiting[1])
    assert "StateDetail" not in await bench.run(runs[waiting[1]], waiting[1])
    assert (await bench.run(runs[first], first))["JobRunState"] == "STOPPED"
