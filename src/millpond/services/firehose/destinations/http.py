"""HTTP endpoints: the documented delivery protocol, version 1.0.

A request is a POST of `{"requestId", "timestamp", "records": [{"data"}]}`, compressed if asked for.
It has arrived when the answer is 200 and a JSON object with the same requestId. The request id is
the same each time the same records are sent. The access key is sent and never told.

Source: Firehose Developer Guide, HTTP endpoint delivery request and response specifications;
Troubleshooting HTTP endpoints.
"""

import asyncio
import gzip
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from millpond.kernel.outgoing import Reply, Unreachable
from millpond.services.firehose.delivery.interface import (
    HTTP_ENDPOINT_FAILED,
    Batch,
    Delivery,
    Destination,
    Record,
    Undelivered,
)
from millpond.services.firehose.destinations.addresses import check_url, is_timeout
from millpond.services.firehose.errors import not_implemented
from millpond.services.firehose.needs import Needs
from millpond.services.firehose.shapes import HttpEndpointDestinationConfiguration

ANSWER_SECONDS_MAX = 180.0
"""How long an endpoint may take to answer."""
RECORDS_MAX = 10_000
DATA_SIZE_BYTES_MAX = 48 << 20
"""Bounds of one request: a body of 64 MiB, of which Base64 takes a quarter."""
REPLY_SIZE_BYTES_MAX = 1 << 20
_TOLD_CHARACTERS_MAX = 1000


class _RequestRecord(msgspec.Struct):
    data: bytes


class _Reply(msgspec.Struct, rename="camel"):
    request_id: str
    timestamp: int | float


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Reply).decode


def check(configuration: HttpEndpointDestinationConfiguration) -> None:
    """Return if the endpoint can be delivered to.

    Raises:
        InvalidArgument: its URL is none, or an option is not implemented.
    """
    secrets = configuration.secrets_manager_configuration
    not_implemented(("SecretsManagerConfiguration", secrets is not None and secrets.enabled))
    check_url("Url", configuration.endpoint_configuration.url)


def destination(needs: Needs, delivery: Delivery) -> Destination:
    """The endpoint that `delivery.destination` names."""
    return HttpEndpoint(needs, delivery, delivery.destination)


class HttpEndpoint:
    """Delivers batches, each in one request or, past its bounds, in several."""

    failure_kind = HTTP_ENDPOINT_FAILED

    def __init__(
        self, needs: Needs, delivery: Delivery, settings: HttpEndpointDestinationConfiguration
    ) -> None:
        self._needs = needs
        self._url = settings.endpoint_configuration.url
        asked = settings.request_configuration
        self._is_compressed = asked is not None and asked.content_encoding == "GZIP"
        self._headers = _headers(delivery.arn, settings, self._is_compressed)

    async def deliver(self, batch: Batch) -> Sequence[Undelivered]:
        undelivered: list[Undelivered] = []
        for records in _requests(batch.records):
            undelivered += await self._send(batch.id, records)
        return undelivered

    async def close(self) -> None:
        """There is nothing to let go of."""

    async def _send(self, batch_id: str, records: Sequence[Record]) -> Sequence[Undelivered]:
        request_id = request_id_of(batch_id, records)
        body = await asyncio.to_thread(self._body, request_id, records)
        try:
            reply = await self._needs.outgoing.send(
                "POST",
                self._url,
                headers={**self._headers, "X-Amz-Firehose-Request-Id": request_id},
                body=body,
                seconds_max=ANSWER_SECONDS_MAX,
                reply_size_bytes_max=REPLY_SIZE_BYTES_MAX + 1,
            )
        except Unreachable as error:
            if is_timeout(error):
                text = "The delivery timed out before a response was received and will be retried."
                return _all(records, "HttpEndpoint.RequestTimeout", text)
            text = f"Unable to connect to the destination endpoint. {error}"
            return _all(records, "HttpEndpoint.ConnectionFailed", text)
        return _judge(reply, request_id, records)

    def _body(self, request_id: str, records: Sequence[Record]) -> bytes:
        # Record by record: encoding all at once would hold up the platform's other threads.
        data = b",".join([_encode(_RequestRecord(record.data)) for record in records])
        head = f'{{"requestId":"{request_id}","timestamp":{self._needs.clock.now_ms()},"records":['
        body = head.encode() + data + b"]}"
        return gzip.compress(body, compresslevel=6, mtime=0) if self._is_compressed else body


def request_id_of(batch_id: str, records: Sequence[Record]) -> str:
    """The request id for these records of a batch, on every attempt."""
    return str(uuid.uuid5(uuid.UUID(batch_id), records[0].id))


def _headers(
    arn: str, settings: HttpEndpointDestinationConfiguration, is_compressed: bool
) -> Mapping[str, str]:
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Amazon Kinesis Data Firehose Agent/1.0",
        "X-Amz-Firehose-Protocol-Version": "1.0",
        "X-Amz-Firehose-Source-Arn": arn,
    }
    if is_compressed:
        headers["Content-Encoding"] = "gzip"
    if settings.endpoint_configuration.access_key:
        headers["X-Amz-Firehose-Access-Key"] = settings.endpoint_configuration.access_key
    asked = settings.request_configuration
    if asked is not None and asked.common_attributes:
        attributes = {one.attribute_name: one.attribute_value for one in asked.common_attributes}
        text = _encode({"commonAttributes": attributes}).decode()
        headers["X-Amz-Firehose-Common-Attributes"] = _ascii(text)
    return headers


def _ascii(json_text: str) -> str:
    """JSON whose other characters are escaped: headers carry no others safely."""
    units = json_text.encode("utf-16-be")
    return "".join(
        chr(unit) if unit < 0x7F else f"\\u{unit:04x}"
        for unit in (int.from_bytes(units[at : at + 2], "big") for at in range(0, len(units), 2))
    )


def _requests(records: Sequence[Record]) -> Iterator[Sequence[Record]]:
    start = size = 0
    for at, record in enumerate(records):
        if at > start and (
            size + len(record.data) > DATA_SIZE_BYTES_MAX or at - start == RECORDS_MAX
        ):
            yield records[start:at]
            start, size = at, 0
        size += len(record.data)
    if start < len(records):
        yield records[start:]


def _judge(reply: Reply, request_id: str, records: Sequence[Record]) -> Sequence[Undelivered]:
    told = reply.body[:_TOLD_CHARACTERS_MAX].decode(errors="replace")
    if reply.status != 200:
        text = (
            "The following response was received from the endpoint destination. "
            f"{reply.status}: {told}"
        )
        # What is too large now will be too large again: this alone is not tried again.
        return _all(records, "HttpEndpoint.DestinationException", text, reply.status == 413)
    if len(reply.body) > REPLY_SIZE_BYTES_MAX:
        text = "The response received from the endpoint is too large."
        return _all(records, "HttpEndpoint.ResponseTooLarge", text)
    try:
        answer = _decode(reply.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        answer = None
    if answer is None or answer.request_id != request_id:
        problem = (
            "is not recognized as valid JSON or has unexpected fields"
            if answer is None
            else "has another requestId"
        )
        text = (
            "The response received from the specified endpoint is invalid. Response for request "
            f"{request_id} {problem}. Response: {told}"
        )
        return _all(records, "HttpEndpoint.InvalidResponseFromDestination", text)
    return ()


def _all(
    records: Sequence[Record], code: str, message: str, is_final: bool = False
) -> Sequence[Undelivered]:
    return [Undelivered(record, code, message, is_final, _more(record)) for record in records]


def _more(record: Record) -> Mapping[str, Any]:
    subsequence = max(0, record.subsequence)
    return {"subsequenceNumber": subsequence, "dataId": f"{record.sequence}.{subsequence}"}
