"""CBOR: times in the protocol's unit, numbers of either kind, nothing that bytes could start."""

import math
from dataclasses import replace
from typing import Any

import cbor2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from millpond.kernel.errors import ServiceError
from millpond.services.cloudwatch import shapes as cloudwatch
from millpond.services.glue import shapes as glue
from millpond.services.kinesis import shapes as kinesis
from millpond.wire.building import build
from millpond.wire.cbor import CborCodec
from millpond.wire.errors import SerializationException
from millpond.wire.http import HeaderMap, Request
from millpond.wire.members import PlainReader, members_of
from millpond.wire.protocols import protocol_for
from millpond.wire.shape import ServiceModel
from tests.wire import botocore_side

KINESIS = replace(kinesis.MODEL, protocol="json-cbor")
SECONDS, MILLISECONDS = CborCodec(1, "ValidationException"), CborCodec(1000, "ValidationException")
MANY = settings(
    max_examples=150, deadline=None, derandomize=True, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
FEW = settings(MANY, max_examples=20)


def read(body: bytes) -> Any:
    return SECONDS.decode(cloudwatch.MetricDatum, body)


def tagged(shape: Any, members: Any) -> Any:
    """Members as Java's SDK writes them: times under tag 1, in milliseconds."""
    if shape.type_name == "structure":
        return {name: tagged(shape.members[name], member) for name, member in members.items()}
    if shape.type_name == "list":
        return [tagged(shape.member, member) for member in members]
    if shape.type_name == "map":
        return {name: tagged(shape.value, member) for name, member in members.items()}
    return cbor2.CBORTag(1, members * 1000) if shape.type_name == "timestamp" else members


def untagged(value: Any, immutable: bool) -> Any:
    assert isinstance(value, int)
    return value / 1000


@pytest.mark.parametrize("name", list(KINESIS.operations))
def test_what_java_writes_is_read_and_what_we_write_is_what_java_reads(name: str) -> None:
    protocol, operation = protocol_for(KINESIS), KINESIS.operations[name]
    aws = botocore_side.service_model("kinesis").operation_model(name)
    headers = HeaderMap([("X-Amz-Target", f"Kinesis_20131202.{name}")])
    request = Request("POST", "/", "", headers)

    def example(data: st.DataObject, shape: Any) -> Any:
        return data.draw(botocore_side.values(shape, xml=False, leave_out=frozenset()))

    @FEW
    @given(st.data(), st.booleans())
    def check(data: st.DataObject, indefinite: bool) -> None:
        if aws.input_shape is not None:
            asked = example(data, aws.input_shape)
            body = cbor2.dumps(tagged(aws.input_shape, asked), indefinite_containers=indefinite)
            parsed = protocol.parse(protocol.identify(request, body), request, body)
            assert parsed is not None
            assert members_of(parsed) == asked
        if operation.output is not None and not aws.has_event_stream_output:
            said = example(data, aws.output_shape)
            output = build(operation.output, said, PlainReader(), "NotAnAnswer")
            answer = protocol.serialize(operation, output, "request-1")
            assert ("Content-Type", "application/x-amz-cbor-1.1") in answer.headers
            assert cbor2.loads(answer.body, semantic_decoders={1: untagged}) == said

    check()


def test_times_are_seconds_or_milliseconds_under_their_tag() -> None:
    summary = kinesis.Record(approximate_arrival_timestamp=1_700_000_000.25)
    name = "ApproximateArrivalTimestamp"
    for codec, units in ((SECONDS, 1_700_000_000.25), (MILLISECONDS, 1_700_000_000_250)):
        written = codec.encode(summary)
        assert written == cbor2.dumps({name: cbor2.CBORTag(1, units)})
        read = codec.decode(kinesis.Record, written)
        assert read == summary
    assert SECONDS.encode(kinesis.Record(approximate_arrival_timestamp=7.0)) == cbor2.dumps(
        {name: cbor2.CBORTag(1, 7)}
    )


def test_times_in_lists_and_below_are_tagged() -> None:
    output = cloudwatch.GetMetricDataOutput(
        metric_data_results=[cloudwatch.MetricDataResult(timestamps=[1.0, 2.5], values=[1.0, 2.0])]
    )
    written = cbor2.loads(SECONDS.encode(output), semantic_decoders={1: lambda v, _: ("time", v)})
    assert written["MetricDataResults"][0]["Timestamps"] == [("time", 1), ("time", 2.5)]
    assert SECONDS.decode(cloudwatch.GetMetricDataOutput, SECONDS.encode(output)) == output


def test_a_number_may_be_an_integer_or_a_float() -> None:
    body = cbor2.dumps({"MetricName": "m", "Value": 5, "StorageResolution": 60.0})
    datum = read(body)
    assert (datum.value, datum.storage_resolution) == (5.0, 60)
    for wrong in (60.5, math.nan, math.inf, True, "60", 2**40, b"1"):
        with pytest.raises(ServiceError):
            read(cbor2.dumps({"MetricName": "m", "StorageResolution": wrong}))


def test_special_floats_are_themselves() -> None:
    for special in (math.inf, -math.inf):
        assert read(cbor2.dumps({"MetricName": "m", "Value": special})).value == special
    assert math.isnan(read(cbor2.dumps({"MetricName": "m", "Value": math.nan})).value)


def test_undefined_and_null_are_absence() -> None:
    for nothing in (None, cbor2.undefined):
        datum = read(cbor2.dumps({"MetricName": "m", "Unit": nothing, "Value": 1.0}))
        assert datum.unit is None


def test_a_broken_constraint_is_told_in_the_words_of_aws() -> None:
    with pytest.raises(ServiceError, match="Value '' at 'metricName' failed to satisfy") as caught:
        read(cbor2.dumps({"MetricName": ""}))
    assert caught.value.code == "ValidationException"


HOSTILE = {
    "a text as a date": "a16454696d65c07818323031332d30332d32315432303a30343a30305a",
    "a large integer": "a16156c249ffffffffffffffffff",
    "a decimal": "a16156c48221196ab3",
    "a rational": "a16156d81e820105",
    "a regular expression": "a16156d823622e2b",
    "a shared value": "d81ca16161d81d00",
    "a string reference": "d90100826161d81900",
    "a set": "d90102820102",
    "a network address": "d9010444c0a80001",
    "self-described": "d9d9f7a0",
    "an unknown tag": "da12345678a0",
    "a time that is a text": "a16161c1613a",
    "a time that is no number": "a16161c1f97e00",
    "a key that is a number": "a10001",
    "a key that is a list": "a1820001f5",
    "an endless list": "9f",
    "a list longer than memory": "9b0fffffffffffffff",
    "bytes longer than memory": "5b0fffffffffffffff",
    "a map longer than memory": "bb0fffffffffffffff",
    "a text that is not UTF-8": "61ff",
    "a break out of place": "ff",
    "two values": "a0a0",
    "nothing at all": "",
    "a reserved length": "1c",
    "a simple value": "f0",
    "deep lists": "81" * 70_000,
    "deep endless lists": "9f" * 70_000,
    "deep tags": "c1" * 70_000 + "00",
    "deep maps": "a16161" * 70_000 + "00",
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=list(HOSTILE))
@pytest.mark.parametrize("struct", [cloudwatch.MetricDatum, glue.IcebergStructField])
def test_hostile_bytes_are_refused(body: str, struct: Any) -> None:
    with pytest.raises(SerializationException):
        SECONDS.decode(struct, bytes.fromhex(body))


@MANY
@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    for codec in (SECONDS, MILLISECONDS):
        for struct in (kinesis.PutRecordsInput, cloudwatch.PutMetricDataInput):
            try:
                codec.decode(struct, body)
            except ServiceError as error:
                assert error.status == 400


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=5)
    | st.binary(max_size=5) | st.just(cbor2.undefined) | st.datetimes().map(lambda t: t.isoformat())
    | st.integers(0, 31).map(lambda number: cbor2.CBORTag(number, number)),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["Namespace", "MetricData", "MetricName", "Value", "Timestamp", "Values",
                         "Dimensions", "StorageResolution", "Unit"]),
        inner,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@MANY
@given(VALUES)
def test_any_cbor_is_read_or_refused(value: Any) -> None:
    model: ServiceModel = cloudwatch.MODEL
    protocol = protocol_for(model)
    place = "/service/GraniteServiceVersion20100801/operation/PutMetricData"
    request = Request("POST", place, "", HeaderMap([("smithy-protocol", "rpc-v2-cbor")]))
    operation = protocol.identify(request, None)
    try:
        parsed = protocol.parse(operation, request, cbor2.dumps(value))
    except ServiceError as error:
        assert protocol.serialize_error(error, "request-1").status == 400
    else:
        assert isinstance(parsed, cloudwatch.PutMetricDataInput)


def test_a_document_holds_only_what_json_holds() -> None:
    """Documents are handed on as they are, so nothing strange may hide in them."""

    def field(document: Any) -> bytes:
        return cbor2.dumps({"Id": 1, "Name": "n", "Required": True, "Type": document})

    plain = {"type": "list", "element": [1, 2.5, None, "x", True]}
    assert SECONDS.decode(glue.IcebergStructField, field(plain)).type == plain
    for strange in (b"bytes", {"a": cbor2.CBORSimpleValue(99)}, [b"bytes"]):
        with pytest.raises(SerializationException):
            SECONDS.decode(glue.IcebergStructField, field(strange))
