"""The first bytes of a gRPC connection: does its first request show the token?

gRPC is HTTP/2 (RFC 9113). We greet with empty settings, so that the client goes on to its first
request, and keep the client's acknowledgement of that greeting to ourselves: the server behind us
sends settings of its own. gRPC's C core writes the token's header without Huffman coding, so the
token stands in the header block as it is; whoever can put it there knows it.
"""

import asyncio
from dataclasses import dataclass

UNAUTHENTICATED = 16
FAILED_PRECONDITION = 9
"""gRPC's status codes, which clients do not retry."""

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_SIZE_BYTES_MAX = 256 * 1024
_HEADERS, _SETTINGS, _CONTINUATION = 0x1, 0x4, 0x9
_ACK, _END_STREAM, _END_HEADERS = 0x1, 0x1, 0x4


class NotGrpc(Exception):
    """The client does not speak as a gRPC client does."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What the client sent until the end of its first request's headers."""

    data: bytes
    stream: int
    shows_token: bool


async def read_opening(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, token: str
) -> Opening:
    """Greet the client and read until its first request's headers are complete.

    Raises:
        NotGrpc: it sent something else, or too much.
        asyncio.IncompleteReadError: it hung up.
    """
    writer.write(_frame(_SETTINGS, 0, 0, b""))
    opening = bytearray(await reader.readexactly(len(_PREFACE)))
    if opening != _PREFACE:
        raise NotGrpc
    headers = bytearray()
    greeting_acknowledged = False
    while True:
        head = await reader.readexactly(9)
        size, kind, flags = int.from_bytes(head[:3], "big"), head[3], head[4]
        if len(opening) + size > _SIZE_BYTES_MAX:
            raise NotGrpc
        payload = await reader.readexactly(size)
        if kind == _SETTINGS and flags & _ACK and not greeting_acknowledged:
            greeting_acknowledged = True
            continue
        opening += head + payload
        if kind in (_HEADERS, _CONTINUATION):
            headers += payload
            if flags & _END_HEADERS:
                stream = int.from_bytes(head[5:], "big")
                break
    if not greeting_acknowledged:
        raise NotGrpc
    return Opening(bytes(opening), stream, f"Bearer {token}".encode() in headers)


def refusal(stream: int, status: int, message: str) -> bytes:
    """The frame that ends the first request with a gRPC status; `message` in ASCII."""
    headers = (
        (b":status", b"200"),
        (b"content-type", b"application/grpc"),
        (b"grpc-status", str(status).encode()),
        (b"grpc-message", message.encode("ascii", "replace").replace(b"%", b"%25")),
    )
    block = b"".join(b"\0" + _text(name) + _text(value) for name, value in headers)
    return _frame(_HEADERS, _END_HEADERS | _END_STREAM, stream, block)


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    head = len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big")
    return head + payload


def _text(value: bytes) -> bytes:
    """A string literal of HPACK (RFC 7541, 5.2) without Huffman coding."""
    size = len(value)
    if size < 127:
        return bytes((size,)) + value
    size -= 127
    encoded = bytearray((127,))
    while size >= 128:
        encoded.append(size % 128 + 128)
        size //= 128
    encoded.append(size)
    return bytes(encoded) + value
