"""Requests and answers as values: what the protocols read and write."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from millpond.kernel.body import Body


class HeaderMap:
    """Request headers by lower-case name; a name may stand several times, in order."""

    __slots__ = ("_values",)

    def __init__(self, items: Iterable[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in items:
            self._values.setdefault(name.lower(), []).append(value)

    def get(self, name: str) -> str | None:
        """The value, several joined by commas; None when it is absent. `name` in lower case."""
        values = self._values.get(name)
        return None if values is None else ",".join(values)

    def get_all(self, name: str) -> list[str]:
        return self._values.get(name, [])

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)


@dataclass(frozen=True, slots=True)
class Request:
    """A request without its body. `path` is percent-decoded exactly once and never normalised;
    `query` is raw. `host` is the Host header (or HTTP/2 authority) as sent."""

    method: str
    path: str
    query: str
    headers: HeaderMap
    host: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, ready for the socket."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes | Body = b""
