"""Packing: batches that wait become a Parquet file, and the file a record, in one transaction.

A file that no record names is nothing: what a crash leaves is removed at the next start. Packs
whose events have all expired, or whose streams are all gone, are dropped.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from millpond.engines.records.interface import Transaction, transact
from millpond.kernel.errors import Conflict
from millpond.services.logs import store as logs_store
from millpond.services.logs.insights import store
from millpond.services.logs.insights.model import Pack, Waiting
from millpond.services.logs.insights.packs.writing import write_batches
from millpond.services.logs.model.groups import Group, expired_before
from millpond.services.logs.needs import Needs

PACK_BYTES_MAX = 256 << 20
"""The most events of one pack, by what they count for."""
WAITING_BYTES_MAX = 16 << 20
"""So much may wait when a query runs: it is written out for the query alone."""
BATCHES_MAX = 20_000
"""The most batches of one pack, however small; so many may wait, too."""
_BATCHES_AT_ONCE = 2000


async def pack_waiting(needs: Needs, group: Group) -> bool:
    """Pack some of a group's events that wait, if they are many; whether there may be more."""
    insights = needs.insights
    async with insights.locks[group.id]:
        chosen, gone, size_bytes = await _choose(needs, group)
        if gone:
            await transact(needs.records, lambda one: _forget(one, group, gone))
        if size_bytes <= WAITING_BYTES_MAX and len(chosen) < BATCHES_MAX:
            return bool(gone)
        name = needs.ids.uuid()
        path = insights.path(name)
        insights.making.add(name)
        try:
            try:
                written = await write_batches(needs.log, chosen, path, durable=True)
            except BaseException:
                path.unlink(missing_ok=True)
                raise
            streams = list(dict.fromkeys(one.stream_id for one in chosen))
            pack = Pack(
                name,
                written.first_ms,
                written.last_ms,
                written.rows,
                written.size_bytes,
                written.file_size_bytes,
                streams,
            )
            kept = await transact(needs.records, lambda one: _commit(one, group, chosen, pack))
            if not kept:
                path.unlink(missing_ok=True)
        finally:
            insights.making.discard(name)
    return True


async def _choose(needs: Needs, group: Group) -> tuple[list[Waiting], list[Waiting], int]:
    """The batches of the next pack, those that need none any more, and how much the former are."""
    chosen: list[Waiting] = []
    gone: list[Waiting] = []
    size_bytes = 0
    before_ms = expired_before(group, needs.clock.now_ms())
    async with needs.records.transaction() as transaction:
        alive = {one.id async for one in logs_store.scan_streams(transaction, group.id)}
        async for waiting in store.scan_waiting(transaction, group.id):
            if waiting.stream_id not in alive or waiting.last_ms < before_ms:
                gone.append(waiting)
            else:
                chosen.append(waiting)
                size_bytes += waiting.size_bytes
            full = size_bytes >= PACK_BYTES_MAX or len(chosen) == BATCHES_MAX
            if full or len(gone) == _BATCHES_AT_ONCE:
                break
    return chosen, gone, size_bytes


async def _forget(transaction: Transaction, group: Group, gone: Sequence[Waiting]) -> None:
    for waiting in gone:
        store.forget_waiting(transaction, group.id, waiting)


async def _commit(
    transaction: Transaction, group: Group, chosen: Sequence[Waiting], pack: Pack
) -> bool:
    """Name the pack in place of its batches; False: one of them has gone meanwhile."""
    for waiting in chosen:
        if not await store.is_waiting(transaction, group.id, waiting):
            return False
        store.forget_waiting(transaction, group.id, waiting)
    if pack.rows:
        store.save_pack(transaction, group.id, pack)
    return True


async def drop_unneeded(needs: Needs, group: Group) -> None:
    """Drop the packs of a group that hold no event that can be asked for."""
    before_ms = expired_before(group, needs.clock.now_ms())
    async with needs.records.transaction() as transaction:
        packs = [pack async for pack in store.scan_packs(transaction, group.id)]
        if not packs:
            return
        alive = {one.id async for one in logs_store.scan_streams(transaction, group.id)}
    dropped = [p for p in packs if p.last_ms < before_ms or alive.isdisjoint(p.streams)]
    await _drop(needs, group.id, dropped)


async def forget_group(needs: Needs, group_id: str) -> bool:
    """Drop all packs of a group that is gone, and what waits to be packed; False: it has streams
    yet, to which events may come."""
    async with needs.records.transaction() as transaction:
        async for _ in logs_store.scan_streams(transaction, group_id):
            return False
    async with needs.insights.locks[group_id]:
        async with needs.records.transaction() as transaction:
            packs = [pack async for pack in store.scan_packs(transaction, group_id)]
        await _drop(needs, group_id, packs)
        while await transact(needs.records, lambda one: _forget_some(one, group_id)):
            pass
    del needs.insights.locks[group_id]
    return True


async def _forget_some(transaction: Transaction, group_id: str) -> bool:
    """Forget some batches that wait; False when there are no more."""
    count = 0
    async for waiting in store.scan_waiting(transaction, group_id):
        store.forget_waiting(transaction, group_id, waiting)
        count += 1
        if count == _BATCHES_AT_ONCE:
            return True
    return False


async def _drop(needs: Needs, group_id: str, packs: Sequence[Pack]) -> None:
    if not packs:
        return

    async def forget(transaction: Transaction) -> None:
        for pack in packs:
            store.forget_pack(transaction, group_id, pack)

    await transact(needs.records, forget)
    for pack in packs:
        await asyncio.to_thread(needs.insights.path(pack.id).unlink, missing_ok=True)


async def tidy(needs: Needs) -> None:
    """Remove the files that no record names: what a crash has left."""
    insights = needs.insights
    if not insights.folder.exists():
        return
    found = [path.name for path in insights.folder.iterdir() if path.name not in insights.making]
    with suppress(Conflict):
        async with needs.records.transaction() as transaction:
            named = await store.pack_names(transaction) | await store.results_names(transaction)
        for name in found:
            if name not in named and name not in insights.making:
                insights.path(name).unlink(missing_ok=True)
