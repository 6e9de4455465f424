"""In-process calls: the same types and constraints, and bodies that pass through."""

from typing import Any

import pytest

from millpond.kernel.body import BytesBody
from millpond.kernel.errors import ServiceError
from millpond.services.glue.shapes import MODEL as GLUE
from millpond.services.s3.shapes import MODEL as S3
from millpond.services.s3.shapes import GetObjectOutput, PutObjectRequest
from millpond.wire.members import from_members, to_members


def test_a_body_passes_through_and_bytes_become_one() -> None:
    put = S3.operations["PutObject"]
    body = BytesBody(b"x")
    read = from_members(put, {"Bucket": "b", "Key": "k", "Body": body}, "X")
    assert isinstance(read, PutObjectRequest)
    assert read.body is body
    read = from_members(put, {"Bucket": "b", "Key": "k", "Body": b"y"}, "X")
    assert isinstance(read, PutObjectRequest)
    assert read.body == BytesBody(b"y")


def test_an_answers_members_have_the_names_of_aws() -> None:
    output = GetObjectOutput(
        etag='"e"', last_modified=1.5, metadata={"a": "b"}, body=BytesBody(b"")
    )
    assert to_members(S3.operations["GetObject"], output) == {
        "ETag": '"e"',
        "LastModified": 1.5,
        "Metadata": {"a": "b"},
        "Body": BytesBody(b""),
    }
    assert to_members(S3.operations["DeleteBucket"], None) == {}


@pytest.mark.parametrize(
    ("members", "code", "message"),
    [
        ({}, "ValidationException", "Value null at 'databaseName'"),
        ({"DatabaseName": ""}, "ValidationException", "Value '' at 'databaseName'"),
        ({"DatabaseName": 7}, "SerializationException", "int is not a string"),
        ({"DatabaseName": "d", "MaxResults": True}, "SerializationException", "bool is not a"),
        ({"DatabaseName": "d", "MaxResults": "7"}, "SerializationException", "str is not a"),
        ({"DatabaseName": "d", "AttributesToGet": "x"}, "SerializationException", "not a list"),
        ([], "SerializationException", "list is not a map"),
    ],
)
def test_a_call_is_judged_as_a_request_is(members: Any, code: str, message: str) -> None:
    with pytest.raises(ServiceError, match=message) as caught:
        from_members(GLUE.operations["GetTables"], members, "ValidationException")
    assert caught.value.code == code
