"""What stands for the SQL engine on a machine that has none: it refuses, and says what to install.

Everything of Athena that needs no engine (workgroups, DDL, the catalog) works without it.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from millpond.engines.sql.interface import Catalog, Column, Outcome, Output, Query, QueryRefused

_TEXT = "NOT_SUPPORTED: There is no SQL engine on this machine: pip install 'millpond[sql]'."


class MissingSql:
    """`Sql` that refuses every query."""

    async def check(self, sql: str) -> None:
        raise QueryRefused("NOT_SUPPORTED", _TEXT)

    async def describe(self, query: Query, catalog: Catalog) -> Sequence[Column]:
        raise QueryRefused("NOT_SUPPORTED", _TEXT)

    async def explain(self, query: Query, catalog: Catalog) -> str:
        raise QueryRefused("NOT_SUPPORTED", _TEXT)

    @asynccontextmanager
    async def run(self, query: Query, catalog: Catalog, output: Output) -> AsyncIterator[Outcome]:
        raise QueryRefused("NOT_SUPPORTED", _TEXT)
        yield Outcome((), 0)
