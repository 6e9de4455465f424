"""Requests that the platform sends to addresses its users name: webhooks, search clusters."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from millpond.kernel.errors import EngineError


class Unreachable(EngineError):
    """No answer came: the address is refused, unknown or silent. The text says which."""


class Reply(NamedTuple):
    """What came back, cut off after the bound that the request set."""

    status: int
    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes


class Outgoing(Protocol):
    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes,
        seconds_max: float,
        reply_size_bytes_max: int = 1 << 20,
    ) -> Reply:
        """Send one request and read its answer. Redirects are not followed.

        Raises:
            Unreachable: there is no answer.
        """
        ...
