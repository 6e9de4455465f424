"""Which tables fit their connectors."""

# ruff: noqa: E501

from typing import Any

import pytest

from millpond.engines.streams.connectors.registry import CONNECTORS, check_table, metadata_key
from millpond.engines.streams.interface import Refused
from millpond.engines.streams.plan import Metadata, Table
from millpond.engines.streams.types import BIGINT, STRING, Column, DataType

KINESIS = {
    "connector": "kinesis",
    "stream.arn": "arn:aws:kinesis:us-east-1:1:stream/s",
    "format": "json",
}


def table(options: dict[str, str], **more: Any) -> Table:
    return Table(
        "t", (Column("id", BIGINT), Column("name", STRING)), options=tuple(options.items()), **more
    )


@pytest.mark.parametrize(
    ("options", "role"),
    [
        (KINESIS, "source"),
        (KINESIS | {"source.init.position": "TRIM_HORIZON", "aws.region": "eu-west-1"}, "source"),
        (KINESIS | {"source.reader.type": "EFO", "source.efo.consumer.name": "c"}, "source"),
        ({"connector": "kinesis", "stream": "s", "format": "csv", "scan.stream.initpos": "LATEST",
          "scan.shard.getrecords.intervalmillis": "250", "scan.stream.recordpublisher": "POLLING"}, "source"),
        ({"connector": "kinesis-legacy", "stream": "s", "format": "raw"}, "source"),
        (KINESIS | {"sink.batch.max-size": "100", "sink.flush-buffer.timeout": "10",
                    "sink.fail-on-error": "true", "aws.credentials.provider": "AUTO"}, "sink"),
        ({"connector": "firehose", "delivery-stream": "d", "format": "json"}, "sink"),
        ({"connector": "http-sink", "url": "http://x/", "format": "json", "insert-method": "PUT",
          "gid.connector.http.sink.header.Authorization": "Bearer x"}, "sink"),
        ({"connector": "print"}, "sink"),
        ({"connector": "blackhole"}, "sink"),
        ({"connector": "datagen", "fields.id.kind": "sequence", "fields.id.start": "1", "fields.id.end": "9"}, "source"),
        ({"connector": "filesystem", "path": "s3://b/p/", "format": "json"}, "lookup"),
    ],
)  # fmt: skip
def test_tables_that_fit_are_taken(options: dict[str, str], role: Any) -> None:
    made = table(options)
    if options["connector"] == "kinesis-legacy":
        made = Table("t", (Column("line", STRING),), options=made.options)
    check_table(made, role, changes=False)


@pytest.mark.parametrize(
    ("options", "role", "text"),
    [
        ({}, "source", "do not contain an option key 'connector'"),
        ({"connector": "kafka"}, "source", "Could not find any factory for identifier 'kafka'"),
        (KINESIS | {"foo": "1"}, "source", "Unsupported options found for 'kinesis'. Unsupported options: foo."),
        (KINESIS | {"json.foo": "1"}, "source", "Unsupported options: json.foo."),
        (KINESIS | {"csv.null-literal": "1"}, "source", "Unsupported options: csv.null-literal."),
        (KINESIS | {"format": "protobuf"}, "source", "format factory for identifier 'protobuf'"),
        (KINESIS | {"source.init.position": "MIDDLE"}, "source", "Invalid value for option 'source.init.position'"),
        (KINESIS | {"source.init.position": "AT_TIMESTAMP"}, "source", "An initial timestamp is required"),
        (KINESIS | {"source.reader.type": "EFO"}, "source", "name of the consumer is required"),
        (KINESIS | {"aws.credentials.basic.accesskeyid": "A"}, "source", "calls AWS as the role"),
        (KINESIS | {"aws.credentials.provider": "BASIC"}, "source", "'aws.credentials.provider'"),
        (KINESIS | {"sink.batch.max-size": "501"}, "sink", "at most 500"),
        (KINESIS | {"json.ignore-parse-errors": "maybe"}, "source", "Expected 'true' or 'false'"),
        (KINESIS | {"stream.arn": "s"}, "source", "is not the ARN of a stream"),
        ({"connector": "kinesis", "format": "json"}, "source", "Missing required options are: stream.arn"),
        ({"connector": "firehose", "delivery-stream": "d", "format": "json"}, "source", "can only be used as a sink. It cannot be used as a source."),
        ({"connector": "datagen"}, "sink", "can only be used as a source"),
        ({"connector": "datagen", "fields.x.kind": "random"}, "source", "fields.x.kind: no such field"),
        ({"connector": "datagen", "fields.id.kind": "sequence"}, "source", "fields.id.start"),
        ({"connector": "print", "format": "json"}, "sink", "Unsupported options: format."),
        ({"connector": "http-sink", "url": "ftp://x", "format": "json"}, "sink", "'url' must begin with http"),
        (KINESIS | {"scan.shard.idle.interval": "5000"}, "source", "'scan.watermark.idle-timeout' instead"),
        (KINESIS | {"format": "raw"}, "source", "only supports single physical column"),
        (KINESIS | {"format": "csv", "csv.field-delimiter": "::"}, "source", "single character"),
    ],
)  # fmt: skip
def test_tables_that_do_not_fit_are_refused_by_name(
    options: dict[str, str], role: Any, text: str
) -> None:
    with pytest.raises(Refused) as refused:
        check_table(table(options), role, changes=False)
    assert refused.value.text.startswith("Table 't': ")
    assert text in refused.value.text
    assert refused.value.needs_flink == (
        options.get("connector") == "kafka" or options.get("format") == "protobuf"
    )


def test_results_that_change_go_only_where_they_can_be_held() -> None:
    check_table(table({"connector": "print"}), "sink", changes=True)
    check_table(table({"connector": "blackhole"}), "sink", changes=True)
    with pytest.raises(Refused, match="doesn't support consuming update changes"):
        check_table(table(KINESIS), "sink", changes=True)


def test_partition_columns_exclude_a_partitioner() -> None:
    with pytest.raises(Refused, match="PARTITIONED BY"):
        made = table(KINESIS | {"sink.partitioner": "fixed"}, partitioned_by=("id",))
        check_table(made, "sink", changes=False)


def test_metadata_columns_are_checked_by_key_and_type() -> None:
    stamp = DataType("TIMESTAMP", (3,))
    good = table(KINESIS, metadata=(Metadata(Column("at", stamp), "timestamp"),))
    check_table(good, "source", changes=False)
    assert metadata_key(good, "shard-id").type.name == "VARCHAR"
    for metadata, text in (
        (Metadata(Column("at", stamp), "offset"), "Invalid metadata key 'offset'"),
        (Metadata(Column("at", BIGINT), "timestamp"), "must be castable"),
    ):
        with pytest.raises(Refused, match=text):
            check_table(table(KINESIS, metadata=(metadata,)), "source", changes=False)
    with pytest.raises(Refused, match="cannot be written"):
        check_table(good, "sink", changes=False)


def test_a_map_of_json_has_texts_for_keys() -> None:
    kind = DataType("MAP", (), (("", BIGINT), ("", BIGINT)))
    made = Table("t", (Column("m", kind),), options=tuple(KINESIS.items()))
    with pytest.raises(Refused, match="non-string as key type"):
        check_table(made, "source", changes=False)


def test_the_connectors_are_those_that_are_documented() -> None:
    assert set(CONNECTORS) == {
        "kinesis", "kinesis-legacy", "firehose", "http-sink", "print", "blackhole", "datagen",
        "filesystem", "iceberg",
    }  # fmt: skip
