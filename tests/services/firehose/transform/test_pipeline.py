"""The processors one after another."""

import base64
import gzip
import hashlib
import json
from types import SimpleNamespace
from typing import Any

import pytest

from millpond.services.firehose.shapes import (
    IcebergDestinationConfiguration,
    ProcessingConfiguration,
    Processor,
    ProcessorParameter,
)
from millpond.services.firehose.transform import transformer
from millpond.services.firehose.transform.kpl import MAGIC


def asked(*processors: tuple[str, dict[str, str]]) -> ProcessingConfiguration:
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


@pytest.fixture
async def make(needs: Any, delivery_of: Any) -> Any:
    made: list[Any] = []

    def pipeline(*processors: tuple[str, dict[str, str]], **more: Any) -> Any:
        destination = SimpleNamespace(processing_configuration=asked(*processors))
        made.append(transformer(needs, delivery_of(more.pop("destination", destination), **more)))
        return made[-1]

    yield pipeline
    for one in made:
        if one is not None:
            await one.close()


JQ = ("MetadataExtraction", {"MetadataExtractionQuery": "{k: .k}", "JsonParsingEngine": "JQ-1.6"})
JSON = ("RecordDeAggregation", {"SubRecordType": "JSON"})
LINE = ("AppendDelimiterToRecord", {"Delimiter": "\\n"})


def test_nothing_is_made_where_nothing_is_to_be_done(make: Any) -> None:
    assert make() is None


async def test_deaggregated_records_are_partitioned_each_by_itself(
    make: Any, records_of: Any
) -> None:
    done = await make(JSON, JQ, LINE).apply(
        records_of(b'{"k":"a"}{"k":"b"}\n{"k":""}', b'{"k":"c"}', b"}")
    )
    assert [(one.id, one.data, one.query_keys) for one in done.records] == [
        ("0:0", b'{"k":"a"}\n', {"k": "a"}),
        ("0:1", b'{"k":"b"}\n', {"k": "b"}),
        ("1", b'{"k":"c"}\n', {"k": "c"}),
    ]
    assert [(one.code, one.raw) for one in done.failures] == [
        ("DynamicPartitioning.RecordDeaggregationFailed", b"}"),
        ("DynamicPartitioning.MetadataExtractionFailed", b'{"k":""}'),
    ]


async def test_pieces_between_delimiters_are_records(make: Any, records_of: Any) -> None:
    delimiter = base64.b64encode(b"##").decode()
    split = ("RecordDeAggregation", {"SubRecordType": "DELIMITED", "Delimiter": delimiter})
    done = await make(split).apply(records_of(b"a##b##", b"c"))
    assert [(one.id, one.data) for one in done.records] == [
        ("0:0", b"a"),
        ("0:1", b"b"),
        ("1", b"c"),
    ]


async def test_log_messages_are_extracted(make: Any, records_of: Any) -> None:
    document = {"messageType": "DATA_MESSAGE", "logEvents": [{"message": "x"}, {"message": "y"}]}
    control = {"messageType": "CONTROL_MESSAGE", "logEvents": [{"message": "hello"}]}
    processors = (
        ("Decompression", {"CompressionFormat": "GZIP"}),
        ("CloudWatchLogProcessing", {"DataMessageExtraction": "true"}),
    )
    done = await make(*processors).apply(
        records_of(
            gzip.compress(json.dumps(document).encode()),
            gzip.compress(json.dumps(control).encode()),
            b"plain",
        )
    )
    assert [one.data for one in done.records] == [b"x\n", b"y\n"]
    assert [(one.kind, one.raw) for one in done.failures] == [("processing-failed", b"plain")]


def aggregate(*data: bytes) -> bytes:
    message = b"\x0a\x01k"
    for one in data:
        message += b"\x1a" + bytes([4 + len(one)]) + b"\x08\x00\x1a" + bytes([len(one)]) + one
    return MAGIC + message + hashlib.md5(message).digest()


async def test_aggregates_of_a_stream_are_opened_without_being_asked(
    make: Any, records_of: Any
) -> None:
    records = records_of(aggregate(b"one", b"two"), b"plain", shard="shardId-000000000000")
    done = await make(source_arn="arn:aws:kinesis:…").apply(records)
    assert [(one.id, one.partition_key, one.data) for one in done.records] == [
        ("shardId-000000000000:0:0", "k", b"one"),
        ("shardId-000000000000:0:1", "k", b"two"),
        ("shardId-000000000000:1", "", b"plain"),
    ]


async def test_parts_of_parts_have_names_of_their_own(make: Any, records_of: Any) -> None:
    records = records_of(aggregate(b"{}{}", b"[]"), shard="s")
    done = await make(JSON, source_arn="arn:aws:kinesis:…").apply(records)
    assert [(one.id, one.data) for one in done.records] == [
        ("s:0:0", b"{}"),
        ("s:0:1", b"{}"),
        ("s:0:2", b"[]"),
    ]


async def test_what_is_extracted_for_iceberg_says_where_a_record_goes(
    make: Any, records_of: Any
) -> None:
    query = "{destinationTableName: .t, operation: .o}"
    destination = IcebergDestinationConfiguration(
        role_arn="arn:aws:iam::000000000000:role/r",
        catalog_configuration=None,  # type: ignore[arg-type]
        s3_configuration=None,  # type: ignore[arg-type]
        processing_configuration=asked(
            (
                "MetadataExtraction",
                {"MetadataExtractionQuery": query, "JsonParsingEngine": "JQ-1.6"},
            )
        ),
    )
    done = await make(destination=destination).apply(records_of(b'{"t":"orders","o":"delete"}'))
    assert done.records[0].target == {"destinationTableName": "orders", "operation": "delete"}
