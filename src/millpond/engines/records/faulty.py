"""Records that fail when they are told to: for tests of what stands on them.

The places, in the order in which they are passed: each get and each scan (Unavailable); then at
the end of a block that wrote something: Conflict, Full, Unavailable with nothing written, and
Unavailable although everything was.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from types import TracebackType

from millpond.engines.records.interface import Records, Transaction
from millpond.kernel.errors import Conflict, EngineError, Full, Unavailable
from millpond.kernel.faults import Faults

_REFUSALS: tuple[type[EngineError], ...] = (Conflict, Full, Unavailable)


class FaultyRecords:
    """`records`, with the failures and pauses of `faults`."""

    def __init__(self, records: Records, faults: Faults) -> None:
        self._records = records
        self._faults = faults

    def transaction(self) -> "FaultyTransaction":
        return FaultyTransaction(self._records.transaction(), self._faults)

    def watch(self, prefix: bytes) -> AsyncIterator[bytes]:
        return self._records.watch(prefix)


class FaultyTransaction:
    def __init__(self, block: AbstractAsyncContextManager[Transaction], faults: Faults) -> None:
        self._block = block
        self._faults = faults
        self._writes = False
        self._transaction: Transaction

    async def __aenter__(self) -> "FaultyTransaction":
        await self._faults.pause()
        self._transaction = await self._block.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None or not self._writes:
            await self._block.__aexit__(kind, error, traceback)
            return
        for refusal in _REFUSALS:
            if self._faults.strikes(f"commit: {refusal.__name__}"):
                failure = refusal("Failed as planned; nothing was written.")
                await self._block.__aexit__(refusal, failure, None)
                raise failure
        await self._block.__aexit__(None, None, None)
        await self._faults.pause()
        if self._faults.strikes("commit: the answer is lost"):
            raise Unavailable("Failed as planned; whether it was written is unknown.")

    async def get(self, key: bytes) -> bytes | None:
        await self._faults.pause()
        self._maybe_fail("get")
        return await self._transaction.get(key)

    async def scan(
        self, start: bytes, end: bytes, *, reverse: bool = False
    ) -> AsyncIterator[tuple[bytes, bytes]]:
        self._maybe_fail("scan")
        async for entry in self._transaction.scan(start, end, reverse=reverse):
            await self._faults.pause()
            yield entry

    def put(self, key: bytes, value: bytes) -> None:
        self._writes = True
        self._transaction.put(key, value)

    def delete(self, key: bytes) -> None:
        self._writes = True
        self._transaction.delete(key)

    def _maybe_fail(self, place: str) -> None:
        if self._faults.strikes(f"{place}: Unavailable"):
            raise Unavailable("Failed as planned.")
