"""Addresses that users name, and what is said of them."""

import importlib.util
from urllib.parse import urlsplit

from millpond.kernel.outgoing import Unreachable
from millpond.services.firehose.errors import InvalidArgument


def check_url(name: str, url: str) -> None:
    """Return if `url` can be sent to.

    Raises:
        InvalidArgument: it is no http or https URL with a host, or what sends requests is not
            installed. `name` is AWS's for it.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise InvalidArgument(f"{name} must be an http or https URL.")
    if importlib.util.find_spec("aiohttp") is None:
        raise InvalidArgument(f"{name} needs aiohttp: install millpond[firehose].")


def is_timeout(error: Unreachable) -> bool:
    """Whether no answer came in time, rather than none at all."""
    return isinstance(error.__cause__, TimeoutError)
