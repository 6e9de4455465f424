"""A session of the SQL engine in this process, for what needs no worker around it."""

import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
import pytest_asyncio

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[2] / "conformance" / "sql"))
from sql_tables import Tables, query

from millpond.engines.sql.embedded import Bounds, EmbeddedSql
from millpond.engines.sql.failures import statement_error
from millpond.engines.sql.interface import TextOutput
from millpond.engines.sql.session import Functions, open_session
from millpond.engines.sql.texts import athena_text
from millpond.engines.sql.trino.statement import Session, compile_statement

NOW_US = 1_700_000_000_123_000


@dataclass
class Answer:
    types: list[str]
    rows: list[tuple[str | None, ...]]


@pytest.fixture(scope="session")
def evaluate(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Answer]:
    """Runs a query without tables: `evaluate("SELECT ?", "1")` → types and texts of its values."""
    folder: Path = tmp_path_factory.mktemp("session")
    connection = open_session(
        memory_bytes=512 << 20, threads=1, temporary=folder, temporary_bytes=64 << 20
    )
    functions = Functions(connection)
    session = Session("AwsDataCatalog", "d", user="tester", now_us=NOW_US)

    def run(sql: str, *parameters: str) -> Answer:
        plan = compile_statement(sql, session, {}, parameters)
        items = ", ".join(
            athena_text(f"q.c{place}", kind) for place, (_, kind) in enumerate(plan.columns)
        )
        text = f"SELECT {items} FROM ({plan.sql}) q"
        functions.provide(text)
        try:
            rows = connection.execute(text).fetchall()
        except duckdb.Error as error:
            raise statement_error(error) from error
        return Answer([str(kind) for _, kind in plan.columns], rows)

    return run


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedSql]:
    """An engine for the tests of one module."""
    data = tmp_path_factory.mktemp("data")
    sql = EmbeddedSql.open(data / "sql", data, str(data), Bounds(256 << 20, 2, 2))
    yield sql
    await sql.close()


@pytest.fixture(scope="module")
def ask(engine: EmbeddedSql) -> Callable[..., Awaitable[str]]:
    """Runs a query over `Tables` and gives the text of its result file."""

    async def run(tables: Tables, sql: str, *parameters: str) -> str:
        async with engine.run(query(sql, *parameters), tables, TextOutput()) as outcome:
            assert len(outcome.files) == 1
            return outcome.files[0].path.read_text()

    return run
