"""SQL that fails when it is told to: for tests of what stands on it.

The places, in the order in which a query passes them: before it is run (QueryLost, Full), and after
it was run and its files are there (QueryLost). `describe` and `explain` have the first alone.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from millpond.engines.sql.interface import (
    Catalog,
    Column,
    Outcome,
    Output,
    Query,
    QueryLost,
    Sql,
)
from millpond.kernel.errors import Full
from millpond.kernel.faults import Faults


class FaultySql:
    """`sql`, with the failures and pauses of `faults`."""

    def __init__(self, sql: Sql, faults: Faults) -> None:
        self._sql = sql
        self._faults = faults

    async def check(self, sql: str) -> None:
        await self._sql.check(sql)

    async def describe(self, query: Query, catalog: Catalog) -> Sequence[Column]:
        await self._maybe_lose("describe")
        return await self._sql.describe(query, catalog)

    async def explain(self, query: Query, catalog: Catalog) -> str:
        await self._maybe_lose("explain")
        return await self._sql.explain(query, catalog)

    def run(
        self, query: Query, catalog: Catalog, output: Output
    ) -> AbstractAsyncContextManager[Outcome]:
        return self._run(query, catalog, output)

    @asynccontextmanager
    async def _run(self, query: Query, catalog: Catalog, output: Output) -> AsyncIterator[Outcome]:
        await self._maybe_lose("run")
        if self._faults.strikes("run: Full"):
            raise Full("Failed as planned; there is no space.")
        async with self._sql.run(query, catalog, output) as outcome:
            await self._maybe_lose("answer")
            yield outcome

    async def _maybe_lose(self, place: str) -> None:
        await self._faults.pause()
        if self._faults.strikes(f"{place}: QueryLost"):
            raise QueryLost("Failed as planned.")
