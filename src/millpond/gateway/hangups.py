"""Tells when the client of a long answer has gone.

The server notices, and tells nobody while a file is being sent. So the client's connection is
watched for its end here.
"""

import asyncio
import contextlib
import select
import socket
from collections.abc import Iterator

from millpond.gateway.connections import address_of, connections

_GONE = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR | select.EPOLLONESHOT


class Hangups:
    """Watches connections; made in the event loop, closed when nothing is watched any more."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._epoll = select.epoll()
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self._loop.add_reader(self._epoll.fileno(), self._notice)

    def close(self) -> None:
        self._loop.remove_reader(self._epoll.fileno())
        self._epoll.close()

    @contextlib.contextmanager
    def watching(self, client: str) -> Iterator[asyncio.Future[None]]:
        """A future that is done once `client` (`address:port`) has closed its connection."""
        gone = self._loop.create_future()
        connection = _connection_of(client)
        if connection is None:
            gone.set_result(None)
            yield gone
            return
        with connection:
            descriptor = connection.fileno()
            self._waiting[descriptor] = gone
            self._epoll.register(descriptor, _GONE)
            try:
                yield gone
            finally:
                self._epoll.unregister(descriptor)
                del self._waiting[descriptor]
                gone.cancel()

    def _notice(self) -> None:
        for descriptor, _ in self._epoll.poll(0):
            gone = self._waiting.get(descriptor)
            if gone is not None and not gone.done():
                gone.set_result(None)


def _connection_of(client: str) -> socket.socket | None:
    """The connection that `client` has to us; None: it is gone already."""
    address = address_of(client)
    for peer, _, connection in connections():
        if peer == address:
            return socket.socket(fileno=connection.detach())
    return None
