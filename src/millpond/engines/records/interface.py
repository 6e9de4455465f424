"""Records: ordered byte keys with optimistic transactions. All metadata lives here.

Isolation: serializable. A transaction reads one snapshot, sees its own writes, and commits only
if nothing it read (keys, and ranges as far as it scanned them) has changed since.
Durability: when the `async with` block ends without an exception, what was put is on disk.
A read-only transaction never conflicts. A lost answer (`Unavailable` at commit) means unknown.

    async with records.transaction() as transaction:
        if await transaction.get(key) is None:
            transaction.put(key, value)
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar

from millpond.kernel.errors import Conflict

KEY_SIZE_BYTES_MAX = 1900
"""The longest key, in bytes: S3's 1,024-byte keys with what a service puts before them."""
VALUE_SIZE_BYTES_MAX = 16 * 1024 * 1024
RACES_MAX = 20
"""How often `transact` may lose before its caller is told."""
_PAUSE_SECONDS = 0.005

_Given = TypeVar("_Given")


class Transaction(Protocol):
    async def get(self, key: bytes) -> bytes | None:
        """The value of `key`, or None.

        Raises:
            Damaged: the stored value does not match its checksum.
        """
        ...

    def scan(
        self, start: bytes, end: bytes, *, reverse: bool = False
    ) -> AsyncIterator[tuple[bytes, bytes]]:
        """Keys and values in `[start, end)`, in byte order. Stop iterating when you have enough.

        The transaction's own writes are seen as they were when the iteration began.
        """
        ...

    def put(self, key: bytes, value: bytes) -> None:
        """Write, when the block ends.

        Raises:
            ValueError: the key is empty, or key or value are longer than the constants above.
        """
        ...

    def delete(self, key: bytes) -> None:
        """Remove `key`; a missing key is no error."""
        ...


class Records(Protocol):
    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """A transaction that commits when the block ends, and leaves nothing when it raises.

        Raises (at the end of the block):
            Conflict: something that was read has changed; nothing was written.
            Full: no space; nothing was written.
            Unavailable: the engine cannot say that it was written.
        """
        ...

    def watch(self, prefix: bytes) -> AsyncIterator[bytes]:
        """Keys under `prefix`, each time one is committed by a put, from now on.

        A key that was put several times before it is taken may come once. Ends when the records
        close.
        """
        ...


def end_of(prefix: bytes) -> bytes:
    """The smallest key after all that begin with `prefix`: `scan(prefix, end_of(prefix))`."""
    stripped = prefix.rstrip(b"\xff")
    if not stripped:
        raise ValueError("A prefix of 0xff bytes alone has no end.")
    return stripped[:-1] + bytes([stripped[-1] + 1])


async def transact(records: Records, work: Callable[[Transaction], Awaitable[_Given]]) -> _Given:
    """What `work` gives, once its transaction is committed; it may be run several times.

    This is for work that nobody runs again when a race was lost: outside an operation, or after
    something that must not be done twice.

    Raises:
        Conflict: every one of `RACES_MAX` races was lost.
    """
    for attempt in range(1, RACES_MAX):
        try:
            async with records.transaction() as transaction:
                return await work(transaction)
        except Conflict:
            await asyncio.sleep(_PAUSE_SECONDS * attempt)
    async with records.transaction() as transaction:
        return await work(transaction)
