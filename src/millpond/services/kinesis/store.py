"""How streams are laid out in records.

    stream    name                       → Stream, with its shards
    consumer  stream, name               → Consumer
    policy    ARN                        → the document
    settings                             → Settings
    channel   id                         → Channel
    progress  channel's id               → Progress

each below `kinesis`, the account and the region, and

    stream's id, or it and an index      → Doomed: logs to remove

below `kinesis-doomed`. Values are msgpack. Shards' records lie in logs (`Stream.log_of`), not here.
"""

from collections import OrderedDict
from collections.abc import AsyncIterator

import msgspec

from millpond.engines.records.interface import Transaction, end_of
from millpond.kernel.call import Scope
from millpond.services.kinesis.channels.channel import Channel
from millpond.services.kinesis.channels.progress import Progress
from millpond.services.kinesis.model.account import Settings
from millpond.services.kinesis.model.consumer import Consumer
from millpond.services.kinesis.model.stream import Stream

DECODED_STREAMS_MAX = 4096

_PREFIX = b"kinesis\0"
_STREAM_KIND = b"stream"
_CONSUMER_KIND = b"consumer"
_DOOMED_PREFIX = b"kinesis-doomed\0"


class Doomed(msgspec.Struct, frozen=True, rename="camel"):
    """Logs to remove, of the stream of that name and id; and its record, if it is still there and
    DELETING."""

    account: str
    region: str
    name: str
    stream_id: str
    logs: tuple[bytes, ...]


_encode = msgspec.msgpack.Encoder().encode
_STREAM = msgspec.msgpack.Decoder(Stream)
_CONSUMER = msgspec.msgpack.Decoder(Consumer)
_SETTINGS = msgspec.msgpack.Decoder(Settings)
_DOOMED = msgspec.msgpack.Decoder(Doomed)
_CHANNEL = msgspec.msgpack.Decoder(Channel)
_PROGRESS = msgspec.msgpack.Decoder(Progress)


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


async def scan_all_streams(transaction: Transaction) -> AsyncIterator[Stream]:
    """The streams of all accounts and regions."""
    async for key, value in transaction.scan(_PREFIX, end_of(_PREFIX)):
        if _kind(key) == _STREAM_KIND:
            yield _decoded.stream(key, value)


async def load_consumer(
    transaction: Transaction, scope: Scope, stream_name: str, name: str
) -> Consumer | None:
    value = await transaction.get(_key(scope, "consumer", stream_name, name))
    return None if value is None else _CONSUMER.decode(value)


def save_consumer(transaction: Transaction, scope: Scope, consumer: Consumer) -> None:
    key = _key(scope, "consumer", consumer.stream_name, consumer.name)
    transaction.put(key, _encode(consumer))


def delete_consumer(transaction: Transaction, scope: Scope, stream_name: str, name: str) -> None:
    transaction.delete(_key(scope, "consumer", stream_name, name))


async def scan_consumers(
    transaction: Transaction, scope: Scope, stream_name: str, after: str = ""
) -> AsyncIterator[Consumer]:
    """A stream's consumers by name, those after `after`."""
    prefix = _key(scope, "consumer", stream_name, "")
    start = prefix + after.encode() + b"\0" if after else prefix
    async for _, value in transaction.scan(start, end_of(prefix)):
        yield _CONSUMER.decode(value)


async def scan_all_consumers(transaction: Transaction) -> AsyncIterator[Consumer]:
    """The consumers of all accounts and regions."""
    async for key, value in transaction.scan(_PREFIX, end_of(_PREFIX)):
        if _kind(key) == _CONSUMER_KIND:
            yield _CONSUMER.decode(value)


async def load_policy(transaction: Transaction, scope: Scope, arn: str) -> str | None:
    value = await transaction.get(_key(scope, "policy", arn))
    return None if value is None else value.decode()


def save_policy(transaction: Transaction, scope: Scope, arn: str, document: str) -> None:
    transaction.put(_key(scope, "policy", arn), document.encode())


def delete_policy(transaction: Transaction, scope: Scope, arn: str) -> None:
    transaction.delete(_key(scope, "policy", arn))


async def load_settings(transaction: Transaction, scope: Scope) -> Settings:
    value = await transaction.get(_key(scope, "settings"))
    return Settings() if value is None else _SETTINGS.decode(value)


def save_settings(transaction: Transaction, scope: Scope, settings: Settings) -> None:
    transaction.put(_key(scope, "settings"), _encode(settings))


async def load_channel(transaction: Transaction, scope: Scope, channel_id: str) -> Channel | None:
    value = await transaction.get(_key(scope, "channel", channel_id))
    return None if value is None else _CHANNEL.decode(value)


def save_channel(transaction: Transaction, channel: Channel) -> None:
    transaction.put(_key(channel, "channel", channel.id), _encode(channel))


def delete_channel(transaction: Transaction, scope: Scope, channel_id: str) -> None:
    """Remove a channel and how far it has come."""
    transaction.delete(_key(scope, "channel", channel_id))
    transaction.delete(_key(scope, "progress", channel_id))


async def scan_channels(
    transaction: Transaction, scope: Scope, after: str = ""
) -> AsyncIterator[Channel]:
    """An account's channels in a region by id, those after `after`."""
    prefix = _key(scope, "channel", "")
    start = prefix + after.encode() + b"\0" if after else prefix
    async for _, value in transaction.scan(start, end_of(prefix)):
        yield _CHANNEL.decode(value)


async def load_progress(transaction: Transaction, scope: Scope, channel_id: str) -> Progress | None:
    value = await transaction.get(_key(scope, "progress", channel_id))
    return None if value is None else _PROGRESS.decode(value)


def save_progress(
    transaction: Transaction, scope: Scope, channel_id: str, progress: Progress
) -> None:
    transaction.put(_key(scope, "progress", channel_id), _encode(progress))


def save_doomed(transaction: Transaction, doomed_id: str, doomed: Doomed) -> None:
    transaction.put(_DOOMED_PREFIX + doomed_id.encode(), _encode(doomed))


async def load_doomed(transaction: Transaction, doomed_id: str) -> Doomed | None:
    value = await transaction.get(_DOOMED_PREFIX + doomed_id.encode())
    return None if value is None else _DOOMED.decode(value)


def forget_doomed(transaction: Transaction, doomed_id: str) -> None:
    transaction.delete(_DOOMED_PREFIX + doomed_id.encode())


def _kind(key: bytes) -> bytes:
    return key.split(b"\0", 4)[3]
