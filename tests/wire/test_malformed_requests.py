"""Requests that are not what the model says, each with AWS's refusal: `cases/*.json`.

A case's request has a body in `body` or `body_base64`, or one made by `repeat`: a beginning, a
text, how often it stands, and an end.
"""

import base64
import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from millpond.kernel.errors import ServiceError
from millpond.wire.http import Answer, HeaderMap, Request
from millpond.wire.protocols import protocol_for
from tests.wire import botocore_side

CASES = [
    pytest.param(case, id=f"{path.stem}: {case['name']}")
    for path in sorted((Path(__file__).parent / "cases").glob("*.json"))
    for case in json.loads(path.read_text())
]


@pytest.mark.parametrize("case", CASES)
def test_a_malformed_request_gets_the_refusal_of_aws(case: dict[str, Any]) -> None:
    answer = refusal_of(case)
    assert isinstance(answer.body, bytes)
    aws = botocore_side.service_model(case["service"])
    read = botocore_side.read(aws.operation_model(aws.operation_names[0]), answer, answer.body)
    expected = case["answer"]
    assert answer.status == expected["status"]
    assert read["Error"]["Code"] == expected["code"]
    assert read["Error"]["Message"] == expected.get("message", read["Error"]["Message"])
    assert read["ResponseMetadata"]["RequestId"] == "request-1"
    for name, value in expected.get("members", {}).items():
        assert read["Error"][name] == value


def refusal_of(case: dict[str, Any]) -> Answer:
    protocol = protocol_for(import_module(f"millpond.services.{case['service']}.shapes").MODEL)
    request, body = request_of(case["request"])
    try:
        operation = protocol.identify(request, body if protocol.identifies_by_body else None)
        parsed = protocol.parse(operation, request, body)
    except ServiceError as error:
        return protocol.serialize_error(error, "request-1", head=request.method == "HEAD")
    raise AssertionError(f"taken as {parsed}")


def request_of(written: dict[str, Any]) -> tuple[Request, bytes]:
    headers = list(written.get("headers", {}).items())
    if "target" in written:
        headers.append(("X-Amz-Target", written["target"]))
    if "repeat" in written:
        begin, text, times, *end = written["repeat"]
        body = (begin + text * times + "".join(end)).encode()
    elif "body_base64" in written:
        body = base64.b64decode(written["body_base64"])
    else:
        body = (written.get("body") or "").encode()
    method, path = written.get("method", "POST"), written.get("path", "/")
    return Request(method, path, written.get("query", ""), HeaderMap(headers)), body
