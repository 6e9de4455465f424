"""Operations run again after a lost race, and their failures become refusals that tell nothing."""

import logging
import re
from pathlib import Path
from typing import Any

import pytest

from millpond.gateway.dispatch import ATTEMPTS_MAX, caller
from millpond.kernel.body import BytesBody
from millpond.kernel.call import Call
from millpond.kernel.errors import ServiceError
from millpond.wire.errors import NotImplementedByMillpond
from tests.gateway.toy import ACCOUNT, CREDENTIALS, KEY, READER_KEY, Shelf, make_services


def call_of(key: str = KEY) -> Call:
    principal = CREDENTIALS[key].principal
    return Call("athena", "StartQuery", ACCOUNT, "eu-west-1", principal, "id-1", "http://h")


async def test_a_lost_race_is_run_again(client: Any, shelf: Shelf) -> None:
    shelf.conflicts = 5
    assert client("glue").get_database(Name="conflict")["Database"]["Name"] == "conflict"
    assert len(shelf.calls) == 6


async def test_races_are_not_run_for_ever(client: Any, shelf: Shelf) -> None:
    glue = client("glue")
    with pytest.raises(glue.exceptions.ClientError) as refused:
        glue.get_database(Name="always-conflict")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    assert refused.value.response["Error"]["Code"] == "ServiceUnavailableException"
    assert shelf.conflicts == ATTEMPTS_MAX


async def test_an_upload_that_lost_a_race_is_told_to_come_again(client: Any, shelf: Shelf) -> None:
    """Its body is gone, so it cannot be run again here."""
    s3 = client("s3")
    shelf.conflicts = 1
    with pytest.raises(s3.exceptions.ClientError) as refused:
        s3.put_object(Bucket="b", Key="k", Body=b"content")
    assert refused.value.response["Error"]["Code"] == "SlowDown"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    assert s3.put_object(Bucket="b", Key="k", Body=b"content")


@pytest.mark.parametrize(
    "name,status,code",
    [
        ("full", 503, "ServiceUnavailableException"),
        ("unavailable", 503, "ServiceUnavailableException"),
        ("damaged", 500, "InternalFailure"),
        ("crash", 500, "InternalFailure"),
    ],
)
async def test_the_platforms_trouble_is_logged_and_not_told(
    client: Any, shelf: Shelf, caplog: pytest.LogCaptureFixture, name: str, status: int, code: str
) -> None:
    glue = client("glue")
    with caplog.at_level(logging.WARNING), pytest.raises(glue.exceptions.ClientError) as refused:
        glue.get_database(Name=name)
    response = refused.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert response["Error"]["Code"] == code
    assert "secret" not in str(response)
    request_id = response["ResponseMetadata"]["RequestId"]
    assert re.fullmatch("[0-9a-f-]{36}", request_id)
    assert f"glue GetDatabase [{request_id}]" in caplog.text


async def test_an_operation_without_a_function_is_refused_by_name(
    client: Any, shelf: Shelf
) -> None:
    glue = client("glue")
    for ask in (glue.get_table, glue.get_partition):
        with pytest.raises(glue.exceptions.ClientError) as refused:
            arguments = {"DatabaseName": "d"}
            if ask == glue.get_table:
                ask(**arguments, Name="t")
            else:
                ask(**arguments, TableName="t", PartitionValues=["1"])
        assert refused.value.response["Error"]["Code"] == "NotImplemented"
        assert "Get" in refused.value.response["Error"]["Message"]


async def test_services_call_one_another_with_members(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    call_aws = caller(make_services(shelf), [("s3", "PutObject"), ("s3", "GetObject")])
    await call_aws(call_of(), "s3", "PutObject", Bucket="b", Key="k", Body=BytesBody(b"hi"))
    answer = await call_aws(call_of(), "s3", "GetObject", Bucket="b", Key="k")
    assert [piece async for piece in answer["Body"]] == [b"hi"]
    assert answer["Metadata"] == {"who": "toy"}
    inner = shelf.calls[-1]
    assert (inner.service, inner.operation, inner.region) == ("s3", "GetObject", "eu-west-1")
    assert (inner.principal, inner.request_id) == (call_of().principal, "id-1")


async def test_a_service_is_refused_as_its_caller_would_be(tmp_path: Path) -> None:
    call_aws = caller(make_services(Shelf(tmp_path)), [("s3", "PutObject"), ("s3", "GetObject")])
    with pytest.raises(ServiceError) as denied:
        await call_aws(call_of(READER_KEY), "s3", "PutObject", Bucket="b", Key="k", Body=b"")
    assert denied.value.code == "AccessDenied"
    with pytest.raises(ServiceError) as missing:
        await call_aws(call_of(READER_KEY), "s3", "GetObject", Bucket="b", Key="k")
    assert missing.value.code == "NoSuchKey"
    with pytest.raises(ServiceError) as invalid:
        await call_aws(call_of(), "s3", "GetObject", Bucket="b")
    assert invalid.value.status == 400


async def test_a_service_calls_only_what_it_said_it_would(tmp_path: Path) -> None:
    call_aws = caller(make_services(Shelf(tmp_path)), [("s3", "CreateBucket")])
    with pytest.raises(AssertionError, match="GetObject"):
        await call_aws(call_of(), "s3", "GetObject", Bucket="b", Key="k")
    with pytest.raises(NotImplementedByMillpond):
        await call_aws(call_of(), "s3", "CreateBucket", Bucket="b")


async def test_an_operation_calls_another_over_the_whole_chain(client: Any, shelf: Shelf) -> None:
    shelf.objects["bucket", "k"] = b"inner"
    glue = client("glue")
    glue.create_database(DatabaseInput={"Name": "d", "Description": "k"})
    assert [piece async for piece in shelf.seen[0]["Body"]] == [b"inner"]
    with pytest.raises(glue.exceptions.ClientError) as refused:
        glue.create_database(DatabaseInput={"Name": "d", "Description": "absent"})
    assert refused.value.response["Error"]["Code"] == "NoSuchKey"


async def test_a_call_knows_where_its_client_came_in(
    client: Any, shelf: Shelf, server: Any
) -> None:
    client("glue", region_name="ap-southeast-2").get_database(Name="d")
    assert shelf.calls[0].endpoint == server.endpoint
    assert shelf.calls[0].region == "ap-southeast-2"
    assert shelf.calls[0].arn("glue", "x") == f"arn:aws:glue:ap-southeast-2:{ACCOUNT}:x"
