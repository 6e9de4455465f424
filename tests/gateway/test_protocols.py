"""A service of several protocols is answered, and refused, in the one that a request is in."""

import gzip
import json
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import boto3
import cbor2
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.gateway.http2 import signed
from tests.gateway.toy import KEY, READER_KEY, SECRET, Running, Shelf

CLOUDWATCH = ["smithy-rpc-v2-cbor", "json", "query"]
CBOR = "application/x-amz-cbor-1.1"


@pytest.fixture
def cloudwatch(server: Running, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """A client of CloudWatch that speaks one protocol only."""

    def make(protocol: str, **session: Any) -> Any:
        monkeypatch.setattr("botocore.model.PRIORITY_ORDERED_SUPPORTED_PROTOCOLS", [protocol])
        keys = {"aws_access_key_id": KEY, "aws_secret_access_key": SECRET, **session}
        return boto3.client(
            "cloudwatch",
            endpoint_url=server.endpoint,
            region_name="eu-central-1",
            config=Config(retries={"total_max_attempts": 1}, parameter_validation=False),
            **keys,
        )

    return make


@pytest.mark.parametrize("protocol", CLOUDWATCH)
def test_each_protocol_is_answered_in_itself(
    cloudwatch: Callable[..., Any], shelf: Shelf, protocol: str
) -> None:
    client = cloudwatch(protocol)
    assert client.meta.service_model.resolved_protocol == protocol
    datum = {"MetricName": "m", "Value": 1.5, "Timestamp": 1_700_000_000.5}
    client.put_metric_data(Namespace="n", MetricData=[datum])
    sent = shelf.seen[-1].metric_data[0]
    assert (sent.metric_name, sent.value, sent.timestamp) == ("m", 1.5, 1_700_000_000.5)
    answer = client.list_metrics(Namespace="n")
    assert answer["Metrics"] == [{"Namespace": "n", "MetricName": "Count"}]
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    assert (
        headers["content-type"]
        == {
            "smithy-rpc-v2-cbor": "application/cbor",
            "json": "application/x-amz-json-1.0",
            "query": "text/xml",
        }[protocol]
    )


@pytest.mark.parametrize("protocol", CLOUDWATCH)
def test_each_protocol_has_the_code_of_the_query_protocol(
    cloudwatch: Callable[..., Any], protocol: str
) -> None:
    with pytest.raises(ClientError, match="The value Refused") as caught:
        cloudwatch(protocol).list_metrics(Namespace="Refused")
    error = caught.value.response["Error"]
    assert (error["Code"], error["Type"]) == ("InvalidParameterValue", "Sender")
    with pytest.raises(ClientError) as caught:
        cloudwatch(protocol).list_metrics(Namespace="")
    assert caught.value.response["Error"]["Code"] == "ValidationError"


@pytest.mark.parametrize("protocol", CLOUDWATCH)
def test_each_protocol_is_refused_in_itself(cloudwatch: Callable[..., Any], protocol: str) -> None:
    for session, code in (
        ({"aws_access_key_id": "AKIANOBODY"}, "InvalidClientTokenId"),
        ({"aws_secret_access_key": "wrong"}, "SignatureDoesNotMatch"),
        ({"aws_access_key_id": READER_KEY}, "AccessDenied"),
    ):
        with pytest.raises(ClientError) as caught:
            cloudwatch(protocol, **session).list_metrics(Namespace="n")
        assert caught.value.response["Error"]["Code"] == code
    with pytest.raises(ClientError, match="does not implement cloudwatch PutDashboard"):
        cloudwatch(protocol).put_dashboard(DashboardName="d", DashboardBody="{}")


@pytest.mark.parametrize("protocol", CLOUDWATCH)
def test_a_body_that_the_sdk_compressed_is_read(
    cloudwatch: Callable[..., Any], shelf: Shelf, protocol: str
) -> None:
    data = [{"MetricName": f"metric-{number}", "Value": 1.0} for number in range(900)]
    cloudwatch(protocol).put_metric_data(Namespace="n", MetricData=data)
    assert len(shelf.seen[-1].metric_data) == 900


def post(
    server: Running, service: str, path: str, body: bytes, headers: dict[str, str]
) -> tuple[int, bytes, Any]:
    url = f"{server.endpoint}{path}"
    request = urllib.request.Request(url, body, method="POST")
    for name, value in signed(service, "POST", url, body=body, headers=headers):
        request.add_header(name, value)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read(), answer.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(), error.headers


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"not gzip", "SerializationException"),
        (gzip.compress(b"{}")[:-3], "SerializationException"),
        (gzip.compress(b"{}") + b"more", "SerializationException"),
        (gzip.compress(bytes(17_000_000)), "RequestEntityTooLargeException"),
    ],
)
def test_a_compressed_body_is_whole_and_bounded(server: Running, body: bytes, code: str) -> None:
    headers = {
        "content-type": "application/x-amz-json-1.0",
        "content-encoding": "gzip",
        "x-amz-target": "GraniteServiceVersion20100801.ListMetrics",
    }
    status, answer, _ = post(server, "monitoring", "/", body, headers)
    assert status in (400, 413)
    assert json.loads(answer)["__type"] == code


def kinesis(server: Running, operation: str, body: bytes) -> tuple[int, Any, Any]:
    headers = {"content-type": CBOR, "x-amz-target": f"Kinesis_20131202.{operation}"}
    status, answer, said = post(server, "kinesis", "/", body, headers)
    assert said["content-type"] == CBOR
    return status, cbor2.loads(answer), said


def test_kinesis_takes_and_gives_cbor(server: Running, shelf: Shelf) -> None:
    """As Java's SDK writes it: containers without lengths, blobs as bytes."""
    data = os.urandom(50)
    records = [{"Data": data, "PartitionKey": "k"}]
    body = cbor2.dumps({"StreamName": "s", "Records": records}, indefinite_containers=True)
    status, answer, _ = kinesis(server, "PutRecords", body)
    assert status == 200
    assert answer["Records"] == [{"SequenceNumber": "4" * 56, "ShardId": "shardId-1"}]
    assert shelf.seen[-1].records[0].data == data


def test_kinesis_refuses_in_cbor(server: Running, shelf: Shelf) -> None:
    status, answer, said = kinesis(server, "PutRecord", b"\xff")
    assert (status, answer["__type"]) == (400, "SerializationException")
    assert said["x-amzn-requestid"]
    status, answer, _ = kinesis(server, "PutRecords", cbor2.dumps({"Records": []}))
    assert (status, answer["__type"]) == (400, "ValidationException")
    assert "'records' failed to satisfy constraint" in answer["message"]
    status, answer, _ = kinesis(server, "Nothing", cbor2.dumps({}))
    assert (status, answer["__type"]) == (400, "UnknownOperationException")
    subscription = {
        "ConsumerARN": "arn:aws:kinesis:eu-central-1:123456789012:stream/s/consumer/c:1",
        "ShardId": "none",
        "StartingPosition": {"Type": "LATEST"},
    }
    status, answer, _ = kinesis(server, "SubscribeToShard", cbor2.dumps(subscription))
    assert (status, answer["__type"]) == (400, "ResourceNotFoundException")


def test_an_unknown_service_is_refused_in_the_form_of_the_request(server: Running) -> None:
    for path, headers, form in (
        ("/", {"content-type": CBOR, "x-amz-target": "Nobody.Act"}, CBOR),
        ("/service/Nobody/operation/Act", {"smithy-protocol": "rpc-v2-cbor"}, "application/cbor"),
    ):
        status, answer, said = post(server, "nobody", path, cbor2.dumps({}), headers)
        assert (status, said["content-type"]) == (501, form)
        assert cbor2.loads(answer)["__type"] == "NotImplemented"
