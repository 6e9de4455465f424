"""A session of the SQL engine in this process, for what needs no worker around it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from millpond.engines.sql.failures import statement_error
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
