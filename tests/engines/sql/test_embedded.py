"""Queries in worker processes: how they end, and what their ends leave alone."""

import asyncio
import os
import signal
from pathlib import Path

import pytest
from sql_tables import Tables, query

from millpond.engines.sql.embedded import Bounds, EmbeddedSql
from millpond.engines.sql.interface import QueryLost, QueryRefused, TextOutput

pytestmark = pytest.mark.asyncio(loop_scope="module")
ENDLESS = (
    "SELECT count(*) FROM UNNEST(sequence(1, 10000)) a CROSS JOIN UNNEST(sequence(1, 10000)) b"
    " CROSS JOIN UNNEST(sequence(1, 10000)) c"
)


async def test_a_cancelled_query_ends_soon_and_the_next_is_served(engine: EmbeddedSql, ask) -> None:
    await ask(Tables(), "SELECT 1")

    async def run() -> None:
        async with engine.run(query(ENDLESS), Tables(), TextOutput()):
            pass

    running = asyncio.create_task(run())
    await wait_until_busy(engine)
    running.cancel()
    async with asyncio.timeout(5):
        with pytest.raises(asyncio.CancelledError):
            await running
    assert await ask(Tables(), "SELECT 2") == '"_col0"\n"2"\n'


async def test_a_query_cancelled_at_any_moment_leaves_the_next_alone(
    engine: EmbeddedSql, ask
) -> None:
    async def run() -> None:
        async with engine.run(query("SELECT 1"), Tables(), TextOutput()):
            pass

    for pauses in range(0, 60, 4):
        running = asyncio.create_task(run())
        for _ in range(pauses):
            await asyncio.sleep(0.001)
        running.cancel()
        await asyncio.wait((running,))
        async with asyncio.timeout(10):
            assert await ask(Tables(), "SELECT 2") == '"_col0"\n"2"\n'


async def test_a_worker_that_is_killed_fails_its_query_alone(engine: EmbeddedSql, ask) -> None:
    async def run() -> None:
        async with engine.run(query(ENDLESS), Tables(), TextOutput()):
            pass

    running = asyncio.create_task(run())
    pid = await wait_until_busy(engine)
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(QueryLost, match="The process that ran the query ended: killed by SIGKILL"):
        await running
    assert await ask(Tables(), "SELECT 3") == '"_col0"\n"3"\n'


async def test_a_query_that_needs_too_much_memory_fails_with_a_reason(ask) -> None:
    sql = (
        "SELECT array_agg(a * 100000000 + b * 10000 + c) FROM UNNEST(sequence(1, 10000)) t(a)"
        " CROSS JOIN UNNEST(sequence(1, 10000)) u(b) CROSS JOIN UNNEST(sequence(1, 10)) v(c)"
    )
    with pytest.raises(QueryRefused, match="EXCEEDED_LOCAL_MEMORY_LIMIT"):
        await ask(Tables(), sql)
    assert await ask(Tables(), "SELECT 4") == '"_col0"\n"4"\n'


async def test_an_expression_that_nests_too_deeply_is_refused(ask) -> None:
    with pytest.raises(QueryRefused):
        await ask(Tables(), "SELECT " + "(" * 20000 + "1" + ")" * 20000)
    assert await ask(Tables(), "SELECT 5") == '"_col0"\n"5"\n'


async def test_no_more_queries_run_at_once_than_are_allowed(tmp_path: Path) -> None:
    sql = EmbeddedSql.open(tmp_path / "sql", tmp_path, str(tmp_path), Bounds(256 << 20, 1, 1))

    async def run(text: str) -> None:
        async with sql.run(query(text), Tables(), TextOutput()):
            pass

    first = asyncio.create_task(run(ENDLESS))
    await wait_until_busy(sql)
    second = asyncio.create_task(run("SELECT 1"))
    done, _ = await asyncio.wait({second}, timeout=0.3)
    assert not done
    first.cancel()
    await second
    await sql.close()
    assert not list((tmp_path / "sql").iterdir())


async def wait_until_busy(engine: EmbeddedSql) -> int:
    """The pid of the worker that is computing."""
    async with asyncio.timeout(20):
        while True:
            for worker in engine.busy:
                if _cpu_seconds(worker) > 0.7:
                    return worker
            await asyncio.sleep(0.02)


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
