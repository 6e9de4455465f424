"""Version 1 shows and changes the SQL applications of version 2, in its own words."""

import json

import pytest

from millpond.kernel.errors import ServiceError
from tests.services.kinesisanalyticsv2.conftest import ROLE
from tests.services.world import ACCOUNT

STREAM = f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/"
SCHEMA = {
    "RecordFormat": {"RecordFormatType": "JSON"},
    "RecordColumns": [{"Name": "a", "Mapping": "$.a", "SqlType": "INTEGER"}],
}
INPUT = {
    "NamePrefix": "SOURCE",
    "KinesisStreamsInput": {"ResourceARN": STREAM + "in", "RoleARN": ROLE},
    "InputSchema": SCHEMA,
}
OUTPUT = {
    "Name": "DESTINATION",
    "KinesisStreamsOutput": {"ResourceARN": STREAM + "out", "RoleARN": ROLE},
    "DestinationSchema": {"RecordFormatType": "JSON"},
}


async def v1(world, operation: str, **members):
    return await world.of("kinesisanalytics", operation, **members)


async def make(world, **more) -> dict:
    members = {
        "ApplicationName": "app",
        "ApplicationCode": "CREATE STREAM d",
        "Inputs": [INPUT],
        "Outputs": [OUTPUT],
    }
    answer = await v1(world, "CreateApplication", **members | more)
    return answer["ApplicationSummary"]


async def detail(world) -> dict:
    answer = await v1(world, "DescribeApplication", ApplicationName="app")
    return answer["ApplicationDetail"]


async def test_an_application_is_the_same_in_both_versions(world) -> None:
    made = await make(world, ApplicationDescription="ours", Tags=[{"Key": "k", "Value": "v"}])
    arn = f"arn:aws:kinesisanalytics:us-east-1:{ACCOUNT}:application/app"
    assert made == {
        "ApplicationName": "app",
        "ApplicationARN": arn,
        "ApplicationStatus": "READY",
    }
    shown = await detail(world)
    assert shown["ApplicationCode"] == "CREATE STREAM d"
    assert shown["ApplicationDescription"] == "ours"
    (source,), (sink,) = shown["InputDescriptions"], shown["OutputDescriptions"]
    assert source["InputId"] == "1.1"
    assert source["KinesisStreamsInputDescription"] == {
        "ResourceARN": STREAM + "in",
        "RoleARN": ROLE,
    }
    assert sink["KinesisStreamsOutputDescription"]["RoleARN"] == ROLE
    in_v2 = await world.detail()
    assert (in_v2["RuntimeEnvironment"], in_v2["ServiceExecutionRole"]) == ("SQL-1_0", ROLE)
    listed = await v1(world, "ListTagsForResource", ResourceARN=arn)
    assert listed["Tags"] == [{"Key": "k", "Value": "v"}]


async def test_it_is_changed_part_by_part(world) -> None:
    await make(world, Inputs=[], Outputs=[])
    named = {"ApplicationName": "app"}
    await v1(world, "AddApplicationInput", **named, CurrentApplicationVersionId=1, Input=INPUT)
    await v1(world, "AddApplicationOutput", **named, CurrentApplicationVersionId=2, Output=OUTPUT)
    await v1(
        world,
        "AddApplicationReferenceDataSource",
        **named,
        CurrentApplicationVersionId=3,
        ReferenceDataSource={
            "TableName": "r",
            "S3ReferenceDataSource": {
                "BucketARN": "arn:aws:s3:::code",
                "FileKey": "r.json",
                "ReferenceRoleARN": ROLE,
            },
            "ReferenceSchema": SCHEMA,
        },
    )
    log = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:g:log-stream:s"
    await v1(
        world,
        "AddApplicationCloudWatchLoggingOption",
        **named,
        CurrentApplicationVersionId=4,
        CloudWatchLoggingOption={"LogStreamARN": log, "RoleARN": ROLE},
    )
    await v1(
        world,
        "UpdateApplication",
        **named,
        CurrentApplicationVersionId=5,
        ApplicationUpdate={
            "ApplicationCodeUpdate": "CREATE STREAM other",
            "OutputUpdates": [
                {
                    "OutputId": "3.1",
                    "NameUpdate": "ELSEWHERE",
                    "KinesisStreamsOutputUpdate": {
                        "ResourceARNUpdate": STREAM + "there",
                        "RoleARNUpdate": ROLE,
                    },
                }
            ],
        },
    )
    shown = await detail(world)
    assert shown["ApplicationVersionId"] == 6
    assert shown["ApplicationCode"] == "CREATE STREAM other"
    (sink,) = shown["OutputDescriptions"]
    assert sink["Name"] == "ELSEWHERE"
    assert sink["KinesisStreamsOutputDescription"]["ResourceARN"] == STREAM + "there"
    (option,) = shown["CloudWatchLoggingOptionDescriptions"]
    assert option["LogStreamARN"] == log
    (reference,) = shown["ReferenceDataSourceDescriptions"]
    await v1(
        world,
        "DeleteApplicationReferenceDataSource",
        **named,
        CurrentApplicationVersionId=6,
        ReferenceId=reference["ReferenceId"],
    )
    await v1(
        world,
        "DeleteApplicationOutput",
        **named,
        CurrentApplicationVersionId=7,
        OutputId="3.1",
    )
    await v1(
        world,
        "DeleteApplicationCloudWatchLoggingOption",
        **named,
        CurrentApplicationVersionId=8,
        CloudWatchLoggingOptionId=option["CloudWatchLoggingOptionId"],
    )
    shown = await detail(world)
    gone = ("OutputDescriptions", "ReferenceDataSourceDescriptions")
    assert [shown[name] for name in gone] == [[], []]
    assert (
        "CloudWatchLoggingOptionDescriptions" not in shown
        or not shown["CloudWatchLoggingOptionDescriptions"]
    )


async def test_it_is_started_stopped_and_deleted(world) -> None:
    await make(world)
    begins = {"InputStartingPosition": "TRIM_HORIZON"}
    await v1(
        world,
        "StartApplication",
        ApplicationName="app",
        InputConfigurations=[{"Id": "1.1", "InputStartingPositionConfiguration": begins}],
    )
    await world.status("RUNNING")
    run = world.streams.runs[0]
    assert run.order.program.tables[0].options["source.init.position"] == "TRIM_HORIZON"
    await v1(world, "StopApplication", ApplicationName="app")
    await world.status("READY")
    created = (await detail(world))["CreateTimestamp"]
    await v1(world, "DeleteApplication", ApplicationName="app", CreateTimestamp=created)

    async def is_gone() -> bool:
        listed = await v1(world, "ListApplications")
        return listed == {"ApplicationSummaries": [], "HasMoreApplications": False}

    await world.until(is_gone)


async def test_applications_of_flink_are_for_version_two(world) -> None:
    await world.make(ApplicationName="app")
    for name in ("sql-1", "sql-2"):
        await make(world, ApplicationName=name)
    page = await v1(world, "ListApplications", Limit=1)
    assert [one["ApplicationName"] for one in page["ApplicationSummaries"]] == ["sql-1"]
    assert page["HasMoreApplications"]
    rest = await v1(world, "ListApplications", ExclusiveStartApplicationName="sql-1")
    assert [one["ApplicationName"] for one in rest["ApplicationSummaries"]] == ["sql-2"]
    with pytest.raises(ServiceError, match="was created/updated by kinesisanalyticsv2") as refused:
        await detail(world)
    assert refused.value.code == "UnsupportedOperationException"


async def test_bad_sql_is_refused_with_its_place(world) -> None:
    with pytest.raises(ServiceError, match="line 2, column 7") as refused:
        await make(world, ApplicationCode="WRONG")
    assert refused.value.code == "CodeValidationException"


async def test_the_schema_of_a_stream_is_told(world) -> None:
    await world.of("kinesis", "CreateStream", StreamName="in", ShardCount=1)
    await world.of(
        "kinesis",
        "PutRecord",
        StreamName="in",
        Data=json.dumps({"a": 1}).encode(),
        PartitionKey="k",
    )
    answer = await v1(
        world,
        "DiscoverInputSchema",
        ResourceARN=STREAM + "in",
        RoleARN=ROLE,
        InputStartingPositionConfiguration={"InputStartingPosition": "TRIM_HORIZON"},
    )
    assert answer["InputSchema"]["RecordColumns"] == SCHEMA["RecordColumns"]
