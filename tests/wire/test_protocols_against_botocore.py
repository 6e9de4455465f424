"""Every operation, judged by botocore: it writes and we read; we write and it reads."""

from dataclasses import replace
from importlib import import_module
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from millpond.kernel.body import BytesBody
from millpond.wire.building import build
from millpond.wire.members import PlainReader, from_members, members_of, to_members
from millpond.wire.protocols import protocol_for, protocol_of, spoken_by
from millpond.wire.shape import Operation, ServiceModel
from tests.wire import botocore_side

SERVICES = (
    "sts", "s3", "glue", "athena", "emr", "kinesis", "firehose", "dynamodb", "logs", "cloudwatch"
)  # fmt: skip
MODELS: dict[str, ServiceModel] = {
    name: import_module(f"millpond.services.{name}.shapes").MODEL for name in SERVICES
}
# Texts to us, times to botocore (tested by name); botocore computes the length itself.
LEFT_OUT = frozenset({"Expires", "ExpiresString", "ResponseExpires", "ContentLength"})
EVERY_OPERATION = [
    (name, spoken, operation)
    for name in SERVICES
    for spoken in (MODELS[name].protocol, *MODELS[name].other_protocols)
    for operation in MODELS[name].operations
]
FEW = settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def plain(members: Any) -> Any:
    """Members whose streams are the bytes in them."""
    if isinstance(members, dict):
        return {name: plain(member) for name, member in members.items()}
    if isinstance(members, list):
        return [plain(member) for member in members]
    return members.data if isinstance(members, BytesBody) else members


def example(shape: Any, model: ServiceModel) -> Any:
    xml = "json" not in model.protocol and "cbor" not in model.protocol
    return botocore_side.values(shape, xml=xml, leave_out=LEFT_OUT)


def model_of(service: str, spoken: Any) -> ServiceModel:
    return replace(MODELS[service], protocol=spoken)


@pytest.mark.parametrize(("service", "spoken", "name"), EVERY_OPERATION)
def test_a_request_that_botocore_writes_reads_as_what_was_asked(
    service: str, spoken: str, name: str
) -> None:
    model = model_of(service, spoken)
    protocol = protocol_for(model)
    aws = botocore_side.service_model(service).operation_model(name)

    @FEW
    @given(st.data())
    def check(data: st.DataObject) -> None:
        members = data.draw(example(aws.input_shape, model)) if aws.input_shape else {}
        assume(spoken != "query" or without_empty(members) == members)
        request, body = botocore_side.write(aws, members, spoken)
        assert protocol_of(request, spoken_by(MODELS[service])) == spoken
        operation = protocol.identify(request, body)
        assert operation.name == name
        parsed = protocol.parse(operation, request, body)
        assert parsed is not None or aws.input_shape is None
        if parsed is None:
            return
        found = plain(members_of(parsed))
        found.pop("ContentLength", None)
        assert found == as_sent(aws, members)
        again = from_members(operation, members_of(parsed), model.validation_code)
        assert members_of(again) == members_of(parsed)

    check()


@pytest.mark.parametrize(("service", "spoken", "name"), EVERY_OPERATION)
def test_an_answer_that_we_write_reads_as_what_was_answered(
    service: str, spoken: str, name: str
) -> None:
    model = model_of(service, spoken)
    protocol = protocol_for(model)
    aws = botocore_side.service_model(service).operation_model(name)
    operation = model.operations[name]
    if aws.has_event_stream_output:
        return

    @FEW
    @given(st.data())
    def check(data: st.DataObject) -> None:
        members = data.draw(example(aws.output_shape, model)) if aws.output_shape else {}
        output = answer_of(operation, members)
        answer = protocol.serialize(operation, output, "request-1")
        body = answer.body.data if isinstance(answer.body, BytesBody) else answer.body
        parsed = botocore_side.read(aws, answer, body, spoken)
        metadata = parsed.pop("ResponseMetadata")
        if aws.output_shape is not None or spoken != "smithy-rpc-v2-cbor":
            assert metadata["RequestId"] == "request-1"
        assert parsed == as_answered(aws, members)
        assert plain(to_members(operation, output)) == members

    check()


def without_empty(members: Any) -> Any:
    """A form has no way to say that a structure, list or map is there and empty."""
    if isinstance(members, dict):
        kept = {name: without_empty(member) for name, member in members.items()}
        return {name: member for name, member in kept.items() if member not in ({}, [])}
    if isinstance(members, list):
        kept_items = [without_empty(member) for member in members]
        return [member for member in kept_items if member not in ({}, [])]
    return members


def as_sent(aws: Any, members: dict[str, Any]) -> dict[str, Any]:
    """What a request carries of `members`: no body is an empty body."""
    streaming = aws.has_streaming_input and aws.input_shape.serialization["payload"]
    return {streaming: b"", **members} if streaming else members


def as_answered(aws: Any, members: dict[str, Any]) -> dict[str, Any]:
    """What botocore makes of `members`: it fills in what stands alone in a body or in headers."""
    filled: dict[str, Any] = {}
    for name, member in aws.output_shape.members.items() if aws.output_shape else ():
        if name == aws.output_shape.serialization.get("payload"):
            filled[name] = {} if member.type_name == "structure" else b""
        elif member.serialization.get("location") == "headers":
            filled[name] = {}
    if aws.name == "GetBucketLocation":
        filled["LocationConstraint"] = None
    return {**filled, **members}


def answer_of(operation: Operation, members: dict[str, Any]) -> Any:
    if operation.output is None:
        return None
    return build(operation.output, members, PlainReader(), "NotAnAnswer")
