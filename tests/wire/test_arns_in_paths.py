"""An ARN in a path is one segment: SDKs encode its slashes, and the path comes decoded."""

from typing import Any
from urllib.parse import quote

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from millpond.wire.errors import UnknownPath
from millpond.wire.http import HeaderMap, Request
from millpond.wire.protocols import protocol_for
from millpond.wire.sigv4 import EMPTY_SHA256, verify
from millpond.wire.sigv4_claim import Refused, read_claim
from tests.wire.generated import model_of

ARN = "arn:aws:emr-serverless:us-east-1:000000000000:/applications/00a/jobruns/00b"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


def signed(sent: str, arrived: str) -> Request:
    """A request as it arrives whose path was sent, and signed, in another spelling."""
    request = AWSRequest("GET", f"http://localhost:4566{sent}")
    SigV4Auth(Credentials("AKIA", SECRET), "emr-serverless", "us-east-1").add_auth(request)
    headers = [("host", "localhost:4566"), *request.headers.items()]
    return Request("GET", arrived, "", HeaderMap(headers), "localhost:4566")


def test_a_signature_holds_though_the_slashes_were_encoded() -> None:
    request = signed(f"/tags/{quote(ARN, safe='')}", f"/tags/{ARN}")
    assert verify(read_claim(request), request, SECRET, s3=False, payload_hash=EMPTY_SHA256)


def test_a_signature_is_of_one_arn() -> None:
    request = signed(f"/tags/{quote(ARN, safe='')}", f"/tags/{ARN}0")
    with pytest.raises(Refused):
        verify(read_claim(request), request, SECRET, s3=False, payload_hash=EMPTY_SHA256)
    request = signed(f"/tags/{quote(ARN, safe='')}", f"/tags/{ARN}")
    with pytest.raises(Refused):
        verify(read_claim(request), request, SECRET, s3=True, payload_hash=EMPTY_SHA256)


def test_a_whole_arn_is_read_from_a_path() -> None:
    model = model_of("emr-serverless", "ListTagsForResource", "GetApplication")
    protocol = protocol_for(model)
    request = Request("GET", f"/tags/{ARN}", "", HeaderMap([]))
    operation = protocol.identify(request, None)
    parsed: Any = protocol.parse(operation, request, b"")
    assert operation.name == "ListTagsForResource"
    assert parsed.resource_arn == ARN
    with pytest.raises(UnknownPath):
        protocol.identify(Request("GET", "/applications/00a/else/where", "", HeaderMap([])), None)
