"""How metrics are laid out in records.

    metric  account, region, namespace, name, digest            → Listed
    data    account, region, digest, resolution, block number   → Block

below `cloudwatch`. A block holds sixty stretches of its resolution (an hour of minutes), by unit
and number of the stretch: a question reads a range of blocks. Values are msgpack.
"""

from collections.abc import AsyncIterator, Iterable

import msgspec

from millpond.engines.records.interface import Transaction, end_of
from millpond.kernel.call import Scope
from millpond.services.cloudwatch.model.periods import DAY, KEPT_SECONDS, RESOLUTIONS, ROLLED_UP_TO
from millpond.services.cloudwatch.model.samples import Samples
from millpond.services.cloudwatch.model.series import Point, Series

STRETCHES = 60
"""Stretches of time in one block."""
LISTED_SECONDS = 458 * DAY
"""When the last block of a silent metric is gone for certain: its last hours leave together."""

Block = dict[str, dict[int, Samples]]
"""Samples by unit and number of the stretch in the block."""


class Listed(msgspec.Struct, frozen=True, array_like=True):
    """A metric that there is, and about when it was last written (epoch seconds)."""

    series: Series
    seen: int


class Owner(msgspec.Struct, frozen=True):
    """A scope by itself."""

    account: str
    region: str


_encode = msgspec.msgpack.Encoder().encode
_LISTED = msgspec.msgpack.Decoder(Listed)
_BLOCK = msgspec.msgpack.Decoder(Block)
_METRICS = b"cloudwatch\0metric\0"


def _listed_prefix(scope: Scope, *parts: str) -> bytes:
    return (
        _METRICS + "".join(f"{part}\0" for part in (scope.account, scope.region, *parts)).encode()
    )


def _data_key(scope: Scope, digest: bytes, resolution: int, block: int) -> bytes:
    return (
        f"cloudwatch\0data\0{scope.account}\0{scope.region}\0".encode()
        + digest
        + RESOLUTIONS.index(resolution).to_bytes()
        + block.to_bytes(5)
    )


async def add_samples(
    transaction: Transaction, scope: Scope, points: Iterable[tuple[Point, Samples]], now: int
) -> None:
    """Add samples to what is there of their metrics."""
    blocks: dict[tuple[Series, int, int], list[tuple[Point, Samples]]] = {}
    for point, samples in points:
        for resolution in (60, 1) if point.fine else (60,):
            if point.time > now - KEPT_SECONDS[resolution]:
                number = point.time // (resolution * STRETCHES)
                blocks.setdefault((point.series, resolution, number), []).append((point, samples))
    for (series, resolution, number), entries in blocks.items():
        key = _data_key(scope, series.digest, resolution, number)
        stored = await transaction.get(key)
        block = {} if stored is None else _BLOCK.decode(stored)
        for point, samples in entries:
            _add(block, point.unit, point.time // resolution % STRETCHES, samples)
        transaction.put(key, _encode(block))
        if stored is None:
            listed = _listed_prefix(scope, series.namespace, series.name) + series.digest
            transaction.put(listed, _encode(Listed(series, now)))


def _add(block: Block, unit: str, stretch: int, samples: Samples) -> None:
    stretches = block.setdefault(unit, {})
    kept = stretches.get(stretch)
    if kept is None:
        stretches[stretch] = samples.copy()
    else:
        kept.add(samples)


async def scan_samples(
    transaction: Transaction, scope: Scope, series: Series, resolution: int, start: int, end: int
) -> AsyncIterator[tuple[int, str, Samples]]:
    """Samples of stretches that begin in `[start, end)`: when each begins, and its unit."""
    span = resolution * STRETCHES
    first = _data_key(scope, series.digest, resolution, max(start, 0) // span)
    last = _data_key(scope, series.digest, resolution, max(end, 0) // span + 1)
    async for key, value in transaction.scan(first, last):
        begins = int.from_bytes(key[-5:]) * span
        for unit, stretches in _BLOCK.decode(value).items():
            for stretch, samples in stretches.items():
                time = begins + stretch * resolution
                if start <= time < end:
                    yield time, unit, samples


async def scan_listed(
    transaction: Transaction, scope: Scope, namespace: str, name: str, after: bytes
) -> AsyncIterator[tuple[bytes, Listed]]:
    """Metrics by namespace and name, each with the position to go on after it.

    An empty name stands for every name, an empty namespace for all there is.
    """
    prefix = _listed_prefix(scope, *(part for part in (namespace, name) if namespace and part))
    base = _listed_prefix(scope)
    start = max(prefix, base + after + b"\0") if after else prefix
    async for key, value in transaction.scan(start, end_of(prefix)):
        yield key[len(base) :], _LISTED.decode(value)


async def roll_up(transaction: Transaction, after: bytes, count: int, now: int) -> bytes:
    """Do what age asks for with up to `count` metrics of anybody, those after `after`.

    Samples go on to the next resolution, or go; a metric goes with its last ones. Answers where to
    go on; empty at the end.
    """
    passed = 0
    start = after + b"\0" if after else _METRICS
    async for key, value in transaction.scan(start, end_of(_METRICS)):
        if passed == count:
            return after
        passed, after = passed + 1, key
        account, region, _ = key[len(_METRICS) :].split(b"\0", 2)
        listed = _LISTED.decode(value)
        await _roll_up(transaction, Owner(account.decode(), region.decode()), listed.series, now)
        if listed.seen < now - LISTED_SECONDS:
            transaction.delete(key)
    return b""


async def _roll_up(transaction: Transaction, owner: Owner, series: Series, now: int) -> None:
    for resolution in RESOLUTIONS:
        span = resolution * STRETCHES
        cutoff = max(0, (now - KEPT_SECONDS[resolution]) // span)
        first = _data_key(owner, series.digest, resolution, 0)
        last = _data_key(owner, series.digest, resolution, cutoff)
        wider = ROLLED_UP_TO[resolution]
        blocks: dict[bytes, Block] = {}
        async for key, value in transaction.scan(first, last):
            transaction.delete(key)
            if wider is None:
                continue
            begins = int.from_bytes(key[-5:]) * span
            goal = _data_key(owner, series.digest, wider, begins // (wider * STRETCHES))
            if goal not in blocks:
                stored = await transaction.get(goal)
                blocks[goal] = {} if stored is None else _BLOCK.decode(stored)
            for unit, stretches in _BLOCK.decode(value).items():
                for stretch, samples in stretches.items():
                    time = begins + stretch * resolution
                    _add(blocks[goal], unit, time // wider % STRETCHES, samples)
        for goal, block in blocks.items():
            transaction.put(goal, _encode(block))
