"""One step runs one query to its end, and removes its results when their time is over.

A query changes nothing: one that the platform's end interrupted is run again.
"""

import asyncio
import logging

import msgspec

from millpond.engines.records.interface import Transaction, transact
from millpond.engines.sql import interface as sql
from millpond.kernel.errors import EngineError
from millpond.kernel.tasks import Task, Wake
from millpond.services.logs import store as logs_store
from millpond.services.logs.insights import store
from millpond.services.logs.insights.compiling.queries import Compiled, compile_query
from millpond.services.logs.insights.events import Events, events_of
from millpond.services.logs.insights.language.malformed import Malformed
from millpond.services.logs.insights.model import (
    RESULTS_KEPT_MS,
    RUNNING,
    TIMEOUT_SECONDS,
    Query,
)
from millpond.services.logs.insights.packs.packing import (
    drop_unneeded,
    forget_group,
    pack_waiting,
    tidy,
)
from millpond.services.logs.insights.results import write_results
from millpond.services.logs.needs import Needs

_LOOK_SECONDS = 3600.0
_AGAIN_MAX = 3
_SWEEP_SECONDS = 0.2
_OUTPUT = sql.TableOutput(format="json", compression="none")
_log = logging.getLogger(__name__)


async def run_query(needs: Needs, task: Task, wake: Wake) -> int | None:
    """Run a query that has not ended; afterwards, wait until its results may go."""
    query = await _load(needs, task)
    if query is None:
        return None
    if query.status in RUNNING:
        if query.cancel_asked:
            query = await _end(needs, task, query, "Cancelled")
        else:
            started = msgspec.structs.replace(query, status="Running")
            query = await _run_until_done(needs, task, wake, await _save(needs, task, started))
        if query is None:
            return needs.clock.now_ms()
    gone_ms = query.created_ms + RESULTS_KEPT_MS
    if needs.clock.now_ms() < gone_ms:
        return gone_ms
    await _remove(needs, task, query)
    return None


async def _run_until_done(needs: Needs, task: Task, wake: Wake, query: Query) -> Query | None:
    """The query as it ended; None: the platform ends, and it is to be run again."""
    work = asyncio.create_task(_conclude(needs, task, query))
    try:
        while not work.done():
            nudge = asyncio.create_task(wake.wait(_LOOK_SECONDS))
            await asyncio.wait((work, nudge), return_when=asyncio.FIRST_COMPLETED)
            await _stop(nudge)
            if work.done():
                break
            found = await _load(needs, task)
            if found is None or found.cancel_asked:
                await _stop(work)
                return await _end(needs, task, query, "Cancelled")
            if wake.stopping:
                await _stop(work)
                return None
    finally:
        await _stop(work)
    return work.result()


async def _stop(task: "asyncio.Task[object]") -> None:
    task.cancel()
    await asyncio.wait((task,))
    if not task.cancelled():
        task.exception()


async def _conclude(needs: Needs, task: Task, query: Query) -> Query:
    """Run a query; what came of it is written down."""
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            answered = await _answer(needs, task, query)
    except TimeoutError:
        return await _end(needs, task, query, "Timeout")
    except (Malformed, sql.QueryRefused, EngineError) as error:
        _log.warning("Query %s failed: %s", query.id, error)
        return await _end(needs, task, query, "Failed")
    except Exception:
        _log.exception("Query %s failed by an error of ours.", query.id)
        return await _end(needs, task, query, "Failed")
    try:
        return await _end(needs, task, answered, "Complete")
    finally:
        needs.insights.making.discard(answered.results)


async def _answer(needs: Needs, task: Task, query: Query) -> Query:
    for attempt in range(1, _AGAIN_MAX + 1):
        try:
            async with events_of(needs, task, query) as events:
                return await _answer_once(needs, task, query, events)
        except FileNotFoundError:
            # A pack was dropped while the query began: nobody may see its events any more.
            if attempt == _AGAIN_MAX:
                raise
    raise AssertionError


async def _answer_once(needs: Needs, task: Task, query: Query, events: Events) -> Query:
    now_ms = needs.clock.now_ms()
    test = _test(query, events)
    compiled = compile_query(query.text, limit=query.limit, now_ms=now_ms, test=test)
    scanned, scanned_bytes = events.rows, events.size_bytes
    if not events.is_exact:
        counting = f"SELECT count(*) AS c, coalesce(sum(r.size), 0) AS b FROM events r WHERE {test}"
        scanned, scanned_bytes = await _numbers(needs, task, events, counting, now_ms)
    answered, told = await _rows(needs, task, events, query, compiled, now_ms)
    matched = told or 0 if compiled.counts_itself else scanned
    if compiled.counting is not None:
        matched, _ = await _numbers(needs, task, events, compiled.counting, now_ms)
    return msgspec.structs.replace(
        answered, matched=matched, scanned=scanned, scanned_bytes=scanned_bytes
    )


def _test(query: Query, events: Events) -> str:
    """What events must fulfil to be seen by the query."""
    low, high = query.start_s * 1000, query.end_s * 1000 + 999
    tests = [f'r."timestamp" BETWEEN {low} AND {high}']
    if events.floors:
        tests.append('r."timestamp" >= r.floor')
    if events.dead:
        dead = ", ".join(f"'{one}'" for one in sorted(events.dead))
        tests.append(f"r.stream NOT IN ({dead})")
    return " AND ".join(tests)


async def _rows(
    needs: Needs, task: Task, events: Events, query: Query, compiled: Compiled, now_ms: int
) -> tuple[Query, int | None]:
    """The query with the file of its rows, and how many events match where the rows tell it."""
    name = needs.ids.uuid()
    path = needs.insights.path(name)
    needs.insights.making.add(name)
    try:
        async with needs.insights.sql.run(
            _statement(task, compiled.sql, now_ms), events, _OUTPUT
        ) as outcome:
            paths = [file.path for file in outcome.files]
            count, told = await asyncio.to_thread(write_results, paths, compiled.columns, path)
    except BaseException:
        path.unlink(missing_ok=True)
        needs.insights.making.discard(name)
        raise
    return msgspec.structs.replace(query, results=name, rows=count), told


async def _numbers(
    needs: Needs, task: Task, events: Events, text: str, now_ms: int
) -> tuple[int, int]:
    """The one row of a query that counts."""
    async with needs.insights.sql.run(_statement(task, text, now_ms), events, _OUTPUT) as outcome:
        for file in outcome.files:
            row = msgspec.json.decode(file.path.read_bytes().splitlines()[0], type=dict[str, int])
            return row.get("c", 0), row.get("b", 0)
    return 0, 0


def _statement(task: Task, text: str, now_ms: int) -> sql.Query:
    return sql.Query(text, "logs", "insights", task.account, now_ms)


async def _load(needs: Needs, task: Task) -> Query | None:
    async with needs.records.transaction() as transaction:
        return await store.load_query(transaction, task, task.subject)


async def _save(needs: Needs, task: Task, query: Query) -> Query:
    async def save(transaction: Transaction) -> Query:
        kept = await store.load_query(transaction, task, query.id)
        if kept is None or kept.status not in RUNNING:
            return kept or query
        asked = msgspec.structs.replace(query, cancel_asked=kept.cancel_asked)
        store.save_query(transaction, task, asked)
        return asked

    return await transact(needs.records, save)


async def _end(needs: Needs, task: Task, query: Query, status: str) -> Query:
    ended = msgspec.structs.replace(query, status=status, ended_ms=needs.clock.now_ms())
    return await _save(needs, task, ended)


async def _remove(needs: Needs, task: Task, query: Query) -> None:
    async def remove(transaction: Transaction) -> None:
        store.delete_query(transaction, task, query)

    await transact(needs.records, remove)
    if query.results:
        needs.insights.path(query.results).unlink(missing_ok=True)


# Packing in the background


async def pack(needs: Needs, task: Task, wake: Wake) -> int | None:
    """Pack the events of the group `task.subject` that wait, and drop packs that nobody needs."""
    async with needs.records.transaction() as transaction:
        group = await logs_store.load_group(transaction, task, task.subject)
    if group is None or not needs.insights.packs:
        return None
    while await pack_waiting(needs, group):
        if wake.stopping:
            return needs.clock.now_ms()
    await drop_unneeded(needs, group)
    return None


async def forget(needs: Needs, task: Task, wake: Wake) -> int | None:
    """Drop the packs of a group that was deleted, once its streams are gone; `task.subject` is its
    id."""
    if await forget_group(needs, task.subject):
        return None
    await wake.wait(_SWEEP_SECONDS)
    return needs.clock.now_ms()


async def tidy_up(needs: Needs, task: Task, wake: Wake) -> int | None:
    """Remove files that a crash has left."""
    await tidy(needs)
    return None
