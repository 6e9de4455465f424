"""Splits and merges shards of a stream that says so (`Stream.reshaping`).

A log is sealed first and the stream's record follows: a record that was put before the seal lies in
the parent, one after it finds the log sealed and waits for the children. Sealing again is harmless,
so a crash between the two is healed by doing it again: the task is written in the transaction that
asks for the change, and removed in the one that finishes it. The operation does the work itself,
before its answer; the task begins only when the operation did not come to its end.
"""

import asyncio
import logging
import random

from msgspec.structs import replace

from millpond.engines.records.interface import Transaction
from millpond.kernel.errors import Conflict, EngineError
from millpond.kernel.tasks import Task, schedule
from millpond.services.kinesis import store
from millpond.services.kinesis.model.resharding import apply, next_round
from millpond.services.kinesis.model.stream import Reshaping, Stream
from millpond.services.kinesis.needs import Needs

RESHAPE_TASK = "reshape"
CHANGES_AT_ONCE = 256
"""So many logs are sealed together, and so many shards change in one transaction."""
HEAD_START_MS = 1000
"""How long after each step forward the task looks whether anybody still goes on."""
_PAUSE_SECONDS_MAX = 0.02

_log = logging.getLogger(__name__)


def begin(
    needs: Needs,
    transaction: Transaction,
    stream: Stream,
    bounds: tuple[bytes, ...],
    lead: int | None = None,
) -> None:
    """Write down that the open shards of `stream` shall have these bounds; it is UPDATING then."""
    now_ms = needs.clock.now_ms()
    updating = replace(
        stream,
        status="UPDATING",
        status_until_ms=now_ms + round(needs.state_seconds * 1000),
        reshaping=Reshaping(bounds, lead),
    )
    store.save_stream(transaction, stream, updating)
    schedule(transaction, _task(stream, now_ms + HEAD_START_MS))


async def finish(needs: Needs, stream: Stream) -> None:
    """Carry out what `begin` wrote down; what fails here is left to the task."""
    try:
        await carry_out(needs, stream)
    except EngineError:
        _log.exception("Stream %s: its shards could not be changed yet.", stream.name)


async def carry_out(needs: Needs, stream: Stream) -> None:
    """Split and merge until the shards of `stream` (by its id) are as they shall be.

    Raises:
        EngineError: the logs or the records cannot be written now; what was done stays.
    """
    while True:
        async with needs.records.transaction() as transaction:
            current = await store.load_stream(transaction, stream, stream.name)
        if current is None or current.id != stream.id or current.reshaping is None:
            return
        await _do_some(needs, current, current.reshaping)


async def _do_some(needs: Needs, stream: Stream, reshaping: Reshaping) -> None:
    """Seal what changes next, and write down what becomes of it unless another came first."""
    changes = next_round(stream.open_shards(), reshaping)[:CHANGES_AT_ONCE]
    parents = [index for change in changes for index in change.parents]
    sealed = await asyncio.gather(*(needs.log.seal(stream.log_of(index)) for index in parents))
    ends = dict(zip(parents, sealed, strict=True))
    while True:
        try:
            async with needs.records.transaction() as transaction:
                current = await store.load_stream(transaction, stream, stream.name)
                if (
                    current is None
                    or current.id != stream.id
                    or current.reshaping != reshaping
                    or current.next_index != stream.next_index
                ):
                    return
                now_ms = needs.clock.now_ms()
                changed = apply(current, changes, ends, now_ms)
                if next_round(changed.open_shards(), reshaping):
                    schedule(transaction, _task(stream, now_ms + HEAD_START_MS))
                else:
                    changed = replace(changed, reshaping=None)
                    transaction.delete(_task(stream).key)
                store.save_stream(transaction, stream, changed)
                return
        except Conflict:
            await asyncio.sleep(random.uniform(0, _PAUSE_SECONDS_MAX))  # noqa: S311 - spreads load


def _task(stream: Stream, due_ms: int = 0) -> Task:
    return Task("kinesis", RESHAPE_TASK, stream.name, due_ms, stream.account, stream.region)
