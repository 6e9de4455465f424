"""Requests as bytes on a socket, for what no client would send."""

import socket
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from tests.gateway.toy import KEY, SECRET
from tests.wire.signing import sign_as

TIMEOUT_SECONDS = 10.0


def exchange(port: int, *parts: bytes, until: bytes | None = None, pause: float = 0.0) -> bytes:
    """Send `parts`, and read until the server closes, or until `until` has come."""
    with socket.create_connection(("127.0.0.1", port), TIMEOUT_SECONDS) as connection:
        for part in parts:
            connection.sendall(part)
            time.sleep(pause)
        return read(connection, until)


def read(connection: socket.socket, until: bytes | None = None) -> bytes:
    """What comes until `until` has come whole, or the end."""
    came = b""
    while until is None or until not in came:
        try:
            piece = connection.recv(1 << 16)
        except ConnectionResetError:
            return came
        if not piece:
            return came
        came += piece
    return came


def signed(
    method: str,
    target: str,
    port: int,
    *,
    body: bytes = b"",
    headers: Iterable[tuple[str, str]] = (),
    payload: str | None = None,
    secret: str = SECRET,
    more: str = "",
) -> bytes:
    """A signed S3 request, head and body. `more` are headers that are not signed."""
    case: dict[str, Any] = {
        "method": method,
        "target": target,
        "headers": [("content-length", str(len(body))), *headers] if body else list(headers),
    }
    if payload is None and body:
        payload = "UNSIGNED-PAYLOAD"
    request = sign_as(
        case, KEY, secret, service="s3", payload=payload, at=datetime.now(UTC), host=f"h:{port}"
    )
    lines = [f"{method} {target} HTTP/1.1"]
    lines += [f"{name}: {request.headers.get(name)}" for name in request.headers]
    return ("\r\n".join(lines) + f"\r\n{more}\r\n").encode() + body
