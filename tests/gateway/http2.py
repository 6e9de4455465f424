"""An HTTP/2 client on a socket, with prior knowledge: what Java's SDK is to an http endpoint."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    ResponseReceived,
    StreamEnded,
    StreamReset,
)

from tests.gateway.toy import KEY, SECRET

TIMEOUT_SECONDS = 10.0
WINDOW_SIZE_BYTES = 8 * 1024 * 1024

Headers = list[tuple[str, str]]


@dataclass
class Heard:
    """What came on one stream."""

    headers: dict[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)
    ended: bool = False
    reset: bool = False

    @property
    def status(self) -> int:
        return int(self.headers[":status"])


class Http2:
    """A connection. `window`: how many bytes the server may send ahead on a stream."""

    def __init__(self, port: int, window: int = WINDOW_SIZE_BYTES) -> None:
        self.authority = f"127.0.0.1:{port}"
        self.socket = socket.create_connection(("127.0.0.1", port), TIMEOUT_SECONDS)
        self.connection = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
        self.streams: dict[int, Heard] = {}
        self.closed = False
        self._reading = True
        self.connection.initiate_connection()
        self.connection.update_settings({4: window})
        self.connection.increment_flow_control_window(WINDOW_SIZE_BYTES)
        self._flush()

    def __enter__(self) -> "Http2":
        return self

    def __exit__(self, *_: Any) -> None:
        self.socket.close()

    def begin(
        self, method: str, path: str, headers: Headers, *, ends: bool = True, scheme: str = "http"
    ) -> int:
        """Send a request's head; the number of its stream."""
        stream = self.connection.get_next_available_stream_id()
        pseudo = [(":method", method), (":path", path), (":scheme", scheme)]
        if not any(name == ":authority" for name, _ in headers):
            pseudo.append((":authority", self.authority))
        self.connection.send_headers(stream, [*pseudo, *headers], end_stream=ends)
        self.streams[stream] = Heard()
        self._flush()
        return stream

    def send(self, stream: int, body: bytes, *, ends: bool = True) -> None:
        """Send a body as the server's windows let it, unless the stream ends before."""
        left = memoryview(body)
        while left and not self._over(stream):
            room = min(
                self.connection.local_flow_control_window(stream),
                self.connection.max_outbound_frame_size,
            )
            if room:
                self.connection.send_data(stream, bytes(left[:room]))
                left = left[room:]
                self._flush()
            else:
                self.receive()
        if ends and not self._over(stream):
            self.connection.end_stream(stream)
            self._flush()

    def reset(self, stream: int) -> None:
        self.connection.reset_stream(stream, 8)
        self._flush()

    def hear(self, stream: int) -> Heard:
        """All of an answer."""
        while not self._over(stream):
            self.receive()
        return self.streams[stream]

    def pieces(self, stream: int) -> Iterator[bytes]:
        """An answer's body as it comes."""
        heard, taken = self.streams[stream], 0
        while True:
            if len(heard.body) > taken:
                piece = bytes(heard.body[taken:])
                taken += len(piece)
                yield piece
            elif self._over(stream):
                return
            else:
                self.receive()

    def request(self, method: str, path: str, headers: Headers, body: bytes = b"") -> Heard:
        stream = self.begin(method, path, headers, ends=not body)
        if body:
            self.send(stream, body)
        return self.hear(stream)

    def _over(self, stream: int) -> bool:
        return self.streams[stream].ended or self.streams[stream].reset or self.closed

    def receive(self) -> None:
        """Take what comes next."""
        data = self.socket.recv(1 << 16)
        self.closed = self.closed or not data
        for event in self.connection.receive_data(data):
            self._take(event)
        self._flush()

    def _take(self, event: Event) -> None:
        if isinstance(event, ResponseReceived):
            self.streams[event.stream_id].headers = dict(event.headers or ())
        elif isinstance(event, DataReceived):
            self.streams[event.stream_id].body += event.data
            self.connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, StreamEnded):
            self.streams[event.stream_id].ended = True
        elif isinstance(event, StreamReset):
            self.streams[event.stream_id].reset = True
        elif isinstance(event, ConnectionTerminated):
            self.closed = True

    def _flush(self) -> None:
        try:
            self.socket.sendall(self.connection.data_to_send())
        except ConnectionError:
            self.closed = True


def signed(
    service: str,
    method: str,
    url: str,
    *,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
) -> Headers:
    """The headers of a request that botocore signed, in lower case and without a host: HTTP/2 has
    it in `:authority`."""
    request = AWSRequest(method, url, headers or {}, body)
    auth = S3SigV4Auth if service == "s3" else SigV4Auth
    auth(Credentials(KEY, SECRET), service, "eu-central-1").add_auth(request)
    host = urlsplit(url).netloc
    named = [(name.lower(), value) for name, value in request.headers.items()]
    return [(name, value) for name, value in named if (name, value) != ("host", host)]
