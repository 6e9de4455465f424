"""Sends what services send to addresses that users name, with aiohttp.

It is imported with the first request: most platforms never send one.
"""

import ipaddress
import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
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
                connector=aiohttp.TCPConnector(resolver=_resolver()),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
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
        except aiohttp.InvalidURL as error:
            raise Unreachable(f"{_where(url)}: this is no URL.") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            text = "no answer in time" if isinstance(error, TimeoutError) else error
            raise Unreachable(f"{_where(url)}: {text}") from error

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


def refuse_address(url: str) -> None:
    """Return if `url` may be sent to, as far as it tells before its host's name is looked up.

    Raises:
        Unreachable: it is no http or https URL, or names a link-local address (where clouds keep
            machine credentials).
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Unreachable(f"{_where(url)}: only http and https URLs can be sent to.")
    if _is_link_local(parts.hostname):
        raise Unreachable(f"{_where(url)}: link-local addresses are not sent to.")


def _is_link_local(host: str) -> bool:
    """Whether `host` is such an address, also one of IPv4 in IPv6's clothes. Names are not."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_link_local
    return address.is_link_local


def _resolver() -> Any:
    """Looks names up, and refuses those that stand for a link-local address."""
    import aiohttp  # noqa: PLC0415 - see above

    class CheckedResolver(aiohttp.ThreadedResolver):
        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
        ) -> Any:
            found = await super().resolve(host, port, family)
            if any(_is_link_local(one["host"]) for one in found):
                raise OSError(f"{host} stands for a link-local address.")
            return found

    return CheckedResolver()


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
    try:
        parts = urlsplit(url)
    except ValueError:
        return "The address"
    return f"{parts.scheme}://{parts.hostname}{parts.path}"
