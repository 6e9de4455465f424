"""What may be asked of processors."""

import pytest

from millpond.services.firehose.errors import InvalidArgument
from millpond.services.firehose.shapes import (
    DynamicPartitioningConfiguration,
    ExtendedS3DestinationConfiguration,
    ProcessingConfiguration,
    Processor,
    ProcessorParameter,
)
from millpond.services.firehose.transform import check
from millpond.services.firehose.transform.configuration import Processing, read

ROLE = "arn:aws:iam::000000000000:role/r"


def processing(*processors: tuple[str, dict[str, str]]) -> ProcessingConfiguration:
    return ProcessingConfiguration(
        enabled=True,
        processors=[
            Processor(
                type=kind,  # type: ignore[arg-type]
                parameters=[
                    ProcessorParameter(parameter_name=name, parameter_value=value)  # type: ignore[arg-type]
                    for name, value in parameters.items()
                ],
            )
            for kind, parameters in processors
        ],
    )


def test_the_function_has_awss_defaults() -> None:
    found = read(processing(("Lambda", {"LambdaArn": "s3://code/f.py"}))).function
    assert found is not None
    assert (found.retries, found.buffer_size_bytes, found.buffer_ms) == (3, 1 << 20, 60_000)


def test_what_is_not_enabled_is_not_looked_at() -> None:
    asked = processing(("Lambda", {"LambdaArn": "arn:aws:lambda:us-east-1:1:function:f"}))
    asked.enabled = False
    assert read(asked) == Processing()


def test_a_lambda_function_is_refused_with_what_to_give_instead() -> None:
    asked = processing(("Lambda", {"LambdaArn": "arn:aws:lambda:us-east-1:1:function:f"}))
    with pytest.raises(InvalidArgument, match=r"there is no Lambda service.*s3://bucket/key\.py"):
        check(asked, None)


@pytest.mark.parametrize(
    ("processor", "problem"),
    [
        (("Lambda", {}), "needs the parameter LambdaArn"),
        (("Lambda", {"LambdaArn": "s3://bucket"}), "must name a .py or .zip object"),
        (("Lambda", {"LambdaArn": "s3://b/k.zip#../x"}), "must name a .py or .zip object"),
        (("Lambda", {"LambdaArn": "http:///x"}), "must be an http or https URL"),
        (("Lambda", {"LambdaArn": "s3://b/k.py", "NumberOfRetries": "301"}), "from 0 to 300"),
        (("Lambda", {"LambdaArn": "s3://b/k.py", "BufferSizeInMBs": "0.1"}), "from 0.2 to 3"),
        (("Lambda", {"LambdaArn": "s3://b/k.py", "BufferIntervalInSeconds": "1e2"}), "0 to 900"),
        (("Lambda", {"LambdaArn": "s3://b/k.py", "Delimiter": "x"}), "has no parameter Delimiter"),
        (("Decompression", {"CompressionFormat": "ZIP"}), "must be one of: GZIP"),
        (("CloudWatchLogProcessing", {"DataMessageExtraction": "true"}), "type Decompression"),
        (("RecordDeAggregation", {"SubRecordType": "CSV"}), "JSON, DELIMITED"),
        (("RecordDeAggregation", {"SubRecordType": "DELIMITED"}), "needs the parameter Delimiter"),
        (("RecordDeAggregation", {"SubRecordType": "DELIMITED", "Delimiter": "|"}), "Base64"),
        (("MetadataExtraction", {"MetadataExtractionQuery": "{}"}), "JsonParsingEngine"),
        (
            (
                "MetadataExtraction",
                {"MetadataExtractionQuery": "{}", "JsonParsingEngine": "JQ-1.7"},
            ),
            "must be JQ-1.6",
        ),
    ],
)
def test_what_cannot_be_is_refused_by_name(
    processor: tuple[str, dict[str, str]], problem: str
) -> None:
    with pytest.raises(InvalidArgument, match=problem):
        read(processing(processor))


def test_a_processor_comes_once() -> None:
    twice = ("AppendDelimiterToRecord", {"Delimiter": "\\n"})
    with pytest.raises(InvalidArgument, match="Only one"):
        read(processing(twice, twice))


def test_delimiters_are_written_with_escapes() -> None:
    asked = processing(("AppendDelimiterToRecord", {"Delimiter": "\\\\|\\n"}))
    assert read(asked).delimiter == b"\\|\n"
    assert read(processing(("AppendDelimiterToRecord", {}))).delimiter == b"\n"


def test_metadata_is_extracted_for_dynamic_partitioning() -> None:
    asked = processing(
        ("MetadataExtraction", {"MetadataExtractionQuery": "{}", "JsonParsingEngine": "JQ-1.6"})
    )
    destination = ExtendedS3DestinationConfiguration(role_arn=ROLE, bucket_arn="arn:aws:s3:::b")
    with pytest.raises(InvalidArgument, match="needs dynamic partitioning"):
        check(asked, destination)
    destination.dynamic_partitioning_configuration = DynamicPartitioningConfiguration(enabled=True)
    check(asked, destination)
