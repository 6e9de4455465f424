"""Closes connections on which nothing happens.

The server bounds the silence in the head of an HTTP/1.1 request and between two of them. It does
not bound how long a new connection may take to show its protocol, nor an HTTP/2 connection that
does not answer its pings: those are found here, by how long ago bytes came or went.
"""

import asyncio
import contextlib
import logging
import socket
import struct
from collections import Counter

from millpond.gateway.connections import Address, address_of, connections

_LAST_DATA = struct.Struct("3I")
_LAST_DATA_OFFSET = 44
"""In Linux's struct tcp_info: tcpi_last_data_sent, tcpi_last_ack_sent, tcpi_last_data_recv, each
in milliseconds ago."""

_log = logging.getLogger("millpond.gateway")


class Requests:
    """The clients (`address:port`) whose requests are being answered, as often as they have any."""

    def __init__(self) -> None:
        self._answering: Counter[str] = Counter()

    def begin(self, client: str) -> None:
        self._answering[client] += 1

    def end(self, client: str) -> None:
        left = self._answering[client] - 1
        if left:
            self._answering[client] = left
        else:
            del self._answering[client]

    def clients(self) -> set[Address]:
        return {address_of(client) for client in list(self._answering)}


async def close_idle(port: int, requests: Requests, seconds: float) -> None:
    """Shut down, until it is cancelled, connections to our `port` that have been silent in both
    directions for `seconds` and wait for no answer."""
    while True:
        await asyncio.sleep(seconds / 4)
        closed = await asyncio.to_thread(_close_idle, port, requests, seconds)
        if closed:
            _log.debug("Closed %d silent connections", closed)


def _close_idle(port: int, requests: Requests, seconds: float) -> int:
    closed = 0
    for peer, (_, own_port), connection in connections():
        with contextlib.suppress(OSError):
            silent = own_port == port and _silent_seconds(connection) > seconds
            if silent and peer not in requests.clients():
                connection.shutdown(socket.SHUT_RDWR)
                closed += 1
    return closed


def _silent_seconds(connection: socket.socket) -> float:
    length = _LAST_DATA_OFFSET + _LAST_DATA.size
    information = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, length)
    sent, _, received = _LAST_DATA.unpack_from(information, _LAST_DATA_OFFSET)
    return float(min(sent, received)) / 1000
