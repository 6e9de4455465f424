"""The TCP connections of this process, which the server does not show.

Each is found among our own descriptors and given as another descriptor of the same connection, for
looking at it and for shutting it down.
"""

import contextlib
import os
import socket
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

_DESCRIPTORS = Path("/proc/self/fd")

Address = tuple[str, int]


def address_of(text: str) -> Address:
    """The address in `192.0.2.1:80` or `[2001:db8::1]:80`, in its one spelling."""
    host, _, port = text.rpartition(":")
    return str(ip_address(host.strip("[]"))), int(port)


def connections() -> Iterator[tuple[Address, Address, socket.socket]]:
    """The peer and our own end of every connection, and a descriptor that closes when the next one
    is asked for, unless it is detached."""
    for entry in os.scandir(_DESCRIPTORS):
        try:
            if not os.readlink(entry.path).startswith("socket:"):  # noqa: PTH115 - one for each
                continue
            connection = socket.socket(fileno=os.dup(int(entry.name)))
        except OSError:
            continue
        with connection, contextlib.suppress(OSError, ValueError, TypeError, IndexError):
            peer, own = connection.getpeername(), connection.getsockname()
            ends = (str(ip_address(peer[0])), peer[1]), (str(ip_address(own[0])), own[1])
            yield *ends, connection
