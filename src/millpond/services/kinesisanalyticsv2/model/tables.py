"""What a SQL application is connected to, as tables that the streams engine is given.

Options are those of Flink's connectors: `kinesis` (Kinesis streams), `firehose`, `filesystem` (S3).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from millpond.engines.streams.interface import GivenColumn, GivenTable
from millpond.services.kinesisanalyticsv2.model.sql_parts import INPUTS, OUTPUTS, REFERENCES


def given_tables(
    described: Mapping[str, Any], positions: Mapping[str, str], region: str
) -> list[GivenTable]:
    """The tables of a SqlApplicationConfigurationDescription.

    `positions` are where inputs begin, by their ids: NOW, TRIM_HORIZON or LAST_STOPPED_POINT. The
    last is NOW for a source that has never been read.
    """
    return [
        *_inputs(described.get(INPUTS, ()), positions, region),
        *_outputs(described.get(OUTPUTS, ()), region),
        *_references(described.get(REFERENCES, ())),
    ]


def _inputs(parts: Any, positions: Mapping[str, str], region: str) -> Iterator[GivenTable]:
    for part in parts:
        begins = positions.get(part["InputId"], "NOW")
        stream = part["KinesisStreamsInputDescription"]["ResourceARN"]
        options = {
            "connector": "kinesis",
            "stream.arn": stream,
            "aws.region": region,
            "source.init.position": "TRIM_HORIZON" if begins == "TRIM_HORIZON" else "LATEST",
            **_format_options(part["InputSchema"]),
        }
        columns = _columns(part["InputSchema"])
        for name in part["InAppStreamNames"]:
            yield GivenTable(name, "source", options, columns)


def _outputs(parts: Any, region: str) -> Iterator[GivenTable]:
    for part in parts:
        kind = part["DestinationSchema"]["RecordFormatType"].lower()
        options = {"aws.region": region, "format": kind}
        if "KinesisStreamsOutputDescription" in part:
            options |= {
                "connector": "kinesis",
                "stream.arn": part["KinesisStreamsOutputDescription"]["ResourceARN"],
            }
        else:
            arn = part["KinesisFirehoseOutputDescription"]["ResourceARN"]
            options |= {"connector": "firehose", "delivery-stream": arn.rpartition("/")[2]}
        yield GivenTable(part["Name"], "sink", options)


def _references(parts: Any) -> Iterator[GivenTable]:
    for part in parts:
        place = part["S3ReferenceDataSourceDescription"]
        bucket = place["BucketARN"].rpartition(":")[2]
        options = {
            "connector": "filesystem",
            "path": f"s3://{bucket}/{place['FileKey']}",
            **_format_options(part["ReferenceSchema"]),
        }
        yield GivenTable(part["TableName"], "reference", options, _columns(part["ReferenceSchema"]))


def _format_options(schema: Mapping[str, Any]) -> dict[str, str]:
    kind = schema["RecordFormat"]["RecordFormatType"].lower()
    options = {"format": kind}
    if kind == "csv":
        mapping = schema["RecordFormat"].get("MappingParameters") or {}
        delimiter = (mapping.get("CSVMappingParameters") or {}).get("RecordColumnDelimiter", ",")
        options["csv.field-delimiter"] = delimiter
    return options


def _columns(schema: Mapping[str, Any]) -> list[GivenColumn]:
    return [
        GivenColumn(column["Name"], column["SqlType"], column.get("Mapping", ""))
        for column in schema["RecordColumns"]
    ]
