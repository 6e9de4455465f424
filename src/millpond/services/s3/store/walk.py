"""A walk over a bucket's objects or uploads in the order of their keys, a page at a time."""

from dataclasses import dataclass

from millpond.engines.records.interface import KEY_SIZE_BYTES_MAX, Transaction, end_of
from millpond.services.s3.model.listing import common_prefix
from millpond.services.s3.store import keys


@dataclass(frozen=True, slots=True)
class Space:
    """The records that a listing walks. `escaped`: something stands behind the key."""

    start: bytes
    escaped: bool

    def under(self, prefix: bytes) -> bytes:
        """What the record keys of all keys with this prefix begin with."""
        return self.start + (keys.escape(prefix) if self.escaped else prefix)

    def behind(self, key: bytes) -> bytes:
        """Where the records of keys after `key` begin."""
        return self.under(key) + (b"\x00\x01" if self.escaped else b"\x00")

    def behind_prefix(self, prefix: bytes) -> bytes:
        """Where the records of keys after all that begin with `prefix` begin."""
        return end_of(self.under(prefix))

    def behind_listed(self, name: bytes, prefix: bytes, delimiter: bytes) -> bytes:
        """Behind a name that a listing showed: a common prefix is passed with all it stands for."""
        if name.startswith(prefix) and common_prefix(name, prefix, delimiter) == name:
            return self.behind_prefix(name)
        return self.behind(name)

    def key_of(self, record_key: bytes) -> bytes:
        rest = record_key[len(self.start) :]
        return keys.unescape(rest[: rest.index(keys.KEY_END)]) if self.escaped else rest


def object_space(bucket: str) -> Space:
    return Space(keys.space(keys.OBJECT, bucket), escaped=False)


def upload_space(bucket: str) -> Space:
    return Space(keys.space(keys.UPLOAD, bucket), escaped=True)


def behind_upload(bucket: str, key: bytes, upload_id: str) -> bytes:
    """Where the records of uploads after this one begin."""
    return keys.of_upload(bucket, key, upload_id) + b"\x00"


@dataclass(frozen=True, slots=True)
class Page:
    """A piece of a listing, in order: (key, record) of an entry, (common prefix, None) of others.

    `truncated`: there is more behind it.
    """

    entries: list[tuple[bytes, bytes | None]]
    truncated: bool


async def walk(
    transaction: Transaction,
    space: Space,
    *,
    prefix: bytes,
    delimiter: bytes,
    start: bytes,
    limit: int,
) -> Page:
    """Up to `limit` entries under `prefix` from the record key `start` on.

    What a common prefix stands for is skipped by a seek behind it, however many keys that are. No
    record has a key longer than the engine's longest, so bounds are cut to that.
    """
    entries: list[tuple[bytes, bytes | None]] = []
    start = max(start, space.under(prefix))[:KEY_SIZE_BYTES_MAX]
    end = space.behind_prefix(prefix)[:KEY_SIZE_BYTES_MAX]
    while limit > 0:
        rolled_up = None
        async for record_key, value in transaction.scan(start, end):
            if len(entries) == limit:
                return Page(entries, truncated=True)
            key = space.key_of(record_key)
            rolled_up = common_prefix(key, prefix, delimiter)
            if rolled_up is not None:
                break
            entries.append((key, value))
        if rolled_up is None:
            break
        entries.append((rolled_up, None))
        start = space.behind_prefix(rolled_up)
    return Page(entries, truncated=False)
