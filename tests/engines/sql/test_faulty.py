"""The SQL that fails when it is told to."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sql_tables import Tables, query

from millpond.engines.sql.faulty import FaultySql
from millpond.engines.sql.interface import Outcome, QueryLost, TextOutput
from millpond.kernel.errors import EngineError, Full
from millpond.kernel.faults import Faults


class Plain:
    """An engine that answers nothing, and counts."""

    runs = 0

    @asynccontextmanager
    async def run(self, query, catalog, output) -> AsyncIterator[Outcome]:
        self.runs += 1
        yield Outcome((), 0)


async def test_each_place_fails_once() -> None:
    failed: list[tuple[str, type[EngineError], int]] = []
    for place in range(10):
        faults, plain = Faults(place), Plain()
        try:
            async with FaultySql(plain, faults).run(query("SELECT 1"), Tables(), TextOutput()):
                pass
        except EngineError as error:
            failed.append((faults.struck or "", type(error), plain.runs))
        if faults.struck is None:
            break
    assert failed == [
        ("run: QueryLost", QueryLost, 0),
        ("run: Full", Full, 0),
        ("answer: QueryLost", QueryLost, 1),
    ]
    with pytest.raises(QueryLost):
        await FaultySql(Plain(), Faults(0)).describe(query("SELECT 1"), Tables())
