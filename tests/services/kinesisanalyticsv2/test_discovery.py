"""DiscoverInputSchema tells JSON and CSV with the types of their columns."""

import json

import pytest

from millpond.kernel.body import BytesBody
from millpond.kernel.errors import ServiceError
from millpond.services.kinesisanalyticsv2.model.schema_detection import NoSchema, detect
from tests.services.kinesisanalyticsv2.conftest import ROLE
from tests.services.world import ACCOUNT

ARN = f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/ticks"


def columns(*records: str) -> list[tuple[str, str, str]]:
    found = detect(records).schema["RecordColumns"]
    return [(one["Name"], one["Mapping"], one["SqlType"]) for one in found]


def test_json_has_a_column_for_each_value_by_its_path() -> None:
    record = json.dumps(
        {
            "ticker": "AMZN",
            "price": 12.5,
            "count": 3,
            "big": 2**40,
            "up": True,
            "at": "2026-01-02 03:04:05.678",
            "where": {"city": "Rome", "first-name": "x"},
            "tags": ["a", "b"],
            "none": None,
        }
    )
    assert columns(record) == [
        ("ticker", "$.ticker", "VARCHAR(4)"),
        ("price", "$.price", "DOUBLE"),
        ("count", "$.count", "INTEGER"),
        ("big", "$.big", "BIGINT"),
        ("up", "$.up", "BOOLEAN"),
        ("at", "$.at", "TIMESTAMP"),
        ("where_city", "$.where.city", "VARCHAR(4)"),
        ("where_first_name", "$.where['first-name']", "VARCHAR(4)"),
        ("tags", "$.tags", "VARCHAR(16)"),
        ("none", "$.none", "VARCHAR(4)"),
    ]


def test_a_type_holds_every_value_of_the_sample() -> None:
    assert columns('{"a": 1}', '{"a": 1.5}') == [("a", "$.a", "DOUBLE")]
    assert columns('{"a": 1}', '{"a": "xyzzy"}') == [("a", "$.a", "VARCHAR(8)")]
    assert columns('{"a": 1}', '{"b": 2}')[1] == ("b", "$.b", "INTEGER")


def test_a_record_may_hold_several_rows() -> None:
    found = detect(['{"a": 1}\n{"a": 2}', '[{"a": 3}, {"a": 4}]'])
    assert found.rows == [["1"], ["2"], ["3"], ["4"]]


def test_names_that_are_alike_are_made_unlike() -> None:
    assert [name for name, *_ in columns('{"a b": 1, "a-b": 2, "A_B": 3, "1": 4}')] == [
        "a_b",
        "a_b_2",
        "A_B_3",
        "COL_1",
    ]


@pytest.mark.parametrize("delimiter", [",", "|", "\t", ";"])
def test_csv_is_told_by_its_delimiter_and_head(delimiter: str) -> None:
    rows = (["name", "n", "x"], ["Ann", "1", "1.5"], ["Bo", "2", "2"])
    found = detect([delimiter.join(row) for row in rows])
    mapping = found.schema["RecordFormat"]["MappingParameters"]["CSVMappingParameters"]
    assert mapping["RecordColumnDelimiter"] == delimiter
    shown = [(one["Name"], one["SqlType"]) for one in found.schema["RecordColumns"]]
    assert shown == [("name", "VARCHAR(4)"), ("n", "INTEGER"), ("x", "DOUBLE")]
    assert found.rows == [["Ann", "1", "1.5"], ["Bo", "2", "2"]]


def test_csv_without_a_head_has_numbered_columns() -> None:
    assert columns('"a, b",1', "c,2") == [
        ("COL_1", "0", "VARCHAR(4)"),
        ("COL_2", "1", "INTEGER"),
    ]


@pytest.mark.parametrize("records", [["just a line"], ["1,2", "1,2,3"], ['["a"]'], ["{}"]])
def test_what_is_neither_is_no_schema(records: list[str]) -> None:
    with pytest.raises(NoSchema):
        detect(records)


async def test_a_live_stream_is_looked_at(world) -> None:
    await world.of("kinesis", "CreateStream", StreamName="ticks", ShardCount=2)
    for number in range(5):
        await world.of(
            "kinesis",
            "PutRecord",
            StreamName="ticks",
            Data=json.dumps({"n": number}).encode(),
            PartitionKey=str(number),
        )
    answer = await world.aws(
        "DiscoverInputSchema",
        ServiceExecutionRole=ROLE,
        ResourceARN=ARN,
        InputStartingPositionConfiguration={"InputStartingPosition": "TRIM_HORIZON"},
    )
    assert answer["InputSchema"]["RecordColumns"] == [
        {"Name": "n", "Mapping": "$.n", "SqlType": "INTEGER"}
    ]
    assert sorted(answer["RawInputRecords"]) == [f'{{"n": {number}}}' for number in range(5)]
    assert sorted(answer["ParsedInputRecords"]) == [[str(number)] for number in range(5)]


async def test_an_object_is_looked_at(world) -> None:
    data = BytesBody(b"id,name\n1,Ann\n2,Bo\n")
    await world.of("s3", "PutObject", Bucket="code", Key="a.csv", Body=data)
    place = {"BucketARN": "arn:aws:s3:::code", "FileKey": "a.csv"}
    answer = await world.aws(
        "DiscoverInputSchema", ServiceExecutionRole=ROLE, S3Configuration=place
    )
    assert answer["InputSchema"]["RecordFormat"]["RecordFormatType"] == "CSV"
    assert answer["ParsedInputRecords"] == [["1", "Ann"], ["2", "Bo"]]
    assert answer["RawInputRecords"] == ["id,name", "1,Ann", "2,Bo"]


async def test_without_records_there_is_no_schema(world) -> None:
    await world.of("s3", "PutObject", Bucket="code", Key="e", Body=BytesBody(b""))
    place = {"BucketARN": "arn:aws:s3:::code", "FileKey": "e"}
    with pytest.raises(ServiceError) as refused:
        await world.aws("DiscoverInputSchema", ServiceExecutionRole=ROLE, S3Configuration=place)
    assert refused.value.code == "UnableToDetectSchemaException"


@pytest.mark.parametrize(
    "members,text",
    [
        ({}, "Exactly one of ResourceARN and S3Configuration"),
        ({"ResourceARN": ARN}, "The stream cannot be read"),
        ({"ResourceARN": "arn:aws:firehose:::deliverystream/d"}, "must be that of a Kinesis"),
    ],
)
async def test_a_source_that_cannot_be_read_is_refused(world, members, text) -> None:
    with pytest.raises(ServiceError, match=text) as refused:
        await world.aws("DiscoverInputSchema", ServiceExecutionRole=ROLE, **members)
    assert refused.value.code == "InvalidArgumentException"
