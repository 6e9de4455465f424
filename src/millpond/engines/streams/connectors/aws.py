"""Calls AWS over HTTP as a run may: its endpoint, its credentials, its region.

    aws = Aws(world.credentials)
    answer = await aws.call("kinesis", "ListShards", {"StreamName": "orders"})
    answer = await aws.request("s3", "GET", "/bucket/key", headers={"Range": "bytes=0-99"})

Lean, because it is on the way of every record: connections are kept, requests are signed here,
answers of JSON are read by msgspec into a type. What passes is retried with growing, random pauses:
throttling, 5xx, lost connections, a clock that is off, credentials that are being renewed.
"""

import asyncio
import hashlib
import random
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import aiohttp
import msgspec
import yarl

from millpond.engines.streams.connectors.interface import Credentials
from millpond.engines.streams.connectors.signing import (
    UNSIGNED,
    encoded_path,
    encoded_query,
    signed_headers,
)

PATIENCE_SECONDS = 120.0
"""How long what passes is tried again before it is an error."""
_PAUSE_SECONDS_MIN = 0.05
_PAUSE_SECONDS_MAX = 5.0
_CONNECT_SECONDS_MAX = 5.0
_READ_SECONDS_MAX = 60.0
_SKEW_SECONDS_MIN = 2.0
_JSON = "application/x-amz-json-1.1"
_PREFIXES = {"kinesis": "Kinesis_20131202", "firehose": "Firehose_20150804", "glue": "AWSGlue"}
_PASSING = frozenset(
    {
        "BandwidthLimitExceeded",
        "InternalFailure",
        "InternalFailureException",
        "InternalServerError",
        "KMSThrottlingException",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
_RENEWABLE = frozenset({"ExpiredToken", "ExpiredTokenException"})
_SKEWED = frozenset(
    {
        "InvalidSignatureException",
        "RequestExpired",
        "RequestInTheFuture",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
    }
)
_LOST = (aiohttp.ClientError, ConnectionError, TimeoutError, asyncio.IncompleteReadError)


class AwsError(Exception):
    """AWS refused a request, or did not answer for as long as is worth waiting (`status` 0).

    `code` is AWS's, such as `ResourceNotFoundException`.
    """

    def __init__(self, code: str, text: str, status: int = 0) -> None:
        super().__init__(f"{code}: {text}" if code else text)
        self.code = code
        self.text = text
        self.status = status

    @property
    def passing(self) -> bool:
        """Whether trying again may help."""
        return self.status >= 500 or self.status == 429 or not self.status or self.code in _PASSING


class Answer(NamedTuple):
    """An answer that came whole; the names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _Errors(msgspec.Struct):
    type: str | None = msgspec.field(default=None, name="__type")
    message: str | None = None
    upper_message: str | None = msgspec.field(default=None, name="Message")


class Aws:
    """A client for all services of one region (the run's, if none is named)."""

    def __init__(self, credentials: Credentials, region: str | None = None) -> None:
        self._credentials = credentials
        self._region = region
        self._session: aiohttp.ClientSession | None = None
        self._skew_seconds = 0.0
        self._encoder = msgspec.json.Encoder()

    async def call(
        self,
        service: str,
        operation: str,
        payload: Any,
        answer: Any = dict[str, Any],
        *,
        patience_seconds: float = PATIENCE_SECONDS,
        pause_seconds_max: float = _PAUSE_SECONDS_MAX,
    ) -> Any:
        """Call an operation of a service that speaks JSON 1.1 (kinesis, firehose, glue); what it
        answers as `answer`'s type. `payload` is whatever msgspec writes; bytes become base64.

        Raises:
            AwsError: it refused, or nothing helped.
        """
        found = await self.request(
            service,
            "POST",
            "/",
            headers=json_headers(service, operation),
            body=self._encoder.encode(payload),
            patience_seconds=patience_seconds,
            pause_seconds_max=pause_seconds_max,
        )
        return msgspec.json.decode(found.body or b"{}", type=answer)

    async def request(
        self,
        service: str,
        method: str,
        path: str,
        *,
        query: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        body: bytes | Path = b"",
        accepted: Sequence[int] = (),
        patience_seconds: float = PATIENCE_SECONDS,
        pause_seconds_max: float = _PAUSE_SECONDS_MAX,
    ) -> Answer:
        """Send a request and wait for its whole answer. `path` is not encoded yet; a body that is a
        file's path is streamed, unsigned. A status from 400 on that is not `accepted` is an error.

        Raises:
            AwsError: it was refused, or nothing helped.
        """
        until = time.monotonic() + patience_seconds
        attempt = 0
        while True:
            try:
                async with self.opened(
                    service,
                    method,
                    path,
                    query=query,
                    headers=headers,
                    body=body,
                    accepted=accepted,
                ) as response:
                    whole = await response.read()
                    return Answer(response.status, _lower(response.headers), whole)
            except AwsError as error:
                if not error.passing and error.code not in _RENEWABLE:
                    raise
                last = error
            except _LOST as error:
                last = AwsError("", f"{self.endpoint} does not answer: {error!r}")
            attempt += 1
            pause = _pause_seconds(attempt, pause_seconds_max)
            if time.monotonic() + pause > until:
                raise last
            await asyncio.sleep(pause)

    @asynccontextmanager
    async def opened(
        self,
        service: str,
        method: str,
        path: str,
        *,
        query: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        body: bytes | Path = b"",
        accepted: Sequence[int] = (),
        read_seconds_max: float = _READ_SECONDS_MAX,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a request once and give the answer to be read as it comes.

        Raises:
            AwsError: it was refused.
            aiohttp.ClientError, ConnectionError, TimeoutError: the connection was lost.
        """
        access = self._credentials.access
        target = encoded_path(path)
        listed = encoded_query(query)
        file = body if isinstance(body, Path) else None
        sent = signed_headers(
            access,
            service=service,
            region=self._region or access.region,
            method=method,
            host=urlsplit(access.endpoint).netloc,
            path=target,
            query=listed,
            headers=headers or {},
            payload_hash=UNSIGNED if isinstance(body, Path) else hashlib.sha256(body).hexdigest(),
            stamp=self._stamp(),
        )
        url = f"{access.endpoint.rstrip('/')}{target}{'?' + listed if listed else ''}"
        opened = file.open("rb") if file else None
        try:
            async with self._opened_session().request(
                method,
                yarl.URL(url, encoded=True),
                headers=sent | ({"content-length": str(file.stat().st_size)} if file else {}),
                data=opened or body or None,
                timeout=aiohttp.ClientTimeout(
                    sock_connect=_CONNECT_SECONDS_MAX, sock_read=read_seconds_max
                ),
                allow_redirects=False,
            ) as response:
                if response.status >= 400 and response.status not in accepted:
                    raise await self._refusal(response)
                yield response
        finally:
            if opened:
                opened.close()

    @property
    def endpoint(self) -> str:
        return self._credentials.access.endpoint

    async def close(self) -> None:
        """Let go of the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _opened_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=30),
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
                auto_decompress=False,
                read_bufsize=1 << 18,
            )
        return self._session

    def _stamp(self) -> str:
        moment = datetime.fromtimestamp(time.time() + self._skew_seconds, UTC)
        return f"{moment:%Y%m%dT%H%M%SZ}"

    async def _refusal(self, response: aiohttp.ClientResponse) -> AwsError:
        error = error_of(response.status, _lower(response.headers), await response.read())
        if error.code in _SKEWED and (stated := response.headers.get("Date")):
            theirs = parsedate_to_datetime(stated).timestamp()
            self._skew_seconds, before = theirs - time.time(), self._skew_seconds
            if abs(self._skew_seconds - before) < _SKEW_SECONDS_MIN:
                self._skew_seconds = before
            else:
                error.status = 0
        return error


def json_headers(service: str, operation: str) -> dict[str, str]:
    """The headers that name an operation of a service that speaks JSON 1.1."""
    return {"Content-Type": _JSON, "X-Amz-Target": f"{_PREFIXES[service]}.{operation}"}


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _pause_seconds(attempt: int, longest: float) -> float:
    most = min(longest, _PAUSE_SECONDS_MIN * 2 ** min(attempt, 16))
    return random.uniform(_PAUSE_SECONDS_MIN / 2, most)  # noqa: S311


def error_of(status: int, headers: Mapping[str, str], body: bytes) -> AwsError:
    """The refusal that an answer tells, in JSON or in S3's XML."""
    code = headers.get("x-amzn-errortype", "")
    text = ""
    if body[:1] == b"<":
        code = _between(body, b"<Code>", b"</Code>") or code
        text = _between(body, b"<Message>", b"</Message>")
    elif body:
        try:
            told = msgspec.json.decode(body, type=_Errors)
        except msgspec.MsgspecError:
            told = _Errors(message=body[:200].decode("utf-8", "replace"))
        code = told.type or code
        text = told.message or told.upper_message or ""
    code = code.split(":")[0].rpartition("#")[2]
    return AwsError(code or f"HTTP {status}", text or f"HTTP status {status}", status)


def _between(body: bytes, begin: bytes, end: bytes) -> str:
    _, _, rest = body.partition(begin)
    return rest.partition(end)[0].decode("utf-8", "replace")
