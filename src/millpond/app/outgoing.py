"""Sends what services send to addresses that users name, with aiohttp.

It is imported with the first request: most platforms never send one.
"""

import ipaddress
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from millpond.kernel.outgoing import Reply, Unreachable

if TYPE_CHECKING:
    import aiohttp


class HttpOutgoing:
    """One pool of connections, made with the first request."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

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
        import aiohttp  # noqa: PLC0415 - see above

        refuse_address(url)
        if self._session is None:
            self._session = aiohttp.ClientSession(
                auto_decompress=True, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
            )
        try:
            async with self._session.request(
                method,
                url,
                headers=headers,
                data=body,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=seconds_max),
            ) as answer:
                content = await _read(answer.content, reply_size_bytes_max)
                names = {name.lower(): value for name, value in answer.headers.items()}
                return Reply(answer.status, names, content)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise Unreachable(f"{_where(url)}: {error or 'no answer in time'}") from error

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


def refuse_address(url: str) -> None:
    """Return if `url` may be sent to.

    Raises:
        Unreachable: it is no http or https URL, or names a link-local address (where clouds keep
            machine credentials).
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Unreachable(f"{_where(url)}: only http and https URLs can be sent to.")
    try:
        address = ipaddress.ip_address(parts.hostname)
    except ValueError:
        return
    if address.is_link_local:
        raise Unreachable(f"{_where(url)}: link-local addresses are not sent to.")


async def _read(content: "aiohttp.StreamReader", size_bytes_max: int) -> bytes:
    pieces: list[bytes] = []
    left = size_bytes_max
    async for piece in content.iter_chunked(64 * 1024):
        pieces.append(piece[:left])
        left -= len(pieces[-1])
        if not left:
            break
    return b"".join(pieces)


def _where(url: str) -> str:
    """The URL without what may be secret in it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}{parts.path}"
