"""AWS JSON: what is taken besides the strictly well-formed, and how answers and errors look."""

import math

import msgspec
import pytest

from millpond.kernel.errors import ServiceError
from millpond.services.athena import shapes as athena
from millpond.services.emr import shapes as emr
from millpond.services.glue import shapes as glue
from millpond.wire.http import HeaderMap, Request
from millpond.wire.json_reading import read_json
from millpond.wire.protocols import protocol_for

GLUE = protocol_for(glue.MODEL)


def request(operation: str) -> Request:
    return Request("POST", "/", "", HeaderMap([("X-Amz-Target", f"AWSGlue.{operation}")]))


class EntityNotFound(ServiceError):
    code = "EntityNotFoundException"


class InvalidRequest(ServiceError):
    code = "InvalidRequestException"


def parse_table(**members: object) -> glue.TableInput:
    table = {"Name": "t", **members}
    body = msgspec.json.encode({"DatabaseName": "d", "TableInput": table})
    read = GLUE.parse(glue.MODEL.operations["CreateTable"], request("CreateTable"), body)
    assert isinstance(read, glue.CreateTableRequest)
    assert read.table_input is not None
    return read.table_input


def test_null_is_absence() -> None:
    assert parse_table(Description=None).description is None


def test_members_that_the_model_lacks_are_ignored() -> None:
    assert parse_table(Colour="red").name == "t"


def test_a_whole_number_may_be_written_as_a_fraction() -> None:
    assert parse_table(Retention=7.0).retention == 7


def test_a_member_that_stands_twice_counts_the_last_time() -> None:
    body = b'{"Name":"a","Name":"b"}'
    read = GLUE.parse(glue.MODEL.operations["GetDatabase"], request("GetDatabase"), body)
    assert isinstance(read, glue.GetDatabaseRequest)
    assert read.name == "b"


def test_the_slow_reader_reads_what_the_fast_one_does() -> None:
    class Numbers(msgspec.Struct):
        ratio: float
        data: bytes

    slow = read_json(Numbers, b'{"ratio":"-Infinity","data":"aGk="}', "ValidationException")
    assert isinstance(slow, Numbers)
    assert (slow.ratio, slow.data) == (-math.inf, b"hi")
    with pytest.raises(ServiceError, match="STRING_VALUE can not be converted to a Blob"):
        read_json(Numbers, b'{"ratio":1,"data":"?"}', "ValidationException")
    with pytest.raises(ServiceError, match="STRING_VALUE can not be converted to a Double"):
        read_json(Numbers, b'{"ratio":"1","data":""}', "ValidationException")


def test_a_structure_that_holds_itself_too_often_is_refused() -> None:
    depth = 5_000
    nested = b'{"Configurations":[' * depth + b"{}" + b"]}" * depth
    body = b'{"Name":"n","Instances":{},"Configurations":[' + nested + b"]}"
    with pytest.raises(ServiceError) as caught:
        read_json(emr.RunJobFlowInput, body, "ValidationException")
    assert caught.value.code == "SerializationException"


def test_an_answer_leaves_out_what_is_none() -> None:
    output = glue.GetDatabaseResponse(database=glue.Database(name="d", create_time=1.5))
    answer = GLUE.serialize(glue.MODEL.operations["GetDatabase"], output, "request-1")
    assert answer.body == b'{"Database":{"Name":"d","CreateTime":1.5}}'
    assert answer.headers == [
        ("Content-Type", "application/x-amz-json-1.1"),
        ("x-amzn-RequestId", "request-1"),
    ]


def test_no_answer_is_an_empty_object_or_an_empty_body() -> None:
    deleted = GLUE.serialize(glue.MODEL.operations["DeleteDatabase"], None, "request-1")
    assert deleted.body == b"{}"
    added = emr.MODEL.operations["SetTerminationProtection"]
    assert protocol_for(emr.MODEL).serialize(added, None, "request-1").body == b""


def test_a_services_own_error_spells_its_message_as_the_service_does() -> None:
    answer = GLUE.serialize_error(EntityNotFound("Database d not found."), "request-1")
    assert answer.status == 400
    assert answer.body == b'{"__type":"EntityNotFoundException","Message":"Database d not found."}'


def test_an_error_carries_its_further_members() -> None:
    error = InvalidRequest("No.", AthenaErrorCode="INVALID_INPUT")
    answer = protocol_for(athena.MODEL).serialize_error(error, "request-1")
    assert answer.body == (
        b'{"__type":"InvalidRequestException","Message":"No.","AthenaErrorCode":"INVALID_INPUT"}'
    )


def test_a_very_long_value_is_not_repeated_whole() -> None:
    body = msgspec.json.encode({"Name": "x" * 1_000_000})
    with pytest.raises(ServiceError) as caught:
        read_json(glue.GetDatabaseRequest, body, "ValidationException")
    assert len(caught.value.message) < 3_000
