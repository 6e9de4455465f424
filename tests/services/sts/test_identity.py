"""Who is calling, as boto3 hears it and as an assumed role sees itself."""

import botocore.exceptions
import pytest

from millpond.kernel.call import Call, Principal
from millpond.services.sts.needs import Needs
from millpond.services.sts.operations import OPERATIONS
from millpond.services.sts.shapes import MODEL, GetCallerIdentityRequest


def test_the_root_key_is_the_account(server):
    identity = server.client("sts").get_caller_identity()
    assert identity["Account"] == "000000000000"
    assert identity["UserId"] == "000000000000"
    assert identity["Arn"] == "arn:aws:iam::000000000000:root"
    assert identity["ResponseMetadata"]["RequestId"]


async def test_an_assumed_role_is_its_session():
    principal = Principal(
        arn="arn:aws:sts::000000000000:assumed-role/EMR_EC2_DefaultRole/j-1",
        user_id="AROAEXAMPLEEXAMPLEEXA:j-1",
        access_key_id="ASIAEXAMPLEEXAMPLEEX",
        actions=(),
    )
    call = Call(
        service="sts",
        operation="GetCallerIdentity",
        account="000000000000",
        region="eu-west-1",
        principal=principal,
        request_id="r",
        endpoint="http://127.0.0.1:4566",
    )
    answer = await OPERATIONS["GetCallerIdentity"](Needs(), call, GetCallerIdentityRequest())
    assert (answer.arn, answer.user_id) == (principal.arn, principal.user_id)
    assert answer.account == "000000000000"


def test_a_wrong_secret_is_refused(server):
    client = server.client("sts", aws_secret_access_key="x" * 40)
    with pytest.raises(botocore.exceptions.ClientError) as refusal:
        client.get_caller_identity()
    assert refusal.value.response["Error"]["Code"] == "SignatureDoesNotMatch"
    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_an_unknown_key_is_refused(server):
    client = server.client("sts", aws_access_key_id="AKIAUNKNOWNUNKNOWN00")
    with pytest.raises(botocore.exceptions.ClientError) as refusal:
        client.get_caller_identity()
    assert refusal.value.response["Error"]["Code"] == "InvalidClientTokenId"


def test_what_is_not_implemented_is_refused_by_name(server):
    with pytest.raises(botocore.exceptions.ClientError) as refusal:
        server.client("sts").get_session_token()
    assert refusal.value.response["Error"]["Code"] == "NotImplemented"
    assert "GetSessionToken" in refusal.value.response["Error"]["Message"]


def test_every_operation_of_the_shapes_is_there():
    assert set(OPERATIONS) == set(MODEL.operations)
