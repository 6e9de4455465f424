"""The contract with a transformation function."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.services.firehose.delivery.interface import Record
from millpond.services.firehose.transform.invocation import (
    PAYLOAD_SIZE_BYTES_MAX,
    RECORDS_MAX,
    InvocationFailed,
    batches,
    event,
    results,
)


def answer(*records: dict[str, Any]) -> bytes:
    return json.dumps({"records": records}).encode()


def ok(name: str, data: bytes = b"x", **more: Any) -> dict[str, Any]:
    return {"recordId": name, "result": "Ok", "data": base64.b64encode(data).decode()} | more


def test_the_event_is_what_aws_documents() -> None:
    read = json.loads(
        event(
            [Record(b"hello", 1234, "17")],
            invocation_id="i",
            delivery_stream_arn="arn",
            region="eu-west-1",
            source_arn=None,
        )
    )
    assert read == {
        "invocationId": "i",
        "deliveryStreamArn": "arn",
        "region": "eu-west-1",
        "records": [{"recordId": "17", "approximateArrivalTimestamp": 1234, "data": "aGVsbG8="}],
    }


def test_records_of_a_stream_say_where_they_come_from() -> None:
    record = Record(b"", 5, "99", shard="shardId-000000000001", partition_key="k", subsequence=2)
    read = json.loads(
        event([record], invocation_id="i", delivery_stream_arn="a", region="r", source_arn="stream")
    )
    assert read["sourceKinesisStreamArn"] == "stream"
    assert read["records"][0]["kinesisRecordMetadata"] == {
        "shardId": "shardId-000000000001",
        "partitionKey": "k",
        "approximateArrivalTimestamp": 5,
        "sequenceNumber": "99",
        "subsequenceNumber": 2,
    }


def test_results_come_in_the_order_of_the_records() -> None:
    found = results(
        answer(
            {"recordId": "c", "result": "ProcessingFailed", "data": "???"},
            ok("a", b"A", metadata={"partitionKeys": {"k": "v"}}),
            {"recordId": "b", "result": "Dropped"},
        ),
        ["a", "b", "c"],
    )
    assert [(one.status, one.data) for one in found] == [
        ("Ok", b"A"),
        ("Dropped", None),
        ("ProcessingFailed", None),
    ]
    assert found[0].partition_keys == {"k": "v"}


def test_iceberg_targets_travel_in_the_metadata() -> None:
    target = {"destinationTableName": "t", "operation": "delete"}
    (found,) = results(answer(ok("a", metadata={"otfMetadata": target})), ["a"])
    assert found.target == target


@pytest.mark.parametrize(
    ("given_answer", "code"),
    [
        (answer(ok("a")), "Lambda.MissingRecordId"),
        (answer(ok("a"), ok("a")), "Lambda.DuplicatedRecordId"),
        (answer(ok("a"), ok("z")), "Lambda.JsonProcessingException"),
        (answer(ok("a"), ok("b") | {"result": "Fine"}), "Lambda.FunctionError"),
        (answer(ok("a"), ok("b") | {"data": "%%%"}), "Lambda.JsonProcessingException"),
        (answer(ok("a"), ok("b") | {"data": "aGVsbG8"}), "Lambda.JsonProcessingException"),
        (answer(ok("a"), ok("b") | {"data": None}), "Lambda.JsonProcessingException"),
        (
            answer(ok("a"), ok("b", metadata={"partitionKeys": {"k": 1}})),
            "Lambda.JsonProcessingException",
        ),
        (b"null", "Lambda.JsonProcessingException"),
        (b"", "Lambda.JsonProcessingException"),
        (b"[" * 100_000, "Lambda.JsonProcessingException"),
        (b" " * (PAYLOAD_SIZE_BYTES_MAX + 1), "Lambda.FunctionError"),
    ],
)
def test_an_answer_that_breaks_the_contract_fails_with_awss_code(
    given_answer: bytes, code: str
) -> None:
    with pytest.raises(InvocationFailed) as failed:
        results(given_answer, ["a", "b"])
    assert failed.value.code == code


@given(st.lists(st.integers(0, 3 << 20), max_size=30), st.integers(200 << 10, 3 << 20))
def test_every_record_is_in_one_batch_and_events_fit(sizes: list[int], bound: int) -> None:
    blank = bytes(max(sizes, default=0))
    records = [Record(blank[:size], 0, str(at)) for at, size in enumerate(sizes)]
    found = list(batches(records, bound))
    assert [record for batch in found for record in batch] == records
    for batch in found:
        if len(batch) > 1:
            assert sum(len(record.data) for record in batch) <= bound


def test_a_full_batch_makes_an_event_that_lambda_takes() -> None:
    records = [
        Record(b"x" * 80, 1_700_000_000_000, "4" * 56, "shardId-000000000000", "k" * 256, at)
        for at in range(30_000)
    ]
    found = list(batches(records, 3 << 20))
    assert max(map(len, found)) <= RECORDS_MAX
    for batch in found:
        made = event(
            batch, invocation_id="i" * 36, delivery_stream_arn="a" * 200, region="r", source_arn="s"
        )
        assert len(made) <= PAYLOAD_SIZE_BYTES_MAX
