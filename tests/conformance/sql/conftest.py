"""Every implementation of SQL, and every wrapper, opened the same way."""

import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio

sys.path.insert(0, str(Path(__file__).parent))
from sql_tables import Tables, query

from millpond.engines.sql.embedded import Bounds, EmbeddedSql
from millpond.engines.sql.faulty import FaultySql
from millpond.engines.sql.interface import Sql, TextOutput
from millpond.kernel.faults import Faults

IMPLEMENTATIONS: dict[str, Callable[[EmbeddedSql], Sql]] = {
    "embedded": lambda sql: sql,
    "embedded-pausing": lambda sql: FaultySql(sql, Faults(seed=7)),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=IMPLEMENTATIONS)
async def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Sql]:
    data = tmp_path_factory.mktemp("data")
    opened = EmbeddedSql.open(data / "sql", data, str(data), Bounds(256 << 20, 2, 2))
    yield IMPLEMENTATIONS[request.param](opened)
    await opened.close()


@pytest.fixture(scope="module")
def ask(engine: Sql) -> Callable[..., Awaitable[str]]:
    """Runs a query over `Tables` and gives the text of its result file."""

    async def run(tables: Tables, sql: str, *parameters: str) -> str:
        async with engine.run(query(sql, *parameters), tables, TextOutput()) as outcome:
            assert len(outcome.files) == 1
            return outcome.files[0].path.read_text()

    return run
