"""Applications are made, described, listed, tagged and deleted as on AWS."""

import io
import json
import zipfile

import pytest

from millpond.kernel.body import BytesBody
from millpond.kernel.errors import ServiceError
from tests.services.world import ACCOUNT


def archive(**files: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for name, text in files.items():
            packed.writestr(name.replace("__", "."), text)
    return buffer.getvalue()


def zipped(data: bytes) -> dict:
    return {
        "ApplicationCodeConfiguration": {
            "CodeContentType": "ZIPFILE",
            "CodeContent": {"ZipFileContent": data},
        }
    }


async def test_a_flink_application_has_the_defaults_of_aws(world) -> None:
    detail = await world.make()
    assert detail["ApplicationARN"] == (
        f"arn:aws:kinesisanalytics:us-east-1:{ACCOUNT}:application/app"
    )
    assert detail["ApplicationStatus"] == "READY"
    assert detail["ApplicationVersionId"] == 1
    described = detail["ApplicationConfigurationDescription"]
    assert described["FlinkApplicationConfigurationDescription"] == {
        "CheckpointConfigurationDescription": {
            "ConfigurationType": "DEFAULT",
            "CheckpointingEnabled": True,
            "CheckpointInterval": 60000,
            "MinPauseBetweenCheckpoints": 5000,
        },
        "MonitoringConfigurationDescription": {
            "ConfigurationType": "DEFAULT",
            "MetricsLevel": "APPLICATION",
            "LogLevel": "INFO",
        },
        "ParallelismConfigurationDescription": {
            "ConfigurationType": "DEFAULT",
            "Parallelism": 1,
            "ParallelismPerKPU": 1,
            "CurrentParallelism": 1,
            "AutoScalingEnabled": True,
        },
    }
    assert described["ApplicationSnapshotConfigurationDescription"] == {"SnapshotsEnabled": True}
    code = described["ApplicationCodeConfigurationDescription"]
    assert code["CodeContentDescription"] == {"TextContent": "INSERT INTO b SELECT * FROM a"}
    assert await world.detail() == detail
    more = await world.detail(IncludeAdditionalDetails=True)
    flink = more["ApplicationConfigurationDescription"]["FlinkApplicationConfigurationDescription"]
    assert json.loads(flink["JobPlanDescription"]) == {
        "engine": "Millpond streams, fake 1",
        "nodes": [],
    }


async def test_bad_sql_is_refused_with_its_place_and_nothing_is_made(world) -> None:
    with pytest.raises(ServiceError) as refused:
        await world.make("SELECT\n WRONG")
    assert refused.value.code == "CodeValidationException"
    assert refused.value.message == "line 2, column 7: WRONG is no word."
    assert (await world.aws("ListApplications"))["ApplicationSummaries"] == []


async def test_sql_for_the_flink_engine_is_refused_saying_so(world) -> None:
    with pytest.raises(ServiceError, match="This needs the Flink engine"):
        await world.make("FLINK")


async def test_without_an_engine_none_can_be_made(world) -> None:
    world.streams.there = False
    with pytest.raises(ServiceError) as refused:
        await world.make()
    assert refused.value.code == "UnsupportedOperationException"
    await world.make(None)


async def test_a_name_is_taken_once(world) -> None:
    await world.make()
    with pytest.raises(ServiceError) as refused:
        await world.make()
    assert refused.value.code == "ResourceInUseException"


async def test_there_are_fifty_applications_at_most_and_pages_of_them(world) -> None:
    for number in range(50):
        await world.make(None, ApplicationName=f"app-{number:02d}")
    with pytest.raises(ServiceError) as refused:
        await world.make(None, ApplicationName="one-more")
    assert refused.value.code == "LimitExceededException"
    page = await world.aws("ListApplications", Limit=30)
    assert page["NextToken"] == "app-29"
    rest = await world.aws("ListApplications", NextToken="app-29")
    names = [one["ApplicationName"] for one in rest["ApplicationSummaries"]]
    assert names == [f"app-{number:02d}" for number in range(30, 50)]
    assert "NextToken" not in rest


@pytest.mark.parametrize(
    "members,text",
    [
        ({"RuntimeEnvironment": "ZEPPELIN-FLINK-3_0"}, "ZEPPELIN-FLINK-3_0 is not implemented"),
        ({"ApplicationMode": "INTERACTIVE"}, "ApplicationMode INTERACTIVE is not implemented"),
        (
            {
                "configuration": {
                    "VpcConfigurations": [{"SubnetIds": ["s"], "SecurityGroupIds": ["g"]}]
                }
            },
            "VpcConfigurations is not implemented",
        ),
        (
            {
                "configuration": {
                    "EnvironmentProperties": {
                        "PropertyGroups": [
                            {
                                "PropertyGroupId": "kinesis.analytics.flink.run.options",
                                "PropertyMap": {"python": "main.py"},
                            }
                        ]
                    }
                }
            },
            "python needs the Flink engine",
        ),
        (
            {
                "configuration": {
                    "ApplicationEncryptionConfiguration": {"KeyType": "CUSTOMER_MANAGED_KEY"}
                }
            },
            "there is no KMS",
        ),
    ],
)
async def test_what_is_not_there_is_refused_by_name(world, members, text) -> None:
    with pytest.raises(ServiceError, match=text) as refused:
        await world.make(**members)
    assert refused.value.code == "InvalidArgumentException"


async def test_an_archive_gives_its_sql_and_its_files(world) -> None:
    data = archive(main__sql="SELECT 1", other__sql="SELECT 2", score__py="x = 1")
    detail = await world.make(
        configuration=zipped(data)
        | {
            "EnvironmentProperties": {
                "PropertyGroups": [
                    {"PropertyGroupId": "mine", "PropertyMap": {"k": "v"}},
                    {
                        "PropertyGroupId": "flink.configuration",
                        "PropertyMap": {"table.exec.source.idle-timeout": "1 s"},
                    },
                ]
            }
        }
    )
    content = detail["ApplicationConfigurationDescription"][
        "ApplicationCodeConfigurationDescription"
    ]["CodeContentDescription"]
    assert content["CodeSize"] == len(data)
    assert len(content["CodeMD5"]) == 32
    (program,), (files,) = world.streams.programs, world.streams.files
    assert program.sql == "SELECT 1"
    assert program.settings == {"table.exec.source.idle-timeout": "1 s"}
    assert files["score.py"] == b"x = 1"
    assert b'"PropertyGroupId": "mine"' in files["application_properties.json"]
    assert not program.folder.exists()


async def test_code_of_s3_is_kept_as_it_was_when_the_version_was_made(world) -> None:
    async def put(text: str) -> None:
        data = BytesBody(text.encode())
        await world.of("s3", "PutObject", Bucket="code", Key="a.sql", Body=data)

    await put("SELECT 'first'")
    place = {"BucketARN": "arn:aws:s3:::code", "FileKey": "a.sql"}
    detail = await world.make(
        configuration={
            "ApplicationCodeConfiguration": {
                "CodeContentType": "PLAINTEXT",
                "CodeContent": {"S3ContentLocation": place},
            }
        }
    )
    content = detail["ApplicationConfigurationDescription"][
        "ApplicationCodeConfigurationDescription"
    ]["CodeContentDescription"]
    assert content == {"S3ApplicationCodeLocationDescription": place}
    await put("SELECT 'second'")
    run = await world.run()
    assert run.order.program.sql == "SELECT 'first'"


async def test_an_object_that_is_not_there_is_named(world) -> None:
    with pytest.raises(ServiceError, match=r"Unable to get the object a\.sql .* NoSuchKey"):
        await world.make(
            configuration={
                "ApplicationCodeConfiguration": {
                    "CodeContentType": "PLAINTEXT",
                    "CodeContent": {
                        "S3ContentLocation": {
                            "BucketARN": "arn:aws:s3:::code",
                            "FileKey": "a.sql",
                        }
                    },
                }
            }
        )


async def test_only_the_application_that_is_meant_is_deleted(world) -> None:
    detail = await world.make()
    with pytest.raises(ServiceError) as refused:
        await world.aws("DeleteApplication", ApplicationName="app", CreateTimestamp=1.0)
    assert refused.value.code == "InvalidArgumentException"
    await world.aws(
        "DeleteApplication", ApplicationName="app", CreateTimestamp=detail["CreateTimestamp"]
    )

    async def is_gone() -> bool:
        return not (await world.aws("ListApplications"))["ApplicationSummaries"]

    await world.until(is_gone)
    assert world.streams.deleted == ["state"]
    with pytest.raises(ServiceError) as gone:
        await world.detail()
    assert gone.value.code == "ResourceNotFoundException"


async def test_tags_are_added_replaced_and_removed(world) -> None:
    arn = (await world.make(Tags=[{"Key": "a", "Value": "1"}]))["ApplicationARN"]
    await world.aws("TagResource", ResourceARN=arn, Tags=[{"Key": "a", "Value": "2"}, {"Key": "b"}])
    await world.aws("UntagResource", ResourceARN=arn, TagKeys=["c"])
    listed = await world.aws("ListTagsForResource", ResourceARN=arn)
    assert listed["Tags"] == [{"Key": "a", "Value": "2"}, {"Key": "b", "Value": ""}]
    many = [{"Key": f"k{number}"} for number in range(49)]
    with pytest.raises(ServiceError) as refused:
        await world.aws("TagResource", ResourceARN=arn, Tags=many)
    assert refused.value.code == "TooManyTagsException"
    await world.aws("UntagResource", ResourceARN=arn, TagKeys=["a", "b"])
    assert (await world.aws("ListTagsForResource", ResourceARN=arn))["Tags"] == []


async def test_the_maintenance_window_is_eight_hours(world) -> None:
    await world.make()
    answer = await world.aws(
        "UpdateApplicationMaintenanceConfiguration",
        ApplicationName="app",
        ApplicationMaintenanceConfigurationUpdate={
            "ApplicationMaintenanceWindowStartTimeUpdate": "22:30"
        },
    )
    assert answer["ApplicationMaintenanceConfigurationDescription"] == {
        "ApplicationMaintenanceWindowStartTime": "22:30",
        "ApplicationMaintenanceWindowEndTime": "06:30",
    }
