"""The protocols do what other services will ask of them: forms with lists and maps, REST-JSON."""

from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from millpond.kernel.body import BytesBody
from millpond.kernel.errors import ServiceError
from millpond.wire.building import build
from millpond.wire.errors import NotImplementedByMillpond, SerializationException, UnknownPath
from millpond.wire.http import HeaderMap, Request
from millpond.wire.members import PlainReader, members_of
from millpond.wire.protocols import protocol_for
from tests.wire import botocore_side
from tests.wire.generated import model_of
from tests.wire.test_protocols_against_botocore import without_empty

OPERATIONS = [
    ("sts", "AssumeRole"),
    ("iam", "CreateRole"),
    ("iam", "TagRole"),
    ("iam", "SimulateCustomPolicy"),
    ("sns", "Publish"),
    ("sns", "SetEndpointAttributes"),
    ("redshift", "CreateCluster"),
    ("emr-serverless", "StartJobRun"),
    ("emr-serverless", "ListJobRuns"),
    ("emr-serverless", "UpdateApplication"),
    ("mwaa", "CreateEnvironment"),
]
FEW = settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize(("service", "name"), OPERATIONS)
def test_requests_and_answers_pass_whole(service: str, name: str) -> None:
    model = model_of(service, name)
    protocol, operation = protocol_for(model), model.operations[name]
    aws = botocore_side.service_model(service).operation_model(name)
    xml = "json" not in model.protocol

    @FEW
    @given(st.data())
    def check(data: st.DataObject) -> None:
        asked = data.draw(botocore_side.values(aws.input_shape, xml=xml, leave_out=frozenset()))
        assume(model.protocol != "query" or without_empty(asked) == asked)
        request, body = botocore_side.write(aws, asked)
        assert protocol.identify(request, body).name == name
        parsed = protocol.parse(operation, request, body)
        assert parsed is not None
        assert members_of(parsed) == asked
        if aws.output_shape is None or operation.output is None:
            return
        said = data.draw(botocore_side.values(aws.output_shape, xml=xml, leave_out=frozenset()))
        output = build(operation.output, said, PlainReader(), "NotAnAnswer")
        answer = protocol.serialize(operation, output, "request-1")
        assert isinstance(answer.body, bytes)
        heard = botocore_side.read(aws, answer, answer.body)
        assert heard.pop("ResponseMetadata")["RequestId"] == "request-1"
        assert heard == said

    check()


def test_a_form_of_the_wrong_type_is_malformed_input() -> None:
    protocol = protocol_for(model_of("sts", "AssumeRole"))
    form = "Action=AssumeRole&Version=2011-06-15&RoleArn=x&RoleSessionName=y&DurationSeconds=long"
    with pytest.raises(ServiceError, match="DurationSeconds") as caught:
        parse(protocol, Request("POST", "/", "", HeaderMap([])), form.encode())
    assert caught.value.code == "MalformedInput"


def test_a_form_that_breaks_a_constraint_is_a_validation_error() -> None:
    protocol = protocol_for(model_of("sts", "AssumeRole"))
    form = "Action=AssumeRole&Version=2011-06-15&RoleSessionName=me&DurationSeconds=1000"
    with pytest.raises(ServiceError, match="Value null at 'roleArn'") as caught:
        parse(protocol, Request("POST", "/", "", HeaderMap([])), form.encode())
    assert caught.value.code == "ValidationError"


@pytest.mark.parametrize(
    "list_", ["Tags.member.x.Key=a", "Tags=a", "Tags.member=a", "Tags.member.1=a"]
)
def test_a_list_that_is_not_numbered_is_malformed_input(list_: str) -> None:
    protocol = protocol_for(model_of("iam", "TagRole"))
    form = f"Action=TagRole&Version=2010-05-08&RoleName=r&{list_}"
    with pytest.raises(ServiceError) as caught:
        parse(protocol, Request("POST", "/", "", HeaderMap([])), form.encode())
    assert caught.value.code == "MalformedInput"


def test_rest_json_names_the_member_of_the_wrong_type() -> None:
    protocol = protocol_for(model_of("emr-serverless", "ListJobRuns", "StartJobRun"))
    wrong = Request("GET", "/applications/00abc/jobruns", "maxResults=many", HeaderMap([]))
    with pytest.raises(SerializationException, match="maxResults"):
        parse(protocol, wrong, b"")
    start = Request("POST", "/applications/00abc/jobruns", "", HeaderMap([]))
    for body in (b"{", b"[]", b'{"tags":' + b"[" * 100_000, b'{"name":7}'):
        with pytest.raises(SerializationException):
            parse(protocol, start, body)


def test_rest_json_tells_the_unknown_from_what_is_not_implemented() -> None:
    protocol = protocol_for(model_of("emr-serverless", "ListJobRuns"))
    with pytest.raises(UnknownPath) as caught:
        protocol.identify(Request("GET", "/coffee", "", HeaderMap([])), None)
    answer = protocol.serialize_error(caught.value, "request-1")
    assert answer.status == 404
    assert ("x-amzn-ErrorType", "UnknownOperationException") in answer.headers
    assert answer.body == b'{"message":"emr-serverless has no operation at this method and path."}'
    with pytest.raises(NotImplementedByMillpond, match="emr-serverless ListApplications"):
        protocol.identify(Request("GET", "/applications", "", HeaderMap([])), None)


def parse(protocol: Any, request: Request, body: bytes) -> Any:
    return protocol.parse(protocol.identify(request, body), request, BytesBody(body))
