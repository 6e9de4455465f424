"""The delivery protocol, spoken to a real server."""

import asyncio
import base64
import json
from collections.abc import Sequence
from typing import Any

import pytest
from aiohttp import web

from millpond.services.firehose.delivery.interface import Batch
from millpond.services.firehose.destinations import http
from millpond.services.firehose.errors import InvalidArgument
from millpond.services.firehose.shapes import (
    HttpEndpointCommonAttribute,
    HttpEndpointConfiguration,
    HttpEndpointDestinationConfiguration,
    HttpEndpointRequestConfiguration,
    S3DestinationConfiguration,
    SecretsManagerConfiguration,
)

S3 = S3DestinationConfiguration(
    role_arn="arn:aws:iam::000000000000:role/r", bucket_arn="arn:aws:s3:::b"
)


def settings(url: str, **more: Any) -> HttpEndpointDestinationConfiguration:
    endpoint = HttpEndpointConfiguration(url=url, access_key=more.pop("access_key", None))
    return HttpEndpointDestinationConfiguration(
        endpoint_configuration=endpoint, s3_configuration=S3, **more
    )


class Endpoint:
    """Keeps what it gets, and answers as it is told to (as it should, by default)."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.headers: list[Any] = []
        self.bodies: list[Any] = []

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        self.headers.append(request.headers)
        self.bodies.append(await request.json())
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, web.StreamResponse):
            return answer
        good = {"requestId": self.bodies[-1]["requestId"], "timestamp": 1578090903599}
        return web.json_response(good | (answer or {}))

    def data(self) -> list[bytes]:
        return [base64.b64decode(one["data"]) for body in self.bodies for one in body["records"]]


async def test_a_batch_is_sent_as_aws_documents(
    needs: Any, delivery_to: Any, batch_of: Any, serve: Any
) -> None:
    endpoint = Endpoint()
    asked = HttpEndpointRequestConfiguration(
        common_attributes=[
            HttpEndpointCommonAttribute(attribute_name="stage", attribute_value="prüfung 😀"),
        ]
    )
    url = await serve(endpoint)
    one = http.destination(
        needs,
        delivery_to(settings(f"{url}/in?x=y", access_key="hunter2", request_configuration=asked)),
    )
    assert await one.deliver(batch_of(b"a", b"\xff")) == []
    (headers,), (body,) = endpoint.headers, endpoint.bodies
    assert headers["X-Amz-Firehose-Protocol-Version"] == "1.0"
    assert headers["X-Amz-Firehose-Source-Arn"].endswith("deliverystream/clicks")
    assert headers["X-Amz-Firehose-Access-Key"] == "hunter2"
    assert headers["X-Amz-Firehose-Request-Id"] == body["requestId"]
    assert headers["Content-Type"] == "application/json"
    assert "Content-Encoding" not in headers
    assert json.loads(headers["X-Amz-Firehose-Common-Attributes"]) == {
        "commonAttributes": {"stage": "prüfung 😀"}
    }
    assert body["timestamp"] == 1_700_000_000_123
    assert endpoint.data() == [b"a", b"\xff"]


async def test_bodies_are_compressed_where_asked_for(
    needs: Any, delivery_to: Any, batch_of: Any, serve: Any
) -> None:
    endpoint = Endpoint()
    asked = HttpEndpointRequestConfiguration(content_encoding="GZIP")
    url = await serve(endpoint)
    one = http.destination(needs, delivery_to(settings(url, request_configuration=asked)))
    assert await one.deliver(batch_of(b"x" * 10_000)) == []
    assert endpoint.headers[0]["Content-Encoding"] == "gzip"
    assert int(endpoint.headers[0]["Content-Length"]) < 1000
    assert endpoint.data() == [b"x" * 10_000]


@pytest.mark.parametrize(
    ("answer", "code", "is_final"),
    [
        (web.Response(status=500, text="oh"), "HttpEndpoint.DestinationException", False),
        (web.Response(status=202), "HttpEndpoint.DestinationException", False),
        (web.Response(status=401), "HttpEndpoint.DestinationException", False),
        (web.Response(status=413), "HttpEndpoint.DestinationException", True),
        (web.Response(text="fine"), "HttpEndpoint.InvalidResponseFromDestination", False),
        ({"requestId": "other"}, "HttpEndpoint.InvalidResponseFromDestination", False),
        ({"timestamp": None}, "HttpEndpoint.InvalidResponseFromDestination", False),
        (web.Response(body=bytes((1 << 20) + 1)), "HttpEndpoint.ResponseTooLarge", False),
    ],
)
async def test_what_is_no_receipt_is_told_with_awss_code(
    needs: Any, delivery_to: Any, batch_of: Any, serve: Any, answer: Any, code: str, is_final: bool
) -> None:
    url = await serve(Endpoint(answer))
    one = http.destination(needs, delivery_to(settings(url, access_key="hunter2")))
    undelivered = await one.deliver(batch_of(b"a", b"b"))
    assert [(lost.record.data, lost.code, lost.is_final) for lost in undelivered] == [
        (b"a", code, is_final),
        (b"b", code, is_final),
    ]
    assert undelivered[1].more == {"subsequenceNumber": 0, "dataId": "1.0"}
    assert "hunter2" not in str(undelivered)


async def test_the_status_and_the_answer_are_told(
    needs: Any, delivery_to: Any, batch_of: Any, serve: Any
) -> None:
    url = await serve(Endpoint(web.Response(status=403, text='{"errorMessage":"Unauthorized"}')))
    (lost,) = await http.destination(needs, delivery_to(settings(url))).deliver(batch_of(b"a"))
    assert lost.message == (
        "The following response was received from the endpoint destination. "
        '403: {"errorMessage":"Unauthorized"}'
    )


async def test_the_request_id_stays_on_retries_and_differs_between_requests(
    needs: Any, delivery_to: Any, batch_of: Any, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "RECORDS_MAX", 2)
    endpoint = Endpoint(None, web.Response(status=503), None)
    url = await serve(endpoint)
    one = http.destination(needs, delivery_to(settings(url)))
    batch: Batch = batch_of(b"a", b"b", b"c", b"d", b"e")
    undelivered = await one.deliver(batch)
    assert [lost.record.data for lost in undelivered] == [b"c", b"d"]
    rest = Batch(batch.id, [lost.record for lost in undelivered], 2)
    assert await one.deliver(rest) == []
    first, second, third, again = [body["requestId"] for body in endpoint.bodies]
    assert again == second and len({first, second, third}) == 3


async def test_requests_stay_within_their_size(
    needs: Any, delivery_to: Any, batch_of: Any, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "DATA_SIZE_BYTES_MAX", 10)
    endpoint = Endpoint()
    url = await serve(endpoint)
    data: Sequence[bytes] = [b"123456", b"1234", b"1", b"12345678901234"]
    await http.destination(needs, delivery_to(settings(url))).deliver(batch_of(*data))
    assert [len(body["records"]) for body in endpoint.bodies] == [2, 1, 1]
    assert endpoint.data() == data


async def test_silence_and_absence_are_told_apart(
    needs: Any, delivery_to: Any, batch_of: Any, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(request: web.Request) -> web.Response:
        await asyncio.sleep(60)
        return web.Response()

    monkeypatch.setattr(http, "ANSWER_SECONDS_MAX", 0.05)
    codes = []
    for url in (await serve(silent), "http://127.0.0.1:1/"):
        (lost,) = await http.destination(needs, delivery_to(settings(url))).deliver(batch_of(b"a"))
        codes.append((lost.code, lost.is_final))
    assert codes == [
        ("HttpEndpoint.RequestTimeout", False),
        ("HttpEndpoint.ConnectionFailed", False),
    ]


@pytest.mark.parametrize("url", ["https://", "ftp://x/", "http://[::1", "http://host:port/"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(InvalidArgument, match="Url must be"):
        http.check(settings(url))


def test_secrets_of_another_service_are_refused_by_name() -> None:
    secrets = SecretsManagerConfiguration(enabled=True)
    with pytest.raises(InvalidArgument, match="SecretsManagerConfiguration is not implemented"):
        http.check(settings("https://example.com", secrets_manager_configuration=secrets))
    http.check(settings("http://127.0.0.1:9000/x"))
