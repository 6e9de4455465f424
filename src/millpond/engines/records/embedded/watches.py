"""Who wants to hear of commits, and what they have not heard yet."""

import asyncio
from collections.abc import Iterable
from weakref import WeakSet


class Watch:
    """Keys under `prefix` as they are committed, until the records close.

    A key that is put again before it was taken is given once: what it waits for is the news, and
    the reader finds the latest state in the records. So a slow reader costs bounded memory.
    """

    def __init__(self, prefix: bytes) -> None:
        self._prefix = prefix
        self._news: dict[bytes, None] = {}
        self._waiting: asyncio.Future[None] | None = None
        self._ended = False

    def __aiter__(self) -> "Watch":
        return self

    async def __anext__(self) -> bytes:
        while not self._news:
            if self._ended:
                raise StopAsyncIteration
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
        key = next(iter(self._news))
        del self._news[key]
        return key

    def tell(self, key: bytes) -> None:
        """`key` was committed."""
        if key.startswith(self._prefix):
            self._news[key] = None
            self._wake()

    def end(self) -> None:
        """Nothing more will come."""
        self._ended = True
        self._wake()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)


class Watches:
    """All watches that somebody still holds."""

    def __init__(self) -> None:
        self._watches: WeakSet[Watch] = WeakSet()

    def add(self, prefix: bytes) -> Watch:
        watch = Watch(prefix)
        self._watches.add(watch)
        return watch

    def tell(self, keys: Iterable[bytes]) -> None:
        """Each of `keys` was committed."""
        if not self._watches:
            return
        watches = list(self._watches)
        for key in keys:
            for watch in watches:
                watch.tell(key)

    def end(self) -> None:
        for watch in list(self._watches):
            watch.end()
