"""Who waits for entries of which log."""

import asyncio

from millpond.engines.log.embedded.ledger import Ledger
from millpond.kernel.errors import Unavailable


class Waiters:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._waiting: dict[bytes, dict[asyncio.Future[None], int]] = {}

    async def wait(self, name: bytes, position: int) -> None:
        """Return once there is an entry at `position` or after it, or the log is sealed."""
        if self._is_ready(name, position):
            return
        woken = asyncio.get_running_loop().create_future()
        here = self._waiting.setdefault(name, {})
        here[woken] = position
        try:
            await woken
        finally:
            here.pop(woken, None)
            if not here and self._waiting.get(name) is here:
                del self._waiting[name]

    def wake(self, name: bytes) -> None:
        """The log has changed."""
        for woken, position in list(self._waiting.get(name, {}).items()):
            if self._is_ready(name, position) and not woken.done():
                woken.set_result(None)

    def close(self) -> None:
        for here in self._waiting.values():
            for woken in here:
                if not woken.done():
                    woken.set_exception(Unavailable("The log is closed."))

    def _is_ready(self, name: bytes, position: int) -> bool:
        log = self._ledger.by_name.get(name)
        return log is not None and (log.end > position or log.sealed)
