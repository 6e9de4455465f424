"""How streams are laid out in records.

    stream    name                       → Stream, with its shards

each below `kinesis`, the account and the region. Values are msgpack. Shards' records lie in logs
(`Stream.log_of`), not here.
"""

from collections import OrderedDict
from collections.abc import AsyncIterator
from typing import Protocol

import msgspec

from millpond.engines.records.interface import Transaction, end_of
from millpond.services.kinesis.model.stream import Stream

DECODED_STREAMS_MAX = 4096

_encode = msgspec.msgpack.Encoder().encode
_STREAM = msgspec.msgpack.Decoder(Stream)


class Scope(Protocol):
    """Whose streams: a call and a task both say."""

    @property
    def account(self) -> str: ...

    @property
    def region(self) -> str: ...


def _key(scope: Scope, kind: str, *parts: str) -> bytes:
    return "\0".join(("kinesis", scope.account, scope.region, kind, *parts)).encode()


class _Decoded:
    """Streams by their stored bytes: one is decoded once as long as it stays as it is."""

    def __init__(self) -> None:
        self._by_key: OrderedDict[bytes, tuple[bytes, Stream]] = OrderedDict()

    def stream(self, key: bytes, value: bytes) -> Stream:
        known = self._by_key.get(key)
        if known is not None and known[0] == value:
            return known[1]
        stream = _STREAM.decode(value)
        self._by_key[key] = (value, stream)
        self._by_key.move_to_end(key)
        if len(self._by_key) > DECODED_STREAMS_MAX:
            self._by_key.popitem(last=False)
        return stream


_decoded = _Decoded()


async def load_stream(transaction: Transaction, scope: Scope, name: str) -> Stream | None:
    key = _key(scope, "stream", name)
    value = await transaction.get(key)
    return None if value is None else _decoded.stream(key, value)


def save_stream(transaction: Transaction, scope: Scope, stream: Stream) -> None:
    transaction.put(_key(scope, "stream", stream.name), _encode(stream))


def delete_stream(transaction: Transaction, scope: Scope, name: str) -> None:
    transaction.delete(_key(scope, "stream", name))


async def scan_streams(
    transaction: Transaction, scope: Scope, after: str = ""
) -> AsyncIterator[Stream]:
    """Streams by name, those after `after`."""
    prefix = _key(scope, "stream", "")
    start = prefix + after.encode() + b"\0" if after else prefix
    async for key, value in transaction.scan(start, end_of(prefix)):
        yield _decoded.stream(key, value)
