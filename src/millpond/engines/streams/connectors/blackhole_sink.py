"""The `blackhole` connector: takes rows and does nothing with them."""

from typing import Any

import pyarrow as pa

from millpond.engines.streams.connectors.interface import World
from millpond.engines.streams.plan import Table


class BlackholeSink:
    """Swallows what is written."""

    def __init__(self, table: Table, world: World) -> None:
        self._traffic = world.traffic

    async def open(self, committed: Any) -> None:
        """Nothing to make ready."""

    async def write(self, rows: pa.Table) -> None:
        self._traffic.records += rows.num_rows
        self._traffic.bytes += rows.nbytes

    async def prepare(self, checkpoint: int) -> Any:
        return None

    async def commit(self, checkpoint: int, prepared: Any) -> None:
        """Nothing is left to be done."""

    async def close(self) -> None:
        """Nothing is held."""
