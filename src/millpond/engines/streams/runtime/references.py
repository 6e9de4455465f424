"""Reference tables: read at the start, and again beside the steps."""

import asyncio
from collections.abc import Callable

import pyarrow as pa

from millpond.engines.streams.connectors.interface import Lookup, SourceFailed
from millpond.engines.streams.plan import LookupJoin


class Reference:
    """The table of a `LookupJoin` as it was last read. `warn` hears when it cannot be read again:
    the one that there is stays."""

    def __init__(self, node: LookupJoin, lookup: Lookup, warn: Callable[[str], None]) -> None:
        self._node = node
        self._lookup = lookup
        self._warn = warn
        self._rows: pa.Table | None = None

    def table(self) -> pa.Table:
        """The rows; the same object until they are read again."""
        assert self._rows is not None
        return self._rows

    async def load(self) -> None:
        """Read it.

        Raises:
            SourceFailed: it cannot be read.
        """
        self._rows = await self._lookup.load()

    async def keep(self) -> None:
        """Read it again and again, as its join says."""
        while self._node.refresh_ms:
            await asyncio.sleep(self._node.refresh_ms / 1000)
            try:
                await self.load()
            except SourceFailed as error:
                self._warn(f"{self._node.table.name} stays as it is: {error}")
