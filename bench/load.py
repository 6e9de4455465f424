"""A lean HTTP/1.1 client: requests are signed and laid out beforehand, so that what is measured is
the server. It runs in a process of its own; boto3 would spend more time per request than either
server does.
"""

import asyncio
import multiprocessing
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

import uvloop
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


@dataclass(frozen=True)
class Target:
    """A server under test: its name in the report, its address and credentials."""

    name: str
    endpoint: str
    access_key_id: str
    secret_access_key: str


@dataclass(frozen=True)
class Run:
    """What a run of requests took. `latencies_ms` is sorted."""

    requests: int
    seconds: float
    received_bytes: int
    latencies_ms: Sequence[float]

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds

    def percentile_ms(self, share: float) -> float:
        return self.latencies_ms[
            min(int(len(self.latencies_ms) * share), len(self.latencies_ms) - 1)
        ]


def signed(target: Target, method: str, path: str, body: bytes = b"") -> bytes:
    """A whole request as bytes, signed in its header, its payload hashed."""
    request = AWSRequest(method, target.endpoint + path, data=body)
    request.context["client_config"] = None
    credentials = Credentials(target.access_key_id, target.secret_access_key)
    S3SigV4Auth(credentials, "s3", "us-east-1").add_auth(request)
    request.headers["Host"] = urlsplit(target.endpoint).netloc
    request.headers["Content-Length"] = str(len(body))
    lines = [f"{method} {path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


LayOut = Callable[[Target, str, str, bytes], bytes]


class _Connection(asyncio.Protocol):
    """Sends the next request when an answer is complete; counts what comes back."""

    def __init__(self, load: "_Load") -> None:
        self._load = load
        self._head = b""
        self._left = 0
        self._sent_at = 0.0
        self._closes = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        self._load.received_bytes += len(data)
        if self._left:
            self._left -= len(data)
        else:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            self._left = self._length(self._head[:end]) - (len(self._head) - end - 4)
            self._head = b""
        if self._left == 0:
            self._load.latencies_ms.append((time.perf_counter() - self._sent_at) * 1000)
            if self._closes:
                self._transport.close()
            else:
                self._send()

    def connection_lost(self, error: Exception | None) -> None:
        if self._closes and error is None:
            self._load.reopen()
        else:
            self._load.lost(error)

    def _length(self, head: bytes) -> int:
        status = int(head[9:12])
        if status >= 300:
            self._load.fail(RuntimeError(f"The server answered {head.decode(errors='replace')}"))
        self._closes = b"connection: close" in head.lower()
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                return int(value)
        return 0

    def _send(self) -> None:
        request = self._load.next()
        if request is None:
            self._transport.close()
            return
        self._sent_at = time.perf_counter()
        self._transport.write(request)


class _Load:
    def __init__(
        self, requests: Sequence[bytes], connections: int, address: tuple[str, int]
    ) -> None:
        self._address = address
        self._opening: set[asyncio.Task[object]] = set()
        self._requests = iter(requests)
        self._open = connections
        self._done = asyncio.get_running_loop().create_future()
        self.received_bytes = 0
        self.latencies_ms: list[float] = []

    def next(self) -> bytes | None:
        return next(self._requests, None)

    def lost(self, error: Exception | None) -> None:
        self._open -= 1
        if error is not None:
            self.fail(error)
        elif self._open == 0 and not self._done.done():
            self._done.set_result(None)

    def reopen(self) -> None:
        """Open another connection for one that the server closes after each answer."""
        loop = asyncio.get_running_loop()
        task = loop.create_task(loop.create_connection(lambda: _Connection(self), *self._address))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    def fail(self, error: Exception) -> None:
        if not self._done.done():
            self._done.set_exception(error)

    async def wait(self) -> None:
        await self._done


async def _drive(host: str, port: int, requests: Sequence[bytes], connections: int) -> Run:
    loop = asyncio.get_running_loop()
    load = _Load(requests, connections, (host, port))
    started = time.perf_counter()
    for _ in range(connections):
        await loop.create_connection(lambda: _Connection(load), host, port)
    await load.wait()
    seconds = time.perf_counter() - started
    if len(load.latencies_ms) != len(requests):
        raise RuntimeError(f"{len(requests)} requests, {len(load.latencies_ms)} answers")
    return Run(len(requests), seconds, load.received_bytes, sorted(load.latencies_ms))


def _client(
    results: "multiprocessing.SimpleQueue[Run | str]",
    target: Target,
    requests: Sequence[tuple[str, str, bytes]],
    connections: int,
    lay_out: LayOut,
) -> None:
    address = urlsplit(target.endpoint)
    assert address.hostname and address.port
    prepared = [lay_out(target, *request) for request in requests]
    try:
        run = uvloop.run(_drive(address.hostname, address.port, prepared, connections))
        results.put(run)
    except BaseException as error:
        results.put(f"{type(error).__name__}: {error}")
        raise


def send(
    target: Target,
    requests: Sequence[tuple[str, str, bytes]],
    *,
    connections: int = 16,
    lay_out: LayOut = signed,
) -> Run:
    """Send `(method, path, body)` requests over `connections` and wait for every answer.

    `lay_out` makes each of them, whatever its first two parts say, into signed bytes.
    """
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    client = context.Process(target=_client, args=(results, target, requests, connections, lay_out))
    client.start()
    outcome = results.get()
    client.join()
    if isinstance(outcome, str):
        raise RuntimeError(f"{target.name}: {outcome}")
    return outcome
