"""SQL applications have inputs, outputs and reference data, which become tables of the engine."""

import pytest

from millpond.engines.streams.interface import GivenColumn, Restore
from millpond.kernel.errors import ServiceError
from tests.services.world import ACCOUNT

STREAM = f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/"
JSON = {
    "RecordFormat": {
        "RecordFormatType": "JSON",
        "MappingParameters": {"JSONMappingParameters": {"RecordRowPath": "$"}},
    },
    "RecordColumns": [
        {"Name": "ticker", "Mapping": "$.ticker", "SqlType": "VARCHAR(4)"},
        {"Name": "price", "Mapping": "$.price", "SqlType": "DOUBLE"},
    ],
}
CSV = {
    "RecordFormat": {
        "RecordFormatType": "CSV",
        "MappingParameters": {
            "CSVMappingParameters": {"RecordRowDelimiter": "\n", "RecordColumnDelimiter": "|"}
        },
    },
    "RecordColumns": [{"Name": "ticker", "SqlType": "VARCHAR(4)"}],
}
INPUT = {
    "NamePrefix": "SOURCE_SQL_STREAM",
    "KinesisStreamsInput": {"ResourceARN": STREAM + "in"},
    "InputSchema": JSON,
}
OUTPUT = {
    "Name": "DESTINATION",
    "KinesisStreamsOutput": {"ResourceARN": STREAM + "out"},
    "DestinationSchema": {"RecordFormatType": "JSON"},
}
REFERENCE = {
    "TableName": "companies",
    "S3ReferenceDataSource": {"BucketARN": "arn:aws:s3:::code", "FileKey": "companies.csv"},
    "ReferenceSchema": CSV,
}


async def make_sql(world, inputs=(INPUT,), outputs=(OUTPUT,), references=()) -> dict:
    parts = {
        "Inputs": list(inputs),
        "Outputs": list(outputs),
        "ReferenceDataSources": list(references),
    }
    return await world.make(
        RuntimeEnvironment="SQL-1_0", configuration={"SqlApplicationConfiguration": parts}
    )


def described(detail: dict) -> dict:
    configuration = detail["ApplicationConfigurationDescription"]
    return configuration["SqlApplicationConfigurationDescription"]


async def test_parts_have_ids_and_become_tables(world) -> None:
    detail = await make_sql(world, references=[REFERENCE])
    parts = described(detail)
    (source,) = parts["InputDescriptions"]
    assert source["InputId"] == "1.1"
    assert source["InAppStreamNames"] == ["SOURCE_SQL_STREAM_001"]
    assert source["InputParallelism"] == {"Count": 1}
    assert parts["OutputDescriptions"][0]["OutputId"] == "1.1"
    assert parts["ReferenceDataSourceDescriptions"][0]["ReferenceId"] == "1.1"
    (program,) = world.streams.programs
    assert program.language == "kda"
    tables = {table.name: table for table in program.tables}
    source = tables["SOURCE_SQL_STREAM_001"]
    assert (source.role, source.options) == (
        "source",
        {
            "connector": "kinesis",
            "stream.arn": STREAM + "in",
            "aws.region": "us-east-1",
            "source.init.position": "LATEST",
            "format": "json",
        },
    )
    assert source.columns == [
        GivenColumn("ticker", "VARCHAR(4)", "$.ticker"),
        GivenColumn("price", "DOUBLE", "$.price"),
    ]
    assert tables["DESTINATION"].options["stream.arn"] == STREAM + "out"
    reference = tables["companies"]
    assert (reference.role, reference.options) == (
        "reference",
        {
            "connector": "filesystem",
            "path": "s3://code/companies.csv",
            "format": "csv",
            "csv.field-delimiter": "|",
        },
    )


async def test_an_input_has_as_many_streams_as_its_parallelism(world) -> None:
    detail = await make_sql(world, inputs=[INPUT | {"InputParallelism": {"Count": 2}}])
    (source,) = described(detail)["InputDescriptions"]
    names = ["SOURCE_SQL_STREAM_001", "SOURCE_SQL_STREAM_002"]
    assert source["InAppStreamNames"] == names
    (program,) = world.streams.programs
    assert [table.name for table in program.tables if table.role == "source"] == names


async def test_parts_are_added_and_deleted_one_by_one(world) -> None:
    await make_sql(world, inputs=(), outputs=())
    assert world.streams.programs == [], "there is nothing to plan before it has an input"
    added = await world.aws(
        "AddApplicationInput",
        ApplicationName="app",
        CurrentApplicationVersionId=1,
        Input=INPUT,
    )
    assert (added["ApplicationVersionId"], added["InputDescriptions"][0]["InputId"]) == (2, "2.1")
    with pytest.raises(ServiceError, match="more than 1 input"):
        await world.aws(
            "AddApplicationInput",
            ApplicationName="app",
            CurrentApplicationVersionId=2,
            Input=INPUT | {"NamePrefix": "OTHER"},
        )
    firehose = f"arn:aws:firehose:us-east-1:{ACCOUNT}:deliverystream/archive"
    for version, name in ((2, "A"), (3, "B"), (4, "C")):
        added = await world.aws(
            "AddApplicationOutput",
            ApplicationName="app",
            CurrentApplicationVersionId=version,
            Output={
                "Name": name,
                "KinesisFirehoseOutput": {"ResourceARN": firehose},
                "DestinationSchema": {"RecordFormatType": "CSV"},
            },
        )
    ids = [part["OutputId"] for part in added["OutputDescriptions"]]
    assert ids == ["3.1", "4.1", "5.1"]
    sink = next(table for table in world.streams.programs[-1].tables if table.name == "C")
    assert sink.options["delivery-stream"] == "archive"
    with pytest.raises(ServiceError, match="more than 3 outputs"):
        await world.aws(
            "AddApplicationOutput",
            ApplicationName="app",
            CurrentApplicationVersionId=5,
            Output=OUTPUT,
        )
    gone = await world.aws(
        "DeleteApplicationOutput",
        ApplicationName="app",
        CurrentApplicationVersionId=5,
        OutputId="4.1",
    )
    assert gone["ApplicationVersionId"] == 6
    with pytest.raises(ServiceError) as missing:
        await world.aws(
            "DeleteApplicationOutput",
            ApplicationName="app",
            CurrentApplicationVersionId=6,
            OutputId="4.1",
        )
    assert missing.value.code == "ResourceNotFoundException"
    added = await world.aws(
        "AddApplicationReferenceDataSource",
        ApplicationName="app",
        CurrentApplicationVersionId=6,
        ReferenceDataSource=REFERENCE,
    )
    (reference,) = added["ReferenceDataSourceDescriptions"]
    await world.aws(
        "DeleteApplicationReferenceDataSource",
        ApplicationName="app",
        CurrentApplicationVersionId=7,
        ReferenceId=reference["ReferenceId"],
    )
    assert described(await world.detail())["ReferenceDataSourceDescriptions"] == []


async def test_parts_are_updated_by_their_ids(world) -> None:
    await make_sql(world, references=[REFERENCE])
    await world.aws(
        "UpdateApplication",
        ApplicationName="app",
        CurrentApplicationVersionId=1,
        ApplicationConfigurationUpdate={
            "SqlApplicationConfigurationUpdate": {
                "InputUpdates": [
                    {
                        "InputId": "1.1",
                        "NamePrefixUpdate": "NEW",
                        "KinesisStreamsInputUpdate": {"ResourceARNUpdate": STREAM + "other"},
                        "InputSchemaUpdate": {"RecordColumnUpdates": JSON["RecordColumns"][:1]},
                    }
                ],
                "OutputUpdates": [{"OutputId": "1.1", "NameUpdate": "ELSEWHERE"}],
                "ReferenceDataSourceUpdates": [
                    {
                        "ReferenceId": "1.1",
                        "S3ReferenceDataSourceUpdate": {"FileKeyUpdate": "new.csv"},
                    }
                ],
            }
        },
    )
    tables = {table.name: table for table in world.streams.programs[-1].tables}
    assert set(tables) == {"NEW_001", "ELSEWHERE", "companies"}
    assert tables["NEW_001"].options["stream.arn"] == STREAM + "other"
    assert [column.name for column in tables["NEW_001"].columns] == ["ticker"]
    assert tables["companies"].options["path"] == "s3://code/new.csv"


@pytest.mark.parametrize(
    "change,text",
    [
        (
            {
                "InputProcessingConfiguration": {
                    "InputLambdaProcessor": {"ResourceARN": "arn:aws:lambda:::f"}
                }
            },
            "InputProcessingConfiguration is not implemented",
        ),
        (
            {
                "KinesisStreamsInput": None,
                "KinesisFirehoseInput": {"ResourceARN": "arn:aws:firehose:::d"},
            },
            "KinesisFirehoseInput is not implemented",
        ),
        (
            {"InputSchema": JSON | {"RecordColumns": [{"Name": "a", "SqlType": "INTEGER"}]}},
            "The column a of JSON records must have a Mapping",
        ),
        (
            {"InputSchema": JSON | {"RecordColumns": JSON["RecordColumns"][:1] * 2}},
            "The column ticker stands more than once",
        ),
        (
            {
                "InputSchema": JSON
                | {
                    "RecordFormat": {
                        "RecordFormatType": "JSON",
                        "MappingParameters": {
                            "JSONMappingParameters": {"RecordRowPath": "$.rows[0:]"}
                        },
                    }
                }
            },
            "RecordRowPath .* is not implemented",
        ),
    ],
)
async def test_an_input_that_cannot_be_is_refused(world, change, text) -> None:
    given = {name: value for name, value in (INPUT | change).items() if value is not None}
    with pytest.raises(ServiceError, match=text) as refused:
        await make_sql(world, inputs=[given])
    assert refused.value.code == "InvalidArgumentException"


async def test_a_lambda_output_is_refused(world) -> None:
    output = {
        "Name": "D",
        "LambdaOutput": {"ResourceARN": "arn:aws:lambda:::f"},
        "DestinationSchema": {"RecordFormatType": "JSON"},
    }
    with pytest.raises(ServiceError, match="LambdaOutput is not implemented"):
        await make_sql(world, outputs=[output])


def begins(position: str, input_id: str = "1.1") -> dict:
    return {
        "SqlRunConfigurations": [
            {
                "InputId": input_id,
                "InputStartingPositionConfiguration": {"InputStartingPosition": position},
            }
        ]
    }


async def test_a_sql_application_begins_where_it_is_told_and_where_it_was_stopped(world) -> None:
    await make_sql(world)
    with pytest.raises(ServiceError) as missing:
        await world.aws(
            "StartApplication", ApplicationName="app", RunConfiguration=begins("NOW", "9.9")
        )
    assert missing.value.code == "ResourceNotFoundException"
    first = await world.run(RunConfiguration=begins("TRIM_HORIZON"))
    (source, _) = first.order.program.tables
    assert source.options["source.init.position"] == "TRIM_HORIZON"
    assert first.order.restore is Restore.NOTHING
    part = described(await world.detail())["InputDescriptions"][0]
    position = part["InputStartingPositionConfiguration"]
    assert position == {"InputStartingPosition": "TRIM_HORIZON"}
    with pytest.raises(ServiceError, match="Force is not for SQL-1_0"):
        await world.aws("StopApplication", ApplicationName="app", Force=True)
    await world.aws("StopApplication", ApplicationName="app")
    await world.status("READY")
    second = await world.run(RunConfiguration=begins("LAST_STOPPED_POINT"))
    assert second.order.restore == first.snapshots[0]
    await world.aws("StopApplication", ApplicationName="app")
    await world.status("READY")
    assert world.streams.deleted == first.snapshots, "only the last is kept"
    third = await world.run(RunConfiguration=begins("NOW"))
    assert third.order.restore is Restore.NOTHING


async def test_a_sql_application_that_runs_goes_on_with_a_new_output(world) -> None:
    await make_sql(world)
    first = await world.run()
    await world.aws(
        "AddApplicationOutput",
        ApplicationName="app",
        CurrentApplicationVersionId=1,
        Output=OUTPUT | {"Name": "SECOND"},
    )
    second = await world.next_run(2)
    await world.status("RUNNING")
    assert not first.alive
    assert second.order.restore == first.snapshots[0]
    assert [table.name for table in second.order.program.tables][1:] == ["DESTINATION", "SECOND"]


async def test_without_an_input_it_cannot_be_started(world) -> None:
    await make_sql(world, inputs=())
    with pytest.raises(ServiceError, match="it has no input") as refused:
        await world.aws("StartApplication", ApplicationName="app")
    assert refused.value.code == "InvalidApplicationConfigurationException"


@pytest.mark.parametrize(
    "operation,members",
    [
        ("ListApplicationVersions", {}),
        ("ListApplicationOperations", {}),
        ("ListApplicationSnapshots", {}),
        ("CreateApplicationSnapshot", {"SnapshotName": "s"}),
        ("RollbackApplication", {"CurrentApplicationVersionId": 1}),
    ],
)
async def test_what_only_flink_applications_have_is_refused(world, operation, members) -> None:
    await make_sql(world)
    with pytest.raises(ServiceError) as refused:
        await world.aws(operation, ApplicationName="app", **members)
    assert refused.value.code == "UnsupportedOperationException"


async def test_inputs_are_not_for_flink_applications(world) -> None:
    await world.make()
    with pytest.raises(ServiceError) as refused:
        await world.aws(
            "AddApplicationInput",
            ApplicationName="app",
            CurrentApplicationVersionId=1,
            Input=INPUT,
        )
    assert refused.value.code == "UnsupportedOperationException"
