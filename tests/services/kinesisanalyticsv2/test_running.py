"""Applications are started, stopped, updated and rolled back; what fails is told."""

import asyncio
import json
from dataclasses import replace

import pytest

from millpond.engines.streams.interface import (
    Checkpointed,
    Finished,
    Logged,
    Measured,
    Restore,
)
from millpond.kernel.errors import ServiceError

ROLLBACK = {"ApplicationSystemRollbackConfiguration": {"RollbackEnabled": True}}
SKIP = {"ApplicationRestoreConfiguration": {"ApplicationRestoreType": "SKIP_RESTORE_FROM_SNAPSHOT"}}


def code_update(sql: str) -> dict:
    return {"ApplicationCodeConfigurationUpdate": {"CodeContentUpdate": {"TextContentUpdate": sql}}}


async def update(world, version: int, sql: str, **more) -> dict:
    return await world.aws(
        "UpdateApplication",
        ApplicationName="app",
        CurrentApplicationVersionId=version,
        ApplicationConfigurationUpdate=code_update(sql),
        **more,
    )


async def snapshots(world) -> list[dict]:
    answer = await world.aws("ListApplicationSnapshots", ApplicationName="app")
    return answer["SnapshotSummaries"]


async def test_an_application_runs_with_what_it_was_configured_with(world) -> None:
    await world.make(
        configuration={
            "FlinkApplicationConfiguration": {
                "CheckpointConfiguration": {
                    "ConfigurationType": "CUSTOM",
                    "CheckpointInterval": 2000,
                    "MinPauseBetweenCheckpoints": 100,
                },
                "MonitoringConfiguration": {"ConfigurationType": "CUSTOM", "LogLevel": "DEBUG"},
                "ParallelismConfiguration": {"ConfigurationType": "CUSTOM", "Parallelism": 4},
            }
        }
    )
    answer = await world.aws("StartApplication", ApplicationName="app")
    assert (await world.detail())["ApplicationStatus"] == "STARTING"
    await world.status("RUNNING")
    order = world.streams.runs[0].order
    assert (order.name, order.restore, order.parallelism) == ("app", Restore.NOTHING, 4)
    assert (order.checkpoint_seconds, order.checkpoint_pause_seconds) == (2.0, 0.1)
    assert (order.log_level, order.memory_bytes) == ("DEBUG", 1 << 30)
    assert order.access.endpoint == "http://127.0.0.1:4566"
    credential = await world.credentials.find(order.access.access_key_id)
    assert credential.principal.arn.endswith(":assumed-role/app/kinesisanalytics")
    assert "kinesis:GetRecords" in credential.principal.actions
    operation = await world.operation(answer["OperationId"])
    assert (operation["Operation"], operation["OperationStatus"]) == (
        "StartApplication",
        "SUCCESSFUL",
    )


async def test_stopping_takes_a_snapshot_and_starting_begins_with_it(world) -> None:
    await world.make()
    first = await world.run()
    key = first.order.access.access_key_id
    await world.aws("StopApplication", ApplicationName="app")
    await world.status("READY")
    assert not first.alive
    (snapshot,) = await snapshots(world)
    assert (snapshot["SnapshotStatus"], snapshot["ApplicationVersionId"]) == ("READY", 1)

    async def is_revoked() -> bool:
        return await world.credentials.find(key) is None

    await world.until(is_revoked)
    second = await world.run()
    assert second.order.restore == first.last_snapshot
    assert second.order.origin != first.order.origin


@pytest.mark.parametrize("keeps", [True, False])
async def test_an_application_that_drains_does_so_when_it_is_stopped(world, keeps) -> None:
    group = {
        "PropertyGroupId": "kinesis.analytics.flink.run.options",
        "PropertyMap": {"drain": "true"},
    }
    await world.make(
        configuration={
            "EnvironmentProperties": {"PropertyGroups": [group]},
            "ApplicationSnapshotConfiguration": {"SnapshotsEnabled": keeps},
        }
    )
    first = await world.run()
    await world.aws("StopApplication", ApplicationName="app")
    await world.status("READY")
    assert first.drained
    assert bool(first.last_snapshot) == keeps
    second = await world.run()
    assert second.order.restore == (first.last_snapshot or Restore.NOTHING)


async def test_a_start_is_told_apart_from_going_on_with_it(world) -> None:
    """The engine follows what to begin with once, also when nobody noted that it had."""
    await world.make()
    first = await world.run()
    first.end(Finished("It failed before it told of a checkpoint."))
    again = await world.next_run(2)
    assert again.order.origin == first.order.origin != ""
    await world.status("RUNNING")
    await update(world, 1, "SELECT 2")
    updated = await world.next_run(3)
    assert updated.order.origin == updated.order.restore == again.last_snapshot


async def test_without_snapshots_nothing_is_kept_and_starting_begins_anew(world) -> None:
    await world.make(
        configuration={"ApplicationSnapshotConfiguration": {"SnapshotsEnabled": False}}
    )
    run = await world.run()
    with pytest.raises(ServiceError) as refused:
        await world.aws("CreateApplicationSnapshot", ApplicationName="app", SnapshotName="s")
    assert refused.value.code == "InvalidApplicationConfigurationException"
    await world.aws("StopApplication", ApplicationName="app")
    await world.status("READY")
    assert run.snapshots == []
    assert (await world.run()).order.restore is Restore.NOTHING


async def test_a_stop_that_cannot_take_its_snapshot_fails_and_force_stops_without(world) -> None:
    await world.make()
    run = await world.run()
    run.snapshot_failure = "the disk is full"
    answer = await world.aws("StopApplication", ApplicationName="app")
    await world.status("RUNNING")
    operation = await world.operation(answer["OperationId"])
    assert operation["OperationStatus"] == "FAILED"
    text = operation["OperationFailureDetails"]["ErrorInfo"]["ErrorString"]
    assert "the disk is full" in text
    assert run.alive
    await world.aws("StopApplication", ApplicationName="app", Force=True)
    await world.status("READY")
    assert not run.alive


async def test_an_application_that_hangs_can_be_stopped_by_force(world) -> None:
    await world.make()
    run = await world.run()
    run.hangs = True
    stop = await world.aws("StopApplication", ApplicationName="app")
    await asyncio.sleep(0.05)
    assert (await world.detail())["ApplicationStatus"] == "STOPPING"
    await world.aws("StopApplication", ApplicationName="app", Force=True)
    await world.status("READY")
    assert not run.alive
    assert (await world.operation(stop["OperationId"]))["OperationStatus"] == "CANCELLED"
    assert [one["SnapshotStatus"] for one in await snapshots(world)] == ["FAILED"]


@pytest.mark.parametrize(
    "operation,members",
    [("StopApplication", {}), ("StartApplication", {}), ("StopApplication", {"Force": True})],
)
async def test_what_the_status_forbids_is_refused(world, operation, members) -> None:
    await world.make()
    if operation == "StartApplication":
        await world.run()
    with pytest.raises(ServiceError, match="it is in the status") as refused:
        await world.aws(operation, ApplicationName="app", **members)
    assert refused.value.code == "ResourceInUseException"


async def test_a_start_by_name_needs_that_snapshot(world) -> None:
    await world.make()
    run = await world.run()
    await world.aws("CreateApplicationSnapshot", ApplicationName="app", SnapshotName="mine")

    async def is_ready() -> bool:
        return [one["SnapshotStatus"] for one in await snapshots(world)] == ["READY"]

    await world.until(is_ready)
    with pytest.raises(ServiceError) as taken:
        await world.aws("CreateApplicationSnapshot", ApplicationName="app", SnapshotName="mine")
    assert taken.value.code == "ResourceInUseException"
    await world.aws("StopApplication", ApplicationName="app")
    await world.status("READY")

    def custom(name: str) -> dict:
        return {
            "ApplicationRestoreConfiguration": {
                "ApplicationRestoreType": "RESTORE_FROM_CUSTOM_SNAPSHOT",
                "SnapshotName": name,
            },
            "FlinkRunConfiguration": {"AllowNonRestoredState": True},
        }

    with pytest.raises(ServiceError) as missing:
        await world.aws("StartApplication", ApplicationName="app", RunConfiguration=custom("other"))
    assert missing.value.code == "ResourceNotFoundException"
    second = await world.run(RunConfiguration=custom("mine"))
    assert second.order.restore == run.snapshots[0]
    assert second.order.allow_non_restored_state
    described = (await world.detail())["ApplicationConfigurationDescription"]
    assert described["RunConfigurationDescription"] == {
        "ApplicationRestoreConfigurationDescription": {
            "ApplicationRestoreType": "RESTORE_FROM_CUSTOM_SNAPSHOT",
            "SnapshotName": "mine",
        },
        "FlinkRunConfigurationDescription": {"AllowNonRestoredState": True},
    }


async def test_a_snapshot_that_was_taken_and_not_noted_is_taken_again(world) -> None:
    await world.make()
    run = await world.run()
    run.hangs = True
    await world.aws("CreateApplicationSnapshot", ApplicationName="app", SnapshotName="mine")

    async def is_kept() -> bool:
        return bool(world.streams.kept)

    await world.until(is_kept)
    await world.stop(5.0)
    await world.start()

    async def is_ready() -> bool:
        (snapshot,) = await snapshots(world)
        assert snapshot["SnapshotStatus"] in ("CREATING", "READY")
        return bool(snapshot["SnapshotStatus"] == "READY")

    await world.until(is_ready)


async def test_a_stop_that_the_platform_s_own_end_interrupts_is_done_afterwards(world) -> None:
    await world.make()
    run = await world.run()
    run.hangs = True
    answer = await world.aws("StopApplication", ApplicationName="app")

    async def is_kept() -> bool:
        return bool(world.streams.kept)

    await world.until(is_kept)
    await world.stop(5.0)
    assert (await world.detail())["ApplicationStatus"] == "STOPPING"
    await world.start()
    await world.status("READY")
    operation = await world.operation(answer["OperationId"])
    assert operation["OperationStatus"] == "SUCCESSFUL"


async def test_a_deleted_snapshot_is_gone_from_the_engine_too(world) -> None:
    await world.make()
    run = await world.run()
    await world.aws("StopApplication", ApplicationName="app")
    await world.status("READY")
    (snapshot,) = await snapshots(world)
    named = {"ApplicationName": "app", "SnapshotName": snapshot["SnapshotName"]}
    with pytest.raises(ServiceError) as refused:
        await world.aws("DeleteApplicationSnapshot", **named, SnapshotCreationTimestamp=1.0)
    assert refused.value.code == "InvalidArgumentException"
    await world.aws(
        "DeleteApplicationSnapshot",
        **named,
        SnapshotCreationTimestamp=snapshot["SnapshotCreationTimestamp"],
    )

    async def is_gone() -> bool:
        return await snapshots(world) == []

    await world.until(is_gone)
    assert world.streams.deleted == run.snapshots


async def test_what_cannot_be_started_is_ready_again_and_tells_why(world) -> None:
    await world.make()
    world.streams.cannot_start = ["requirements.txt: no such package"]
    answer = await world.aws("StartApplication", ApplicationName="app")
    await world.status("READY")
    operation = await world.operation(answer["OperationId"])
    assert operation["OperationStatus"] == "FAILED"
    error = operation["OperationFailureDetails"]["ErrorInfo"]["ErrorString"]
    assert error == "requirements.txt: no such package"
    await world.run()


async def test_an_application_without_code_cannot_be_started(world) -> None:
    await world.make(None)
    with pytest.raises(ServiceError, match="it has no code") as refused:
        await world.aws("StartApplication", ApplicationName="app")
    assert refused.value.code == "InvalidApplicationConfigurationException"


async def test_a_run_that_fails_is_started_again_from_its_checkpoint_after_a_pause(world) -> None:
    await world.make()
    first = await world.run()
    first.end(Finished(failure="ValueError: no model"))
    second = await world.next_run(2)
    assert second.order.restore is Restore.NOTHING, "it had no checkpoint of its own"
    second.tell(Checkpointed(1, 5, 10))
    await asyncio.sleep(0.05)
    second.end(Finished(failure="ValueError: again"))
    third = await world.next_run(3)
    assert third.order.restore is Restore.LATEST
    assert (await world.detail())["ApplicationStatus"] == "RUNNING"

    async def is_told() -> bool:
        said = [json.loads(message)["message"] for message in await world.messages()]
        return any("ValueError: again" in text for text in said)

    await world.until(is_told)


async def test_an_application_whose_sources_end_is_ready(world) -> None:
    await world.make()
    (await world.run()).end(Finished())
    await world.status("READY")


async def test_a_start_can_be_ended_by_force(world) -> None:
    await world.make()
    world.streams.hold = asyncio.Event()
    started = await world.aws("StartApplication", ApplicationName="app")
    await world.aws("StopApplication", ApplicationName="app", Force=True)
    await world.status("READY")
    assert world.streams.runs == []
    operation = await world.operation(started["OperationId"])
    assert operation["OperationStatus"] == "CANCELLED"


async def test_only_as_many_run_at_once_as_there_are_places(world) -> None:
    for name in ("one", "two", "three"):
        await world.make(ApplicationName=name)
        await world.aws("StartApplication", ApplicationName=name)
    await world.status("RUNNING", name="one")
    await world.status("RUNNING", name="two")
    assert (await world.detail("three"))["ApplicationStatus"] == "STARTING"
    await world.aws("StopApplication", ApplicationName="one")
    await world.status("RUNNING", name="three")


async def test_an_application_goes_on_after_the_platform_was_away(world) -> None:
    await world.make()
    first = await world.run()
    first.tell(Checkpointed(1))
    await asyncio.sleep(0.05)
    await world.stop(5.0)
    assert not first.alive
    await world.start()
    second = await world.next_run(2)
    assert second.order.restore is Restore.LATEST
    old_key = first.order.access.access_key_id
    assert await world.credentials.find(old_key) is None
    assert (await world.detail())["ApplicationStatus"] == "RUNNING"


async def test_credentials_are_renewed_before_they_expire(world) -> None:
    await world.make()
    run = await world.run()
    world.clock.advance(6 * 3600)

    async def is_renewed() -> bool:
        return bool(run.renewed)

    await world.until(is_renewed)
    assert await world.credentials.find(run.renewed[0]) is not None
    assert await world.credentials.find(run.order.access.access_key_id) is None


async def test_an_update_of_a_running_application_goes_on_from_a_snapshot(world) -> None:
    detail = await world.make()
    first = await world.run()
    answer = await update(world, 1, "SELECT 2")
    assert answer["ApplicationDetail"]["ApplicationStatus"] == "UPDATING"
    assert answer["ApplicationDetail"]["ApplicationVersionId"] == 2
    second = await world.next_run(2)
    await world.status("RUNNING")
    assert second.order.program.sql == "SELECT 2"
    assert second.order.restore == first.snapshots[0]
    assert not first.alive
    (snapshot,) = await snapshots(world)
    assert snapshot["ApplicationVersionId"] == 1
    operation = await world.operation(answer["OperationId"])
    assert operation["ApplicationVersionChangeDetails"] == {
        "ApplicationVersionUpdatedFrom": 1,
        "ApplicationVersionUpdatedTo": 2,
    }
    now = await world.detail()
    assert now["ApplicationVersionUpdatedFrom"] == 1
    assert now["ConditionalToken"] != detail["ConditionalToken"]


async def test_an_update_may_begin_anew(world) -> None:
    await world.make()
    await world.run()
    await update(world, 1, "SELECT 2", RunConfigurationUpdate=SKIP)
    assert (await world.next_run(2)).order.restore is Restore.NOTHING


async def test_an_update_that_cannot_take_its_snapshot_leaves_the_version_before(world) -> None:
    await world.make()
    run = await world.run()
    run.snapshot_failure = "the disk is full"
    answer = await update(world, 1, "SELECT 2")
    await world.status("RUNNING")
    assert run.alive
    detail = await world.detail()
    assert (detail["ApplicationVersionId"], detail["ApplicationVersionRolledBackTo"]) == (3, 1)
    operation = await world.operation(answer["OperationId"])
    assert operation["OperationStatus"] == "FAILED"


async def test_a_version_that_cannot_be_started_is_rolled_back_if_that_is_enabled(world) -> None:
    await world.make("SELECT 1", configuration=ROLLBACK)
    first = await world.run()
    world.streams.cannot_start = ["it is no use"]
    answer = await update(world, 1, "SELECT 2")
    second = await world.next_run(2)
    await world.status("RUNNING")
    assert second.order.program.sql == "SELECT 1"
    assert second.order.restore == first.snapshots[0]
    operation = await world.operation(answer["OperationId"])
    details = operation["OperationFailureDetails"]
    rollback = await world.operation(details["RollbackOperationId"])
    assert (rollback["Operation"], rollback["OperationStatus"]) == (
        "RollbackApplication",
        "SUCCESSFUL",
    )
    assert "it is no use" in details["ErrorInfo"]["ErrorString"]


async def test_a_version_that_cannot_be_started_leaves_the_application_ready(world) -> None:
    await world.make()
    await world.run()
    world.streams.cannot_start = ["it is no use"]
    answer = await update(world, 1, "SELECT 2")
    await world.status("READY")
    assert (await world.operation(answer["OperationId"]))["OperationStatus"] == "FAILED"


async def test_a_rollback_needs_a_snapshot_and_a_version_before(world) -> None:
    await world.make("SELECT 1")
    await world.run()
    for version, text in ((1, "never updated"),):
        with pytest.raises(ServiceError, match=text):
            await world.aws(
                "RollbackApplication", ApplicationName="app", CurrentApplicationVersionId=version
            )
    await update(world, 1, "SELECT 2")
    await world.next_run(2)
    await world.status("RUNNING")
    with pytest.raises(ServiceError) as refused:
        await world.aws("RollbackApplication", ApplicationName="app", CurrentApplicationVersionId=1)
    assert refused.value.code == "ConcurrentModificationException"
    answer = await world.aws(
        "RollbackApplication", ApplicationName="app", CurrentApplicationVersionId=2
    )
    detail = answer["ApplicationDetail"]
    assert detail["ApplicationStatus"] == "ROLLING_BACK"
    assert detail["ApplicationVersionId"] == 3
    assert detail["ApplicationVersionRolledBackFrom"] == 2
    assert detail["ApplicationVersionRolledBackTo"] == 1
    third = await world.next_run(3)
    await world.status("RUNNING")
    assert third.order.program.sql == "SELECT 1"
    assert third.order.restore == world.streams.runs[0].snapshots[0]
    listed = await world.aws("ListApplicationVersions", ApplicationName="app", Limit=2)
    shown = [one["ApplicationVersionId"] for one in listed["ApplicationVersionSummaries"]]
    assert shown == [3, 2]
    rest = await world.aws(
        "ListApplicationVersions", ApplicationName="app", NextToken=listed["NextToken"]
    )
    assert [one["ApplicationVersionId"] for one in rest["ApplicationVersionSummaries"]] == [1]
    old = await world.aws(
        "DescribeApplicationVersion", ApplicationName="app", ApplicationVersionId=2
    )
    code = old["ApplicationVersionDetail"]["ApplicationConfigurationDescription"]
    content = code["ApplicationCodeConfigurationDescription"]["CodeContentDescription"]
    assert content["TextContent"] == "SELECT 2"


@pytest.mark.parametrize(
    "known,code",
    [
        ({}, "InvalidArgumentException"),
        ({"CurrentApplicationVersionId": 2}, "ConcurrentModificationException"),
        ({"ConditionalToken": "stale"}, "ConcurrentModificationException"),
    ],
)
async def test_who_does_not_know_the_version_changes_nothing(world, known, code) -> None:
    await world.make()
    with pytest.raises(ServiceError) as refused:
        await world.aws("UpdateApplication", ApplicationName="app", **known)
    assert refused.value.code == code
    assert (await world.detail())["ApplicationVersionId"] == 1


async def test_bad_sql_changes_nothing(world) -> None:
    detail = await world.make()
    with pytest.raises(ServiceError) as refused:
        await world.aws(
            "UpdateApplication",
            ApplicationName="app",
            ConditionalToken=detail["ConditionalToken"],
            ApplicationConfigurationUpdate=code_update("WRONG"),
        )
    assert refused.value.code == "CodeValidationException"
    assert await world.detail() == detail


async def test_a_resting_application_is_updated_at_once(world) -> None:
    await world.make()
    answer = await update(world, 1, "SELECT 2", RuntimeEnvironmentUpdate="FLINK-1_19")
    detail = answer["ApplicationDetail"]
    assert (detail["ApplicationStatus"], detail["RuntimeEnvironment"]) == ("READY", "FLINK-1_19")
    listed = await world.aws("ListApplicationOperations", ApplicationName="app")
    (operation,) = listed["ApplicationOperationInfoList"]
    assert (operation["Operation"], operation["OperationStatus"]) == (
        "UpdateApplication",
        "SUCCESSFUL",
    )


async def test_what_it_tells_is_measured_and_logged(world) -> None:
    await world.make()
    run = await world.run()
    figures = Measured(records_in=100, records_out=50, late_records_dropped=3, behind_ms=250)
    run.tell(figures)
    run.tell(replace(figures, records_in=300, cpu_seconds=0.5, memory_bytes=1 << 29))
    run.tell(Checkpointed(1, 12, 3456))
    run.tell(Checkpointed(2, failure="no room"))
    run.tell(Logged(world.clock.now_ms(), "WARN", "a bad record: {", "millpond.streams.errors"))

    async def is_told() -> bool:
        return any("a bad record" in message for message in await world.messages())

    await world.until(is_told)
    event = next(
        json.loads(message) for message in await world.messages() if "a bad record" in message
    )
    assert event == {
        "applicationARN": (await world.detail())["ApplicationARN"],
        "applicationVersionId": "1",
        "locationInformation": "millpond.streams.errors",
        "logger": "millpond.streams.errors",
        "message": "a bad record: {",
        "messageSchemaVersion": "1",
        "messageType": "WARN",
        "threadName": "main",
    }
    told = {
        metric.name: statistics.high
        for (metric, _), statistics in world.meter.drain().items()
        if metric.dimensions == (("Application", "app"),)
    }
    assert told["numRecordsIn"] == 300
    assert told["numRecordsOut"] == 50
    assert told["numLateRecordsDropped"] == 3
    assert told["millisBehindLatest"] == 250
    assert told["heapMemoryUtilization"] == 50.0
    assert told["lastCheckpointDuration"] == 12
    assert told["lastCheckpointSize"] == 3456
    assert told["numberOfFailedCheckpoints"] == 1
    assert told["fullRestarts"] == 0
    assert told["KPUs"] == 2


async def test_a_log_stream_of_ones_own_is_told_instead(world) -> None:
    arn = "arn:aws:logs:us-east-1:123456789012:log-group:mine:log-stream:s"
    await world.make()
    added = await world.aws(
        "AddApplicationCloudWatchLoggingOption",
        ApplicationName="app",
        CurrentApplicationVersionId=1,
        CloudWatchLoggingOption={"LogStreamARN": arn},
    )
    (option,) = added["CloudWatchLoggingOptionDescriptions"]
    assert option == {"CloudWatchLoggingOptionId": "2.1", "LogStreamARN": arn}
    with pytest.raises(ServiceError) as refused:
        await world.aws(
            "AddApplicationCloudWatchLoggingOption",
            ApplicationName="app",
            CurrentApplicationVersionId=2,
            CloudWatchLoggingOption={"LogStreamARN": arn},
        )
    assert refused.value.code == "LimitExceededException"
    await world.run()

    async def is_told() -> bool:
        try:
            answer = await world.of("logs", "GetLogEvents", logGroupName="mine", logStreamName="s")
        except ServiceError:
            return False
        return bool(answer["events"])

    await world.until(is_told)
    gone = await world.aws(
        "DeleteApplicationCloudWatchLoggingOption",
        ApplicationName="app",
        CurrentApplicationVersionId=2,
        CloudWatchLoggingOptionId="2.1",
    )
    assert gone["ApplicationVersionId"] == 3
    assert gone["CloudWatchLoggingOptionDescriptions"] == []
