"""Applications and job runs live: places, workers, drivers, ends with reasons, no leftovers."""

import asyncio
from functools import partial
from typing import Any

import pytest

from millpond.engines.spark.interface import NODE_MEMORY_BYTES_MIN
from millpond.services.emrserverless.running.desk import Desk
from tests.services.emrserverless.conftest import APACHE_LABEL, ENDED, ROLE, World
from tests.services.world import tasks_of

WARM = {
    "DRIVER": {"workerCount": 1, "workerConfiguration": {"cpu": "4 vCPU", "memory": "16 GB"}},
    "EXECUTOR": {"workerCount": 3, "workerConfiguration": {"cpu": "4 vCPU", "memory": "16 GB"}},
}
LOGGING = {
    "monitoringConfiguration": {
        "s3MonitoringConfiguration": {"logUri": "s3://logs/here/"},
        "cloudWatchLoggingConfiguration": {"enabled": True},
    }
}
SMALL = {
    "sparkSubmit": {
        "entryPoint": "hang",
        "sparkSubmitParameters": "--conf spark.driver.cores=1 --driver-memory 2g "
        "--executor-cores 1 --executor-memory 2g --num-executors 1",
    }
}
MINUTE = 60


async def test_a_run_starts_its_application_and_ends_well(world: World) -> None:
    app = await world.make()
    run_id = await world.submit(app, name="first")
    ended = await world.run_state(app, run_id, *ENDED)
    assert (ended["state"], ended["stateDetails"], ended["attempt"]) == ("SUCCESS", "", 1)
    assert (await world.application(app))["state"] == "STARTED"
    (run,) = world.spark.runs
    assert run.application.arguments == ("spark-submit", "good")
    assert not world.spark.alive
    await world.has(lambda: not (world.folder / app / run_id).exists())
    order = world.spark.orders[0]
    assert order.access is not None
    assert await world.credentials.find(order.access.access_key_id) is None
    assert ended["startedAt"] <= ended["endedAt"]


async def test_a_cluster_is_sized_as_its_run_asks(world: World) -> None:
    app = await world.make()
    await world.run_state(app, await world.submit(app), *ENDED)
    (node,) = world.spark.orders[0].nodes
    assert (node.size.cores, node.size.memory_bytes) == (2, 4 << 30)
    app = await world.make(releaseLabel=APACHE_LABEL)
    await world.run_state(app, await world.submit(app), *ENDED)
    nodes = world.apache.orders[0].nodes
    assert [(node.name, node.size.cores) for node in nodes] == [
        ("executor-1", 1),
        ("executor-2", 1),
    ]
    assert all(node.size.memory_bytes >= NODE_MEMORY_BYTES_MIN for node in nodes)


async def test_configurations_reach_the_cluster_and_its_driver(world: World) -> None:
    below = {"spark.sql.shuffle.partitions": "8", "spark.executorEnv.MODE": "test", "spark.a": "1"}
    above = {"spark.a": "2", "spark.driver.memory": "4g", "spark.emr-serverless.driverEnv.HI": "ho"}
    app = await world.make(
        runtimeConfiguration=[{"classification": "spark-defaults", "properties": below}]
    )
    overrides = {
        "applicationConfiguration": [{"classification": "spark-defaults", "properties": above}]
    }
    driver = {
        "sparkSubmit": {
            "entryPoint": "good",
            "entryPointArguments": ["--in", "a b"],
            "sparkSubmitParameters": "--py-files s3://x/y.py --conf 'spark.b=c d'",
        }
    }
    run_id = await world.submit(app, configurationOverrides=overrides, jobDriver=driver)
    await world.run_state(app, run_id, "SUCCESS")
    order, application = world.spark.orders[0], world.spark.runs[0].application
    assert order.properties["spark.sql.shuffle.partitions"] == "8"
    assert order.environment == {"MODE": "test"}
    assert application.environment == {"HI": "ho"}
    assert application.arguments == (
        *("spark-submit", "--conf", "spark.a=2", "--conf", "spark.b=c d"),
        *("--py-files", "s3://x/y.py", "good", "--in", "a b"),
    )


async def test_a_failed_run_says_what_its_driver_said_last(world: World) -> None:
    app = await world.make()
    run_id = await world.submit(app, "bad", configurationOverrides=LOGGING)
    ended = await world.run_state(app, run_id, *ENDED)
    assert ended["state"] == "FAILED"
    assert ended["stateDetails"] == (
        "Job failed, please check complete logs in configured logging destination. ExitCode: 1. "
        "Last few exceptions: ValueError: broken"
    )
    folder = f"here/applications/{app}/jobs/{run_id}"
    assert await world.logs_in_s3() == {
        f"{folder}/SPARK_DRIVER/stderr.gz": "Traceback\nValueError: broken\n",
        f"{folder}/SPARK_DRIVER/stdout.gz": "out of the driver\n",
        f"{folder}/SPARK_EXECUTOR/1/stderr.gz": "engine up\n",
    }
    streams = await world.log_streams("/aws/emr-serverless")
    place = f"/applications/{app}/jobs/{run_id}/SPARK_DRIVER"
    assert streams == {
        f"{place}/stderr": ["Traceback", "ValueError: broken"],
        f"{place}/stdout": ["out of the driver"],
    }


async def test_logs_go_where_they_are_to_go(world: World) -> None:
    monitoring = {
        "cloudWatchLoggingConfiguration": {
            "enabled": True,
            "logGroupName": "mine",
            "logStreamNamePrefix": "nightly",
            "logTypes": {"SPARK_DRIVER": ["stdout"], "SPARK_EXECUTOR": ["STDERR"]},
        }
    }
    app = await world.make(monitoringConfiguration=monitoring)
    run_id = await world.submit(app)
    await world.run_state(app, run_id, "SUCCESS")
    place = f"nightly/applications/{app}/jobs/{run_id}"
    assert await world.log_streams("mine") == {
        f"{place}/SPARK_DRIVER/stdout": ["out of the driver"],
        f"{place}/SPARK_EXECUTOR/1/stderr": ["engine up"],
    }
    assert await world.logs_in_s3() == {}


async def test_a_missing_bucket_for_logs_fails_no_run(world: World) -> None:
    app = await world.make()
    uri = {"s3MonitoringConfiguration": {"logUri": "s3://not-there/"}}
    run_id = await world.submit(app, configurationOverrides={"monitoringConfiguration": uri})
    assert (await world.run_state(app, run_id, *ENDED))["state"] == "SUCCESS"


async def test_pre_initialised_workers_are_taken_and_replaced(world: World) -> None:
    app = await world.make(initialCapacity=WARM)
    await world.aws("StartApplication", applicationId=app)
    await world.state(app, "STARTED")
    (warm,) = world.spark.alive
    access = warm.order.access
    assert access is not None
    before = await world.credentials.find(access.access_key_id)
    assert before is not None
    assert before.principal.actions == ()
    run_id = await world.submit(app, "hang")
    await world.running(app, run_id)
    (run,) = world.spark.runs
    assert run.cluster is warm
    after = await world.credentials.find(access.access_key_id)
    assert after is not None
    assert after.principal.arn.endswith(f":assumed-role/jobs/{run_id}")
    assert "s3:*" in after.principal.actions
    assert after.secret_access_key == before.secret_access_key
    run.finish(0)
    await world.run_state(app, run_id, "SUCCESS")
    assert not warm.is_running
    assert await world.credentials.find(access.access_key_id) is None
    await world.has(lambda: len(world.spark.alive) == 1)
    await world.aws("StopApplication", applicationId=app)
    await world.state(app, "STOPPED")
    assert not world.spark.alive
    assert list((world.folder / app).glob("*")) == []


async def test_workers_that_are_too_small_are_left_alone(world: World) -> None:
    app = await world.make(initialCapacity=WARM)
    driver = {
        "sparkSubmit": {"entryPoint": "hang", "sparkSubmitParameters": "--executor-memory 20g"}
    }
    run_id = await world.submit(app, jobDriver=driver)
    await world.running(app, run_id)
    assert len(world.spark.alive) == 2
    await world.aws("CancelJobRun", applicationId=app, jobRunId=run_id)
    await world.run_state(app, run_id, "CANCELLED")
    assert len(world.spark.alive) == 1


async def test_an_application_that_cannot_start_fails_the_runs_that_wait(world: World) -> None:
    world.spark.cannot_start = ["No Spark today."]
    app = await world.make(initialCapacity=WARM)
    run_id = await world.submit(app)
    ended = await world.run_state(app, run_id, *ENDED)
    assert (ended["state"], ended["stateDetails"]) == (
        "FAILED",
        "The application could not start: No Spark today.",
    )
    stopped = await world.application(app)
    assert (stopped["state"], stopped["stateDetails"]) == ("STOPPED", "No Spark today.")


async def test_a_cluster_that_does_not_start_fails_its_run(world: World) -> None:
    app = await world.make()
    world.spark.cannot_start = ["The engine did not come up."]
    run_id = await world.submit(app, configurationOverrides=LOGGING)
    ended = await world.run_state(app, run_id, *ENDED)
    assert (ended["state"], ended["stateDetails"]) == ("FAILED", "The engine did not come up.")
    assert ended["totalExecutionDurationSeconds"] == 0
    logs = await world.logs_in_s3()
    assert "The engine did not come up.\n" in logs.values()


async def test_what_takes_long_to_start_is_told(world: World) -> None:
    world.spark.hold = asyncio.Event()
    app = await world.make()
    run_id = await world.submit(app)

    async def tells() -> bool:
        return (await world.job_run(app, run_id))["stateDetails"] == "Fetching Spark"

    await world.until(tells)
    world.spark.hold.set()
    assert (await world.run_state(app, run_id, *ENDED))["stateDetails"] == ""


async def test_an_idle_application_stops_by_itself(world: World) -> None:
    app = await world.make(
        initialCapacity=WARM, autoStopConfiguration={"enabled": True, "idleTimeoutMinutes": 2}
    )
    run_id = await world.submit(app, "hang")
    await world.running(app, run_id)
    world.clock.advance(10 * MINUTE)
    assert (await world.application(app))["state"] == "STARTED"
    world.spark.runs[0].finish(0)
    await world.run_state(app, run_id, "SUCCESS")
    world.clock.advance(MINUTE)
    assert (await world.application(app))["state"] == "STARTED"
    world.clock.advance(MINUTE)
    stopped = await world.state(app, "STOPPED")
    assert stopped["stateDetails"] == "AUTO_STOPPING"
    assert not world.spark.alive


async def test_without_auto_stop_an_application_goes_on(world: World) -> None:
    app = await world.make(autoStopConfiguration={"enabled": False})
    await world.run_state(app, await world.submit(app), "SUCCESS")
    for _ in range(5):
        world.clock.advance(3600)
        await world.run_state(app, await world.submit(app), "SUCCESS")
    assert (await world.application(app))["state"] == "STARTED"


async def test_what_exceeds_the_maximum_capacity_fails(world: World) -> None:
    app = await world.make(maximumCapacity={"cpu": "4 vCPU", "memory": "16 GB"})
    ended = await world.run_state(app, await world.submit(app), *ENDED)
    assert ended["state"] == "FAILED"
    assert ended["stateDetails"] == (
        "ApplicationMaxCapacityExceededException: Worker could not be allocated as the application "
        "has exceeded maximumCapacity settings: [cpu: 4 vCPU, memory: 16 GB]"
    )
    first = await world.submit(app, jobDriver=SMALL)
    await world.running(app, first)
    second = await world.submit(app, jobDriver=SMALL)
    await world.running(app, second)
    third = await world.run_state(app, await world.submit(app, jobDriver=SMALL), *ENDED)
    assert third["state"] == "FAILED"


async def test_a_run_gets_as_many_executors_as_there_is_room_for(world: World) -> None:
    app = await world.make(maximumCapacity={"cpu": "12 vCPU", "memory": "48 GB"})
    run_id = await world.submit(app, "hang")
    await world.running(app, run_id)
    world.clock.advance(3600)
    world.spark.runs[0].finish(0)
    ended = await world.run_state(app, run_id, "SUCCESS", moving=False)
    assert ended["totalResourceUtilization"]["vCPUHour"] == pytest.approx(12.0, rel=0.01)


async def test_runs_queue_until_they_have_a_place(world: World) -> None:
    scheduler = {"maxConcurrentRuns": 1, "queueTimeoutMinutes": 20}
    app = await world.make(schedulerConfiguration=scheduler)
    first = await world.submit(app, "hang")
    await world.running(app, first)
    second, third = await world.submit(app, "hang"), await world.submit(app)
    await world.run_state(app, second, "QUEUED")
    await world.run_state(app, third, "QUEUED")
    world.clock.advance(5 * MINUTE)
    world.spark.runs[0].finish(0)
    running = await world.running(app, second)
    assert running["queuedDurationMilliseconds"] >= 5 * MINUTE * 1000
    assert (await world.job_run(app, third))["state"] == "QUEUED"
    world.clock.advance(15 * MINUTE)
    ended = await world.run_state(app, third, *ENDED)
    assert ended["state"] == "FAILED"
    assert "queueTimeoutMinutes" in ended["stateDetails"]
    world.spark.runs[1].finish(0)
    await world.run_state(app, second, "SUCCESS")


async def test_runs_queue_for_capacity_too(world: World) -> None:
    app = await world.make(
        schedulerConfiguration={}, maximumCapacity={"cpu": "2 vCPU", "memory": "8 GB"}
    )
    first, second = (
        await world.submit(app, jobDriver=SMALL),
        await world.submit(app, jobDriver=SMALL),
    )
    await world.running(app, first)
    await world.run_state(app, second, "QUEUED")
    await world.aws("CancelJobRun", applicationId=app, jobRunId=first)
    await world.running(app, second)
    await world.aws("CancelJobRun", applicationId=app, jobRunId=second)
    await world.run_state(app, second, "CANCELLED")
    assert (await world.job_run(app, first))["state"] == "CANCELLED"


async def test_a_failed_run_is_tried_again_as_its_policy_says(world: World) -> None:
    app = await world.make()
    run_id = await world.submit(
        app, "bad", retryPolicy={"maxAttempts": 3}, configurationOverrides=LOGGING
    )
    ended = await world.run_state(app, run_id, *ENDED)
    assert (ended["state"], ended["attempt"]) == ("FAILED", 3)
    assert len(world.spark.runs) == len(world.spark.orders) == 3
    listed = await world.aws("ListJobRunAttempts", applicationId=app, jobRunId=run_id)
    attempts = [(one["attempt"], one["state"]) for one in listed["jobRunAttempts"]]
    assert attempts == [(3, "FAILED"), (2, "FAILED"), (1, "FAILED")]
    keys = await world.logs_in_s3()
    for number in (1, 2, 3):
        folder = f"here/applications/{app}/jobs/{run_id}/attempts/{number}"
        assert keys[f"{folder}/SPARK_DRIVER/stderr.gz"] == "Traceback\nValueError: broken\n"
    first = await world.job_run(app, run_id, attempt=1)
    assert (first["attempt"], first["state"]) == (1, "FAILED")
    assert (
        await world.refusal("GetJobRun", applicationId=app, jobRunId=run_id, attempt=4)
    ).code == ("ResourceNotFoundException")


async def test_a_streaming_run_fails_when_it_fails_too_often(world: World) -> None:
    app = await world.make()
    policy = {"maxFailedAttemptsPerHour": 2}
    run_id = await world.submit(app, "hang", mode="STREAMING", retryPolicy=policy)
    for number in range(1, 5):
        await world.has(lambda number=number: len(world.spark.runs) == number)
        await world.running(app, run_id)
        world.clock.advance(40 * MINUTE)
        world.spark.runs[-1].finish(1, "lost\n")
    await world.has(lambda: len(world.spark.runs) == 5)
    world.spark.runs[-1].finish(1, "lost\n")
    ended = await world.run_state(app, run_id, *ENDED)
    assert (ended["state"], ended["attempt"], ended["executionTimeoutMinutes"]) == ("FAILED", 5, 0)


async def test_a_run_is_cancelled_with_the_grace_that_was_given(world: World) -> None:
    app = await world.make()
    first, second = await world.submit(app, "hang"), await world.submit(app, "hang")
    for run_id, more in ((first, {}), (second, {"shutdownGracePeriodInSeconds": 60})):
        await world.running(app, run_id)
        await world.aws("CancelJobRun", applicationId=app, jobRunId=run_id, **more)
        ended = await world.run_state(app, run_id, *ENDED)
        assert (ended["state"], ended["stateDetails"]) == (
            "CANCELLED",
            "JobRun was cancelled by user",
        )
    assert sorted(grace for run in world.spark.runs for grace in run.graces) == [1.0, 60]
    await world.aws("CancelJobRun", applicationId=app, jobRunId=first)
    assert (await world.job_run(app, first))["state"] == "CANCELLED"
    assert not world.spark.alive


async def test_a_run_is_cancelled_while_its_cluster_starts(world: World) -> None:
    world.spark.hold = asyncio.Event()
    app = await world.make()
    run_id = await world.submit(app)
    await world.run_state(app, run_id, "SCHEDULED")
    await world.aws("CancelJobRun", applicationId=app, jobRunId=run_id)
    await world.run_state(app, run_id, "CANCELLED")
    assert world.spark.runs == []
    world.spark.hold.set()


async def test_a_run_that_takes_too_long_is_cancelled(world: World) -> None:
    app = await world.make()
    run_id = await world.submit(app, "hang", executionTimeoutMinutes=5)
    await world.running(app, run_id)
    world.clock.advance(4 * MINUTE)
    assert (await world.job_run(app, run_id))["state"] == "RUNNING"

    async def is_over() -> dict[str, Any] | None:
        world.clock.advance(MINUTE)
        found = await world.job_run(app, run_id)
        return found if found["state"] in ENDED else None

    ended = await world.until(is_over)
    assert (ended["state"], ended["stateDetails"]) == (
        "CANCELLED",
        "The job run exceeded its timeout of 5 minutes.",
    )


async def test_use_is_counted_by_the_second_and_billed_for_a_minute(world: World) -> None:
    app = await world.make()
    run_id = await world.submit(app, "hang")
    await world.running(app, run_id, moving=False)
    world.clock.advance(30)
    world.spark.runs[0].finish(0)
    ended = await world.run_state(app, run_id, "SUCCESS", moving=False)
    seconds = ended["totalExecutionDurationSeconds"]
    assert 30 <= seconds <= 32
    assert ended["totalResourceUtilization"] == {
        "vCPUHour": round(16 * seconds / 3600, 3),
        "memoryGBHour": round(64 * seconds / 3600, 3),
        "storageGBHour": round(80 * seconds / 3600, 3),
    }
    assert ended["billedResourceUtilization"] == {
        "vCPUHour": round(16 / 60, 3),
        "memoryGBHour": round(64 / 60, 3),
        "storageGBHour": 0.0,
    }


async def test_a_run_that_ran_when_the_platform_was_killed_has_failed(world: World) -> None:
    app = await world.make(initialCapacity=WARM)
    run_id = await world.submit(app, "hang", configurationOverrides=LOGGING)
    await world.running(app, run_id)
    access = world.spark.runs[0].cluster.order.access
    await world.restart()
    ended = await world.run_state(app, run_id, *ENDED)
    assert ended["state"] == "FAILED"
    assert "restarted" in ended["stateDetails"]
    assert len(world.spark.runs) == 1, "It ran twice."
    assert access is not None
    assert await world.credentials.find(access.access_key_id) is None
    assert "out of the driver\n" in (await world.logs_in_s3()).values()
    assert (await world.application(app))["state"] == "STARTED"
    await world.has(lambda: len(world.spark.alive) == 1)
    await world.run_state(app, await world.submit(app), "SUCCESS")


async def test_a_killed_run_is_tried_again_if_its_policy_says_so(world: World) -> None:
    app = await world.make()
    run_id = await world.submit(app, "hang", retryPolicy={"maxAttempts": 2})
    await world.running(app, run_id)
    await world.restart()
    await world.has(lambda: len(world.spark.runs) == 2)
    world.spark.runs[1].finish(0)
    ended = await world.run_state(app, run_id, *ENDED)
    assert (ended["state"], ended["attempt"]) == ("SUCCESS", 2)


async def test_runs_that_wait_go_on_after_a_restart(world: World) -> None:
    app = await world.make(schedulerConfiguration={"maxConcurrentRuns": 1})
    first, second = await world.submit(app, "hang"), await world.submit(app)
    await world.running(app, first)
    await world.run_state(app, second, "QUEUED")
    await world.restart()
    assert (await world.run_state(app, first, *ENDED))["state"] == "FAILED"
    assert (await world.run_state(app, second, *ENDED))["state"] == "SUCCESS"


async def test_a_cancelled_run_stays_cancelled_over_a_restart(world: World) -> None:
    app = await world.make()
    run_id = await world.submit(app, "hang")
    await world.running(app, run_id)
    await world.stop(0.0)
    await world.aws("CancelJobRun", applicationId=app, jobRunId=run_id)
    await asyncio.sleep(0)
    await world.restart()
    assert (await world.run_state(app, run_id, *ENDED))["state"] == "CANCELLED"


async def test_hive_jobs_run_on_spark_sql_or_on_hive_where_that_is(world: World) -> None:
    hive: dict[str, Any] = {
        "hive": {
            "query": "s3://logs/good.sql",
            "initQueryFile": "s3://logs/init.sql",
            "parameters": "--hiveconf a=b --hivevar day=1",
        }
    }
    for label, spark, program in (
        ("emr-spark-8.0.0", world.spark, "spark-sql"),
        (APACHE_LABEL, world.apache, "hive"),
    ):
        app = await world.make(type="Hive", releaseLabel=label)
        run_id = await world.submit(app, jobDriver=hive, configurationOverrides=LOGGING)
        await world.has(lambda spark=spark: spark.runs)
        assert spark.runs[0].application.arguments == (
            *(program, "--hiveconf", "a=b", "--hivevar", "day=1"),
            *("-i", "s3://logs/init.sql", "-f", "s3://logs/good.sql"),
        )
        spark.runs[0].finish(0)
        ended = await world.run_state(app, run_id, "SUCCESS")
        assert (await world.application(app))["type"] == "Hive"
        assert ended["state"] == "SUCCESS"
        logs = await world.logs_in_s3()
        assert f"here/applications/{app}/jobs/{run_id}/HIVE_DRIVER/stdout.gz" in logs
    assert world.apache.orders[0].programs == ("Hive",)


async def test_cloudwatch_is_told_of_workers_and_runs(world: World) -> None:
    app = await world.make(initialCapacity=WARM)
    run_id = await world.submit(app, "hang")
    await world.running(app, run_id)
    world.clock.advance(MINUTE)
    running = {"RunningWorkerCount": 4.0, "RunningJobs": 1.0, "CPUAllocated": 16.0}
    seen: dict[str, float] = {}

    def told() -> bool:
        for (metric, _), statistics in world.meter.drain().items():
            if metric.dimensions == (("ApplicationId", app),):
                seen[metric.name] = statistics.high
        return running.items() <= seen.items()

    await world.has(told)
    world.spark.runs[0].finish(0)
    await world.run_state(app, run_id, "SUCCESS")
    await world.has(lambda: told() and seen.get("SuccessJobs") == 1.0)


async def test_the_programs_of_a_run_may_do_what_its_policy_leaves(world: World) -> None:
    app = await world.make()
    policy = (
        '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Resource": "*", '
        '"Action": ["s3:Get*", "glue:GetTable", "iam:*"]}}'
    )
    run_id = await world.submit(app, "hang", executionIamPolicy={"policy": policy})
    await world.running(app, run_id)
    access = world.spark.orders[0].access
    assert access is not None
    found = await world.credentials.find(access.access_key_id)
    assert found is not None
    assert found.principal.actions == ("glue:GetTable", "s3:Get*")
    assert found.principal.arn.endswith(f"assumed-role/{ROLE.rpartition('/')[2]}/{run_id}")
    world.spark.runs[0].finish(0)
    await world.run_state(app, run_id, "SUCCESS")


@pytest.mark.parametrize("warm", [False, True])
@pytest.mark.parametrize("written", [False, True])
async def test_cut_off_at_any_point_a_run_runs_once_and_ends(
    world: World, monkeypatch: pytest.MonkeyPatch, warm: bool, written: bool
) -> None:
    app = await world.make(initialCapacity=WARM if warm else {})
    await world.run_state(app, await world.submit(app), "SUCCESS")
    await world.has(lambda: len(world.spark.alive) == (1 if warm else 0))
    ends: list[str] = []
    for point in range(1, 20):
        cut = asyncio.Event()
        with monkeypatch.context() as patched:
            patched.setattr(Desk, "tell", _stuck(Desk.tell, "/", point, written, cut))
            before = len(world.spark.runs)
            run_id = await world.submit(app)
            await world.until(partial(_is_over, world, run_id, cut))
            if not cut.is_set():
                break
            await world.stop(0.0)
        await world.restart()
        ended = await world.run_state(app, run_id, *ENDED)
        assert ended["state"] == "SUCCESS" or "restarted" in ended["stateDetails"]
        assert len(world.spark.runs) - before <= 1, "It ran twice."
        ends.append(ended["state"])
        await world.has(lambda: len(world.spark.alive) == (1 if warm else 0))
    assert len(ends) >= 4
    assert set(ends) == {"SUCCESS", "FAILED"}
    await world.aws("StopApplication", applicationId=app)
    await world.state(app, "STOPPED")
    assert list((world.folder / app).glob("*")) == []


@pytest.mark.parametrize("written", [False, True])
async def test_cut_off_at_any_point_an_application_starts_and_stops(
    world: World, monkeypatch: pytest.MonkeyPatch, written: bool
) -> None:
    app = await world.make(initialCapacity=WARM)
    cuts = 0
    for point in range(1, 5):
        for operation, state in (("StartApplication", "STARTED"), ("StopApplication", "STOPPED")):
            cut = asyncio.Event()
            with monkeypatch.context() as patched:
                patched.setattr(Desk, "tell", _stuck(Desk.tell, app, point, written, cut))
                await world.aws(operation, applicationId=app)
                await world.until(partial(_is_at, world, app, state, cut))
                await world.stop(0.0)
            cuts += cut.is_set()
            await world.restart()
            await world.state(app, state)
            alive = 1 if state == "STARTED" else 0
            await world.has(lambda alive=alive: len(world.spark.alive) == alive)
    assert cuts >= 3


async def _is_at(world: World, app: str, state: str, cut: asyncio.Event) -> bool:
    return cut.is_set() or (await world.application(app))["state"] == state


async def _is_over(world: World, run_id: str, cut: asyncio.Event) -> bool:
    """The run is cut off, or nothing is left to do for it."""
    tasks = await tasks_of(world.records, "emrserverless")
    return cut.is_set() or not any(task.subject.endswith(run_id) for task in tasks)


def _stuck(tell: Any, whose: str, point: int, written: bool, cut: asyncio.Event) -> Any:
    """`Desk.tell` that an application, or for `/` a job run, does not come back from at its
    `point`-th call, which is or is not `written` by then."""
    calls = 0

    async def stuck(self: Desk, change: Any) -> Any:
        nonlocal calls
        is_meant = whose in self._task.subject and ("/" in self._task.subject) == (whose == "/")
        calls += is_meant
        if calls != point or not is_meant:
            return await tell(self, change)
        if written:
            await tell(self, change)
        cut.set()
        await asyncio.Event().wait()
        return None

    return stuck
