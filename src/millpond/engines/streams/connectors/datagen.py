"""The `datagen` connector: rows made up, at a rate, at random or in sequence.

What a row holds depends on the seed and its number alone (but for times, which are of now), so a
restored generator goes on with the very rows that the lost one would have made. The option `seed`
is ours; without it, one is drawn at the first start and kept with the position.

Source: Apache Flink's documentation of the DataGen SQL connector, 2.x.
"""

import asyncio
import secrets
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from millpond.engines.streams.connectors import options
from millpond.engines.streams.connectors.datagen_fields import read_fields
from millpond.engines.streams.connectors.interface import Arrival, Emit, World
from millpond.engines.streams.plan import Table
from millpond.engines.streams.types import schema_of

BLOCK_ROWS = 1024
"""Rows that are made from one draw of randomness."""
_ARRIVAL_ROWS_MAX = 16 * BLOCK_ROWS
_TICK_SECONDS = 0.02
_RATE_DEFAULT = 10_000
_SPLIT = "0"


class DatagenSource:
    """Makes rows of a table."""

    def __init__(self, table: Table, world: World) -> None:
        self._fields = read_fields(table)
        self._schema = schema_of(table.columns)
        self._rate = options.whole(table.option("rows-per-second") or str(_RATE_DEFAULT))
        limits = [self._fields.rows]
        if (wanted := table.option("number-of-rows")) is not None:
            limits.append(options.whole(wanted))
        self._limit = min((each for each in limits if each is not None), default=None)
        seed = table.option("seed")
        self._seed = secrets.randbits(63) if seed is None else options.whole(seed)

    async def open(self) -> None:
        """Nothing outside is needed."""

    async def run(self, positions: Mapping[str, Any], emit: Emit) -> None:
        """Make rows until cancelled, or until there are as many as the table has."""
        position = positions.get(_SPLIT) or {"row": 0, "seed": self._seed}
        self._seed = int(position["seed"])
        row = int(position["row"])
        await self._give(row, row, emit)
        begun, begun_row = time.monotonic(), row
        while self._limit is None or row < self._limit:
            due = begun_row + int((time.monotonic() - begun) * self._rate)
            if due - row > self._rate + _ARRIVAL_ROWS_MAX:
                begun, begun_row = time.monotonic(), row
            upto = min(due, row + _ARRIVAL_ROWS_MAX, self._limit or due)
            if upto <= row:
                await asyncio.sleep(max(_TICK_SECONDS, 1 / self._rate))
                continue
            await self._give(row, upto, emit)
            row = upto
            # Rows come by the tick: making a few at a time costs as much as making a block.
            await asyncio.sleep(_TICK_SECONDS if upto == due else 0)
        ended = Arrival(_SPLIT, self._schema.empty_table(), self._position(row), ended=True)
        await emit(ended)

    def _position(self, row: int) -> dict[str, int]:
        return {"row": row, "seed": self._seed}

    async def _give(self, row: int, upto: int, emit: Emit) -> None:
        rows = self._rows(row, upto)
        behind = 0 if upto > row else None
        await emit(
            Arrival(_SPLIT, rows, self._position(upto), behind_ms=behind, size_bytes=rows.nbytes)
        )

    def _rows(self, row: int, upto: int) -> pa.Table:
        """The rows from one number up to another, cut from whole blocks."""
        if row == upto:
            return self._schema.empty_table()
        blocks = range(row // BLOCK_ROWS, (upto - 1) // BLOCK_ROWS + 1)
        made = pa.concat_tables([self._block(block) for block in blocks])
        first = row - blocks[0] * BLOCK_ROWS
        # Copied, so that a few rows that wait do not hold on to their whole blocks.
        return made.take(pa.array(range(first, first + upto - row))).combine_chunks()

    def _block(self, block: int) -> pa.Table:
        arrays = [
            generate(
                np.random.Generator(
                    np.random.Philox(key=[self._seed, at], counter=[0, 0, block, 0])
                ),
                block * BLOCK_ROWS,
                BLOCK_ROWS,
            )
            for at, generate in enumerate(self._fields.generators)
        ]
        return pa.Table.from_arrays(arrays, schema=self._schema)
